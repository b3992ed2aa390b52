/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_keys.c - sets of keys: read from a JWKS, searched, remembered.
 */
#include "base/message.h"
#include "helper/base64url.h"
#include "helper/keys.h"
#include "signer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define URL "https://auth.example.com/jwks"
#define NOW INT64_C(1700000000)

/* RFC 7515 appendix A.3.1. */
#define RFC_EC                                                                \
    "{\"kty\":\"EC\",\"crv\":\"P-256\","                                      \
    "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","                  \
    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\""

static enum status
read_set(struct keys *keys, const char *text, const char **why)
{
    struct secret document = SECRET_INIT(2 * 1024 * 1024);
    enum status status;

    assert_int_equal(secret_set(&document, text), STATUS_OK);
    status = keys_read(keys, &document, why);
    secret_clear(&document);
    return status;
}

/* The set is taken; what is found for ALGORITHM and ID is what is expected:
 * NULL, or a part of the refusal. */
static void
expect(const char *set, const char *algorithm, const char *id,
       enum status wanted, const char *words)
{
    struct keys keys = { .count = 0 };
    const struct key *key = NULL;
    const char *problem = NULL;
    char why[512] = "";

    assert_int_equal(read_set(&keys, set, &problem), STATUS_OK);
    assert_int_equal(keys_find(&keys, id, algorithm_find(algorithm), &key, why,
                               sizeof(why)),
                     wanted);
    assert_true((key != NULL) == (wanted == STATUS_OK));
    if (words != NULL && strstr(why, words) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", why, words);
    keys_clear(&keys);
}

static void
expect_no_set(const char *text, const char *words)
{
    struct keys keys = { .count = 0 };
    const char *why = NULL;

    assert_int_equal(read_set(&keys, text, &why), STATUS_MISCONFIGURED);
    assert_non_null(why);
    if (strstr(why, words) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", why, words);
    assert_int_equal(keys.count, 0);
}

/* --- base64url ----------------------------------------------------------- */

/* The vectors of RFC 4648 section 10, both ways. */
static void
test_base64url(void **state)
{
    static const char *const pairs[][2] = {
        { "", "" },
        { "f", "Zg" },
        { "fo", "Zm8" },
        { "foo", "Zm9v" },
        { "foob", "Zm9vYg" },
        { "fooba", "Zm9vYmE" },
        { "foobar", "Zm9vYmFy" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
        struct secret out = SECRET_INIT(64);
        const char *bytes = pairs[i][0], *text = pairs[i][1];

        assert_int_equal(base64url_read(text, strlen(text), &out), STATUS_OK);
        assert_string_equal(secret_text(&out), bytes);
        secret_clear(&out);
        assert_int_equal(base64url_write(bytes, strlen(bytes), &out),
                         STATUS_OK);
        assert_string_equal(secret_text(&out), text);
        secret_clear(&out);
    }
}

/* What two readers could read differently is refused. */
static void
test_base64url_strict(void **state)
{
    static const char *const wrong[] = {
        "Zg==", "Z",  "Zm9vY", "Zm9v Yg", "Zm9v\n", "Zm+v",
        "Zm/v", "Zh", "Zm9",   "Zm9vYh",  ".",      "\xc3\xa4z",
    };
    struct secret out = SECRET_INIT(64);
    struct secret tiny = SECRET_INIT(2);

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        assert_int_equal(base64url_read(wrong[i], strlen(wrong[i]), &out),
                         STATUS_BAD_TOKEN);
    assert_int_equal(base64url_read("Zm9v", 4, &tiny), STATUS_SYSTEM);
    assert_int_equal(tiny.length, 0);
}

/* --- documents ----------------------------------------------------------- */

/* What is no key set is told from what it is. */
static void
test_no_set(void **state)
{
    json_t *list = json_array();
    json_t *root = json_pack("{s:o}", "keys", list);
    char *many;
    char *long_one = malloc(KEYS_DOCUMENT_MAX + 2);

    (void)state;
    assert_non_null(long_one);
    expect_no_set("", "empty");
    expect_no_set(" \r\n", "empty");
    expect_no_set("<!DOCTYPE html><html></html>", "HTML");
    expect_no_set("{\"keys\":[", "no JSON");
    expect_no_set("{\"keys\":[],\"keys\":[]}", "twice");
    expect_no_set("[]", "no list");
    expect_no_set("{}", "no list");
    expect_no_set("null", "no JSON");
    expect_no_set("{\"keys\":{}}", "no list");
    expect_no_set("{\"keys\":\"x\"}", "no list");
    expect_no_set("{\"keys\":[]}", "holds no key");
    expect_no_set("{\"keys\":[1,null,\"x\",[],{}]}", "no key to verify");
    expect_no_set("{\"keys\":[{\"kty\":\"AKP\"}]}", "no key to verify");
    expect_no_set("{\"keys\":[{\"kty\":7}]}", "no key to verify");

    for (size_t i = 0; i < KEYS_COUNT_MAX + 1; i++)
        json_array_append_new(list, json_pack("{s:s}", "kty", "x"));
    many = json_dumps(root, 0);
    expect_no_set(many, "more than 32");
    memset(long_one, ' ', KEYS_DOCUMENT_MAX + 1);
    long_one[KEYS_DOCUMENT_MAX + 1] = '\0';
    expect_no_set(long_one, "longer than");
    free(long_one);
    free(many);
    json_decref(root);
}

/* A set that is no good leaves the one before it alone. */
static void
test_old_set_stays(void **state)
{
    struct keys keys = { .count = 0 };
    const char *why = NULL;

    (void)state;
    assert_int_equal(read_set(&keys, "{\"keys\":[" RFC_EC "}]}", &why),
                     STATUS_OK);
    assert_int_equal(read_set(&keys, "<html>", &why), STATUS_MISCONFIGURED);
    assert_int_equal(keys.count, 1);
    keys_clear(&keys);
}

/* Each kind of key is found for its algorithms, and for no other. */
static void
test_kinds(void **state)
{
    static const char *const kinds[] = { "RSA-2048", "P-256", "P-384", "P-521",
                                         "Ed25519" };
    static const char *const fits[] = {
        "RS256 RS384 RS512 PS256 PS384 PS512",
        "ES256",
        "ES384",
        "ES512",
        "EdDSA",
    };
    static const char *const all[] = {
        "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256",
        "ES384", "ES512", "EdDSA", "HS256", "HS384", "HS512",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        EVP_PKEY *key = signer_key(kinds[i]);
        char *set = signer_set(signer_jwk(key, "k"), NULL);

        for (size_t k = 0; k < sizeof(all) / sizeof(*all); k++) {
            bool good = strstr(fits[i], all[k]) != NULL;

            expect(set, all[k], "k", good ? STATUS_OK : STATUS_BAD_TOKEN,
                   good ? NULL : "is not for");
            expect(set, all[k], NULL, good ? STATUS_OK : STATUS_NOT_FOUND,
                   NULL);
        }
        expect(set, all[0], "K", STATUS_NOT_FOUND, "none called");
        expect(set, all[0], "k ", STATUS_NOT_FOUND, "none called");
        expect(set, all[0], "", STATUS_NOT_FOUND, "none called");
        free(set);
        EVP_PKEY_free(key);
    }
    assert_null(algorithm_find("none"));
    assert_null(algorithm_find("rs256"));
    assert_null(algorithm_find("ES256K"));
}

/* A token without a kid is fine where one key only is for its algorithm. */
static void
test_without_kid(void **state)
{
    EVP_PKEY *one = signer_key("P-256"), *two = signer_key("P-256");
    char *set = signer_set(signer_jwk(one, NULL), signer_jwk(two, "b"), NULL);

    (void)state;
    expect(set, "ES256", NULL, STATUS_BAD_TOKEN, "more than one");
    expect(set, "ES256", "b", STATUS_OK, NULL);
    free(set);
    EVP_PKEY_free(one);
    EVP_PKEY_free(two);
}

/* `use`, `key_ops` and `alg` of a key are respected. */
static void
test_purpose(void **state)
{
    (void)state;
    expect("{\"keys\":[" RFC_EC ",\"kid\":\"k\",\"use\":\"sig\"}]}", "ES256",
           "k", STATUS_OK, NULL);
    expect("{\"keys\":[" RFC_EC ",\"kid\":\"k\",\"key_ops\":[\"verify\"]}]}",
           "ES256", "k", STATUS_OK, NULL);
    expect("{\"keys\":[" RFC_EC ",\"kid\":\"k\",\"alg\":\"ES256\"}]}", "ES256",
           "k", STATUS_OK, NULL);
    expect("{\"keys\":[" RFC_EC ",\"kid\":\"k\",\"alg\":\"ECDH-ES\"}]}",
           "ES256", "k", STATUS_BAD_TOKEN, "is not for ES256");
    expect_no_set("{\"keys\":[" RFC_EC ",\"use\":\"enc\"}]}", "no key to");
    expect_no_set("{\"keys\":[" RFC_EC ",\"use\":7}]}", "no key to");
    expect_no_set("{\"keys\":[" RFC_EC ",\"key_ops\":[\"sign\"]}]}",
                  "no key to");
    expect_no_set("{\"keys\":[" RFC_EC ",\"key_ops\":\"verify\"}]}",
                  "no key to");
    /* Keys of kinds that we do not know are no harm to the others. */
    expect("{\"keys\":[{\"kty\":\"AKP\",\"kid\":\"k\"},7," RFC_EC
           ",\"kid\":\"k\"}]}",
           "ES256", "k", STATUS_OK, NULL);
}

/* A key that must not be used is refused by its own fault. */
static void
test_refused(void **state)
{
    EVP_PKEY *small = signer_key("RSA-512"), *rsa = signer_key("RSA-2048");
    json_t *odd = signer_jwk(rsa, "k");
    char *set = signer_set(signer_jwk(small, "k"), NULL);

    (void)state;
    expect(set, "RS256", "k", STATUS_BAD_TOKEN, "less than 2048");
    expect(set, "RS256", NULL, STATUS_NOT_FOUND, "less than 2048");
    free(set);
    json_object_set_new(odd, "e", json_string("AQ"));
    set = signer_set(odd, NULL);
    expect(set, "RS256", "k", STATUS_BAD_TOKEN, "cannot be right");
    free(set);
    odd = signer_jwk(rsa, "k");
    json_object_set_new(odd, "n", json_integer(5));
    set = signer_set(odd, NULL);
    expect(set, "RS256", "k", STATUS_BAD_TOKEN, "no number");
    free(set);
    odd = signer_jwk(rsa, "k");
    json_object_set_new(odd, "d", json_string("AQAB"));
    set = signer_set(odd, NULL);
    expect(set, "RS256", "k", STATUS_BAD_TOKEN, "private");
    free(set);
    set = signer_set(signer_jwk(rsa, "k"), signer_jwk(small, "k"), NULL);
    expect(set, "RS256", "k", STATUS_BAD_TOKEN, "twice");
    free(set);
    expect("{\"keys\":[{\"kty\":\"oct\",\"kid\":\"k\",\"k\":"
           "\"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0i"
           "PS4hcgUuTwjAzZr1Z9CAow\"}]}",
           "HS256", "k", STATUS_BAD_TOKEN, "private members");
    expect("{\"keys\":[" RFC_EC ",\"kid\":7}]}", "ES256", NULL,
           STATUS_NOT_FOUND, "no text");
    EVP_PKEY_free(small);
    EVP_PKEY_free(rsa);
}

/* A point must be one of its curve, and written in full. */
static void
test_points(void **state)
{
    static const char *const wrong[] = {
        "{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"k\",\"x\":"
        "\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\",\"y\":"
        "\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a8\"}",
        "{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"k\",\"x\":"
        "\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvR\",\"y\":"
        "\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}",
        "{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"k\",\"x\":\"\",\"y\":"
        "\"\"}",
        "{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"k\"}",
        "{\"kty\":\"EC\",\"crv\":\"secp256k1\",\"kid\":\"k\",\"x\":\"AA\","
        "\"y\":\"AA\"}",
        "{\"kty\":\"EC\",\"crv\":[],\"kid\":\"k\"}",
        "{\"kty\":\"OKP\",\"crv\":\"Ed448\",\"kid\":\"k\",\"x\":\"AA\"}",
        "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"k\",\"x\":\"AA\"}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        char *set = NULL;

        assert_true(asprintf(&set, "{\"keys\":[%s]}", wrong[i]) > 0);
        expect(set, i < 6 ? "ES256" : "EdDSA", "k", STATUS_BAD_TOKEN,
               "is not used");
        free(set);
    }
}

/* --- files --------------------------------------------------------------- */

/* A PEM file is a public key; a private one has no business there. */
static void
test_pem(void **state)
{
    EVP_PKEY *good = signer_key("P-384"), *other = signer_key("secp256k1");
    struct secret pem = SECRET_INIT(4096);
    const char *why = NULL;
    struct key key;
    char *text = signer_pem(good);

    (void)state;
    assert_int_equal(secret_set(&pem, text), STATUS_OK);
    assert_int_equal(key_read_pem(&key, &pem, &why), STATUS_OK);
    assert_null(key.refused);
    assert_true(key_fits(&key, algorithm_find("ES384")));
    assert_false(key_fits(&key, algorithm_find("ES256")));
    key_clear(&key);
    free(text);
    text = signer_pem(other);
    assert_int_equal(secret_set(&pem, text), STATUS_OK);
    assert_int_equal(key_read_pem(&key, &pem, &why), STATUS_OK);
    assert_non_null(key.refused);
    key_clear(&key);
    free(text);
    assert_int_equal(secret_set(&pem, "-----BEGIN PRIVATE KEY-----\n"),
                     STATUS_OK);
    assert_int_equal(key_read_pem(&key, &pem, &why), STATUS_MISCONFIGURED);
    assert_non_null(strstr(why, "private"));
    assert_int_equal(secret_set(&pem, "junk"), STATUS_OK);
    assert_int_equal(key_read_pem(&key, &pem, &why), STATUS_MISCONFIGURED);
    secret_clear(&pem);
    EVP_PKEY_free(good);
    EVP_PKEY_free(other);
}

/* A secret is long enough, and is none that is public. */
static void
test_secret(void **state)
{
    struct secret bytes = SECRET_INIT(4096);
    struct key key;

    (void)state;
    assert_int_equal(secret_set(&bytes, "0123456789abcdef0123456789abcde"),
                     STATUS_OK);
    assert_int_equal(key_read_secret(&key, &bytes), STATUS_OK);
    assert_non_null(strstr(key.refused, "32 bytes"));
    key_clear(&key);
    assert_int_equal(secret_append(&bytes, "f", 1), STATUS_OK);
    assert_int_equal(key_read_secret(&key, &bytes), STATUS_OK);
    assert_null(key.refused);
    key_clear(&key);
    assert_int_equal(
        secret_set(&bytes, "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG"),
        STATUS_OK);
    assert_int_equal(key_read_secret(&key, &bytes), STATUS_OK);
    assert_non_null(strstr(key.refused, "PEM"));
    key_clear(&key);
    secret_clear(&bytes);
}

/* --- remembered ---------------------------------------------------------- */

/* Reads what the documents say, as keys_read and time would have left it. */
static void
remember(struct keys *keys, const char *set, struct secret *saved)
{
    const char *why = NULL;

    memset(keys, 0, sizeof(*keys));
    assert_int_equal(read_set(keys, set, &why), STATUS_OK);
    keys->fetched_at = NOW;
    keys->tried_at = NOW;
    keys->max_age = 600;
    assert_int_equal(keys_save(keys, URL, saved), STATUS_OK);
    keys_clear(keys);
}

/* A set that was saved comes back: keys, refusals and times. */
static void
test_saved(void **state)
{
    EVP_PKEY *rsa = signer_key("RSA-2048"), *ed = signer_key("Ed25519");
    EVP_PKEY *ec = signer_key("P-521"), *small = signer_key("RSA-512");
    char *set = signer_set(signer_jwk(rsa, "r"), signer_jwk(ed, "d"),
                           signer_jwk(ec, NULL), signer_jwk(small, "s"), NULL);
    struct secret saved = SECRET_INIT(KEYS_MAX);
    const struct key *key = NULL;
    char why[256] = "";
    struct keys keys;

    (void)state;
    remember(&keys, set, &saved);
    keys_load(&keys, URL, &saved, NOW);
    assert_int_equal(keys.count, 4);
    assert_int_equal(keys.fetched_at, NOW);
    assert_int_equal(keys.max_age, 600);
    assert_int_equal(
        keys_find(&keys, "r", algorithm_find("RS512"), &key, why, sizeof(why)),
        STATUS_OK);
    assert_int_equal(keys_find(&keys, NULL, algorithm_find("ES512"), &key, why,
                               sizeof(why)),
                     STATUS_OK);
    assert_int_equal(
        keys_find(&keys, "d", algorithm_find("EdDSA"), &key, why, sizeof(why)),
        STATUS_OK);
    assert_int_equal(
        keys_find(&keys, "s", algorithm_find("RS256"), &key, why, sizeof(why)),
        STATUS_BAD_TOKEN);
    assert_non_null(strstr(why, "2048"));
    keys_clear(&keys);
    secret_clear(&saved);
    free(set);
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(ed);
    EVP_PKEY_free(ec);
    EVP_PKEY_free(small);
}

/* What is of another URL, damaged or from the future is not believed. */
static void
test_not_believed(void **state)
{
    static const char *const wrong[] = {
        "",
        "x",
        "{}",
        "[]",
        "{\"v\":1}",
        "{\"v\":1,\"url\":\"" URL "\",\"fetched_at\":1,\"max_age\":600,"
        "\"tried_at\":1,\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"},7]}",
        "{\"v\":1,\"url\":\"" URL "\",\"fetched_at\":-1,\"max_age\":600,"
        "\"tried_at\":1,\"keys\":[]}",
        "{\"v\":1,\"url\":\"" URL "\",\"fetched_at\":1,\"max_age\":86401,"
        "\"tried_at\":1,\"keys\":[]}",
        "{\"v\":2,\"url\":\"" URL "\",\"fetched_at\":1,\"max_age\":600,"
        "\"tried_at\":1,\"keys\":[]}",
    };
    struct secret saved = SECRET_INIT(KEYS_MAX);
    struct keys keys;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        assert_int_equal(secret_set(&saved, wrong[i]), STATUS_OK);
        keys_load(&keys, URL, &saved, NOW);
        assert_int_equal(keys.count, 0);
        assert_int_equal(keys.fetched_at, 0);
        assert_true(keys_may_fetch(&keys, NOW));
    }
    remember(&keys, "{\"keys\":[" RFC_EC "}]}", &saved);
    keys_load(&keys, URL "/", &saved, NOW);
    assert_int_equal(keys.count, 0);
    keys_load(&keys, URL, &saved, NOW - 1);
    assert_int_equal(keys.count, 0);
    keys_load(&keys, URL, &saved, NOW);
    assert_int_equal(keys.count, 1);
    keys_clear(&keys);
    secret_clear(&saved);
}

