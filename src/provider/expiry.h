/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * expiry.h - when a token expires, in every way the APIs say it.
 */
#ifndef AUTHAPI_PROVIDER_EXPIRY_H
#define AUTHAPI_PROVIDER_EXPIRY_H

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

enum expiry_unit {
    EXPIRY_S,        /* seconds from now (RFC 6749 expires_in) */
    EXPIRY_MS,       /* milliseconds from now */
    EXPIRY_EPOCH,    /* seconds since the epoch */
    EXPIRY_EPOCH_MS, /* milliseconds since the epoch */
    EXPIRY_ISO8601,  /* RFC 3339 date-time, with fraction and offset */
    EXPIRY_JWT,      /* the token's own exp; may only schedule a refresh */
};

/* Finds the unit named WORD ("s", "ms", "epoch", "epoch_ms", "iso8601",
 * "jwt"); false when there is none. */
bool expiry_unit_parse(const char *word, enum expiry_unit *unit) MUST_USE;

/* Turns the text an API sent (a number may have been a string, and may have a
 * fraction) into seconds since the epoch.  STATUS_OK, or STATUS_NOT_FOUND for
 * anything that is not a sane time: negative, not a number, beyond the year
 * 9999; *expires_at is then untouched.  EXPIRY_JWT takes the text of the exp
 * claim (RFC 7519 NumericDate). */
enum status expiry_read(const char *text, enum expiry_unit unit, int64_t now,
                        int64_t *expires_at) MUST_USE;

/* When to refresh a token obtained at NOW that expires at EXPIRES_AT: after
 * three quarters of its life plus up to a tenth of jitter, chosen by RANDOM
 * (any number).  0 when EXPIRES_AT is 0. */
int64_t expiry_refresh_at(int64_t now, int64_t expires_at,
                          uint32_t random) MUST_USE;

#endif
