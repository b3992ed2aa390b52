/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * signature.c - a JWS signature verified by OpenSSL itself.
 *
 * It refuses to choose: key and algorithm have been chosen before.
 */
#include "helper/signature.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

static bool
hmac_good(const struct key *key, const EVP_MD *digest,
          const char *signed_bytes, size_t length,
          const struct secret *signature)
{
    unsigned char wanted[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    bool good =
        HMAC(digest, key->material.data, (int)key->material.length,
             (const unsigned char *)signed_bytes, length, wanted, &size)
            != NULL
        && signature->length == size
        && CRYPTO_memcmp(signature->data, wanted, size) == 0;

    secret_wipe(wanted, sizeof(wanted));
    return good;
}

/* JWS joins the two numbers of an ECDSA signature (RFC 7518 3.4); OpenSSL
 * wants them as DER. */
static bool
to_der(const struct secret *joined, int bits, struct secret *der)
{
    size_t half = ((size_t)bits + 7) / 8;
    ECDSA_SIG *pair = ECDSA_SIG_new();
    unsigned char *bytes = NULL;
    BIGNUM *r = NULL, *s = NULL;
    bool done = false;
    int length;

    if (pair == NULL || joined->length != 2 * half)
        goto out;
    r = BN_bin2bn((const unsigned char *)joined->data, (int)half, NULL);
    s = BN_bin2bn((const unsigned char *)joined->data + half, (int)half, NULL);
    if (r == NULL || s == NULL || ECDSA_SIG_set0(pair, r, s) != 1)
        goto out;
    r = NULL; /* the pair's now */
    s = NULL;
    length = i2d_ECDSA_SIG(pair, &bytes);
    done =
        length > 0 && secret_append(der, bytes, (size_t)length) == STATUS_OK;
out:
    OPENSSL_free(bytes);
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(pair);
    return done;
}

static bool
verify(EVP_PKEY *public, const struct algorithm *algorithm,
       const EVP_MD *digest, const char *signed_bytes, size_t length,
       const struct secret *signature)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *options = NULL;
    bool good =
        context != NULL
        && EVP_DigestVerifyInit(context, &options, digest, NULL, public) == 1
        && (!algorithm->pss
            || (EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING)
                    == 1
                && EVP_PKEY_CTX_set_rsa_pss_saltlen(options,
                                                    RSA_PSS_SALTLEN_DIGEST)
                       == 1))
        && EVP_DigestVerify(context, (const unsigned char *)signature->data,
                            signature->length,
                            (const unsigned char *)signed_bytes, length)
               == 1;

    EVP_MD_CTX_free(context);
    return good;
}

bool
signature_good(const struct key *key, const struct algorithm *algorithm,
               const char *signed_bytes, size_t length,
               const struct secret *signature)
{
    struct secret der = SECRET_INIT(256);
    const EVP_MD *digest = NULL;
    EVP_PKEY *public = NULL;
    BIO *bio = NULL;
    bool good = false;

    if (key->refused != NULL || !key_fits(key, algorithm))
        return false;
    if (algorithm->digest != NULL)
        digest = EVP_get_digestbyname(algorithm->digest);
    if (algorithm->type == KEY_HMAC)
        return digest != NULL
               && hmac_good(key, digest, signed_bytes, length, signature);
    bio = BIO_new_mem_buf(secret_text(&key->material),
                          (int)key->material.length);
    if (bio != NULL)
    public = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
    if (public == NULL || (digest == NULL && algorithm->digest != NULL))
        goto out;
    if (algorithm->type == KEY_EC)
        good =
            to_der(signature, algorithm->bits, &der)
            && verify(public, algorithm, digest, signed_bytes, length, &der);
    else
        good =
            verify(public, algorithm, digest, signed_bytes, length, signature);
out:
    EVP_PKEY_free(public);
    BIO_free(bio);
    secret_clear(&der);
    ERR_clear_error();
    return good;
}
