/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_jwt.c - tokens: the right ones pass, every forged one is refused by
 * its own fault.
 */
#include "helper/claimset.h"
#include "helper/jwt.h"
#include "signer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NOW INT64_C(1700000000)
#define ISSUER "https://auth.example.com/"
#define SECRET "0123456789abcdef0123456789abcdef"
#define HEAD(alg) "{\"alg\":\"" alg "\",\"typ\":\"JWT\",\"kid\":\"k\"}"
#define CLAIMS(more)                                                          \
    "{\"iss\":\"" ISSUER "\",\"aud\":\"linux\",\"sub\":\"7e57\","             \
    "\"exp\":1700003600" more "}"
#define GOOD CLAIMS("")

/* The keys of all tests, made once, and what a conf would say. */
struct world {
    EVP_PKEY *rsa, *other, *p256, *p384, *p521, *ed;
    struct keys keys;
    struct vars vars;
};

static char spelled[][6] = { "RS256", "RS384", "RS512", "PS256", "PS384",
                             "PS512", "ES256", "ES384", "ES512", "EdDSA",
                             "HS256", "HS384", "HS512" };
static char *all[] = { spelled[0], spelled[1], spelled[2],  spelled[3],
                       spelled[4], spelled[5], spelled[6],  spelled[7],
                       spelled[8], spelled[9], spelled[10], spelled[11],
                       spelled[12] };
static char issuer[] = ISSUER;
static char audience[] = "linux";

static struct jwt_rules
rules_of(enum keys_kind kind)
{
    return (struct jwt_rules){ .present = true,
                               .kind = kind,
                               .algorithms = all,
                               .algorithm_count = sizeof(all) / sizeof(*all),
                               .issuer = issuer,
                               .audience = audience,
                               .leeway = 30 };
}

static void
read_keys(struct keys *keys, char *set)
{
    struct secret document = SECRET_INIT(64 * 1024);
    const char *why = NULL;

    assert_int_equal(secret_set(&document, set), STATUS_OK);
    assert_int_equal(keys_read(keys, &document, &why), STATUS_OK);
    secret_clear(&document);
    free(set);
}

static int
setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));

    assert_non_null(world);
    world->rsa = signer_key("RSA-2048");
    world->other = signer_key("RSA-2048");
    world->p256 = signer_key("P-256");
    world->p384 = signer_key("P-384");
    world->p521 = signer_key("P-521");
    world->ed = signer_key("Ed25519");
    read_keys(&world->keys, signer_set(signer_jwk(world->rsa, "k"), NULL));
    assert_int_equal(
        vars_set(&world->vars, "identity", "alice", 5, VAR_OUTSIDE),
        STATUS_OK);
    *state = world;
    return 0;
}

static int
teardown(void **state)
{
    struct world *world = *state;

    EVP_PKEY_free(world->rsa);
    EVP_PKEY_free(world->other);
    EVP_PKEY_free(world->p256);
    EVP_PKEY_free(world->p384);
    EVP_PKEY_free(world->p521);
    EVP_PKEY_free(world->ed);
    keys_clear(&world->keys);
    vars_clear(&world->vars);
    free(world);
    return 0;
}

/* Verifies TOKEN, which it frees.  WORDS: what the refusal must say. */
static void
check_with(const struct world *world, const struct jwt_rules *rules,
           const struct keys *keys, char *token, int64_t now,
           enum status wanted, const char *words)
{
    struct secret text = SECRET_INIT(4 * 1024 * 1024);
    char why[512] = "";
    json_t *claims = NULL;
    enum status status;

