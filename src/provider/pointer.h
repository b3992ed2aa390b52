/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pointer.h - JSON Pointer (RFC 6901) with two more kinds of segments:
 * "[key=value]" takes the first element of an array that is an object whose
 * member `key` is a scalar that reads `value`, "[key?]" the first that has
 * anything there but null.
 */
#ifndef AUTHAPI_PROVIDER_POINTER_H
#define AUTHAPI_PROVIDER_POINTER_H

#include "base/secret.h"
#include "base/status.h"

#include <jansson.h>
#include <stdbool.h>

/* Whether TEXT is a pointer: "" or "/segment...", with "~0" and "~1" as the
 * only escapes.  *why gets a static clause when it is not. */
bool pointer_valid(const char *text, const char **why) MUST_USE;

/* The value the pointer names in ROOT, borrowed, or NULL.  TEXT must be
 * pointer_valid. */
json_t *pointer_find(json_t *root, const char *text) MUST_USE;

/* Writes a scalar as the text that conditions compare and outputs carry: a
 * string as it is (it may hold a NUL: use ->length), true and false by name,
 * integers in decimal, reals in the shortest form that reads back.
 * STATUS_OK; STATUS_NOT_FOUND for null, an object, an array or NULL;
 * STATUS_SYSTEM over OUT's cap; STATUS_NO_MEMORY.  On failure OUT is empty. */
enum status pointer_scalar(const json_t *value, struct secret *out) MUST_USE;

#endif