/* As many keys are remembered as fit; the rest is fetched again. */
static void
test_saved_cap(void **state)
{
    EVP_PKEY *key = signer_key("RSA-4096");
    struct secret saved = SECRET_INIT(KEYS_MAX);
    json_t *list = json_array();
    json_t *root = json_pack("{s:o}", "keys", list);
    struct keys keys;
    char *set;

    (void)state;
    for (int i = 0; i < KEYS_COUNT_MAX; i++) {
        char name[16];

        snprintf(name, sizeof(name), "k%d", i);
        json_array_append_new(list, signer_jwk(key, name));
    }
    set = json_dumps(root, 0);
    remember(&keys, set, &saved);
    assert_true(saved.length <= KEYS_MAX);
    keys_load(&keys, URL, &saved, NOW);
    assert_in_range(keys.count, 10, KEYS_COUNT_MAX - 1);
    keys_clear(&keys);
    secret_clear(&saved);
    free(set);
    json_decref(root);
    EVP_PKEY_free(key);
}

static int64_t
age_of(const char *value)
{
    char name[] = "cache-control";
    char *copy = strdup(value);
    struct answer answer = { .headers = { { name, copy } },
                             .header_count = 1 };
    int64_t age = keys_max_age(&answer);

    free(copy);
    return age;
}

