/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * claimset.h - whether the claims of a token (RFC 7519 4.1) are for us, by
 * now.
 *
 * Only who has verified the signature may ask.
 */
#ifndef AUTHAPI_HELPER_CLAIMSET_H
#define AUTHAPI_HELPER_CLAIMSET_H

#include "base/status.h"
#include "provider/conf.h"
#include "provider/vars.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Checks issuer, audience, times and the conf's own conditions.  STATUS_OK,
 * or STATUS_BAD_TOKEN with a clause in WHY. */
enum status claimset_check(json_t *claims, const struct jwt_rules *rules,
                           const struct vars *vars, int64_t now, char *why,
                           size_t why_size) MUST_USE;

/* Whom the token is about: {"iss":..., "aud":..., "sub":...}, as far as it
 * says.  The audience is the one that the conf names, if it names one: others
 * may come and go.  NULL without memory. */
json_t *claimset_identity(const json_t *claims,
                          const struct jwt_rules *rules) MUST_USE;

#endif
