/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_mistakes.c - every mistake in a conf or a description is reported, with
 * file, line and key, and keeps it from being used.
 */
#include "siteconf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* A value that needs itself, or something known at sign-in only, is
 * reported. */
static void
test_bad_variables(void **state)
{
    site_text(*state, "own.ini", "[provider]\na = %{b}\nb = %{a}\n" LOGIN);
    site_bad(state, SITE USERS, "E own.ini:3:b: needs itself");
    site_text(*state, "own.ini", "[provider]\na = x%{user}\n" LOGIN);
    site_bad(state, SITE USERS,
             "E own.ini:2:a: names a variable that is known");
    site_text(*state, "own.ini", "[provider]\npassword = x\n" LOGIN);
    site_bad(state, SITE USERS,
             "E own.ini:2:password: is filled in at sign-in");
    site_text(*state, "own.ini", "[provider]\nA = x\n" LOGIN);
    site_bad(state, SITE USERS, "E own.ini:2:A: a variable's name");
    site_text(*state, "own.ini", LOGIN);
    site_bad(state, SITE "otp = 1\n" USERS, "E site.conf:3:otp: is filled in");
    site_bad(state, SITE "bse = 50%\n" USERS,
             "E site.conf:3:bse: unknown key; did "
             "you mean base?");
}

/* A missing variable is named with the line that needs it, through every
 * default between them. */
static void
test_missing_variable(void **state)
{
    site_bad(
        state, "provider = own\n" USERS,
        "E site.conf:0:base: is missing: url in [login] of own.ini line 2 "
        "needs it");
    site_text(*state, "own.ini",
              "[provider]\nhome = %{base}/x\n[login]\nurl = %{home}\n"
              "out.access_token = /t\naccount = /a=%{user}\n");
    site_bad(
        state, "provider = own\n" USERS,
        "E site.conf:0:base: is missing: home in [provider] of own.ini line "
        "2 needs it");
    site_text(*state, "own.ini", LOGIN "rule.1 = locked /a=%{word}\n");
    site_bad(
        state, SITE USERS,
        "E site.conf:0:word: is missing: rule.1 in [login] of own.ini line "
        "7 needs it");
}

/* What a step cannot know, or may know as empty only, is reported. */
static void
test_step_knowledge(void **state)
{
    site_bad_login(
        state, "field.t = %{access_token}\n",
        "E own.ini:7:field.t: %{access_token} is not known in [login]");
    site_bad_login(state, "field.t = %{otp}\n",
                   "E own.ini:7:field.t: %{otp} may be empty: write %{otp?}");
    site_bad_login(state, "header.X-For = %{rhost}\n",
                   "E own.ini:7:header.X-For: %{rhost} may be empty");
    site_bad_login(
        state, "[refresh]\nurl = %{base}/r\nfield.p = %{password}\n",
        "E own.ini:9:field.p: %{password} is not known in [refresh]");
    site_text(*state, "own.ini",
              LOGIN "out.id = /id\nrule.1 = locked /owner=%{id}\n"
                    "field.code = %{otp?}\n"
                    "[revoke]\nurl = %{base}/u/%{id}\n"
                    "auth = bearer %{access_token}\n");
    (void)site_good(state, SITE USERS);
}

/* No password, code or token goes into a URL. */
static void
test_no_secret_in_url(void **state)
{
    static const char *const names[] = { "password",     "otp?",
                                         "access_token", "refresh_token",
                                         "new_password", "user|password" };
    char text[256];

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        snprintf(text, sizeof(text),
                 SITE USERS "[login]\nurl = %%{base}/?x=%%{%s}\n", names[i]);
        site_bad(state, text, "E site.conf:6:url: no password, code or token");
    }
}

/* A login without a comparison with the one who signs in is refused; that
 * there is nothing to compare must be said, and is a warning. */
