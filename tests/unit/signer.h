/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * signer.h - keys and signed tokens, right ones and forged ones, for tests.
 *
 * Made with OpenSSL alone.  It refuses to look whether what it signs is a
 * token.
 */
#ifndef AUTHAPI_TESTS_SIGNER_H
#define AUTHAPI_TESTS_SIGNER_H

#include <jansson.h>
#include <openssl/evp.h>

/* A fresh private key: "RSA-2048", "RSA-512", "P-256", "P-384", "P-521",
 * "secp256k1", "Ed25519".  Fails the test where it cannot be made. */
EVP_PKEY *signer_key(const char *kind);

/* The public half as a JWK named KID (NULL: without a name). */
json_t *signer_jwk(EVP_PKEY *key, const char *kid);

/* {"keys":[...]} of the JWKs, which it takes over, until a NULL. */
char *signer_set(json_t *first, ...);

/* The public half as PEM. */
char *signer_pem(EVP_PKEY *key);

/* HEADER and PAYLOAD, as they are, signed with KEY: RS, PS, ES or EdDSA and
 * the number of bits of the digest as in ALGORITHM. */
char *signer_token(EVP_PKEY *key, const char *algorithm, const char *header,
                   const char *payload);

/* The same with HMAC and SECRET. */
char *signer_hmac(const char *secret, const char *algorithm,
                  const char *header, const char *payload);

#endif
