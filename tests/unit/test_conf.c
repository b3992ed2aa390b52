/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_conf.c - what a site's conf and a description mean when they are good.
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

static const char *
filled(const struct conf *conf, const struct template *template)
{
    static char text[512];
    struct secret out = SECRET_INIT(sizeof(text) - 1);
    const char *culprit;
    bool present = false;

    assert_non_null(template);
    assert_int_equal(template_fill(template, &conf->vars, PLACE_URL, &out,
                                   &present, &culprit),
                     STATUS_OK);
    snprintf(text, sizeof(text), "%s", secret_text(&out));
    secret_clear(&out);
    return present ? text : NULL;
}

/* A short conf gives a whole conf, with every default in its place. */
static void
test_defaults(void **state)
{
    const struct conf *conf = site_good(state, SITE USERS);

    assert_true(conf->login.present);
    assert_false(conf->refresh.present);
    assert_false(conf->revoke.present);
    assert_false(conf->revoke_access.present);
    assert_string_equal(conf->login.name, "login");
    assert_string_equal(conf->login.method, "POST");
    assert_string_equal(filled(conf, conf->login.url),
                        "https://api.example.com/login");
    assert_int_equal(conf->login.encoding, ENCODING_JSON);
    assert_true(conf->login.pad);
    assert_int_equal(conf->login.auth, AUTH_NONE);
    assert_int_equal(conf->login.success.count, 1);
    assert_int_equal(conf->login.expires_unit, EXPIRY_S);
    assert_false(conf->login.account_login);
    assert_int_equal(conf->login.account.count, 1);
    assert_int_equal(conf->login.fields.count, 2);
    assert_string_equal(conf->login.fields.items[1].name, "password");
    assert_string_equal(template_source(conf->identity), "%{user}");
    assert_null(conf->ca);
    assert_null(conf->proxy);
    assert_false(conf->allow_http);
    assert_int_equal(conf->users.name_count, 1);
}

/* A site's keys replace, extend and, when empty, remove a description's. */
static void
test_override(void **state)
{
    const struct conf *conf = site_good(
        state, SITE USERS "[login]\nfield.email =\nfield.phone = %{user}\n"
                          "account = /phone=%{user}\nmethod = PUT\n"
                          "[refresh]\nurl = %{base}/refresh\n"
                          "[revoke]\nurl =\nfield.x = 1\n");

    assert_string_equal(conf->login.method, "PUT");
    assert_int_equal(conf->login.fields.count, 2);
    assert_string_equal(conf->login.fields.items[0].name, "password");
    assert_string_equal(conf->login.fields.items[1].name, "phone");
    assert_true(conf->refresh.present);
    assert_false(conf->revoke.present);
}

/* A refresh takes outputs, unit, life and account rule of the login one by
 * one, and an empty key keeps one of them away. */
static void
test_refresh_inherits(void **state)
{
    const struct conf *conf;

    site_text(*state, "own.ini",
              LOGIN "out.refresh_token = /refresh\n"
                    "out.expires = /expires\nexpires_unit = ms\nttl = 60\n"
                    "[refresh]\nurl = %{base}/refresh\n"
                    "field.token = %{refresh_token}\n"
                    "out.access_token = /data/token\nout.expires =\n"
                    "ttl = 90\n[revoke]\nurl = %{base}/out\nends = user\n");
    conf = site_good(state, SITE USERS);
    assert_int_equal(conf->refresh.expires_unit, EXPIRY_MS);
    assert_int_equal(conf->refresh.ttl, 90);
    assert_int_equal(conf->refresh.outputs.count, 2);
    assert_string_equal(conf->refresh.outputs.items[0].name, "refresh_token");
    assert_string_equal(conf->refresh.outputs.items[1].name, "access_token");
    assert_int_equal(conf->refresh.account.count, 1);
    assert_int_equal(conf->revoke.outputs.count, 0);
    assert_int_equal(conf->revoke.account.count, 0);
    assert_true(conf->ends_user);
}

/* Rules stand in the order of their numbers, a section's own first. */
static void
test_rule_order(void **state)
{
    static const enum status wanted[] = { STATUS_LOCKED, STATUS_DISABLED,
                                          STATUS_RATE_LIMITED,
                                          STATUS_BAD_CREDENTIALS,
                                          STATUS_UNAVAILABLE };
    const struct conf *conf;

    site_text(*state, "own.ini",
              "[rules]\nrule.2 = unavailable status=4xx\n"
              "rule.1 = bad_credentials status=400\n" LOGIN
              "rule.10 = disabled status=402\n"
              "rule.9 = locked status=401\n");
    conf = site_good(state, SITE USERS
                     "[login]\nrule.11 = rate_limited status=403\n");
    assert_int_equal(conf->login.rules.count, 5);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(conf->login.rules.items[i].class, wanted[i]);
    assert_int_equal(conf->login.rules.items[0].line, 11);
}

