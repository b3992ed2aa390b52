/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * message.c - the tables of the exchange, and what a name may look like.
 */
#include "base/message.h"

#include <stddef.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define AT(member) offsetof(struct request, member)

static const struct wire_field request_fields[] = {
    { 1, WIRE_NUMBER, true, 0, AT(operation) },
    { 2, WIRE_TEXT, true, REALM_MAX, AT(realm) },
    { 3, WIRE_TEXT, false, 4096, AT(conf) },
    { 4, WIRE_TEXT, true, USER_MAX, AT(user) },
    { 5, WIRE_NUMBER, false, 0, AT(uid) },
    { 6, WIRE_NUMBER, false, 0, AT(probe) },
    { 7, WIRE_TEXT, false, TEXT_MAX, AT(rhost) },
    { 8, WIRE_TEXT, false, TEXT_MAX, AT(service) },
    { 9, WIRE_NUMBER, true, 0, AT(idle_ms) },
    { 10, WIRE_NUMBER, false, 0, AT(debug) },
};

#undef AT
#define AT(member) offsetof(struct handover, member)

static const struct wire_field handover_fields[] = {
    { 1, WIRE_NUMBER, true, 0, AT(timeout_ms) },
    { 2, WIRE_BYTES, false, PASSWORD_MAX, AT(password) },
    { 3, WIRE_BYTES, false, OPAQUE_MAX, AT(opaque) },
    { 4, WIRE_BYTES, false, OTP_MAX, AT(otp) },
    { 5, WIRE_BYTES, false, PASSWORD_MAX, AT(new_password) },
    { 6, WIRE_BYTES, false, KEYS_MAX, AT(keys) },
    { 7, WIRE_NUMBER, false, 0, AT(expired) },
};

#undef AT
#define AT(member) offsetof(struct reply, member)

static const struct wire_field reply_fields[] = {
    { 1, WIRE_NUMBER, true, 0, AT(status) },
    { 2, WIRE_TEXT, false, TEXT_MAX, AT(detail) },
    { 3, WIRE_TEXT, false, 8 * TEXT_MAX, AT(notes) },
    { 4, WIRE_NUMBER, false, 0, AT(http_status) },
    { 5, WIRE_NUMBER, false, 0, AT(retry_after) },
    { 6, WIRE_BYTES, false, OPAQUE_MAX, AT(opaque) },
    { 7, WIRE_NUMBER, false, 0, AT(expires_at) },
    { 8, WIRE_NUMBER, false, 0, AT(refresh_at) },
    { 9, WIRE_NUMBER, false, 0, AT(rotated) },
    { 10, WIRE_NUMBER, false, 0, AT(flags) },
    { 11, WIRE_NUMBER, false, 0, AT(expires_in) },
    { 12, WIRE_BYTES, false, OPAQUE_MAX, AT(state) },
    { 13, WIRE_TEXT, false, 256, AT(prompt) },
    { 14, WIRE_TEXT, false, TEXT_MAX, AT(message) },
    { 15, WIRE_NUMBER, false, 0, AT(proved) },
    { 16, WIRE_BYTES, false, KEYS_MAX, AT(keys) },
    { 17, WIRE_BYTES, false, ACCESS_MAX, AT(access) },
};

const struct wire_table request_table = { WIRE_REQUEST, request_fields,
                                          COUNT(request_fields) };
const struct wire_table handover_table = { WIRE_SECRET, handover_fields,
                                           COUNT(handover_fields) };
const struct wire_table reply_table = { WIRE_REPLY, reply_fields,
                                        COUNT(reply_fields) };

static bool
alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
           || (c >= '0' && c <= '9');
}

bool
realm_valid(const char *name)
{
    size_t length = strlen(name);

    if (length == 0 || length > REALM_MAX || !alphanumeric(name[0]))
        return false;
    for (size_t i = 0; i < length; i++)
        if (!alphanumeric(name[i]) && name[i] != '-' && name[i] != '_')
            return false;
    return strcmp(name, "tokens") != 0 && strcmp(name, "slots") != 0;
}

bool
user_valid(const char *name)
{
    size_t length = strlen(name);

    if (length == 0 || length > USER_MAX || name[0] == '-'
        || !utf8_valid(name, length))
        return false;
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)name[i];

        if (c <= ' ' || c == 0x7f || c == '/' || c == ':')
            return false;
        /* C1 control characters */
        if (c == 0xc2 && (unsigned char)name[i + 1] < 0xa0)
            return false;
    }
    return strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

/* The length of the sequence that LEAD begins, and the least code point that
 * needs so many bytes; 0 for a byte that begins none. */
static size_t
sequence_length(unsigned char lead, uint32_t *point, uint32_t *least)
{
    if (lead < 0x80) {
        *point = lead;
        *least = 0;
        return 1;
    }
    if (lead >= 0xc2 && lead <= 0xdf) {
        *point = lead & 0x1fU;
        *least = 0x80;
        return 2;
    }
    if (lead >= 0xe0 && lead <= 0xef) {
        *point = lead & 0x0fU;
        *least = 0x800;
        return 3;
    }
    if (lead >= 0xf0 && lead <= 0xf4) {
        *point = lead & 0x07U;
        *least = 0x10000;
        return 4;
    }
    return 0;
}

bool
utf8_valid(const char *bytes, size_t length)
{
    const unsigned char *at = (const unsigned char *)bytes;
    size_t i = 0;

    while (i < length) {
        uint32_t point, least;
        size_t more = sequence_length(at[i], &point, &least);

        if (more == 0 || more > length - i)
            return false;
        for (size_t k = 1; k < more; k++) {
            if ((at[i + k] & 0xc0U) != 0x80)
                return false;
            point = point << 6 | (at[i + k] & 0x3fU);
        }
        if (point < least || point > 0x10ffff
            || (point >= 0xd800 && point <= 0xdfff))
            return false;
        i += more;
    }
    return true;
}
