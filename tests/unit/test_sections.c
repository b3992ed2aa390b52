/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_sections.c - second factors, introspection, changes of a password, who
 * may come in, and what is said: the sections beside login and refresh.
 */
#include "siteconf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ASKS "rule.1 = mfa_required /mfa?\n"
#define MFA "[mfa]\nurl = %{base}/mfa\nfield.code = %{otp}\n"

struct mistake {
    const char *lines; /* from line 5 on of the site's conf */
    const char *report;
};

static void
all_bad(void **state, const struct mistake *mistakes, size_t count)
{
    char text[1024];

    for (size_t i = 0; i < count; i++) {
        snprintf(text, sizeof(text), SITE USERS "%s\n", mistakes[i].lines);
        site_bad(state, text, mistakes[i].report);
    }
}

#define ALL_BAD(state, mistakes)                                              \
    all_bad(state, mistakes, sizeof(mistakes) / sizeof(*(mistakes)))

/* [mfa] takes what a refresh takes from [login], and knows what came before:
 * the first answer's token and outputs, and those of [mfa_start]. */
static void
test_factor(void **state)
{
    const struct conf *conf;

    site_text(*state, "own.ini",
              LOGIN "out.factor = /factor\nout.expires = /e\n"
                    "expires_unit = ms\nttl = 5\n" ASKS
                    "[mfa_start]\nurl = %{base}/f/%{factor}\n"
                    "auth = bearer %{access_token}\n"
                    "field.p = %{password}\nout.challenge = /id\n"
                    "[mfa]\nurl = %{base}/v/%{challenge}\n"
                    "auth = bearer %{access_token}\n"
                    "field.factor = %{factor}\nfield.code = %{otp}\n"
                    "field.u = %{user}%{identity}%{password}\n"
                    "out.expires = /seconds\nexpires_unit = s\n"
                    "restart = yes\n");
    conf = site_good(state, SITE USERS);
    assert_true(conf->mfa_start.present);
    assert_true(conf->mfa.present);
    assert_string_equal(conf->mfa_start.name, "mfa_start");
    assert_int_equal(conf->mfa_start.outputs.count, 1);
    assert_int_equal(conf->mfa.outputs.count, 3);
    assert_int_equal(conf->mfa.expires_unit, EXPIRY_S);
    assert_int_equal(conf->mfa.ttl, 5);
    assert_int_equal(conf->mfa.account.count, 1);
    assert_int_equal(conf->mfa.rules.count, 0);
    assert_true(conf->mfa_restart);
    assert_string_equal(template_source(conf->mfa_prompt), "One-time code: ");

    conf = site_good(state, SITE USERS "[mfa]\nprompt = Code for %{user}:\n"
                                       "restart = no\n");
    assert_string_equal(template_source(conf->mfa_prompt),
                        "Code for %{user}: ");
    assert_false(conf->mfa_restart);
}

/* Without [mfa] the login is sent again with the code; where that cannot be,
 * a warning says so. */
static void
test_factor_in_line(void **state)
{
    struct site_folder *place = *state;
    const struct conf *conf;

    site_text(place, "own.ini", LOGIN ASKS);
    conf = site_good(state, SITE USERS "[login]\nfield.otp = %{otp?}\n");
    assert_false(conf->mfa.present);
    assert_string_equal(template_source(conf->mfa_prompt), "One-time code: ");
    assert_false(conf->mfa_always);
    (void)site_good(state, SITE USERS "[login]\nheader.X-Otp = %{otp?}\n");
    assert_int_equal(site_load(place, SITE USERS), STATUS_OK);
    assert_non_null(strstr(place->reports, "W own.ini:2:: [login] has a rule "
                                           "mfa_required, but"));
    site_text(place, "own.ini", LOGIN "[rules]\n" ASKS);
    assert_int_equal(site_load(place, SITE USERS), STATUS_OK);
    assert_non_null(strstr(place->reports, "W own.ini:2:: [login] has a"));
    site_text(place, "own.ini", LOGIN);
    conf = site_good(state, SITE USERS "[login]\nfield.otp = %{otp?}\n"
                                       "[mfa]\nalways = yes\n");
    assert_false(conf->mfa.present);
    assert_true(conf->mfa_always);
    site_text(place, "own.ini", LOGIN MFA);
    assert_int_equal(site_load(place, SITE USERS), STATUS_OK);
    assert_non_null(strstr(place->reports, "W own.ini:2:: [login] has no "
                                           "rule mfa_required"));
}