/* Headers of [http] come first, and give way to a section's own whatever the
 * case of their letters. */
static void
test_headers(void **state)
{
    const struct conf *conf;

    site_text(*state, "own.ini",
              "[http]\nheader.X-A = 1\nheader.X-B = 2\n" LOGIN
              "header.x-b = 3\nheader.X-C = 4\n");
    conf = site_good(state, SITE USERS);
    assert_int_equal(conf->login.headers.count, 3);
    assert_string_equal(conf->login.headers.items[0].name, "X-A");
    assert_string_equal(conf->login.headers.items[1].name, "x-b");
    assert_string_equal(template_source(conf->login.headers.items[1].value),
                        "3");
    assert_string_equal(conf->login.headers.items[2].name, "X-C");
}

/* Variables may be made of one another, whatever their order; a default
 * gives way to the site's value. */
static void
test_variables(void **state)
{
    const struct conf *conf;

    site_text(*state, "own.ini",
              "[provider]\nlogin_url = %{root}/login\n"
              "root = %{base}/v%{version}\nversion = 1\nscope =\n" LOGIN
              "url2 = x\n");
    site_bad(state, SITE USERS, "E own.ini:12:url2: unknown key in [login]");
    site_text(*state, "own.ini",
              "[provider]\nlogin_url = %{root}/login\n"
              "root = %{base}/v%{version}\nversion = 1\nscope =\n"
              "[login]\nurl = %{login_url}\nfield.scope = %{scope?}\n"
              "out.access_token = /t\naccount = /a=%{user}\n");
    conf = site_good(state, SITE "version = 2\n" USERS);
    assert_string_equal(filled(conf, conf->login.url),
                        "https://api.example.com/v2/login");
    assert_null(vars_value(&conf->vars, "scope"));
    conf = site_good(state,
                     "provider = own\nlogin_url = https://x.example\n" USERS);
    assert_string_equal(filled(conf, conf->login.url), "https://x.example");
}

/* A secret comes from a file that nobody else can read, and loses one line's
 * end. */
static void
test_secret_file(void **state)
{
    static const char site[] =
        SITE "key = @file:key\n" USERS "[http]\nheader.K = %{key}\n";
    struct site_folder *place = *state;
    const struct conf *conf;

    site_text(place, "key", "s3cret\r\n");
    conf = site_good(state, site);
    assert_string_equal(vars_value(&conf->vars, "key"), "s3cret");

    assert_int_equal(chmod(site_path(place, "key"), 0604), 0);
    site_bad(state, site, "E site.conf:3:key: ");
    assert_non_null(strstr(place->reports, "others may read"));
    assert_int_equal(chmod(site_path(place, "key"), 0620), 0);
    site_bad(state, site, "E site.conf:3:key: ");
    site_text(place, "key", "");
    site_bad(state, site, "E site.conf:3:key: the file is empty");
    site_text(place, "key", "\n");
    site_bad(state, site, "E site.conf:3:key: the file is empty");
    site_text(place, "key", "a\n\n");
    site_bad(state, site,
             "E site.conf:3:key: the file holds more than one line");
    site_bytes(place, "key", "a\0b", 3);
    site_bad(state, site,
             "E site.conf:3:key: the file holds more than one line");
    assert_int_equal(unlink(site_path(place, "key")), 0);
    site_bad(state, site, "E site.conf:3:key: ");
    assert_non_null(strstr(place->reports, "cannot be opened"));
    assert_null(strstr(place->reports, "is missing"));
    assert_int_equal(symlink("own.ini", site_path(place, "key")), 0);
    site_bad(state, site, "E site.conf:3:key: ");
    assert_non_null(strstr(place->reports, "symbolic link"));
}

/* A secret of up to 8 KiB is taken, a longer one is not. */
static void
test_secret_length(void **state)
{
    static const char site[] =
        SITE "key = @file:key\n" USERS "[login]\nfield.k = %{key}\n";
    char bytes[8194];

    memset(bytes, 'k', sizeof(bytes));
    bytes[8192] = '\n';
    site_bytes(*state, "key", bytes, 8193);
    (void)site_good(state, site);
    bytes[8192] = 'k';
    site_bytes(*state, "key", bytes, 8193);
    site_bad(state, site, "E site.conf:3:key: ");
    site_bytes(*state, "key", bytes, 8194);
    site_bad(state, site, "E site.conf:3:key: ");
}