static void
test_account(void **state)
{
    struct site_folder *place = *state;

    site_bad(state, SITE USERS "[login]\naccount =\n",
             "E own.ini:2:account: [login] needs account");
    site_bad(state, SITE USERS "[login]\naccount = status=200\n",
             "E site.conf:6:account: compares nothing");
    site_bad(state, SITE USERS "[login]\naccount = /email*=%{identity}\n",
             "E site.conf:6:account: compares nothing");
    site_bad(state, SITE USERS "[login]\naccount = jwt:/email=%{identity}\n",
             "E site.conf:6:account: jwt: needs a [jwt]");
    assert_int_equal(site_load(place, SITE USERS "[login]\naccount = login\n"),
                     STATUS_OK);
    assert_true(place->conf->login.account_login);
    assert_non_null(strstr(place->reports, "W site.conf:6:account: nothing"));
}

/* Addresses: https, or http to this machine when the conf says so; a host
 * that the site alone chose; nothing that reads in two ways. */
static void
test_addresses(void **state)
{
    static const char *const refused[] = {
        "http://api.example.com",
        "ftp://x",
        "//x",
        "api.example.com",
        "HTTPS://x",
        "https://",
        "https:///x",
        "https://:443",
        "https://u:p@x",
        "https://%{user}.example.com",
        "https://x:%{user}",
        "%{user}://x",
        "https://x/a b",
        "https://x/#a",
        "https://x\\@y",
    };
    static const char *const remote[] = { "http://192.0.2.1/x", "http://0/",
                                          "http://3221225985/",
                                          "http://[::2]:80",
                                          "http://[::ffff:192.0.2.1]/" };
    static const char *const local[] = {
        "http://127.0.0.1:4593/api", "http://[::1]/", "http://localhost",
        "http://127.1/", "https://x.example/%{user}?q=%{user}"
    };
    struct site_folder *place = *state;
    char text[256];

    for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
        snprintf(text, sizeof(text),
                 "provider = own\n" USERS "[login]\nurl = %s\n", refused[i]);
        site_bad(state, text, "E site.conf:5:url: ");
    }
    for (size_t i = 0; i < sizeof(remote) / sizeof(*remote); i++) {
        snprintf(text, sizeof(text),
                 "provider = own\nbase = %s\nallow_http = yes\n" USERS,
                 remote[i]);
        site_bad(state, text, "E own.ini:2:url: plain http");
    }
    for (size_t i = 0; i < sizeof(local) / sizeof(*local); i++) {
        snprintf(text, sizeof(text),
                 "provider = own\nallow_http = yes\n" USERS
                 "[login]\nurl = %s\n",
                 local[i]);
        assert_int_equal(site_load(place, text), STATUS_OK);
        assert_string_equal(place->reports,
                            "W site.conf:2:allow_http: passwords go "
                            "unencrypted, to this machine only\n");
    }
}

/* Who is ours must be named by the site, and an identity by its user. */
static void
test_users_and_identity(void **state)
{
    struct site_folder *place = *state;

    site_bad(state, SITE, "E site.conf:0:allow: who is ours must be named");
    site_bad(state, SITE "[users]\nallow =\n", "E site.conf:4:allow: nobody");
    site_bad(state, SITE "[users]\nallow = a\ndeny = b\n",
             "E site.conf:5:deny: unknown key in [users]");
    site_bad(state, SITE "identity = admin\n" USERS,
             "E site.conf:3:identity: everybody would be the same");
    site_bad(state, SITE "identity = %{user}%{rhost}\n" USERS,
             "E site.conf:3:identity: is made of");
    site_bad(state, SITE "identity = %{user}@%{domain}\n" USERS,
             "E site.conf:0:domain: is missing: identity of site.conf line 3");
    site_text(place, "own.ini", LOGIN USERS);
    site_bad(state, SITE,
             "E own.ini:7:: [users] belongs into the site's conf");
    site_text(place, "own.ini", LOGIN);
    assert_int_equal(site_load(place, SITE "[users]\nallow = *\n"), STATUS_OK);
    assert_non_null(strstr(place->reports, "W site.conf:4:allow: "));
}

struct mistake {
    const char *lines; /* from line 7 on, in [login] */
    const char *report;
};

