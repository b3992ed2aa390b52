/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * keys.h - a set of keys: read from a JWKS (RFC 7517), remembered between two
 * sign-ins, searched for the one that a token names.
 *
 * The remembered form is JSON, "keys" reduced to what verifies:
 *
 *     {"v":1, "url":"https://...", "fetched_at":1700000000, "max_age":3600,
 *      "tried_at":1700000000,
 *      "keys":[{"kty":...}, {"kid":"...", "refused":"why"}]}
 *
 * This file refuses to know where keys come from, and what a token says.
 */
#ifndef AUTHAPI_HELPER_KEYS_H
#define AUTHAPI_HELPER_KEYS_H

#include "base/secret.h"
#include "base/status.h"
#include "helper/key.h"
#include "provider/answer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    KEYS_COUNT_MAX = 32,
    KEYS_DOCUMENT_MAX = 256 * 1024, /* bytes of a JWKS */
    KEYS_AGE_MIN = 300,             /* seconds; bounds of what an API says */
    KEYS_AGE_MAX = 24 * 60 * 60,
    KEYS_AGE_DEFAULT = 60 * 60,
    KEYS_LIFE_MAX = 24 * 60 * 60, /* how long a set is used that cannot be
                                   * fetched anew */
    KEYS_TRY_INTERVAL = 60,       /* seconds between two fetches */
};

struct keys {
    struct key items[KEYS_COUNT_MAX];
    size_t count;
    int64_t fetched_at; /* 0: the set was never fetched */
    int64_t max_age;    /* seconds from then */
    int64_t tried_at;   /* of the last fetch, good or not */
};

/* Reads a JWKS into KEYS, in place of the keys there; the times stay.
 * STATUS_OK; STATUS_MISCONFIGURED with *why (static text) when it is none, or
 * holds no key at all; STATUS_NO_MEMORY.  On failure KEYS is as it was. */
enum status keys_read(struct keys *keys, const struct secret *document,
                      const char **why) MUST_USE;

/* Finds the key for a token signed with ALGORITHM that names the key ID
 * (NULL: none, which is good enough where one key only fits).  STATUS_OK with
 * *key; STATUS_NOT_FOUND: not in this set, perhaps in a newer one;
 * STATUS_BAD_TOKEN: that key must not be used for it.  Both with a clause in
 * WHY. */
enum status keys_find(const struct keys *keys, const char *id,
                      const struct algorithm *algorithm,
                      const struct key **key, char *why,
                      size_t why_size) MUST_USE;

/* How long a set that came with ANSWER may be used, in seconds (RFC 9111
 * max-age), within our bounds. */
int64_t keys_max_age(const struct answer *answer) MUST_USE;

/* Whether the set needs no fetch at NOW; whether it may be used at all; and
 * whether it is time to try another fetch. */
bool keys_fresh(const struct keys *keys, int64_t now) MUST_USE;
bool keys_usable(const struct keys *keys, int64_t now) MUST_USE;
bool keys_may_fetch(const struct keys *keys, int64_t now) MUST_USE;

/* Writes the remembered form into OUT, as many keys as fit.  STATUS_OK, or
 * another status with OUT empty. */
enum status keys_save(const struct keys *keys, const char *url,
                      struct secret *out) MUST_USE;

/* Reads it into the empty KEYS.  What is not of URL, is not whole, or is from
 * the future counts as nothing remembered: KEYS is then empty. */
void keys_load(struct keys *keys, const char *url, const struct secret *saved,
               int64_t now);

/* Wipes and frees; KEYS is empty afterwards.  Accepts NULL. */
void keys_clear(struct keys *keys);

#endif
