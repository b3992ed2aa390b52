/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * base64url.h - the one spelling of base64url (RFC 4648 5, without padding).
 *
 * What two readers of a token could read differently is no base64url here.
 */
#ifndef AUTHAPI_HELPER_BASE64URL_H
#define AUTHAPI_HELPER_BASE64URL_H

#include "base/secret.h"
#include "base/status.h"

#include <stddef.h>

/* Reads the LENGTH characters at TEXT into OUT, in place of what it holds.
 * STATUS_OK; STATUS_BAD_TOKEN for padding, white space, any other character,
 * a length that no bytes have, or bits left over that are not 0;
 * STATUS_SYSTEM over OUT's cap; STATUS_NO_MEMORY.  On failure OUT is empty. */
enum status base64url_read(const char *text, size_t length,
                           struct secret *out) MUST_USE;

/* Appends the LENGTH bytes as text.  Returns as secret_append does. */
enum status base64url_write(const void *bytes, size_t length,
                            struct secret *out) MUST_USE;

#endif