/* Every key refuses what it does not take, with line and key. */
static void
test_bad_values(void **state)
{
    static const struct mistake mistakes[] = {
        { "method = TRACE", "E own.ini:7:method: none of GET" },
        { "encoding = xml", "E own.ini:7:encoding: none of json" },
        { "encoding = none", "E own.ini:2:: [login] fields, but no body" },
        { "method = GET", "E own.ini:2:: [login] fields, but no body" },
        { "method = GET\nencoding = form", "E own.ini:2:: [login] a GET" },
        { "content_type = json", "E own.ini:7:content_type: no media" },
        { "pad = maybe", "E own.ini:7:pad: neither yes nor no" },
        { "auth = digest a b", "E own.ini:7:auth: none of: none, basic" },
        { "auth = basic a", "E own.ini:7:auth: none of: none, basic" },
        { "auth = bearer a b", "E own.ini:7:auth: none of: none, basic" },
        { "auth = none x", "E own.ini:7:auth: none of: none, basic" },
        { "auth = bearer %{", "E own.ini:7:auth: a %{ without" },
        { "auth = basic a b\nheader.authorization = c",
          "E own.ini:2:: [login] both auth" },
        { "header.Host = x", "E own.ini:7:header.Host: a header that only" },
        { "header.content-length = 5", "E own.ini:7:header.content-length: " },
        { "header.Transfer-Encoding = x", "E own.ini:7:header.Transfer-" },
        { "header.Connection = x", "E own.ini:7:header.Connection: a header" },
        { "header.EXPECT = x", "E own.ini:7:header.EXPECT: a header that" },
        { "header.Content-Type = a/b",
          "E own.ini:7:header.Content-Type: has" },
        { "header.a b = x", "E own.ini:7:header.a b: a header's name" },
        { "header. = x", "E own.ini:7:header.: a header's name" },
        { "field. = x", "E own.ini:7:field.: a field without" },
        { "field./a//b = x", "E own.ini:7:field./a//b: a member without" },
        { "field./a~2 = x", "E own.ini:7:field./a~2: a ~" },
        { "field.x = json:{", "E own.ini:7:field.x: no JSON" },
        { "field.x = json:tru", "E own.ini:7:field.x: no JSON" },
        { "field.x = json:{\"a\":1,\"a\":2}", "E own.ini:7:field.x: no JSON" },
        { "field./email = x", "E own.ini:2:: [login] two fields want" },
        { "field./email/x = x", "E own.ini:2:: [login] two fields want" },
        { "field./a/b = x\nfield./a = y", "E own.ini:2:: [login] two fields" },
        { "encoding = form\nfield./a/b = x", "E own.ini:2:: [login] a form" },
        { "encoding = form\nfield.a = json:1", "E own.ini:2:: [login] json:" },
        { "out.User = /a", "E own.ini:7:out.User: an output's name" },
        { "out.user = /a", "E own.ini:7:out.user: an answer must not" },
        { "out.base = /a", "E own.ini:7:out.base: is the name of" },
        { "out.x = a", "E own.ini:7:out.x: a source is" },
        { "out.x = header:", "E own.ini:7:out.x: header: and cookie:" },
        { "out.x = jwt:/a", "E own.ini:7:out.x: jwt: needs a [jwt]" },
        { "out.expires = /e\nexpires_unit = h",
          "E own.ini:8:expires_unit: none of s" },
        { "expires_unit = ms", "E own.ini:7:expires_unit: without out." },
        { "ttl = 0", "E own.ini:7:ttl: no number of seconds" },
        { "ttl = 5m", "E own.ini:7:ttl: no number of seconds" },
        { "ttl = 9999999999999999999", "E own.ini:7:ttl: no number" },
        { "success = maybe", "E own.ini:7:success: a condition needs" },
        { "require.x = /a^=", "E own.ini:7:require.x: nothing to compare" },
        { "require. = /a?", "E own.ini:7:require.: a requirement without" },
        { "rule.0 = locked status=400", "E own.ini:7:rule.0: rules are" },
        { "rule.01 = locked status=400", "E own.ini:7:rule.01: rules are" },
        { "rule.a = locked status=400", "E own.ini:7:rule.a: rules are" },
        { "rule.1 = wrong status=400", "E own.ini:7:rule.1: a rule begins" },
        { "rule.1 = locked", "E own.ini:7:rule.1: a condition is missing" },
        { "rule.1 = locked jwt:/a?", "E own.ini:7:rule.1: jwt: no token" },
        { "sessions = two", "E own.ini:7:sessions: neither many nor one" },
        { "ends = grant", "E own.ini:7:ends: unknown key in [login]" },
        { "feild.x = 1", "E own.ini:7:feild.x: unknown key in [login]; did "
                         "you mean field.x?" },
        { "whatever = 1", "E own.ini:7:whatever: unknown key in [login]" },
        { "whatever =", "E own.ini:7:whatever: unknown key in [login]" },
        { "out.access_token = /b", "E own.ini:7:out.access_token: is set "
                                   "twice: in line 5 and in line 7" },
        { "[revoke]\nfield.x = 1", "E own.ini:0:url: is missing in [revoke]" },
        { "[revoke]\nurl = %{base}\nends = all",
          "E own.ini:9:ends: neither grant nor user" },
        { "[revoke]\nurl = %{base}\nout.x = /a",
          "E own.ini:9:out.x: unknown key in [revoke]" },
        { "[http]\nurl = x", "E own.ini:8:url: unknown key in [http]" },
        { "[rules]\nfield.x = x", "E own.ini:8:field.x: unknown key in" },
        { "success = jwt:/a?", "E own.ini:7:success: jwt: no token" },
        { "prompt = Code:", "E own.ini:7:prompt: unknown key in [login]" },
        { "[device_start]", "E own.ini:7:: unknown section [device_start]" },
        { "[http]\nrequest_id = x", "E own.ini:8:request_id: a source is" },
        { "[http]\nrequest_id = jwt:/a", "E own.ini:8:request_id: jwt:" },
        { "[http]\nretry_after = x", "E own.ini:8:retry_after: a source is" },
        { "[http]\nreqest_id = /a", "E own.ini:8:reqest_id: unknown key in "
                                    "[http]; did you mean request_id?" },
        { "[reveal]", "E own.ini:7:: unknown section [reveal]" },
        { "[rule]", "E own.ini:7:: unknown section [rule]; did you mean "
                    "[rules]?" },
    };
    char lines[256];

    for (size_t i = 0; i < sizeof(mistakes) / sizeof(*mistakes); i++) {
        snprintf(lines, sizeof(lines), "%s\n", mistakes[i].lines);
        site_bad_login(state, lines, mistakes[i].report);
    }
}

