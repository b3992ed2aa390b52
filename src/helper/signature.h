/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * signature.h - a JWS signature (RFC 7515) verified by OpenSSL itself.
 *
 * For tokens that the installed libjwt does not look at: those of its 1.x
 * line take no header `typ` but "JWT", and so no access token of RFC 9068.
 */
#ifndef AUTHAPI_HELPER_SIGNATURE_H
#define AUTHAPI_HELPER_SIGNATURE_H

#include "helper/key.h"

#include <stdbool.h>
#include <stddef.h>

/* Whether SIGNATURE is ALGORITHM's of the LENGTH bytes at SIGNED_BYTES, made
 * with KEY, which must fit (key_fits).  No for every error. */
bool signature_good(const struct key *key, const struct algorithm *algorithm,
                    const char *signed_bytes, size_t length,
                    const struct secret *signature) MUST_USE;

#endif