/* What a second factor cannot be. */
static void
test_factor_refused(void **state)
{
    static const struct mistake mistakes[] = {
        { "[mfa_start]\nurl = %{base}",
          "E site.conf:6:url: [mfa_start] without [mfa]" },
        { "[mfa]\nurl = %{base}\nfield.code = 1",
          "E site.conf:6:url: [mfa] sends no %{otp}" },
        { "[mfa]\nfield.code = %{otp}", "E site.conf:0:url: is missing in" },
        { "[mfa]\nurl = %{base}/%{otp}",
          "E site.conf:6:url: no password, code or token" },
        { MFA "prompt = %{otp}",
          "E site.conf:8:prompt: no password, code or token may be shown" },
        { MFA "prompt = %{access_token}", "E site.conf:8:prompt: no" },
        { MFA "prompt = %{password}", "E site.conf:8:prompt: no" },
        { MFA "prompt = %{nosuch}", "E site.conf:0:nosuch: is missing" },
        { MFA "prompt = 100%", "E site.conf:8:prompt: a %" },
        { MFA "restart = maybe", "E site.conf:8:restart: neither yes nor" },
        { MFA "always = maybe", "E site.conf:8:always: neither yes nor" },
        { MFA "always = yes", "E site.conf:8:always: not together with" },
        { "[mfa]\nalways = yes", "E site.conf:6:always: [login] sends no" },
        { MFA "field.x = %{new_password}",
          "E site.conf:8:field.x: %{new_password} is not known in [mfa]" },
        { MFA "field.x = %{challenge}", "E site.conf:0:challenge: is miss" },
        { MFA "sessions = one", "E site.conf:8:sessions: unknown key" },
        { MFA "out.access_token =",
          "E site.conf:6:out.access_token: [mfa] does not say where" },
        { MFA "account =", "E site.conf:6:account: [mfa] needs account" },
        { MFA "[mfa_start]\nurl = %{base}\nfield.x = %{otp}",
          "E site.conf:10:field.x: %{otp} may be empty" },
        { MFA "[mfa_start]\nurl = %{base}\naccount = login",
          "E site.conf:10:account: unknown key in [mfa_start]" },
        { MFA "[mfa_start]\nurl = %{base}\nprompt = x",
          "E site.conf:10:prompt: unknown key in [mfa_start]" },
    };

    ALL_BAD(state, mistakes);
}

