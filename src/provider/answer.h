/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * answer.h - what came back from the API, as the language sees it.
 *
 * Whoever fetched it fills this in; the language only reads.  `jwt` is the
 * set of claims of a token whose signature has been verified, else NULL.
 */
#ifndef AUTHAPI_PROVIDER_ANSWER_H
#define AUTHAPI_PROVIDER_ANSWER_H

#include "base/secret.h"
#include "base/status.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define ANSWER_HEADERS_MAX 128

struct answer_header {
    char *name; /* as sent; compared without regard to case (RFC 9110) */
    char *value;
};

struct answer {
    int status;   /* HTTP status */
    json_t *json; /* NULL when the body is no JSON */
    json_t *jwt;  /* verified claims, or NULL */
    struct answer_header headers[ANSWER_HEADERS_MAX];
    size_t header_count;
};

/* Where an output comes from:
 *     /pointer          in the body
 *     header:NAME       the header's value
 *     cookie:NAME       the value of that cookie in a Set-Cookie header
 *     jwt:/pointer      in the verified token's claims */
struct source;

/* Parses a source; NULL and *why (static text) on failure. */
struct source *source_parse(const char *text, const char **why) MUST_USE;

/* The same where only claims are meant: "aal" and "/aal" are "jwt:/aal". A
 * name without the first '/' is one claim, whatever it holds. */
struct source *source_parse_claim(const char *text, const char **why) MUST_USE;

/* Whether there is anything there that is not null. */
bool source_present(const struct source *source,
                    const struct answer *answer) MUST_USE;

/* Whether the source is a claim of a verified token. */
bool source_needs_jwt(const struct source *source) MUST_USE;

/* Reads the scalar that the source names.  Returns as pointer_scalar does. */
enum status source_read(const struct source *source,
                        const struct answer *answer,
                        struct secret *out) MUST_USE;

/* Whether VALUE is a whole member of what the source names: an element of an
 * array that is a scalar reading VALUE, or one of the words, with single
 * spaces between them, of a string (as the scope of RFC 6749 3.3). Never a
 * part of one. */
bool source_holds(const struct source *source, const struct answer *answer,
                  const struct secret *value) MUST_USE;

/* As source_read, for a value that must be a string (a token): a number or
 * boolean gives STATUS_NOT_FOUND. */
enum status source_read_string(const struct source *source,
                               const struct answer *answer,
                               struct secret *out) MUST_USE;

/* Accepts NULL. */
void source_free(struct source *source);

/* Frees what the answer owns; wipes header values (a cookie may be a token).
 * Accepts NULL. */
void answer_clear(struct answer *answer);

#endif
