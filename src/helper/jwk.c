/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * jwk.c - the numbers of a JWK as a key of OpenSSL, and back.
 *
 * It refuses numbers that are not exactly what the RFCs say: a point that is
 * not on its curve, coordinates of another length, an even exponent.
 */
#include "helper/jwk.h"
#include "helper/base64url.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <string.h>

enum {
    NUMBER_MAX = 4 * 1024, /* bytes of the longest number */
    EXPONENT_MAX = 8,
    ED25519_SIZE = 32,
};

struct curve {
    const char *jwk;   /* RFC 7518 6.2.1.1 */
    const char *group; /* OpenSSL's name */
    size_t size;       /* bytes of a coordinate */
};

static const struct curve curves[] = {
    { "P-256", "prime256v1", 32 },
    { "P-384", "secp384r1", 48 },
    { "P-521", "secp521r1", 66 },
};

/* --- from a JWK ---------------------------------------------------------- */

/* Reads member NAME; false unless it is base64url of some bytes. */
static bool
read_number(const json_t *jwk, const char *name, struct secret *number)
{
    const json_t *value = json_object_get(jwk, name);

    return json_is_string(value)
           && base64url_read(json_string_value(value),
                             json_string_length(value), number)
                  == STATUS_OK
           && number->length > 0;
}

/* Makes the key of TYPE ("RSA", "EC") from BUILD's parameters and checks it;
 * NULL when it is none. */
static EVP_PKEY *
make_public(const char *type, OSSL_PARAM_BLD *build)
{
    OSSL_PARAM *parameters = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY_CTX *check = NULL;
    EVP_PKEY *public = NULL;

    if (parameters == NULL || context == NULL
        || EVP_PKEY_fromdata_init(context) != 1
        || EVP_PKEY_fromdata(context, &public, EVP_PKEY_PUBLIC_KEY, parameters)
               != 1)
        goto out;
    check = EVP_PKEY_CTX_new_from_pkey(NULL, public, NULL);
    if (check == NULL || EVP_PKEY_public_check_quick(check) != 1) {
        EVP_PKEY_free(public);
        public = NULL;
    }
out:
    EVP_PKEY_CTX_free(check);
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(parameters);
    return public;
}

static EVP_PKEY *
read_rsa(const json_t *jwk, const char **why)
{
    struct secret modulus = SECRET_INIT(NUMBER_MAX);
    struct secret exponent = SECRET_INIT(EXPONENT_MAX);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    BIGNUM *n = NULL, *e = NULL;
    EVP_PKEY *public = NULL;

    *why = "an RSA key whose n or e is no number";
    if (build == NULL || !read_number(jwk, "n", &modulus)
        || !read_number(jwk, "e", &exponent))
        goto out;
    n = BN_bin2bn((const unsigned char *)modulus.data, (int)modulus.length,
                  NULL);
    e = BN_bin2bn((const unsigned char *)exponent.data, (int)exponent.length,
                  NULL);
    if (n == NULL || e == NULL)
        goto out;
    *why = "an RSA key whose n or e cannot be right";
    /* The size is looked at by who knows the limits. */
    if (BN_is_odd(n) && BN_is_odd(e) && !BN_is_one(e)
        && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1
        && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1)
    public = make_public("RSA", build);
out:
    BN_free(n);
    BN_free(e);
    OSSL_PARAM_BLD_free(build);
    secret_clear(&modulus);
    secret_clear(&exponent);
    return public;
}

static EVP_PKEY *
read_ec(const json_t *jwk, const char **why)
{
    const char *name = json_string_value(json_object_get(jwk, "crv"));
    struct secret x = SECRET_INIT(NUMBER_MAX);
    struct secret y = SECRET_INIT(NUMBER_MAX);
    struct secret point = SECRET_INIT(NUMBER_MAX);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    const struct curve *curve = NULL;
    EVP_PKEY *public = NULL;

    *why = "an EC key on a curve that is not P-256, P-384 or P-521";
    for (size_t i = 0; name != NULL && i < sizeof(curves) / sizeof(*curves);
         i++)
        if (strcmp(curves[i].jwk, name) == 0)
            curve = &curves[i];
    if (curve == NULL || build == NULL)
        goto out;
    *why = "an EC key whose x and y are no point of its curve";
    if (read_number(jwk, "x", &x) && read_number(jwk, "y", &y)
        && x.length == curve->size && y.length == curve->size
        && secret_append(&point, "\004", 1) == STATUS_OK
        && secret_append(&point, x.data, x.length) == STATUS_OK
        && secret_append(&point, y.data, y.length) == STATUS_OK
        && OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME,
                                           curve->group, 0)
               == 1
        && OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY,
                                            point.data, point.length)
               == 1)
    public = make_public("EC", build);
out:
    OSSL_PARAM_BLD_free(build);
    secret_clear(&x);
    secret_clear(&y);
    secret_clear(&point);
    return public;
}