    assert_int_equal(secret_set(&text, token), STATUS_OK);
    status = jwt_verify(&text, rules, keys, &world->vars, now, &claims, why,
                        sizeof(why));
    if (status != wanted)
        fail_msg("%s (%s) instead of %s for %.200s", status_name(status), why,
                 status_name(wanted), token);
    assert_true((claims != NULL) == (wanted == STATUS_OK));
    if (words != NULL && strstr(why, words) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", why, words);
    json_decref(claims);
    secret_clear(&text);
    free(token);
}

static void
check(const struct world *world, char *token, enum status wanted,
      const char *words)
{
    const struct jwt_rules rules = rules_of(KEYS_URL);

    check_with(world, &rules, &world->keys, token, NOW, wanted, words);
}

/* Refused, with the right RSA key. */
static void
refuse(const struct world *world, const char *header, const char *payload,
       const char *words)
{
    check(world, signer_token(world->rsa, "RS256", header, payload),
          STATUS_BAD_TOKEN, words);
}

/* --- good ones ----------------------------------------------------------- */

static void
pass_kind(const struct world *world, EVP_PKEY *key, const char *algorithm,
          const char *type)
{
    const struct jwt_rules rules = rules_of(KEYS_JWKS);
    struct keys keys = { .count = 0 };
    char header[128];

    read_keys(&keys, signer_set(signer_jwk(key, "k"), NULL));
    snprintf(header, sizeof(header),
             "{\"alg\":\"%s\",\"typ\":\"%s\",\"kid\":\"k\"}", algorithm, type);
    check_with(world, &rules, &keys,
               signer_token(key, algorithm, header, GOOD), NOW, STATUS_OK,
               NULL);
    keys_clear(&keys);
}

/* RS, ES and HS with 256, 384 and 512 bits are verified, also in tokens whose
 * typ is not JWT (RFC 9068). */
static void
test_algorithms(void **state)
{
    static const char *const types[] = { "JWT", "at+jwt", "jwt" };
    const struct world *world = *state;

    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
        pass_kind(world, world->rsa, "RS256", types[i]);
        pass_kind(world, world->rsa, "RS384", types[i]);
        pass_kind(world, world->rsa, "RS512", types[i]);
        pass_kind(world, world->p256, "ES256", types[i]);
        pass_kind(world, world->p384, "ES384", types[i]);
        pass_kind(world, world->p521, "ES512", types[i]);
    }
}

static void
secret_keys(struct keys *keys, const char *text)
{
    struct secret bytes = SECRET_INIT(4096);

    memset(keys, 0, sizeof(*keys));
    assert_int_equal(secret_set(&bytes, text), STATUS_OK);
    assert_int_equal(key_read_secret(&keys->items[0], &bytes), STATUS_OK);
    keys->count = 1;
    secret_clear(&bytes);
}

static void
test_hmac(void **state)
{
    static const char *const names[] = { "HS256", "HS384", "HS512" };
    static const char *const types[] = { "JWT", "at+jwt" };
    const struct jwt_rules rules = rules_of(KEYS_HMAC);
    const struct world *world = *state;
    struct keys keys;
    char header[64];

    secret_keys(&keys, SECRET);
    for (size_t i = 0; i < 6; i++) {
        snprintf(header, sizeof(header), "{\"alg\":\"%s\",\"typ\":\"%s\"}",
                 names[i / 2], types[i % 2]);
        check_with(world, &rules, &keys,
                   signer_hmac(SECRET, names[i / 2], header, GOOD), NOW,
                   STATUS_OK, NULL);
        check_with(world, &rules, &keys,
                   signer_hmac(SECRET "x", names[i / 2], header, GOOD), NOW,
                   STATUS_BAD_TOKEN, "signature");
    }
    /* A file holds one key, whatever tokens call it. */
    check_with(world, &rules, &keys,
               signer_hmac(SECRET, "HS256", HEAD("HS256"), GOOD), NOW,
               STATUS_OK, NULL);
    check_with(world, &rules, &keys,
               signer_token(world->rsa, "RS256", HEAD("RS256"), GOOD), NOW,
               STATUS_BAD_TOKEN, "do not go together");
    keys_clear(&keys);
    secret_keys(&keys, "short");
    check_with(world, &rules, &keys,
               signer_hmac("short", "HS256", HEAD("HS256"), GOOD), NOW,
               STATUS_NOT_FOUND, "less than 32 bytes");
    keys_clear(&keys);
}

