/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * secret.c - bytes that somebody must not read: owned, capped, wiped.
 */
#include "base/secret.h"

#include <stdlib.h>
#include <string.h>

/* Fresh memory instead of realloc: what realloc leaves behind is not wiped. */
static enum status
reserve(struct secret *secret, size_t needed)
{
    size_t capacity = secret->capacity > 0 ? secret->capacity : 64;
    char *fresh;

    if (needed > secret->limit)
        return STATUS_SYSTEM;
    if (secret->data != NULL && needed <= secret->capacity)
        return STATUS_OK;
    while (capacity < needed && capacity <= secret->limit / 2)
        capacity *= 2;
    if (capacity < needed)
        capacity = secret->limit;

    fresh = calloc(1, capacity + 1);
    if (fresh == NULL)
        return STATUS_NO_MEMORY;
    if (secret->data != NULL) {
        memcpy(fresh, secret->data, secret->length);
        secret_wipe(secret->data, secret->capacity + 1);
        free(secret->data);
    }
    secret->data = fresh;
    secret->capacity = capacity;
    return STATUS_OK;
}

enum status
secret_append(struct secret *secret, const void *bytes, size_t length)
{
    enum status status;

    if (length > secret->limit - secret->length)
        return STATUS_SYSTEM;
    status = reserve(secret, secret->length + length);
    if (status != STATUS_OK)
        return status;
    if (length > 0)
        memcpy(secret->data + secret->length, bytes, length);
    secret->length += length;
    secret->data[secret->length] = '\0';
    return STATUS_OK;
}

enum status
secret_set(struct secret *secret, const char *text)
{
    secret_clear(secret);
    if (text == NULL)
        return STATUS_OK;
    return secret_append(secret, text, strlen(text));
}

enum status
secret_resize(struct secret *secret, size_t length)
{
    enum status status = reserve(secret, length);

    if (status != STATUS_OK)
        return status;
    if (length > secret->length)
        memset(secret->data + secret->length, 0, length - secret->length);
    else
        secret_wipe(secret->data + length, secret->length - length);
    secret->length = length;
    secret->data[length] = '\0';
    return STATUS_OK;
}

const char *
secret_text(const struct secret *secret)
{
    return secret->data != NULL ? secret->data : "";
}

void
secret_clear(struct secret *secret)
{
    if (secret == NULL)
        return;
    if (secret->data != NULL)
        secret_wipe(secret->data, secret->capacity + 1);
    free(secret->data);
    secret->data = NULL;
    secret->length = 0;
    secret->capacity = 0;
}

void
secret_wipe(void *bytes, size_t length)
{
    if (bytes != NULL && length > 0)
        explicit_bzero(bytes, length);
}

void
secret_free_text(char *text)
{
    if (text != NULL)
        secret_wipe(text, strlen(text));
    free(text);
}