/* An account may be what the introspection says, where it compares one. */
static void
test_introspect(void **state)
{
    static const char introspect[] =
        "[introspect]\nurl = %{base}/i\nencoding = form\n"
        "field.token = %{access_token}\naccount = /username=%{identity}\n"
        "require.active = /active=true\n"
        "rule.1 = session_expired /active=false\n";
    struct site_folder *place = *state;
    const struct conf *conf;
    char text[1024];

    snprintf(text, sizeof(text),
             SITE USERS "%s[login]\naccount = introspect\n"
                        "[refresh]\nurl = %%{base}/r\n",
             introspect);
    conf = site_good(state, text);
    assert_true(conf->introspect.present);
    assert_int_equal(conf->introspect.account.count, 1);
    assert_int_equal(conf->introspect.require_count, 1);
    assert_int_equal(conf->introspect.rules.count, 1);
    assert_true(conf->login.account_introspect);
    assert_false(conf->login.account_login);
    assert_int_equal(conf->login.account.count, 0);
    assert_true(conf->refresh.account_introspect);
    snprintf(text, sizeof(text), SITE USERS "%s", introspect);
    assert_false(site_good(state, text)->login.account_introspect);

    site_bad(state, SITE USERS "[login]\naccount = introspect\n",
             "E site.conf:6:account: introspect needs [introspect]");
    site_bad(state,
             SITE USERS "[login]\naccount = introspect\n"
                        "[introspect]\nurl = %{base}\n",
             "E site.conf:6:account: introspect needs [introspect]");
    site_bad(state,
             SITE USERS "[login]\naccount = introspect\n"
                        "[introspect]\nurl =\naccount = /a=%{user}\n",
             "E site.conf:6:account: introspect needs [introspect]");
    site_bad(state,
             SITE USERS "[introspect]\nurl = %{base}\naccount = login\n",
             "E site.conf:7:account: a condition needs");
    site_bad(state,
             SITE USERS "[introspect]\nurl = %{base}\naccount = /a@=%{user}\n",
             "E site.conf:7:account: compares nothing");
    site_bad(
        state,
        SITE USERS "[introspect]\nurl = %{base}\nfield.p = %{password}\n",
        "E site.conf:7:field.p: %{password} is not known in [introspect]");
    site_bad(state, SITE USERS "[introspect]\nurl = %{base}\nout.x = /a\n",
             "E site.conf:7:out.x: unknown key in [introspect]");
    assert_null(place->conf);
}

/* A change of the password knows both, and the tokens. */
static void
test_password(void **state)
{
    const struct conf *conf = site_good(
        state, SITE USERS "[password]\nurl = %{base}/p\nmethod = PUT\n"
                          "auth = bearer %{access_token}\n"
                          "field.r = %{refresh_token?}\n"
                          "field.old = %{password}\n"
                          "field.new = %{new_password}\nfield.u = %{user}\n"
                          "rule.1 = password_rejected /weak=true\n");

    assert_true(conf->password.present);
    assert_string_equal(conf->password.method, "PUT");
    assert_int_equal(conf->password.rules.items[0].class,
                     STATUS_PASSWORD_REJECTED);
    site_bad_login(state, "field.n = %{new_password}\n",
                   "E own.ini:7:field.n: %{new_password} is not known");
    site_bad_login(state, "[password]\nurl = %{base}\nfield.o = %{otp}\n",
                   "E own.ini:9:field.o: %{otp} may be empty");
    site_bad_login(state, "[password]\nurl = %{base}\nttl = 5\n",
                   "E own.ini:9:ttl: unknown key in [password]");
}

/* Who may come in is said by whole values of the answer or of verified
 * claims. */
static void
test_admission(void **state)
{
    static const struct mistake mistakes[] = {
        { "[account]\nallow.1 = jwt:/roles@=a",
          "E site.conf:6:allow.1: jwt: needs a [jwt]" },
        { "[account]\nallow.1 = !/suspended?\nallow.2 = /a*=b",
          "W site.conf:6:allow.1: wants nothing to be there" },
        { "[account]\nallow.1 = /groups*=admin",
          "E site.conf:6:allow.1: ^= and *= would let in" },
        { "[account]\nallow.1 = /a=b /groups^=admin",
          "E site.conf:6:allow.1: ^= and *= would let in" },
        { "[account]\nallow = /a=b", "E site.conf:6:allow: unknown key in" },
        { "[account]\nallow.0 = /a=b", "E site.conf:6:allow.0: these are" },
        { "[account]\nallow.x = /a=b", "E site.conf:6:allow.x: these are" },
        { "[account]\ndeny.01 = /a=b", "E site.conf:6:deny.01: these are" },
        { "[account]\ndeny.1 = a", "E site.conf:6:deny.1: a condition" },
        { "[account]\nallow.1 = /roles@=", "E site.conf:6:allow.1: nothing" },
        { "[account]\nallow.1 = /a=%{password}",
          "E site.conf:6:allow.1: %{password} is not known in [account]" },
        { "[account]\nalow.1 = /a=b", "E site.conf:6:alow.1: unknown key in "
                                      "[account]; did you mean allow.1?" },
        { "[account]\nurl = x", "E site.conf:6:url: unknown key in" },
    };
    const struct conf *conf;

    ALL_BAD(state, mistakes);
    conf = site_good(state, SITE USERS
                     "[account]\nallow.2 = /groups@=linux /org=%{base}\n"
                     "allow.1 = /admin=true\ndeny.1 = /note*=locked\n"
                     "allow.3 =\n");
    assert_int_equal(conf->account.allow_count, 2);
    assert_string_equal(conf->account.allow[0].name, "2");
    assert_int_equal(conf->account.allow[0].conds.count, 2);
    assert_int_equal(conf->account.deny_count, 1);
    conf = site_good(state,
                     SITE USERS "[account]\nallow.1 = jwt:/roles@=linux\n"
                                "[jwt]\nkeys = https://x\nalgorithms = RS256\n"
                                "issuer = a\naudience = b\n");
    assert_true(conds_need_jwt(&conf->account.allow[0].conds));
}

