/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * key.c - one key that tokens are verified with.
 *
 * It refuses to hold a private key.
 */
#include "helper/key.h"
#include "helper/jwk.h"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

static const struct algorithm algorithms[] = {
    { "RS256", KEY_RSA, 0, "SHA256", false },
    { "RS384", KEY_RSA, 0, "SHA384", false },
    { "RS512", KEY_RSA, 0, "SHA512", false },
    { "PS256", KEY_RSA, 0, "SHA256", true },
    { "PS384", KEY_RSA, 0, "SHA384", true },
    { "PS512", KEY_RSA, 0, "SHA512", true },
    { "ES256", KEY_EC, 256, "SHA256", false },
    { "ES384", KEY_EC, 384, "SHA384", false },
    { "ES512", KEY_EC, 521, "SHA512", false },
    { "EdDSA", KEY_ED25519, 0, NULL, false },
    { "HS256", KEY_HMAC, 0, "SHA256", false },
    { "HS384", KEY_HMAC, 0, "SHA384", false },
    { "HS512", KEY_HMAC, 0, "SHA512", false },
};

const struct algorithm *
algorithm_find(const char *name)
{
    for (size_t i = 0; i < sizeof(algorithms) / sizeof(*algorithms); i++)
        if (strcmp(algorithms[i].name, name) == 0)
            return &algorithms[i];
    return NULL;
}

bool
key_fits(const struct key *key, const struct algorithm *algorithm)
{
    return key->type == algorithm->type
           && (algorithm->bits == 0 || key->bits == algorithm->bits)
           && (key->algorithm == NULL
               || strcmp(key->algorithm, algorithm->name) == 0);
}

bool
key_refuse(struct key *key, const char *why)
{
    free(key->refused);
    key->refused = strdup(why);
    return key->refused != NULL;
}

void
key_clear(struct key *key)
{
    if (key == NULL)
        return;
    free(key->id);
    free(key->algorithm);
    free(key->refused);
    secret_clear(&key->material);
    memset(key, 0, sizeof(*key));
}

/* --- a public key -------------------------------------------------------- */

static int
curve_bits(EVP_PKEY *public)
{
    static const struct {
        const char *name;
        int bits;
    } curves[] = { { "prime256v1", 256 },
                   { "secp384r1", 384 },
                   { "secp521r1", 521 } };
    char name[32] = "";

    /* By name: other curves are as long. */
    if (EVP_PKEY_get_utf8_string_param(public, OSSL_PKEY_PARAM_GROUP_NAME,
                                       name, sizeof(name), NULL)
        == 1)
        for (size_t i = 0; i < sizeof(curves) / sizeof(*curves); i++)
            if (strcmp(curves[i].name, name) == 0)
                return curves[i].bits;
    return 0;
}

/* Sets type and bits; a static text when the key must not be used. */
static const char *
classify(struct key *key, EVP_PKEY *public)
{
    switch (EVP_PKEY_get_base_id(public)) {
    case EVP_PKEY_RSA:
        key->type = KEY_RSA;
        key->bits = EVP_PKEY_get_bits(public);
        if (key->bits < KEY_RSA_MIN)
            return "an RSA key of less than 2048 bits";
        return key->bits > KEY_RSA_MAX ? "an RSA key of more than 8192 bits"
                                       : NULL;
    case EVP_PKEY_EC:
        key->type = KEY_EC;
        key->bits = curve_bits(public);
        return key->bits == 0 ? "an EC key on a curve that is not P-256, "
                                "P-384 or P-521"
                              : NULL;
    case EVP_PKEY_ED25519:
        key->type = KEY_ED25519;
        return NULL;
    default:
        return "a kind of key that no algorithm here is for";
    }
}

static enum status
keep_public(struct key *key, EVP_PKEY *public)
{
    const char *why = classify(key, public);
    enum status status = STATUS_NO_MEMORY;
    BIO *bio = NULL;
    char *bytes = NULL;
    long length;

    if (why != NULL)
        return key_refuse(key, why) ? STATUS_OK : STATUS_NO_MEMORY;
    bio = BIO_new(BIO_s_mem());
    if (bio == NULL || PEM_write_bio_PUBKEY(bio, public) != 1)
        goto out;
    length = BIO_get_mem_data(bio, &bytes);
    if (length > 0)
        status = secret_append(&key->material, bytes, (size_t)length);
out:
    BIO_free(bio);
    return status == STATUS_OK ? status : STATUS_NO_MEMORY;
}

static EVP_PKEY *
read_public(const struct secret *pem)
{
    BIO *bio = BIO_new_mem_buf(secret_text(pem), (int)pem->length);
    EVP_PKEY *public = NULL;

    if (bio != NULL)
    public = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
    BIO_free(bio);
    return public;
}

static EVP_PKEY *
read_certificate(const struct secret *pem)
{
    BIO *bio = BIO_new_mem_buf(secret_text(pem), (int)pem->length);
    EVP_PKEY *public = NULL;
    X509 *certificate = NULL;

    if (bio != NULL)
        certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    if (certificate != NULL)
    public = X509_get_pubkey(certificate);
    X509_free(certificate);
    BIO_free(bio);
    return public;
}