/* What the installed libjwt knows passes; what it does not know is refused by
 * name. */
static void
test_newer_algorithms(void **state)
{
    static const char *const names[] = { "PS256", "PS384", "PS512", "EdDSA" };
    const struct jwt_rules rules = rules_of(KEYS_JWKS);
    const struct world *world = *state;

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        EVP_PKEY *key = names[i][0] == 'P' ? world->rsa : world->ed;
        struct secret text = SECRET_INIT(JWT_MAX);
        struct keys keys = { .count = 0 };
        json_t *claims = NULL;
        char why[256] = "";
        char header[64];
        enum status status;
        char *token;

        read_keys(&keys, signer_set(signer_jwk(key, "k"), NULL));
        snprintf(header, sizeof(header), "{\"alg\":\"%s\"}", names[i]);
        token = signer_token(key, names[i], header, GOOD);
        assert_int_equal(secret_set(&text, token), STATUS_OK);
        status = jwt_verify(&text, &rules, &keys, &world->vars, NOW, &claims,
                            why, sizeof(why));
        if (status == STATUS_OK) {
            assert_non_null(claims);
        } else {
            assert_int_equal(status, STATUS_MISCONFIGURED);
            assert_non_null(strstr(why, names[i]));
            assert_non_null(strstr(why, "libjwt"));
        }
        json_decref(claims);
        secret_clear(&text);
        keys_clear(&keys);
        free(token);
    }
}

/* The examples of RFC 7515, appendices A.1 and A.3, made by others. */
static void
test_rfc7515(void **state)
{
    static const char claims[] =
        "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxl"
        "LmNvbS9pc19yb290Ijp0cnVlfQ";
    static const char set[] =
        "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\","
        "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
        "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}]}";
    struct jwt_rules rules = rules_of(KEYS_JWKS);
    const struct world *world = *state;
    struct keys keys = { .count = 0 };
    char *token = NULL;

    rules.issuer = NULL;
    rules.audience = NULL;
    read_keys(&keys, strdup(set));
    assert_true(asprintf(&token, "%s.%s.%s", "eyJhbGciOiJFUzI1NiJ9", claims,
                         "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDx"
                         "w5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q")
                > 0);
    check_with(world, &rules, &keys, token, 1300819379, STATUS_OK, NULL);
    keys_clear(&keys);
}

/* --- forged -------------------------------------------------------------- */

/* A signature is of this text, with this key, or it is wrong. */
static void
test_signature(void **state)
{
    const struct world *world = *state;
    char *token = signer_token(world->rsa, "RS256", HEAD("RS256"), GOOD);
    char *signature = strrchr(token, '.') + 1;
    char *payload;

    check(world, strdup(token), STATUS_OK, NULL);
    signature[9] = signature[9] == 'A' ? 'B' : 'A';
    check(world, strdup(token), STATUS_BAD_TOKEN, "signature is wrong");
    signature[0] = '\0';
    check(world, token, STATUS_BAD_TOKEN, "no signature");
    check(world, signer_token(world->other, "RS256", HEAD("RS256"), GOOD),
          STATUS_BAD_TOKEN, "signature is wrong");
    check(world,
          signer_token(world->other, "RS256",
                       "{\"alg\":\"RS256\",\"typ\":\"at+jwt\","
                       "\"kid\":\"k\"}",
                       GOOD),
          STATUS_BAD_TOKEN, "signature is wrong");
    /* The signature of one text under another. */
    token = signer_token(world->rsa, "RS256", HEAD("RS256"), GOOD);
    payload = strchr(token, '.') + 1;
    payload[10] = payload[10] == 'x' ? 'y' : 'x';
    check(world, token, STATUS_BAD_TOKEN, "signature is wrong");
    check(world, signer_token(world->rsa, "RS512", HEAD("RS256"), GOOD),
          STATUS_BAD_TOKEN, "signature is wrong");
}

