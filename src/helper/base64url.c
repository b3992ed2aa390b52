/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * base64url.c - the one spelling of base64url.
 *
 * It refuses to be lenient: a signature must not fit two texts.
 */
#include "helper/base64url.h"

#include <string.h>

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrst"
                              "uvwxyz0123456789-_";

enum status
base64url_read(const char *text, size_t length, struct secret *out)
{
    enum status status = STATUS_BAD_TOKEN;
    unsigned bits = 0; /* read, and not written yet */
    unsigned count = 0;

    secret_clear(out);
    for (size_t i = 0; i < length; i++) {
        const char *letter = memchr(letters, text[i], sizeof(letters) - 1);
        unsigned char byte;

        if (letter == NULL)
            goto out;
        bits = (bits << 6 | (unsigned)(letter - letters)) & 0xffffU;
        count += 6;
        if (count < 8)
            continue;
        count -= 8;
        byte = (unsigned char)(bits >> count & 0xffU);
        status = secret_append(out, &byte, 1);
        if (status != STATUS_OK)
            goto out;
        status = STATUS_BAD_TOKEN;
    }
    /* One letter alone makes no byte. */
    if (count != 6 && (bits & ((1U << count) - 1)) == 0)
        status = STATUS_OK;
out:
    if (status != STATUS_OK)
        secret_clear(out);
    return status;
}

enum status
base64url_write(const void *bytes, size_t length, struct secret *out)
{
    const unsigned char *at = bytes;
    enum status status = STATUS_OK;
    unsigned bits = 0;
    unsigned count = 0;

    for (size_t i = 0; i < length && status == STATUS_OK; i++) {
        bits = (bits << 8 | at[i]) & 0xffffU;
        for (count += 8; count >= 6 && status == STATUS_OK;) {
            count -= 6;
            status = secret_append(out, &letters[bits >> count & 63U], 1);
        }
    }
    if (status == STATUS_OK && count > 0)
        status = secret_append(out, &letters[bits << (6 - count) & 63U], 1);
    return status;
}