/* Only a site has secrets, and only variables take them; one in a URL is a
 * warning. */
static void
test_secret_place(void **state)
{
    struct site_folder *place = *state;

    site_text(place, "key", "k");
    site_text(place, "own.ini", "[provider]\nkey = @file:key\n" LOGIN);
    site_bad(state, SITE USERS, "E own.ini:2:key: only a site's conf");
    site_text(place, "own.ini", LOGIN);
    site_bad(state, SITE USERS "[login]\nfield.k = @file:key\n",
             "E site.conf:6:field.k: a secret's file");
    assert_int_equal(site_load(place,
                               SITE "key = @file:key\n" USERS
                                    "[login]\nurl = %{base}/?k=%{key}\n"),
                     STATUS_OK);
    assert_non_null(
        strstr(place->reports, "W site.conf:7:url: the secret key"));
}

/* A folder or a file is a trust store, a proxy an address, and a description
 * may be named by its path or be part of the conf. */
static void
test_good_settings(void **state)
{
    struct site_folder *place = *state;
    const struct conf *conf;
    char text[1024];

    snprintf(text, sizeof(text),
             "provider = %s/own.ini\nbase = https://x\nca = %s\n"
             "proxy = http://proxy:3128\n"
             "identity = %%{user}@%%{domain}\ndomain = example.com\n" USERS,
             place->folder, place->folder);
    conf = site_good(state, text);
    assert_true(conf->ca_is_folder);
    assert_string_equal(conf->proxy, "http://proxy:3128");
    assert_string_equal(vars_value(&conf->vars, "domain"), "example.com");
    snprintf(text, sizeof(text), SITE "ca = %s/own.ini\n" USERS,
             place->folder);
    conf = site_good(state, text);
    assert_false(conf->ca_is_folder);
    assert_int_equal(chmod(site_path(place, "own.ini"), 0620), 0);
    site_bad(state, text, "E own.ini:0:: may be written to by others");
    site_bad(state, "base = https://x\nca = /tmp\n" USERS LOGIN,
             "E site.conf:2:ca: may be written to by others");
    conf = site_good(state, "base = https://x\n" USERS LOGIN);
    assert_null(conf->description_path);
    assert_true(conf->login.present);
}

/* auth, nested fields, literals and the other encodings arrive as written. */
static void
test_request(void **state)
{
    const struct conf *conf;

    site_text(*state, "own.ini",
              "[login]\nurl = %{base}/x\nencoding = form\n"
              "auth = client_basic %{id} %{secret?}\nfield.a = %{password}\n"
              "out.access_token = cookie:sid\naccount = /a=%{user}\n"
              "success = status=200 /ok=true\nrequire.kind = /kind=user\n"
              "sessions = one\npad = no\ncontent_type = a/b; c=d\n"
              "[revoke]\nurl = %{base}/y\nmethod = DELETE\n"
              "field./a/b = json:[1, true]\nfield./a/c = x\nfield.d = "
              "json:null\n[revoke_access]\nurl = %{base}/z\nmethod = GET\n"
              "auth = bearer %{access_token}\n");
    conf = site_good(state, SITE "id = linux\n" USERS);
    assert_int_equal(conf->login.encoding, ENCODING_FORM);
    assert_int_equal(conf->login.auth, AUTH_CLIENT_BASIC);
    assert_string_equal(filled(conf, conf->login.auth_first), "linux");
    assert_null(filled(conf, conf->login.auth_second));
    assert_int_equal(conf->login.success.count, 2);
    assert_int_equal(conf->login.require_count, 1);
    assert_string_equal(conf->login.require[0].name, "kind");
    assert_string_equal(conf->login.content_type, "a/b; c=d");
    assert_false(conf->login.pad);
    assert_true(conf->sessions_one);
    assert_int_equal(conf->revoke.fields.count, 3);
    assert_true(json_is_array(conf->revoke.fields.items[0].literal));
    assert_true(json_is_null(conf->revoke.fields.items[2].literal));
    assert_int_equal(conf->revoke_access.encoding, ENCODING_NONE);
    assert_int_equal(conf->revoke_access.auth, AUTH_BEARER);
    assert_null(conf->revoke_access.auth_second);
}

#define TEST(function)                                                        \
    cmocka_unit_test_setup_teardown(function, site_setup, site_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_defaults),         TEST(test_override),
        TEST(test_refresh_inherits), TEST(test_rule_order),
        TEST(test_headers),          TEST(test_variables),
        TEST(test_secret_file),      TEST(test_secret_length),
        TEST(test_secret_place),     TEST(test_good_settings),
        TEST(test_request),
    };

    return cmocka_run_group_tests_name("conf", tests, NULL, NULL);
}