/* Nobody but us chooses the algorithm. */
static void
test_algorithm_forged(void **state)
{
    const struct world *world = *state;
    struct jwt_rules rules = rules_of(KEYS_URL);
    char *pem = signer_pem(world->rsa);

    refuse(world, "{\"alg\":\"none\"}", GOOD, "none");
    refuse(world, "{\"alg\":\"NoNe\"}", GOOD, "none");
    refuse(world, "{\"typ\":\"JWT\"}", GOOD, "alg is missing");
    refuse(world, "{\"alg\":null}", GOOD, "alg is missing");
    refuse(world, "{\"alg\":[\"RS256\"]}", GOOD, "alg is missing");
    refuse(world, "{\"alg\":\"rs256\",\"kid\":\"k\"}", GOOD, "not one of");
    refuse(world, "{\"alg\":\"RS256 \",\"kid\":\"k\"}", GOOD, "not one of");
    refuse(world, "{\"alg\":\"\",\"kid\":\"k\"}", GOOD, "not one of");
    refuse(world, "{\"alg\":\"ES256K\",\"kid\":\"k\"}", GOOD, "not one of");
    /* HMAC with the public key as its secret. */
    check(world, signer_hmac(pem, "HS256", HEAD("HS256"), GOOD),
          STATUS_BAD_TOKEN, "do not go together");
    /* The key is RSA's, and no other. */
    check(world, signer_token(world->p256, "ES256", HEAD("ES256"), GOOD),
          STATUS_BAD_TOKEN, "is not for ES256");
    rules.algorithms = all; /* RS256 is the first */
    rules.algorithm_count = 1;
    check_with(world, &rules, &world->keys,
               signer_token(world->rsa, "RS384", HEAD("RS384"), GOOD), NOW,
               STATUS_BAD_TOKEN, "not one of");
    check_with(world, &rules, &world->keys,
               signer_token(world->rsa, "RS256", HEAD("RS256"), GOOD), NOW,
               STATUS_OK, NULL);
    free(pem);
}

/* Nobody but us chooses the key. */
static void
test_key_forged(void **state)
{
    const struct world *world = *state;
    json_t *jwk = signer_jwk(world->other, "k");
    json_t *header =
        json_pack("{s:s, s:s, s:o, s:s}", "alg", "RS256", "kid", "k", "jwk",
                  jwk, "jku", "https://evil.example/jwks");
    char *text = json_dumps(header, JSON_COMPACT);

    check(world, signer_token(world->other, "RS256", text, GOOD),
          STATUS_BAD_TOKEN, "signature is wrong");
    /* It is not looked at either when the token is good. */
    check(world, signer_token(world->rsa, "RS256", text, GOOD), STATUS_OK,
          NULL);
    check(world,
          signer_token(world->rsa, "RS256",
                       "{\"alg\":\"RS256\",\"kid\":\"other\"}", GOOD),
          STATUS_NOT_FOUND, "none called \"other\"");
    refuse(world, "{\"alg\":\"RS256\",\"kid\":7}", GOOD, "kid is no text");
    check(world,
          signer_token(world->rsa, "RS256", "{\"alg\":\"RS256\"}", GOOD),
          STATUS_OK, NULL);
    free(text);
    json_decref(header);
}

/* --- damaged ------------------------------------------------------------- */

