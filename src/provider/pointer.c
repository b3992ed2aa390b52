/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pointer.c - JSON Pointer (RFC 6901), and the first element that matches.
 *
 * It refuses to search: every segment leads to one value or to none.
 */
#include "provider/pointer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEGMENT_MAX 255
#define FILTER_VALUE_MAX SEGMENT_MAX

/* One segment with its escapes undone. */
struct segment {
    char text[SEGMENT_MAX + 1];
    const char *value; /* behind the '=' of a filter, or NULL */
    bool present;      /* a filter that asks for the member alone */
};

static size_t
segment_length(const char *text)
{
    return strcspn(text, "/");
}

/* A filter is split before its escapes are undone, so that nothing but a
 * real '=' separates. */
static const char *
segment_problem(const char *text, size_t length)
{
    if (length > SEGMENT_MAX)
        return "a segment over 255 bytes";
    for (size_t i = 0; i < length; i++)
        if (text[i] == '~' && text[i + 1] != '0' && text[i + 1] != '1')
            return "a ~ that is neither ~0 nor ~1";
    if (length == 0 || text[0] != '[')
        return NULL;
    if (text[length - 1] != ']' || length < 2
        || (memchr(text, '=', length) == NULL && text[length - 2] != '?'))
        return "a [ that does not begin a segment [key=value] or [key?]";
    if (text[1] == '=' || memcmp(text, "[?]", 3) == 0)
        return "a segment [key=value] or [key?] without a key";
    return NULL;
}

bool
pointer_valid(const char *text, const char **why)
{
    if (*text != '\0' && *text != '/') {
        *why = "a JSON Pointer begins with /";
        return false;
    }
    while (*text == '/') {
        size_t length = segment_length(++text);
        const char *problem = segment_problem(text, length);

        if (problem != NULL) {
            *why = problem;
            return false;
        }
        text += length;
    }
    return true;
}

/* Undoes the escapes of the LENGTH bytes at TEXT; returns the end. */
static char *
unescape(char *out, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '~') {
            i++;
            *out++ = text[i] == '1' ? '/' : '~';
        } else {
            *out++ = text[i];
        }
    }
    *out = '\0';
    return out;
}

static void
read_segment(struct segment *segment, const char *text, size_t length)
{
    const char *equals = memchr(text, '=', length);

    segment->value = NULL;
    segment->present = length > 0 && text[0] == '[' && equals == NULL;
    if (segment->present) {
        unescape(segment->text, text + 1, length - 3); /* 3: [?] */
    } else if (length > 0 && text[0] == '[') {
        char *end =
            unescape(segment->text, text + 1, (size_t)(equals - text) - 1);

        /* Two bytes fewer than the source: the brackets. */
        segment->value = end + 1;
        unescape(end + 1, equals + 1, (size_t)(text + length - equals) - 2);
    } else {
        unescape(segment->text, text, length);
    }
}

static bool
member_fits(const json_t *element, const struct segment *segment)
{
    const json_t *member = json_object_get(element, segment->text);
    struct secret scalar = SECRET_INIT(FILTER_VALUE_MAX);
    size_t length;
    bool same;

    if (segment->present)
        return member != NULL && !json_is_null(member);
    length = strlen(segment->value);
    /* A longer scalar does not fit the cap, and does not match either. */
    same = pointer_scalar(member, &scalar) == STATUS_OK
           && scalar.length == length
           && memcmp(secret_text(&scalar), segment->value, length) == 0;
    secret_clear(&scalar);
    return same;
}

/* RFC 6901 section 4: digits without a leading zero. */
static bool
read_index(const char *text, size_t *index)
{
    size_t length = strspn(text, "0123456789");

    if (length == 0 || length > 9 || text[length] != '\0'
        || (text[0] == '0' && length > 1))
        return false;
    *index = (size_t)strtoul(text, NULL, 10);
    return true;
}

static json_t *
step_into(json_t *value, const struct segment *segment)
{
    size_t index;

    if (segment->value != NULL || segment->present) {
        for (index = 0; index < json_array_size(value); index++) {
            json_t *element = json_array_get(value, index);

            if (member_fits(element, segment))
                return element;
        }
        return NULL;
    }
    if (json_is_object(value))
        return json_object_get(value, segment->text);
    if (json_is_array(value) && read_index(segment->text, &index))
        return json_array_get(value, index);
    return NULL;
}

json_t *
pointer_find(json_t *root, const char *text)
{
    struct segment segment;

    while (root != NULL && *text == '/') {
        size_t length = segment_length(++text);

        read_segment(&segment, text, length);
        root = step_into(root, &segment);
        text += length;
    }
    return root;
}

/* 15 digits are the most that any decimal number survives with; 17 always
 * suffice.  No program of ours calls setlocale(3), so the point is a point. */
static enum status
append_real(struct secret *out, double number)
{
    char text[40];

    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, number);
        if (strtod(text, NULL) >= number && strtod(text, NULL) <= number)
            break;
    }
    return secret_append(out, text, strlen(text));
}

static enum status
append_integer(struct secret *out, json_int_t number)
{
    char text[24];

    snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT, number);
    return secret_append(out, text, strlen(text));
}

enum status
pointer_scalar(const json_t *value, struct secret *out)
{
    secret_clear(out);
    if (value == NULL)
        return STATUS_NOT_FOUND;
    switch (json_typeof(value)) {
    case JSON_STRING:
        return secret_append(out, json_string_value(value),
                             json_string_length(value));
    case JSON_INTEGER:
        return append_integer(out, json_integer_value(value));
    case JSON_REAL:
        return append_real(out, json_real_value(value));
    case JSON_TRUE:
        return secret_append(out, "true", 4);
    case JSON_FALSE:
        return secret_append(out, "false", 5);
    case JSON_NULL:
    case JSON_OBJECT:
    case JSON_ARRAY:
        break;
    }
    return STATUS_NOT_FOUND;
}
