/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * wire.c - the codec of every message and every cache record.
 */
#include "base/wire.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#define FIELD_HEADER_SIZE 6
#define TABLE_MAX 32 /* fields of one table */

static const char magic[4] = { 'A', 'A', 'P', 'I' };

static const void *
member(const void *record, const struct wire_field *field)
{
    return (const char *)record + field->offset;
}

static void *
member_at(void *record, const struct wire_field *field)
{
    return (char *)record + field->offset;
}

static enum status
append_u16(struct secret *out, uint16_t value)
{
    uint16_t bytes = htobe16(value);

    return secret_append(out, &bytes, sizeof(bytes));
}

static enum status
append_u32(struct secret *out, uint32_t value)
{
    uint32_t bytes = htobe32(value);

    return secret_append(out, &bytes, sizeof(bytes));
}

static uint16_t
read_u16(const unsigned char *bytes)
{
    uint16_t value;

    memcpy(&value, bytes, sizeof(value));
    return be16toh(value);
}

static uint32_t
read_u32(const unsigned char *bytes)
{
    uint32_t value;

    memcpy(&value, bytes, sizeof(value));
    return be32toh(value);
}

static enum status
append_field(struct secret *out, uint16_t tag, const void *bytes,
             size_t length)
{
    enum status status = append_u16(out, tag);

    if (status == STATUS_OK)
        status = append_u32(out, (uint32_t)length);
    if (status == STATUS_OK)
        status = secret_append(out, bytes, length);
    return status;
}

static enum status
encode_field(const struct wire_field *field, const void *record,
             struct secret *out)
{
    const void *value = member(record, field);
    const void *bytes = NULL;
    size_t length = 0;
    uint64_t number;

    switch (field->kind) {
    case WIRE_TEXT: {
        const char *text = *(char *const *)value;

        bytes = text;
        length = text != NULL ? strlen(text) : 0;
        break;
    }
    case WIRE_BYTES: {
        const struct secret *secret = value;

        bytes = secret->data;
        length = secret->length;
        break;
    }
    case WIRE_NUMBER:
        number = (uint64_t) * (const int64_t *)value;
        if (number == 0)
            return field->required ? STATUS_SYSTEM : STATUS_OK;
        number = htobe64(number);
        return append_field(out, field->tag, &number, sizeof(number));
    }
    if (length == 0)
        return field->required ? STATUS_SYSTEM : STATUS_OK;
    if (length > field->max)
        return STATUS_SYSTEM;
    return append_field(out, field->tag, bytes, length);
}

enum status
wire_encode(const struct wire_table *table, const void *record,
            struct secret *out)
{
    unsigned char head[8] = { 0 };
    enum status status;
    uint32_t length;

    secret_clear(out);
    memcpy(head, magic, sizeof(magic));
    head[4] = WIRE_VERSION;
    head[5] = (unsigned char)table->type;
    status = secret_append(out, head, sizeof(head));
    if (status == STATUS_OK)
        status = append_u32(out, 0);
    for (size_t i = 0; i < table->count && status == STATUS_OK; i++)
        status = encode_field(&table->fields[i], record, out);
    if (status == STATUS_OK && out->length > WIRE_MAX)
        status = STATUS_SYSTEM;
    if (status != STATUS_OK) {
        secret_clear(out);
        return status;
    }
    length = htobe32((uint32_t)(out->length - WIRE_HEADER_SIZE));
    memcpy(out->data + 8, &length, sizeof(length));
    return STATUS_OK;
}

size_t
wire_message_size(const void *header)
{
    const unsigned char *bytes = header;
    uint32_t length;

    if (memcmp(bytes, magic, sizeof(magic)) != 0 || bytes[4] != WIRE_VERSION
        || bytes[6] != 0 || bytes[7] != 0)
        return 0;
    length = read_u32(bytes + 8);
    if (length > WIRE_MAX - WIRE_HEADER_SIZE)
        return 0;
    return WIRE_HEADER_SIZE + (size_t)length;
}