/* What people read is made of what they may know. */
static void
test_messages(void **state)
{
    static const struct mistake mistakes[] = {
        { "[messages]\nok = x", "E site.conf:6:ok: unknown key in" },
        { "[messages]\nlockt = x", "E site.conf:6:lockt: unknown key in "
                                   "[messages]; did you mean locked?" },
        { "[messages]\nlocked = %{password}", "E site.conf:6:locked: no pas" },
        { "[messages]\nlocked = %{otp?}", "E site.conf:6:locked: no pass" },
        { "[messages]\nlocked = %{rhost}", "E site.conf:6:locked: %{rhost}" },
        { "[messages]\nlocked = %{nosuch}", "E site.conf:0:nosuch: is miss" },
        { "[messages]\nlocked = 5%", "E site.conf:6:locked: a %" },
        { "[messages]\nserver = message", "E site.conf:6:server: a source" },
        { "[messages]\nserver = jwt:/m", "E site.conf:6:server: jwt: what" },
        { "[login]\nfield.x = %{retry_after}",
          "E site.conf:6:field.x: %{retry_after} is not known in [login]" },
    };
    struct site_folder *place = *state;
    const struct conf *conf;

    ALL_BAD(state, mistakes);
    site_text(place, "key", "hush");
    site_bad(state,
             SITE "secret = @file:key\n" USERS
                  "[messages]\nlocked = %{secret}\n",
             "E site.conf:7:locked: would show the secret secret");
    conf = site_good(state, SITE "help = help@example.com\n" USERS
                                 "[messages]\nlocked = Ask %{help}, %{user}.\n"
                                 "rate_limited = In %{retry_after} seconds.\n"
                                 "denied = Not here.\nmfa_failed =\n"
                                 "server = /error/message\n"
                                 "[http]\nrequest_id = header:X-Request-Id\n"
                                 "retry_after = header:X-Wait\n");
    assert_string_equal(template_source(conf->messages[STATUS_LOCKED]),
                        "Ask %{help}, %{user}.");
    assert_non_null(conf->messages[STATUS_RATE_LIMITED]);
    assert_non_null(conf->messages[STATUS_DENIED]);
    assert_null(conf->messages[STATUS_MFA_FAILED]);
    assert_non_null(conf->server_message);
    assert_non_null(conf->request_id);
    assert_non_null(conf->retry_after);
    assert_int_equal(conf->login.headers.count, 0);
}

#define TEST(function)                                                        \
    cmocka_unit_test_setup_teardown(function, site_setup, site_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_factor),         TEST(test_factor_in_line),
        TEST(test_factor_refused), TEST(test_introspect),
        TEST(test_password),       TEST(test_admission),
        TEST(test_messages),
    };

    return cmocka_run_group_tests_name("sections", tests, NULL, NULL);
}
