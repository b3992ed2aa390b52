/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_claims.c - [jwt] of a conf: what it means, and what it refuses.
 */
#include "siteconf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define RULES                                                                 \
    "algorithms = RS256 ES256\n"                                              \
    "issuer = %{base}\n"                                                      \
    "audience = linux\n"
#define JWT "[jwt]\nkeys = https://x/jwks\n" RULES
#define HMAC "[jwt]\nkeys = @hmac:key\nissuer = a\naudience = b\n"
#define SECRET "0123456789abcdef0123456789abcdef"

struct mistake {
    const char *lines; /* from line 5 on */
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

/* Every key arrives, and what is not said has its default. */
static void
test_whole(void **state)
{
    const struct conf *conf =
        site_good(state, SITE USERS JWT "[login]\naccount = jwt:/sub=%{user}\n"
                                        "out.name = jwt:/name\n"
                                        "require.kind = jwt:/kind=user\n");

    assert_true(conf->jwt.present);
    assert_int_equal(conf->jwt.kind, KEYS_URL);
    assert_string_equal(conf->jwt.url, "https://x/jwks");
    assert_string_equal(conf->jwt.token, "access_token");
    assert_int_equal(conf->jwt.algorithm_count, 2);
    assert_string_equal(conf->jwt.algorithms[1], "ES256");
    assert_string_equal(conf->jwt.issuer, "https://api.example.com");
    assert_string_equal(conf->jwt.audience, "linux");
    assert_int_equal(conf->jwt.leeway, 60);
    assert_int_equal(conf->jwt.require_count, 0);
    assert_true(conds_need_jwt(&conf->login.account));

    conf = site_good(state, SITE USERS JWT
                     "leeway = 0\ntoken = id_token\nrequire.aal = aal=aal2\n"
                     "require.mine = \"/name=a b\" azp=%{base}\n"
                     "[login]\nout.id_token = /id\n");
    assert_int_equal(conf->jwt.leeway, 0);
    assert_string_equal(conf->jwt.token, "id_token");
    assert_int_equal(conf->jwt.require_count, 2);
    assert_string_equal(conf->jwt.require[0].name, "aal");
    assert_int_equal(conf->jwt.require[1].conds.count, 2);
}

/* Without [jwt] nothing is verified, an empty `keys` takes a description's
 * section away, and so does an empty optional variable. */
static void
test_absent(void **state)
{
    const struct conf *conf = site_good(state, SITE USERS);

    assert_false(conf->jwt.present);
    site_text(*state, "own.ini",
              "[provider]\njwks =\n" LOGIN "[jwt]\nkeys = %{jwks?}\n" RULES);
    conf = site_good(state, SITE USERS);
    assert_false(conf->jwt.present);
    conf = site_good(state, SITE "jwks = https://x\n" USERS);
    assert_true(conf->jwt.present);
    conf = site_good(state, SITE "jwks = https://x\n" USERS "[jwt]\nkeys =\n");
    assert_false(conf->jwt.present);
}

/* A description that knows where keys are published is not silent when they
 * are not used. */
static void
test_published(void **state)
{
    struct site_folder *place = *state;

    site_text(place, "own.ini", "[provider]\njwks_url = %{base}/jwks\n" LOGIN);
    assert_int_equal(site_load(place, SITE USERS), STATUS_OK);
    assert_non_null(strstr(place->reports, "W own.ini:2:jwks_url: the API "));
    (void)site_good(state, SITE "jwks_url =\n" USERS);
    (void)site_good(state, SITE USERS "[jwt]\nkeys = %{jwks_url}\n" RULES);
}

/* Weak settings work, and are warned of. */
static void
test_any(void **state)
{
    struct site_folder *place = *state;

    assert_int_equal(site_load(place,
                               SITE USERS "[jwt]\nkeys = https://x\n"
                                          "algorithms = EdDSA\nissuer = any\n"
                                          "audience = any\n"),
                     STATUS_OK);
    assert_null(place->conf->jwt.issuer);
    assert_null(place->conf->jwt.audience);
    assert_non_null(strstr(place->reports, "W site.conf:8:issuer: "));
    assert_non_null(strstr(place->reports, "W site.conf:9:audience: "));
}

/* Everything wrong with [jwt] is told, with its line. */
static void
test_refused(void **state)
{
    static const struct mistake mistakes[] = {
        { "[jwt]\nissuer = a", "E site.conf:0:keys: is missing in [jwt]" },
        { "[jwt]\nkeys = https://x",
          "E site.conf:6:algorithms: is missing in [jwt]" },
        { "[jwt]\nkeys = https://x", "E site.conf:6:issuer: is missing" },
        { "[jwt]\nkeys = https://x", "E site.conf:6:audience: is missing" },
        { "[jwt]\nkeys = http://x\n" RULES, "E site.conf:6:keys: plain http" },
        { "[jwt]\nkeys = x\n" RULES, "E site.conf:6:keys: a URL begins" },
        { "[jwt]\nkeys = https://%{user}\n" RULES,
          "E site.conf:6:keys: is made of the site's" },
        { "[jwt]\nkeys = https://x/%{access_token}\n" RULES,
          "E site.conf:6:keys: is made of the site's" },
        { "[jwt]\nkeys = https://x/%{nosuch}\n" RULES,
          "E site.conf:0:nosuch: is missing: keys in [jwt]" },
        { "[jwt]\nkeys = https://x/%{\n" RULES, "E site.conf:6:keys: a %{" },
        { "[jwt]\nkeys = @file:key\n" RULES, "E site.conf:6:keys: none of" },
        { JWT "leeway = 301", "E site.conf:10:leeway: more than 300" },
        { JWT "leeway = -1", "E site.conf:10:leeway: no number" },
        { JWT "leeway = 1m", "E site.conf:10:leeway: no number" },
        { JWT "leeway = 99999999999999999999",
          "E site.conf:10:leeway: more than 300" },
        { JWT "token = Id", "E site.conf:10:token: not the NAME" },
        { JWT "token = id_token",
          "E own.ini:2:: [login] has no out.id_token" },
        { JWT "require. = a=b", "E site.conf:10:require.: a requirement" },
        { JWT "require.x = aal", "E site.conf:10:require.x: a condition" },
        { JWT "require.x = header:a=b",
          "E site.conf:10:require.x: claims have no headers" },
        { JWT "require.x = a=%{password}",
          "E site.conf:10:require.x: %{password} is not known in [jwt]" },
        { JWT "isuer = x", "E site.conf:10:isuer: unknown key in [jwt]; did "
                           "you mean issuer?" },
        { JWT "[login]\nout.access_token = jwt:/x",
          "E site.conf:11:out.access_token: the token that is verified" },
        { JWT "[login]\nrule.1 = locked jwt:/x?",
          "E site.conf:11:rule.1: jwt: no token is verified yet" },
        { JWT "[login]\nsuccess = jwt:/x?",
          "E site.conf:11:success: jwt: no token is verified yet" },
        { JWT "[revoke]\nurl = %{base}\nrequire.x = jwt:/x?",
          "E site.conf:12:require.x: jwt: no token is verified yet" },
        { JWT "[introspect]\nurl = %{base}\naccount = jwt:/x=%{user}",
          "E site.conf:12:account: jwt: no token is verified yet" },
        { JWT "[refresh]\nurl = %{base}\nout.access_token =",
          "E site.conf:11:: [refresh] has no out.access_token" },
    };

    ALL_BAD(state, mistakes);
}

/* Algorithms are pinned by name; none is none, and HMAC goes with a shared
 * secret only. */
static void
test_algorithms(void **state)
{
    static const char *const refused[] = {
        "none",        "None",        "NONE",      "RS256 none",
        "HS256",       "RS256 HS256", "rs256",     "ES256K",
        "RS",          "RS256,ES256", "RSA-OAEP",  "RS256 RS256",
        "HS256 RS256", "HS1024",      "A256GCMKW",
    };
    static const char *const refused_hmac[] = { "RS256", "HS256 ES256", "none",
                                                "EdDSA", "PS512" };
    struct site_folder *place = *state;
    char text[512];

    for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
        snprintf(text, sizeof(text),
                 SITE USERS "[jwt]\nkeys = https://x\nissuer = a\n"
                            "audience = b\nalgorithms = %s\n",
                 refused[i]);
        site_bad(state, text, "E site.conf:9:algorithms: ");
    }
    site_text(place, "key", SECRET "\n");
    for (size_t i = 0; i < sizeof(refused_hmac) / sizeof(*refused_hmac); i++) {
        snprintf(text, sizeof(text), SITE USERS HMAC "algorithms = %s\n",
                 refused_hmac[i]);
        site_bad(state, text, "E site.conf:9:algorithms: ");
    }
    site_bad(state,
             SITE USERS "[jwt]\nkeys = https://x\nissuer = a\n"
                        "audience = b\nalgorithms =\n",
             "E site.conf:6:algorithms: is missing");
}