/* Whatever could be read in two ways is not read at all. */
static void
test_form(void **state)
{
    const struct world *world = *state;
    char *good = signer_token(world->rsa, "RS256", HEAD("RS256"), GOOD);
    const char *dot = strchr(good, '.');
    char *token = NULL;

    assert_true(asprintf(&token, "%s.", good) > 0);
    check(world, token, STATUS_BAD_TOKEN, "three parts");
    assert_true(asprintf(&token, "%s..", good) > 0);
    check(world, token, STATUS_BAD_TOKEN, "three parts");
    assert_true(asprintf(&token, "%.*s.%s", (int)(dot - good), good, good)
                > 0);
    check(world, token, STATUS_BAD_TOKEN, "three parts");
    check(world, strdup(""), STATUS_BAD_TOKEN, "three parts");
    check(world, strdup("opaque"), STATUS_BAD_TOKEN, "three parts");
    check(world, strdup(".."), STATUS_BAD_TOKEN, "header");
    assert_true(asprintf(&token, "%s=", good) > 0);
    check(world, token, STATUS_BAD_TOKEN, "base64url");
    assert_true(asprintf(&token, " %s", good) > 0);
    check(world, token, STATUS_BAD_TOKEN, "base64url");
    assert_true(asprintf(&token, "%s\n", good) > 0);
    check(world, token, STATUS_BAD_TOKEN, "base64url");
    refuse(world, "[]", GOOD, "header");
    refuse(world, "\"RS256\"", GOOD, "header");
    refuse(world, "{", GOOD, "header");
    refuse(world, HEAD("RS256") "x", GOOD, "header");
    refuse(world, "{\"alg\":\"RS256\",\"alg\":\"none\",\"kid\":\"k\"}", GOOD,
           "twice");
    refuse(world, "{\"alg\":\"RS256\",\"kid\":\"k\",\"crit\":[\"exp\"]}", GOOD,
           "extension");
    refuse(world, "{\"alg\":\"RS256\",\"kid\":\"k\",\"b64\":false}", GOOD,
           "extension");
    refuse(world, HEAD("RS256"), "[]", "claims");
    refuse(world, HEAD("RS256"), "", "cannot read");
    refuse(world, HEAD("RS256"), CLAIMS(",\"sub\":\"root\""), "twice");
    free(good);
}

/* A token of a megabyte is not even looked at. */
static void
test_size(void **state)
{
    const struct world *world = *state;
    const size_t sizes[] = { 11 * 1024, 1024 * 1024 };

    for (size_t i = 0; i < 2; i++) {
        char *filler = malloc(sizes[i] + 1);
        char *payload = NULL;

        assert_non_null(filler);
        memset(filler, 'a', sizes[i]);
        filler[sizes[i]] = '\0';
        assert_true(asprintf(&payload, CLAIMS(",\"filler\":\"%s\""), filler)
                    > 0);
        check(world, signer_token(world->rsa, "RS256", HEAD("RS256"), payload),
              i == 0 ? STATUS_OK : STATUS_BAD_TOKEN, i == 0 ? NULL : "16 KiB");
        free(payload);
        free(filler);
    }
}

/* A NUL in a token ends no comparison early. */
static void
test_nul(void **state)
{
    const struct world *world = *state;
    const struct jwt_rules rules = rules_of(KEYS_URL);
    char *good = signer_token(world->rsa, "RS256", HEAD("RS256"), GOOD);
    struct secret text = SECRET_INIT(JWT_MAX);
    char why[256] = "";
    json_t *claims = NULL;

    assert_int_equal(secret_set(&text, good), STATUS_OK);
    assert_int_equal(secret_append(&text, "\0x", 2), STATUS_OK);
    assert_int_equal(jwt_verify(&text, &rules, &world->keys, &world->vars, NOW,
                                &claims, why, sizeof(why)),
                     STATUS_BAD_TOKEN);
    assert_null(claims);
    secret_clear(&text);
    free(good);
    refuse(world, HEAD("RS256"),
           "{\"iss\":\"" ISSUER "\\u0000\",\"aud\":\"linux\","
           "\"exp\":1700003600}",
           "cannot read");
    refuse(world, "{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"kid\":\"k\"}",
           "{\"iss\":\"" ISSUER "\\u0000\",\"aud\":\"linux\","
           "\"exp\":1700003600}",
           "iss");
}

/* --- claims -------------------------------------------------------------- */

static void
expect_claims(const struct world *world, const char *payload,
              const char *words)
{
    check(world, signer_token(world->rsa, "RS256", HEAD("RS256"), payload),
          words == NULL ? STATUS_OK : STATUS_BAD_TOKEN, words);
}

