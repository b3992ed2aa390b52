/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * signer.c - keys and signed tokens for tests.
 */
#include "signer.h"
#include "helper/base64url.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

EVP_PKEY *
signer_key(const char *kind)
{
    EVP_PKEY *key;

    if (strncmp(kind, "RSA-", 4) == 0)
        key = EVP_RSA_gen((unsigned)strtoul(kind + 4, NULL, 10));
    else if (strcmp(kind, "Ed25519") == 0)
        key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    else
        key = EVP_EC_gen(kind);
    assert_non_null(key);
    return key;
}

/* --- public halves ------------------------------------------------------- */

static void
put(json_t *jwk, const char *name, const void *bytes, size_t length)
{
    struct secret text = SECRET_INIT(4096);

    assert_int_equal(base64url_write(bytes, length, &text), STATUS_OK);
    json_object_set_new(jwk, name, json_string(secret_text(&text)));
    secret_clear(&text);
}

static void
put_number(json_t *jwk, const char *name, EVP_PKEY *key, const char *parameter,
           int size)
{
    unsigned char bytes[1024];
    BIGNUM *number = NULL;

    assert_int_equal(EVP_PKEY_get_bn_param(key, parameter, &number), 1);
    if (size == 0)
        size = BN_num_bytes(number);
    assert_int_equal(BN_bn2binpad(number, bytes, size), size);
    put(jwk, name, bytes, (size_t)size);
    BN_free(number);
}

json_t *
signer_jwk(EVP_PKEY *key, const char *kid)
{
    json_t *jwk = json_object();
    int bits = EVP_PKEY_get_bits(key);
    unsigned char raw[64];
    size_t size = sizeof(raw);
    char curve[16];

    if (kid != NULL)
        json_object_set_new(jwk, "kid", json_string(kid));
    switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
        json_object_set_new(jwk, "kty", json_string("RSA"));
        put_number(jwk, "n", key, OSSL_PKEY_PARAM_RSA_N, 0);
        put_number(jwk, "e", key, OSSL_PKEY_PARAM_RSA_E, 0);
        break;
    case EVP_PKEY_EC:
        snprintf(curve, sizeof(curve), "P-%d", bits);
        json_object_set_new(jwk, "kty", json_string("EC"));
        json_object_set_new(jwk, "crv", json_string(curve));
        put_number(jwk, "x", key, OSSL_PKEY_PARAM_EC_PUB_X, (bits + 7) / 8);
        put_number(jwk, "y", key, OSSL_PKEY_PARAM_EC_PUB_Y, (bits + 7) / 8);
        break;
    default:
        json_object_set_new(jwk, "kty", json_string("OKP"));
        json_object_set_new(jwk, "crv", json_string("Ed25519"));
        assert_int_equal(EVP_PKEY_get_raw_public_key(key, raw, &size), 1);
        put(jwk, "x", raw, size);
        break;
    }
    return jwk;
}

char *
signer_set(json_t *first, ...)
{
    json_t *list = json_array();
    json_t *root = json_pack("{s:o}", "keys", list);
    char *text;
    va_list more;

    va_start(more, first);
    for (json_t *jwk = first; jwk != NULL; jwk = va_arg(more, json_t *))
        json_array_append_new(list, jwk);
    va_end(more);
    text = json_dumps(root, 0);
    json_decref(root);
    assert_non_null(text);
    return text;
}

char *
signer_pem(EVP_PKEY *key)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *bytes = NULL;
    char *copy;
    long length;

    assert_int_equal(PEM_write_bio_PUBKEY(bio, key), 1);
    length = BIO_get_mem_data(bio, &bytes);
    copy = strndup(bytes, (size_t)length);
    BIO_free(bio);
    return copy;
}

/* --- tokens -------------------------------------------------------------- */

static const EVP_MD *
digest_of(const char *algorithm)
{
    char name[16];

    if (strcmp(algorithm, "EdDSA") == 0)
        return NULL;
    snprintf(name, sizeof(name), "SHA%s", algorithm + 2);
    return EVP_get_digestbyname(name);
}

/* "header.payload" in base64url. */
static void
join(struct secret *token, const char *header, const char *payload)
{
    assert_int_equal(base64url_write(header, strlen(header), token),
                     STATUS_OK);
    assert_int_equal(secret_append(token, ".", 1), STATUS_OK);
    assert_int_equal(base64url_write(payload, strlen(payload), token),
                     STATUS_OK);
}

static char *
finish(struct secret *token, const void *signature, size_t length)
{
    char *text;

    assert_int_equal(secret_append(token, ".", 1), STATUS_OK);
    assert_int_equal(base64url_write(signature, length, token), STATUS_OK);
    text = strdup(secret_text(token));
    secret_clear(token);
    return text;
}

/* r and s one behind the other, instead of DER. */
static size_t
join_pair(unsigned char *signature, size_t length, int bits)
{
    const unsigned char *at = signature;
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, (long)length);
    int half = (bits + 7) / 8;

    assert_non_null(pair);
    BN_bn2binpad(ECDSA_SIG_get0_r(pair), signature, half);
    BN_bn2binpad(ECDSA_SIG_get0_s(pair), signature + half, half);
    ECDSA_SIG_free(pair);
    return 2 * (size_t)half;
}

char *
signer_token(EVP_PKEY *key, const char *algorithm, const char *header,
             const char *payload)
{
    struct secret token = SECRET_INIT(4 * 1024 * 1024);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *options = NULL;
    unsigned char signature[1024];
    size_t length = sizeof(signature);

    join(&token, header, payload);
    assert_int_equal(
        EVP_DigestSignInit(context, &options, digest_of(algorithm), NULL, key),
        1);
    if (algorithm[0] == 'P') {
        EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING);
        EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST);
    }
    assert_int_equal(EVP_DigestSign(context, signature, &length,
                                    (const unsigned char *)token.data,
                                    token.length),
                     1);
    EVP_MD_CTX_free(context);
    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC)
        length = join_pair(signature, length, EVP_PKEY_get_bits(key));
    return finish(&token, signature, length);
}

char *
signer_hmac(const char *secret, const char *algorithm, const char *header,
            const char *payload)
{
    struct secret token = SECRET_INIT(64 * 1024);
    unsigned char signature[EVP_MAX_MD_SIZE];
    unsigned length = 0;

    join(&token, header, payload);
    assert_non_null(HMAC(digest_of(algorithm), secret, (int)strlen(secret),
                         (const unsigned char *)token.data, token.length,
                         signature, &length));
    return finish(&token, signature, length);
}