/* The conf's own settings refuse what they do not take. */
static void
test_bad_settings(void **state)
{
    static const struct mistake mistakes[] = {
        { "allow_http = true", "E site.conf:3:allow_http: neither" },
        { "ca = ca.pem", "E site.conf:3:ca: no absolute path" },
        { "ca = /nonexistent/ca.pem", "E site.conf:3:ca: cannot be read" },
        { "ca = /dev/null", "E site.conf:3:ca: is neither a file" },
        { "proxy = proxy:3128", "E site.conf:3:proxy: begins with none" },
        { "proxy = http://u:p@proxy", "E site.conf:3:proxy: credentials" },
        { "provider = other", "E site.conf:3:provider: is set twice" },
        { "colour = red", "E site.conf:3:colour: unknown key" },
        { "Base = red", "E site.conf:3:Base: unknown key; did you mean base" },
    };
    char text[256];

    for (size_t i = 0; i < sizeof(mistakes) / sizeof(*mistakes); i++) {
        snprintf(text, sizeof(text), SITE "%s\n" USERS, mistakes[i].lines);
        site_bad(state, text, mistakes[i].report);
    }
    site_bad(state, "provider = ../own\n" USERS,
             "E site.conf:1:provider: neither");
    site_bad(state, "provider = nosuch\n" USERS,
             "E site.conf:1:provider: there "
             "is no description");
    site_bad(state, USERS, "E site.conf:0:provider: is missing");
}

