/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bytes.h - byte strings, those that must not be found in memory veiled.
 */
#ifndef AUTHAPI_TESTS_BYTES_H
#define AUTHAPI_TESTS_BYTES_H

#include <stddef.h>

/* A byte string that never stands in memory as it is. */
struct veiled {
    unsigned char *bytes; /* each byte XOR VEIL; free(3) them */
    size_t length;
};

#define VEIL 0xa5

/* Reads hex ("-" is none) straight into its veiled form: the plain bytes of
 * a password never stand in memory of ours.  Ends the program when it is no
 * hex. */
struct veiled bytes_veil(const char *hex);

/* The plain string; free(3) it. */
char *bytes_unveil(const struct veiled *veiled);

/* Hex as a plain string; free(3) it. */
char *bytes_plain(const char *hex);

/* Prints a line: the label, then the text in hex ("-" is none). */
void bytes_print(const char *label, const char *text);

#endif