enum status
key_read_pem(struct key *key, const struct secret *pem, const char **why)
{
    EVP_PKEY *public = NULL;
    enum status status = STATUS_MISCONFIGURED;

    memset(key, 0, sizeof(*key));
    key->material = (struct secret)SECRET_INIT(KEY_MATERIAL_MAX);
    if (strstr(secret_text(pem), "PRIVATE KEY-----") != NULL) {
        *why = "it is a private key: only the public half belongs here";
        return status;
    }
    public = read_public(pem);
    if (public == NULL)
    public = read_certificate(pem);
    if (public == NULL)
        *why = "it is neither a public key nor a certificate in PEM";
    else
        status = keep_public(key, public);
    EVP_PKEY_free(public);
    ERR_clear_error();
    return status;
}

enum status
key_read_secret(struct key *key, const struct secret *bytes)
{
    const char *why = NULL;

    memset(key, 0, sizeof(*key));
    key->material = (struct secret)SECRET_INIT(KEY_MATERIAL_MAX);
    key->type = KEY_HMAC;
    if (bytes->length < KEY_HMAC_MIN)
        why = "an HMAC secret of less than 32 bytes";
    else if (strstr(secret_text(bytes), "-----BEGIN ") != NULL)
        why = "a PEM where an HMAC secret belongs: what is public is no "
              "secret";
    else if (secret_append(&key->material, bytes->data, bytes->length)
             != STATUS_OK)
        why = "an HMAC secret that is too long";
    return why == NULL || key_refuse(key, why) ? STATUS_OK : STATUS_NO_MEMORY;
}

/* --- JWK ----------------------------------------------------------------- */

/* Copies a text member; false when it is there and is no usable text. */
static bool
copy_text(const json_t *jwk, const char *name, char **copy)
{
    const json_t *value = json_object_get(jwk, name);
    const char *text = json_string_value(value);

    if (value == NULL)
        return true;
    if (text == NULL || json_string_length(value) > KEY_ID_MAX)
        return false;
    *copy = strdup(text);
    return *copy != NULL;
}

static bool
holds_private(const json_t *jwk)
{
    static const char *const members[] = { "d",  "p",   "q", "dp",  "dq",
                                           "qi", "oth", "k", "priv" };

    for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++)
        if (json_object_get(jwk, members[i]) != NULL)
            return true;
    return false;
}

/* Whether `use` and `key_ops` (RFC 7517 4.2, 4.3) allow to verify. */
static bool
may_verify(const json_t *jwk)
{
    const json_t *use = json_object_get(jwk, "use");
    const json_t *uses = json_object_get(jwk, "key_ops");
    bool found = uses == NULL;

    if (use != NULL
        && (!json_is_string(use)
            || strcmp(json_string_value(use), "sig") != 0))
        return false;
    for (size_t i = 0; i < json_array_size(uses); i++) {
        const char *word = json_string_value(json_array_get(uses, i));

        if (word != NULL && strcmp(word, "verify") == 0)
            found = true;
    }
    return found;
}

enum status
key_read_jwk(struct key *key, const json_t *jwk)
{
    const char *kty = json_string_value(json_object_get(jwk, "kty"));
    enum status status = STATUS_OK;
    EVP_PKEY *public = NULL;
    const char *why = NULL;

    memset(key, 0, sizeof(*key));
    key->material = (struct secret)SECRET_INIT(KEY_MATERIAL_MAX);
    if (kty == NULL)
        return STATUS_NOT_FOUND;
    if (!copy_text(jwk, "kid", &key->id)
        || !copy_text(jwk, "alg", &key->algorithm))
        why = "a key whose kid or alg is no text";
    else if (holds_private(jwk))
        why = "a key with private members, which no public set may hold";
    else if (!may_verify(jwk))
        status = STATUS_NOT_FOUND;
    else
        status = jwk_read_public(jwk, kty, &public, &why);
    if (status == STATUS_OK && why == NULL)
        status = keep_public(key, public);
    else if (status == STATUS_OK && !key_refuse(key, why))
        status = STATUS_NO_MEMORY;
    EVP_PKEY_free(public);
    ERR_clear_error();
    if (status != STATUS_OK)
        key_clear(key);
    return status;
}

json_t *
key_write_jwk(const struct key *key)
{
    EVP_PKEY *public = NULL;
    json_t *jwk = NULL;

    if (key->refused != NULL)
        return NULL;
    if (key->type == KEY_HMAC) {
        jwk = jwk_write_secret(&key->material);
    } else {
        public = read_public(&key->material);
        if (public != NULL)
            jwk = jwk_write_public(public);
    }
    if (jwk != NULL
        && ((key->id != NULL
             && json_object_set_new(jwk, "kid", json_string(key->id)) != 0)
            || (key->algorithm != NULL
                && json_object_set_new(jwk, "alg", json_string(key->algorithm))
                       != 0))) {
        json_decref(jwk);
        jwk = NULL;
    }
    EVP_PKEY_free(public);
    ERR_clear_error();
    return jwk;
}