/* A conf that others may write to, a link, a folder and a file that is not
 * there are refused as a whole. */
static void
test_untrusted(void **state)
{
    struct site_folder *place = *state;
    char path[128];

    site_text(place, "site.conf", SITE USERS);
    snprintf(path, sizeof(path), "%s", site_path(place, "site.conf"));
    assert_int_equal(site_load_path(place, path), STATUS_OK);
    assert_int_equal(chmod(path, 0602), 0);
    assert_int_equal(site_load_path(place, path), STATUS_MISCONFIGURED);
    assert_string_equal(place->reports,
                        "E site.conf:0:: may be written to by others: chmod "
                        "go-w\n");
    assert_int_equal(chmod(path, 0620), 0);
    assert_int_equal(site_load_path(place, path), STATUS_MISCONFIGURED);
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(site_load_path(place, path), STATUS_OK);
    if (geteuid() == 0) {
        assert_int_equal(chown(path, 1, 0), 0);
        assert_int_equal(site_load_path(place, path), STATUS_MISCONFIGURED);
        assert_string_equal(place->reports, "E site.conf:0:: belongs to "
                                            "somebody else than root\n");
        assert_int_equal(chown(path, 0, 0), 0);
    }
    assert_int_equal(symlink(path, site_path(place, "link")), 0);
    snprintf(path, sizeof(path), "%s", site_path(place, "link"));
    assert_int_equal(site_load_path(place, path), STATUS_MISCONFIGURED);
    assert_string_equal(place->reports, "E link:0:: is a symbolic link\n");
    assert_int_equal(site_load_path(place, place->folder),
                     STATUS_MISCONFIGURED);
    assert_non_null(strstr(place->reports, "is no regular file"));
    assert_int_equal(site_load_path(place, "/nonexistent/x.conf"),
                     STATUS_MISCONFIGURED);
    assert_non_null(strstr(place->reports, "cannot be opened"));
    assert_null(place->conf);
}

/* Lines that the INI reader alone would cut, skip or misread are reported
 * where they stand; comments, CRLF and continued values are read. */
static void
test_lines(void **state)
{
    struct site_folder *place = *state;
    const struct conf *conf;
    char text[1024];
    char x[260];

    memset(x, 'x', sizeof(x));
    x[259] = '\0';
    snprintf(text, sizeof(text),
             "# c\n" SITE "; d\n" USERS "[login]\nfield.a = %s\n", x);
    site_bad(state, text, "E site.conf:8:: a line over 199 bytes");
    site_bad(state, SITE "nonsense\n" USERS,
             "E site.conf:3:: neither key = value");
    site_bad(state, SITE "url: https://x=y\n" USERS,
             "E site.conf:3:: a : before");
    site_bad(state, SITE "= x\n" USERS,
             "E site.conf:3:: a value without a key");
    site_bad(state, SITE USERS "[login\nmethod = PUT\n",
             "E site.conf:5:: a [ without its ]");
    site_bad(state, SITE USERS "[login] x\n",
             "E site.conf:5:: something follows");
    site_bad(state, SITE "\nbase = x\n" USERS,
             "E site.conf:4:base: is set twice: in line 2 and in line 4");

    x[120] = '\0';
    snprintf(text, sizeof(text),
             "\xef\xbb\xbfprovider = own\r\n  # c\r\n"
             "base = https://x ; the API\r\n\r\n"
             "[users] ; ours\r\nallow = alice\r\n\tbob\r\n; no\r\n  @staff\n"
             "[login]\nfield.a = %s\n  %s",
             x, x);
    conf = site_good(state, text);
    assert_int_equal(conf->users.name_count, 2);
    assert_string_equal(conf->users.names[1], "bob");
    assert_string_equal(conf->users.groups[0], "staff");
    assert_string_equal(vars_value(&conf->vars, "base"), "https://x");
    assert_int_equal(
        strlen(template_source(conf->login.fields.items[2].value)), 241);
    assert_int_equal(place->conf->login.fields.items[2].line, 11);
}