/* What the API says of the age is kept within bounds. */
static void
test_max_age(void **state)
{
    const struct answer silent = { .header_count = 0 };

    (void)state;
    assert_int_equal(keys_max_age(&silent), KEYS_AGE_DEFAULT);
    assert_int_equal(age_of("public, max-age=900"), 900);
    assert_int_equal(age_of("Max-Age=901,must-revalidate"), 901);
    assert_int_equal(age_of("max-age=0"), KEYS_AGE_MIN);
    assert_int_equal(age_of("max-age=99999999999999999999"), KEYS_AGE_MAX);
    assert_int_equal(age_of("max-age=-1"), KEYS_AGE_DEFAULT);
    assert_int_equal(age_of("s-maxage=7, x-max-age=7"), KEYS_AGE_DEFAULT);
    assert_int_equal(age_of("no-store,,"), KEYS_AGE_DEFAULT);
}

/* A set is fresh for its age, usable for a day, fetched once a minute. */
static void
test_times(void **state)
{
    const struct keys keys = { .fetched_at = NOW,
                               .tried_at = NOW,
                               .max_age = 600 };
    const struct keys none = { .count = 0 };

    (void)state;
    assert_true(keys_fresh(&keys, NOW + 599));
    assert_false(keys_fresh(&keys, NOW + 600));
    assert_true(keys_usable(&keys, NOW + KEYS_LIFE_MAX - 1));
    assert_false(keys_usable(&keys, NOW + KEYS_LIFE_MAX));
    assert_false(keys_may_fetch(&keys, NOW + 59));
    assert_true(keys_may_fetch(&keys, NOW + 60));
    assert_false(keys_fresh(&none, NOW));
    assert_false(keys_usable(&none, NOW));
    assert_true(keys_may_fetch(&none, NOW));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base64url),
        cmocka_unit_test(test_base64url_strict),
        cmocka_unit_test(test_no_set),
        cmocka_unit_test(test_old_set_stays),
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_without_kid),
        cmocka_unit_test(test_purpose),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_points),
        cmocka_unit_test(test_pem),
        cmocka_unit_test(test_secret),
        cmocka_unit_test(test_saved),
        cmocka_unit_test(test_not_believed),
        cmocka_unit_test(test_saved_cap),
        cmocka_unit_test(test_max_age),
        cmocka_unit_test(test_times),
    };

    return cmocka_run_group_tests_name("keys", tests, NULL, NULL);
}