static EVP_PKEY *
read_okp(const json_t *jwk, const char **why)
{
    const char *name = json_string_value(json_object_get(jwk, "crv"));
    struct secret x = SECRET_INIT(NUMBER_MAX);
    EVP_PKEY *public = NULL;

    *why = "an OKP key that is not Ed25519";
    if (name != NULL && strcmp(name, "Ed25519") == 0) {
        *why = "an Ed25519 key that is not 32 bytes long";
        if (read_number(jwk, "x", &x) && x.length == ED25519_SIZE)
        public = EVP_PKEY_new_raw_public_key(
            EVP_PKEY_ED25519, NULL, (const unsigned char *)x.data, x.length);
    }
    secret_clear(&x);
    return public;
}

enum status
jwk_read_public(const json_t *jwk, const char *kty, EVP_PKEY **public,
                const char **why)
{
    *public = NULL;
    if (strcmp(kty, "RSA") == 0)
        *public = read_rsa(jwk, why);
    else if (strcmp(kty, "EC") == 0)
        *public = read_ec(jwk, why);
    else if (strcmp(kty, "OKP") == 0)
        *public = read_okp(jwk, why);
    else
        return STATUS_NOT_FOUND;
    if (*public != NULL)
        *why = NULL;
    return STATUS_OK;
}

/* --- to a JWK ------------------------------------------------------------ */

/* Puts the bytes as member NAME; false without memory. */
static bool
put_bytes(json_t *jwk, const char *name, const void *bytes, size_t length)
{
    struct secret text = SECRET_INIT(2 * NUMBER_MAX);
    bool done =
        base64url_write(bytes, length, &text) == STATUS_OK
        && json_object_set_new(jwk, name,
                               json_stringn(secret_text(&text), text.length))
               == 0;

    secret_clear(&text);
    return done;
}

/* Puts the key's number PARAMETER, in SIZE bytes or as few as it needs. */
static bool
put_number(json_t *jwk, const char *name, const EVP_PKEY *public,
           const char *parameter, size_t size)
{
    unsigned char bytes[NUMBER_MAX];
    BIGNUM *number = NULL;
    bool done = false;

    if (EVP_PKEY_get_bn_param(public, parameter, &number) == 1) {
        if (size == 0)
            size = (size_t)BN_num_bytes(number);
        done = size <= sizeof(bytes)
               && BN_bn2binpad(number, bytes, (int)size) == (int)size
               && put_bytes(jwk, name, bytes, size);
    }
    BN_free(number);
    return done;
}

static bool
put_ec(json_t *jwk, const EVP_PKEY *public)
{
    char group[32] = "";

    if (EVP_PKEY_get_utf8_string_param(public, OSSL_PKEY_PARAM_GROUP_NAME,
                                       group, sizeof(group), NULL)
        != 1)
        return false;
    for (size_t i = 0; i < sizeof(curves) / sizeof(*curves); i++)
        if (strcmp(curves[i].group, group) == 0)
            return json_object_set_new(jwk, "crv", json_string(curves[i].jwk))
                       == 0
                   && put_number(jwk, "x", public, OSSL_PKEY_PARAM_EC_PUB_X,
                                 curves[i].size)
                   && put_number(jwk, "y", public, OSSL_PKEY_PARAM_EC_PUB_Y,
                                 curves[i].size);
    return false;
}

static bool
put_okp(json_t *jwk, const EVP_PKEY *public)
{
    unsigned char bytes[ED25519_SIZE];
    size_t size = sizeof(bytes);

    return EVP_PKEY_get_raw_public_key(public, bytes, &size) == 1
           && json_object_set_new(jwk, "crv", json_string("Ed25519")) == 0
           && put_bytes(jwk, "x", bytes, size);
}

json_t *
jwk_write_public(EVP_PKEY *public)
{
    json_t *jwk = json_object();
    const char *kty = "OKP";
    bool done;

    switch (EVP_PKEY_get_base_id(public)) {
    case EVP_PKEY_RSA:
        kty = "RSA";
        done = put_number(jwk, "n", public, OSSL_PKEY_PARAM_RSA_N, 0)
               && put_number(jwk, "e", public, OSSL_PKEY_PARAM_RSA_E, 0);
        break;
    case EVP_PKEY_EC:
        kty = "EC";
        done = put_ec(jwk, public);
        break;
    default:
        done = put_okp(jwk, public);
        break;
    }
    if (!done || json_object_set_new(jwk, "kty", json_string(kty)) != 0) {
        json_decref(jwk);
        jwk = NULL;
    }
    return jwk;
}

json_t *
jwk_write_secret(const struct secret *bytes)
{
    json_t *jwk = json_object();

    if (jwk == NULL || !put_bytes(jwk, "k", bytes->data, bytes->length)
        || json_object_set_new(jwk, "kty", json_string("oct")) != 0) {
        json_decref(jwk);
        jwk = NULL;
    }
    return jwk;
}
