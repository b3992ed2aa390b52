/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * words.h - the small grammar that all values of the language share.
 */
#ifndef AUTHAPI_PROVIDER_WORDS_H
#define AUTHAPI_PROVIDER_WORDS_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

/* Splits TEXT at blanks and tabs into a NULL-terminated array (free with
 * words_free); *count may be 0.  With QUOTES a word that begins with a double
 * quote goes on to the next one; \" and \\ stand for the characters in it.
 * NULL, and *why (static text), on failure. */
char **words_split(const char *text, bool quotes, size_t *count,
                   const char **why) MUST_USE;

/* Accepts NULL. */
void words_free(char **words);

/* Whether the LENGTH bytes are the name of a variable: [a-z][a-z0-9_]*. */
bool word_is_name(const char *text, size_t length) MUST_USE;

/* Whether TEXT is a token of RFC 9110 5.6.2 (a header's name, a method). */
bool word_is_token(const char *text) MUST_USE;

/* Whether WORD is one of the NULL-terminated WORDS. */
bool word_is_among(const char *word, const char *const *words) MUST_USE;

/* The one of the NULL-terminated CANDIDATES that WORD was probably meant to
 * be, or NULL when none is near. */
const char *word_nearest(const char *word,
                         const char *const *candidates) MUST_USE;

#endif
