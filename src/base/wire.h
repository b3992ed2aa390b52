/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * wire.h - the codec of every message and every cache record.
 *
 *     offset  size  field
 *     0       4     magic, "AAPI"
 *     4       1     version, 1
 *     5       1     type of the message or record (enum wire_type)
 *     6       2     0
 *     8       4     length of what follows, big endian
 *     12      ...   fields: tag (2, big endian), length (4), bytes
 *
 * A struct and a table of its fields are all there is to a message: the same
 * table writes it and reads it.  Unknown tags, tags that come twice, missing
 * or trailing bytes, lengths out of bounds, a NUL inside a text: each is an
 * error, and the struct is left empty.  This file refuses to allocate before
 * a length has been checked against the bytes that are really there.
 */
#ifndef AUTHAPI_BASE_WIRE_H
#define AUTHAPI_BASE_WIRE_H

#include "base/secret.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_VERSION 1
#define WIRE_HEADER_SIZE 12
#define WIRE_MAX 65536 /* a whole message, header included */

enum wire_type {
    WIRE_REQUEST = 1,
    WIRE_SECRET = 2,
    WIRE_REPLY = 3,
    WIRE_GRANT = 4,
    WIRE_SESSION = 5,
};

enum wire_kind {
    WIRE_TEXT,   /* char *, malloc'd, no NUL inside; NULL = absent */
    WIRE_BYTES,  /* struct secret; length 0 = absent */
    WIRE_NUMBER, /* int64_t, 8 bytes big endian; 0 = absent */
};

struct wire_field {
    uint16_t tag; /* unique in its table, never 0 */
    enum wire_kind kind;
    bool required; /* must be there (text and bytes: not empty) */
    uint32_t max;  /* longest text or bytes; ignored for numbers */
    size_t offset; /* offsetof(struct, member) */
};

struct wire_table {
    enum wire_type type;
    const struct wire_field *fields;
    size_t count;
};

/* Writes RECORD as TABLE says into OUT, replacing what OUT held.  STATUS_OK;
 * STATUS_SYSTEM when a required field is absent, a value is longer than its
 * table says, or the whole is over WIRE_MAX or OUT's cap; STATUS_NO_MEMORY.
 * On failure OUT is empty. */
enum status wire_encode(const struct wire_table *table, const void *record,
                        struct secret *out) MUST_USE;

/* Reads LENGTH bytes, header included, as TABLE says into RECORD, whose
 * members must be empty (wire_clear, or zero-initialised with no memory
 * behind).  STATUS_OK, STATUS_SYSTEM for anything malformed, or
 * STATUS_NO_MEMORY.  On failure RECORD is empty. */
enum status wire_decode(const struct wire_table *table, const void *bytes,
                        size_t length, void *record) MUST_USE;

/* How many bytes the message whose first WIRE_HEADER_SIZE bytes these are has
 * in all; 0 when it is not a header of ours or the length is over the cap. */
size_t wire_message_size(const void *header) MUST_USE;

/* Wipes and frees what RECORD's fields own; numbers become 0. */
void wire_clear(const struct wire_table *table, void *record);

#endif
