/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * secret.h - bytes that somebody must not read: owned, capped, wiped.
 *
 * Every buffer that may hold a password or a token is a struct secret.  It
 * has a cap from birth, grows by copying into fresh memory that is wiped
 * where it was, and is wiped when it is freed.  It refuses to grow beyond
 * its cap.  The bytes are always followed by a NUL that does not count.
 */
#ifndef AUTHAPI_BASE_SECRET_H
#define AUTHAPI_BASE_SECRET_H

#include "base/status.h"

#include <stddef.h>

struct secret {
    char *data;      /* NULL while nothing was ever appended */
    size_t length;   /* without the NUL behind it */
    size_t capacity; /* allocated, without the NUL */
    size_t limit;    /* the cap */
};

/* An empty secret that may hold up to LIMIT bytes. */
#define SECRET_INIT(limit_)                                                   \
    {                                                                         \
        .data = NULL, .length = 0, .capacity = 0, .limit = (limit_)           \
    }

/* Appends LENGTH bytes.  STATUS_OK; STATUS_SYSTEM when the cap would be
 * passed; STATUS_NO_MEMORY.  On failure the secret is as it was. */
enum status secret_append(struct secret *secret, const void *bytes,
                          size_t length) MUST_USE;

/* Replaces what is there by the C string TEXT (NULL counts as "").  Returns
 * as secret_append does; on failure the secret is empty. */
enum status secret_set(struct secret *secret, const char *text) MUST_USE;

/* Makes room for a LENGTH-byte secret and sets its length, so that the caller
 * can read into ->data.  New bytes are zero.  Returns as secret_append. */
enum status secret_resize(struct secret *secret, size_t length) MUST_USE;

/* The bytes as a C string; "" when empty.  Owned by the secret. */
const char *secret_text(const struct secret *secret);

/* Wipes and frees the bytes; keeps the limit.  Accepts NULL. */
void secret_clear(struct secret *secret);

/* Wipes LENGTH bytes in a way the compiler does not remove. */
void secret_wipe(void *bytes, size_t length);

/* Wipes and frees a C string.  Accepts NULL. */
void secret_free_text(char *text);

#endif