/* A shared secret has the rules of every secret, and is warned of. */
static void
test_hmac(void **state)
{
    static const char site[] = SITE USERS HMAC "algorithms = HS256\n";
    struct site_folder *place = *state;

    site_text(place, "key", SECRET "\n");
    assert_int_equal(site_load(place, site), STATUS_OK);
    assert_int_equal(place->conf->jwt.kind, KEYS_HMAC);
    assert_string_equal(secret_text(&place->conf->jwt.source), SECRET);
    assert_null(place->conf->jwt.url);
    assert_non_null(strstr(place->reports, "W site.conf:6:keys: whoever"));
    assert_null(strstr(place->reports, "shorter than"));
    assert_null(strstr(place->reports, SECRET));

    site_text(place, "key", "short\n");
    assert_int_equal(site_load(place, site), STATUS_OK);
    assert_non_null(strstr(place->reports, "shorter than 32 bytes"));
    assert_int_equal(chmod(site_path(place, "key"), 0604), 0);
    site_bad(state, site, "E site.conf:6:keys: ");
    assert_non_null(strstr(place->reports, "others may read"));
    site_text(place, "key", "\n");
    site_bad(state, site, "E site.conf:6:keys: ");
    assert_non_null(strstr(place->reports, "the file is empty"));
}

