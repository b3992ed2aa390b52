/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * jwt.h - what a JSON Web Token (RFC 7519) says, read with libjwt.
 *
 * Nothing here is verified, and so nothing here may decide anything: an
 * unverified expiry may schedule a refresh and no more.  This file refuses to
 * hand out any other claim.
 */
#ifndef AUTHAPI_HELPER_JWT_H
#define AUTHAPI_HELPER_JWT_H

#include "base/secret.h"
#include "base/status.h"

/* The text of the token's exp claim, whatever its algorithm, for
 * expiry_read(EXPIRY_JWT).  STATUS_OK; STATUS_NOT_FOUND when the token is no
 * JWT (an encrypted one counts as none) or names no exp; STATUS_NO_MEMORY.
 * On failure TEXT is empty. */
enum status jwt_unverified_exp(const struct secret *token,
                               struct secret *text) MUST_USE;

#endif
