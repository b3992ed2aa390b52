/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bytes.c - byte strings on their way in (hex) and out.
 *
 * It refuses to keep a plain copy of what it veils.
 */
#include "bytes.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int
hex_digit(char c)
{
    const char *digits = "0123456789abcdef", *at = strchr(digits, c);

    return c != '\0' && at != NULL ? (int)(at - digits) : -1;
}

struct veiled
bytes_veil(const char *hex)
{
    struct veiled veiled = { NULL, strcmp(hex, "-") ? strlen(hex) / 2 : 0 };

    veiled.bytes = malloc(veiled.length + 1);
    if (veiled.bytes == NULL)
        err(1, "malloc");
    for (size_t i = 0; i < veiled.length; i++) {
        int high = hex_digit(hex[2 * i]), low = hex_digit(hex[2 * i + 1]);

        if (high < 0 || low < 0)
            errx(1, "not hex: a step's value");
        veiled.bytes[i] = (unsigned char)((high << 4 | low) ^ VEIL);
    }
    return veiled;
}

char *
bytes_unveil(const struct veiled *veiled)
{
    char *text = calloc(1, veiled->length + 1);

    if (text == NULL)
        err(1, "calloc");
    for (size_t i = 0; i < veiled->length; i++)
        text[i] = (char)(veiled->bytes[i] ^ VEIL);
    return text;
}

char *
bytes_plain(const char *hex)
{
    struct veiled veiled = bytes_veil(hex);
    char *text = bytes_unveil(&veiled);

    free(veiled.bytes);
    return text;
}

void
bytes_print(const char *label, const char *text)
{
    printf("%s ", label);
    for (size_t i = 0; text[i] != '\0'; i++)
        printf("%02x", (unsigned char)text[i]);
    puts(text[0] == '\0' ? "-" : "");
}