/* Files of public keys may be read by all, must be trusted, hold keys and no
 * private ones. */
static void
test_files(void **state)
{
    static const char jwks[] = SITE USERS "[jwt]\nkeys = @jwks:key\n" RULES;
    static const char pem[] = SITE USERS "[jwt]\nkeys = @pem:key\n" RULES;
    static const struct mistake sets[] = {
        { "", "is no JWK set" },
        { "<html>", "is no JWK set" },
        { "[]", "is no JWK set" },
        { "{\"keys\":[]}", "is no JWK set" },
        { "{\"keys\":{}}", "is no JWK set" },
        { "{\"keys\":[7]}", "a key that is no object" },
        { "{\"keys\":[{\"kty\":\"RSA\",\"d\":\"x\"}]}", "a private" },
        { "{\"keys\":[{\"kty\":\"EC\"},{\"kty\":\"oct\"}]}", "a private" },
        { "{\"keys\":[{\"k\":\"x\"}]}", "a private" },
    };
    static const struct mistake pems[] = {
        { "", "is no PEM file" },
        { "{\"keys\":[]}", "is no PEM file" },
        { "-----BEGIN PRIVATE KEY-----\n", "a private key" },
        { "-----BEGIN PUBLIC KEY-----\n-----BEGIN RSA PRIVATE KEY-----\n",
          "a private key" },
    };
    struct site_folder *place = *state;

    for (size_t i = 0; i < sizeof(sets) / sizeof(*sets); i++) {
        site_text(place, "key", sets[i].lines);
        site_bad(state, jwks, "E site.conf:6:keys: ");
        assert_non_null(strstr(place->reports, sets[i].report));
    }
    for (size_t i = 0; i < sizeof(pems) / sizeof(*pems); i++) {
        site_text(place, "key", pems[i].lines);
        site_bad(state, pem, "E site.conf:6:keys: ");
        assert_non_null(strstr(place->reports, pems[i].report));
    }
    site_text(place, "key", "-----BEGIN PUBLIC KEY-----\n");
    assert_int_equal(chmod(site_path(place, "key"), 0644), 0);
    assert_int_equal(site_good(state, pem)->jwt.kind, KEYS_PEM);
    assert_int_equal(chmod(site_path(place, "key"), 0664), 0);
    site_bad(state, pem, "E site.conf:6:keys: ");
    assert_non_null(strstr(place->reports, "may be written to"));
    site_text(place, "key", "{\"keys\":[{\"kty\":\"RSA\"}]}");
    assert_int_equal(site_good(state, jwks)->jwt.kind, KEYS_JWKS);
    assert_string_equal(secret_text(&place->conf->jwt.source),
                        "{\"keys\":[{\"kty\":\"RSA\"}]}");
}

/* A description names no files, and no secret goes to where keys are. */
static void
test_whose(void **state)
{
    struct site_folder *place = *state;

    site_text(place, "key", SECRET);
    site_text(place, "own.ini", LOGIN "[jwt]\nkeys = @pem:key\n" RULES);
    site_bad(state, SITE USERS, "E own.ini:8:keys: only a site's conf");
    site_text(place, "own.ini",
              LOGIN "[jwt]\nkeys = @hmac:/etc/shadow\n"
                    "algorithms = HS256\nissuer = a\n"
                    "audience = b\n");
    site_bad(state, SITE USERS, "E own.ini:8:keys: only a site's conf");
    site_text(place, "own.ini", LOGIN);
    site_bad(state,
             SITE "secret = @file:key\n" USERS
                  "[jwt]\nkeys = https://x/?k=%{secret}\n" RULES,
             "E site.conf:7:keys: holds a secret");
    site_bad(state,
             SITE "empty =\n" USERS "[jwt]\nkeys = https://x\n"
                  "algorithms = RS256\nissuer = %{empty?}\naudience = b\n",
             "E site.conf:9:issuer: is empty; write any");
}

#define TEST(function)                                                        \
    cmocka_unit_test_setup_teardown(function, site_setup, site_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_whole), TEST(test_absent),  TEST(test_published),
        TEST(test_any),   TEST(test_refused), TEST(test_algorithms),
        TEST(test_hmac),  TEST(test_files),   TEST(test_whose),
    };

    return cmocka_run_group_tests_name("claims", tests, NULL, NULL);
}
