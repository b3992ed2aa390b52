/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * jwk.h - the numbers of a JWK (RFC 7518 6, RFC 8037 2) as a key of OpenSSL,
 * and back.
 */
#ifndef AUTHAPI_HELPER_JWK_H
#define AUTHAPI_HELPER_JWK_H

#include "base/secret.h"
#include "base/status.h"

#include <jansson.h>
#include <openssl/evp.h>

/* Makes the public key of kind KTY.  STATUS_OK with *public set (free with
 * EVP_PKEY_free), or with *why (static text) when it is no good key;
 * STATUS_NOT_FOUND for another kty; STATUS_NO_MEMORY. */
enum status jwk_read_public(const json_t *jwk, const char *kty,
                            EVP_PKEY **public, const char **why) MUST_USE;

/* The key as a JWK of its public members; NULL on failure. */
json_t *jwk_write_public(EVP_PKEY *public) MUST_USE;

/* A shared secret as a JWK (kty oct); NULL on failure. */
json_t *jwk_write_secret(const struct secret *bytes) MUST_USE;

#endif