static enum status
decode_text(const unsigned char *bytes, size_t length, char **text)
{
    if (memchr(bytes, '\0', length) != NULL)
        return STATUS_SYSTEM;
    *text = malloc(length + 1);
    if (*text == NULL)
        return STATUS_NO_MEMORY;
    memcpy(*text, bytes, length);
    (*text)[length] = '\0';
    return STATUS_OK;
}

static enum status
decode_field(const struct wire_field *field, const unsigned char *bytes,
             size_t length, void *record)
{
    void *value = member_at(record, field);
    uint64_t number;

    /* An empty value has one way to be written: not at all. */
    if (length == 0)
        return STATUS_SYSTEM;
    switch (field->kind) {
    case WIRE_TEXT:
        if (length > field->max)
            return STATUS_SYSTEM;
        return decode_text(bytes, length, value);
    case WIRE_BYTES: {
        struct secret *secret = value;

        if (length > field->max)
            return STATUS_SYSTEM;
        *secret = (struct secret)SECRET_INIT(field->max);
        return secret_append(secret, bytes, length);
    }
    case WIRE_NUMBER:
        if (length != sizeof(number))
            return STATUS_SYSTEM;
        memcpy(&number, bytes, sizeof(number));
        number = be64toh(number);
        if (number == 0)
            return STATUS_SYSTEM;
        *(int64_t *)value = (int64_t)number;
        return STATUS_OK;
    }
    return STATUS_SYSTEM;
}

static size_t
find_field(const struct wire_table *table, uint16_t tag)
{
    size_t i;

    for (i = 0; i < table->count; i++)
        if (table->fields[i].tag == tag)
            break;
    return i;
}

/* Walks the fields behind the header; SEEN gets a bit for each. */
static enum status
decode_fields(const struct wire_table *table, const unsigned char *at,
              const unsigned char *end, void *record, uint32_t *seen)
{
    while (at < end) {
        size_t length, which;
        enum status status;

        if ((size_t)(end - at) < FIELD_HEADER_SIZE)
            return STATUS_SYSTEM;
        which = find_field(table, read_u16(at));
        length = read_u32(at + 2);
        at += FIELD_HEADER_SIZE;
        if (which == table->count || (*seen & (UINT32_C(1) << which)) != 0
            || length > (size_t)(end - at))
            return STATUS_SYSTEM;
        status = decode_field(&table->fields[which], at, length, record);
        if (status != STATUS_OK)
            return status;
        *seen |= UINT32_C(1) << which;
        at += length;
    }
    return STATUS_OK;
}

enum status
wire_decode(const struct wire_table *table, const void *bytes, size_t length,
            void *record)
{
    const unsigned char *head = bytes;
    enum status status = STATUS_SYSTEM;
    uint32_t seen = 0;

    if (length >= WIRE_HEADER_SIZE && wire_message_size(bytes) == length
        && head[5] == (unsigned char)table->type && table->count <= TABLE_MAX)
        status = decode_fields(table, head + WIRE_HEADER_SIZE, head + length,
                               record, &seen);
    for (size_t i = 0; i < table->count && status == STATUS_OK; i++)
        if (table->fields[i].required && (seen & (UINT32_C(1) << i)) == 0)
            status = STATUS_SYSTEM;
    if (status != STATUS_OK)
        wire_clear(table, record);
    return status;
}

void
wire_clear(const struct wire_table *table, void *record)
{
    for (size_t i = 0; i < table->count; i++) {
        void *value = member_at(record, &table->fields[i]);

        switch (table->fields[i].kind) {
        case WIRE_TEXT:
            secret_free_text(*(char **)value);
            *(char **)value = NULL;
            break;
        case WIRE_BYTES:
            secret_clear(value);
            ((struct secret *)value)->limit = table->fields[i].max;
            break;
        case WIRE_NUMBER:
            *(int64_t *)value = 0;
            break;
        }
    }
}