/* What continues a refused line is not glued to another value. */
static void
test_continued_duplicate(void **state)
{
    site_bad(state, SITE "base = x\n  y\n[users]\nallow = alice\n",
             "E site.conf:3:base: is set twice");
    site_bad(state, SITE USERS "  bob\nallow = carl\n  dave\n",
             "E site.conf:6:allow: is set twice: in line 4 and in line 6");
}

/* Bytes that no text has are refused with their line, and huge files as a
 * whole. */
static void
test_bytes(void **state)
{
    static const char nul[] = SITE "a = \0x\n" USERS;
    static const char latin[] = SITE USERS "# \xe4\n";
    static const char escape[] = SITE "a = \033[0m\n" USERS;
    static const char bare[] = SITE "a = x\ry = z\n" USERS;
    static const char start[] = SITE USERS;
    struct site_folder *place = *state;
    size_t size = 256 * 1024 + 1;
    char path[128];
    char *huge = malloc(size);

    assert_non_null(huge);
    snprintf(path, sizeof(path), "%s", site_path(place, "site.conf"));
    site_bytes(place, "site.conf", nul, sizeof(nul) - 1);
    assert_int_equal(site_load_path(place, path), STATUS_MISCONFIGURED);
    assert_string_equal(place->reports,
                        "E site.conf:3:: a NUL or another control "
                        "character\n");
    site_bad(state, escape,
             "E site.conf:3:: a NUL or another control character");
    site_bad(state, bare,
             "E site.conf:3:: a NUL or another control character");
    site_bad(state, latin, "E site.conf:5:: bytes that are not UTF-8");
    memset(huge, '\n', size);
    memcpy(huge, start, sizeof(start) - 1);
    site_bytes(place, "site.conf", huge, size);
    assert_int_equal(site_load_path(place, path), STATUS_MISCONFIGURED);
    assert_string_equal(place->reports,
                        "E site.conf:0:: is longer than 262144 bytes\n");
    site_bytes(place, "site.conf", huge, size - 1);
    assert_int_equal(site_load_path(place, path), STATUS_OK);
    free(huge);
}

/* All mistakes are told in one go, each once, and no value is repeated: it
 * might be a secret in the wrong place. */
static void
test_all_told(void **state)
{
    struct site_folder *place = *state;
    const char *first;

    site_text(place, "own.ini",
              "[http]\nheader.K = %{key}\n" LOGIN
              "[refresh]\nurl = %{base}/r\n");
    site_bad(state,
             "provider = own\nbase = hunter2\ncolor = hunter2\n"
             "[users]\nallow = hunter2,hunter2\n[login]\nmethod = hunter2\n",
             "E site.conf:3:color: unknown key");
    assert_non_null(strstr(place->reports, "E site.conf:5:allow: "));
    assert_non_null(strstr(place->reports, "E site.conf:7:method: "));
    assert_non_null(strstr(place->reports, "E own.ini:4:url: "));
    first = strstr(place->reports, "E site.conf:0:key: is missing");
    assert_non_null(first);
    assert_null(strstr(strchr(first, '\n'), "key: is missing"));
    assert_null(strstr(place->reports, "hunter2"));
}

#define TEST(function)                                                        \
    cmocka_unit_test_setup_teardown(function, site_setup, site_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_bad_variables),
        TEST(test_missing_variable),
        TEST(test_step_knowledge),
        TEST(test_no_secret_in_url),
        TEST(test_account),
        TEST(test_addresses),
        TEST(test_users_and_identity),
        TEST(test_bad_values),
        TEST(test_bad_settings),
        TEST(test_untrusted),
        TEST(test_lines),
        TEST(test_continued_duplicate),
        TEST(test_bytes),
        TEST(test_all_told),
    };

    return cmocka_run_group_tests_name("mistakes", tests, NULL, NULL);
}