/* Issuer and audience are ours, by length and bytes. */
static void
test_for_whom(void **state)
{
    static const char *const issuers[] = {
        "\"\"",
        "\"https://auth.example.com\"",
        "\"HTTPS://auth.example.com/\"",
        "\"" ISSUER "x\"",
        "[\"" ISSUER "\"]",
        "null",
        "7",
    };
    static const char *const audiences[] = {
        "\"\"", "\"linu\"",    "\"linuxx\"",      "\"Linux\"",
        "[]",   "[\"other\"]", "[[\"linux\"]]",   "{\"linux\":1}",
        "null", "7",           "\"linux other\"",
    };
    const struct world *world = *state;
    char *payload = NULL;

    for (size_t i = 0; i < sizeof(issuers) / sizeof(*issuers); i++) {
        assert_true(asprintf(&payload,
                             "{\"iss\":%s,\"aud\":\"linux\","
                             "\"exp\":1700003600}",
                             issuers[i])
                    > 0);
        expect_claims(world, payload, "iss");
        free(payload);
    }
    for (size_t i = 0; i < sizeof(audiences) / sizeof(*audiences); i++) {
        assert_true(asprintf(&payload,
                             "{\"iss\":\"" ISSUER "\",\"aud\":%s,"
                             "\"exp\":1700003600}",
                             audiences[i])
                    > 0);
        expect_claims(world, payload, "aud");
        free(payload);
    }
    expect_claims(world,
                  "{\"iss\":\"" ISSUER "\",\"aud\":[\"other\",\"linux\"],"
                  "\"exp\":1700003600}",
                  NULL);
    expect_claims(world, "{\"aud\":\"linux\",\"exp\":1700003600}", "iss");
    expect_claims(world, "{\"iss\":\"" ISSUER "\",\"exp\":1700003600}", "aud");
}

/* Times are times, and ours within the leeway of 30 seconds. */
static void
test_times(void **state)
{
    static const struct {
        const char *claims;
        const char *words; /* NULL: good */
    } cases[] = {
        { "", "no exp" },
        { ",\"exp\":null", "no time" },
        { ",\"exp\":\"1700003600\"", "no time" },
        { ",\"exp\":true", "no time" },
        { ",\"exp\":[1700003600]", "no time" },
        { ",\"exp\":-1", "no time" },
        { ",\"exp\":1e300", "no time" },
        { ",\"exp\":0", "expired" },
        { ",\"exp\":1699999970", "expired" },
        { ",\"exp\":1699999970.5", NULL },
        { ",\"exp\":1699999971", NULL },
        { ",\"exp\":1700003600,\"nbf\":1700000030", NULL },
        { ",\"exp\":1700003600,\"nbf\":1700000031", "is valid in" },
        { ",\"exp\":1700003600,\"nbf\":\"now\"", "no time" },
        { ",\"exp\":1700003600,\"nbf\":null", "no time" },
        { ",\"exp\":1700003600,\"iat\":1700000090", NULL },
        { ",\"exp\":1700003600,\"iat\":1700000091", "in the future" },
        { ",\"exp\":1700003600,\"iat\":{}", "no time" },
    };
    const struct world *world = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char *payload = NULL;

        assert_true(asprintf(&payload,
                             "{\"iss\":\"" ISSUER "\",\"aud\":\"linux\"%s}",
                             cases[i].claims)
                    > 0);
        expect_claims(world, payload, cases[i].words);
        free(payload);
    }
}

