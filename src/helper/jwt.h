/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * jwt.h - JSON Web Tokens (RFC 7519, RFC 8725).
 *
 * Nothing in a token is believed before its signature has been verified: with
 * an algorithm that the conf pins, and a key that the conf's set holds.  What
 * a token says of keys itself (jwk, jku, x5u, x5c) is never looked at.
 */
#ifndef AUTHAPI_HELPER_JWT_H
#define AUTHAPI_HELPER_JWT_H

#include "base/secret.h"
#include "base/status.h"
#include "helper/keys.h"
#include "provider/conf.h"
#include "provider/vars.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

enum { JWT_MAX = 16 * 1024 };

/* Verifies TOKEN at NOW and sets *claims (free with json_decref).  STATUS_OK;
 * STATUS_NOT_FOUND: the set has no such key, perhaps a newer one has;
 * STATUS_BAD_TOKEN; STATUS_MISCONFIGURED: the installed libjwt does not know
 * the algorithm; STATUS_NO_MEMORY.  All but the first put a clause into WHY
 * that goes on from "the token is refused: ", and leave *claims NULL. */
enum status jwt_verify(const struct secret *token,
                       const struct jwt_rules *rules, const struct keys *keys,
                       const struct vars *vars, int64_t now, json_t **claims,
                       char *why, size_t why_size) MUST_USE;

/* The text of the token's exp claim, whatever its algorithm, for
 * expiry_read(EXPIRY_JWT).  Nothing is verified, so this may schedule a
 * refresh and decide nothing.  STATUS_OK; STATUS_NOT_FOUND when the token is
 * no JWT (an encrypted one counts as none) or names no exp;
 * STATUS_NO_MEMORY.  On failure TEXT is empty. */
enum status jwt_unverified_exp(const struct secret *token,
                               struct secret *text) MUST_USE;

#endif