/* What the conf requires holds, or the token is refused by that name. */
static void
test_require(void **state)
{
    const struct world *world = *state;
    struct jwt_rules rules = rules_of(KEYS_URL);
    char name[] = "level";
    struct requirement requirement = { .name = name };
    const char *why = NULL;

    assert_true(conds_parse("/aal=aal2 jwt:/who=%{identity}",
                            &requirement.conds, &why));
    rules.require = &requirement;
    rules.require_count = 1;
    check_with(world, &rules, &world->keys,
               signer_token(world->rsa, "RS256", HEAD("RS256"),
                            CLAIMS(",\"aal\":\"aal2\",\"who\":\"alice\"")),
               NOW, STATUS_OK, NULL);
    check_with(world, &rules, &world->keys,
               signer_token(world->rsa, "RS256", HEAD("RS256"),
                            CLAIMS(",\"aal\":\"aal1\",\"who\":\"alice\"")),
               NOW, STATUS_BAD_TOKEN, "require.level");
    check_with(world, &rules, &world->keys,
               signer_token(world->rsa, "RS256", HEAD("RS256"),
                            CLAIMS(",\"aal\":[\"aal2\"],\"who\":\"alice\"")),
               NOW, STATUS_BAD_TOKEN, "require.level");
    conds_clear(&requirement.conds);
}

/* Whom a token is about: what it says, and the audience that is ours. */
static void
test_identity(void **state)
{
    struct jwt_rules rules = rules_of(KEYS_URL);
    json_t *one = json_pack("{s:s,s:[s,s],s:s,s:i}", "iss", "i", "aud",
                            "linux", "more", "sub", "s", "exp", 1);
    json_t *two = json_pack("{s:s,s:s,s:s,s:i}", "iss", "i", "aud", "linux",
                            "sub", "s", "exp", 2);
    json_t *three =
        json_pack("{s:s,s:s,s:s}", "iss", "i", "aud", "linux", "sub", "t");
    json_t *first = claimset_identity(one, &rules);
    json_t *second = claimset_identity(two, &rules);
    json_t *third = claimset_identity(three, &rules);

    (void)state;
    assert_true(json_equal(first, second));
    assert_false(json_equal(first, third));
    json_decref(first);
    json_decref(second);
    rules.audience = NULL;
    first = claimset_identity(one, &rules);
    second = claimset_identity(two, &rules);
    assert_false(json_equal(first, second));
    json_decref(one);
    json_decref(two);
    json_decref(three);
    json_decref(first);
    json_decref(second);
    json_decref(third);
}

/* --- unverified ---------------------------------------------------------- */

static void
expect_exp(char *token, const char *wanted)
{
    struct secret text = SECRET_INIT(16 * JWT_MAX);
    struct secret exp = SECRET_INIT(64);

    assert_int_equal(secret_set(&text, token), STATUS_OK);
    assert_int_equal(jwt_unverified_exp(&text, &exp),
                     wanted != NULL ? STATUS_OK : STATUS_NOT_FOUND);
    assert_string_equal(secret_text(&exp), wanted != NULL ? wanted : "");
    secret_clear(&text);
    secret_clear(&exp);
    free(token);
}

/* The expiry of a token is read whoever signed it, and nothing else is. */
static void
test_unverified(void **state)
{
    const struct world *world = *state;

    expect_exp(signer_token(world->ed, "EdDSA", "{\"alg\":\"EdDSA\"}", GOOD),
               "1700003600");
    expect_exp(strdup("eyJhbGciOiJub25lIn0.eyJleHAiOjd9."), "7");
    expect_exp(strdup("eyJhbGciOiJub25lIn0.e30."), NULL);
    expect_exp(strdup("eyJhbGciOiJub25lIn0.e30"), NULL);
    expect_exp(strdup("a.b.c.d.e"), NULL);
    expect_exp(strdup("opaque"), NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_algorithms),
        cmocka_unit_test(test_hmac),
        cmocka_unit_test(test_newer_algorithms),
        cmocka_unit_test(test_rfc7515),
        cmocka_unit_test(test_signature),
        cmocka_unit_test(test_algorithm_forged),
        cmocka_unit_test(test_key_forged),
        cmocka_unit_test(test_form),
        cmocka_unit_test(test_size),
        cmocka_unit_test(test_nul),
        cmocka_unit_test(test_for_whom),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_require),
        cmocka_unit_test(test_identity),
        cmocka_unit_test(test_unverified),
    };

    return cmocka_run_group_tests_name("jwt", tests, setup, teardown);
}
