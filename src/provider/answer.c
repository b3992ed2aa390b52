/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * answer.c - what came back from the API, as the language sees it.
 *
 * It refuses to change an answer: sources only read.
 */
#include "provider/answer.h"
#include "provider/pointer.h"
#include "provider/words.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum source_kind { SOURCE_BODY, SOURCE_HEADER, SOURCE_COOKIE, SOURCE_JWT };

struct source {
    enum source_kind kind;
    char *text; /* a pointer or a name */
};

struct source_prefix {
    const char *text;
    enum source_kind kind;
};

static const struct source_prefix prefixes[] = {
    { "header:", SOURCE_HEADER },
    { "cookie:", SOURCE_COOKIE },
    { "jwt:", SOURCE_JWT },
};

/* Bytes of a header's value, not followed by a NUL. */
struct slice {
    const char *data;
    size_t length;
};

static struct source *
source_make(enum source_kind kind, const char *text, const char **why)
{
    struct source *source = calloc(1, sizeof(*source));

    if (source != NULL)
        source->text = strdup(text);
    if (source == NULL || source->text == NULL) {
        *why = "out of memory";
        source_free(source);
        return NULL;
    }
    source->kind = kind;
    return source;
}

struct source *
source_parse(const char *text, const char **why)
{
    enum source_kind kind = SOURCE_BODY;

    for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++) {
        size_t length = strlen(prefixes[i].text);

        if (strncmp(text, prefixes[i].text, length) == 0) {
            kind = prefixes[i].kind;
            text += length;
            break;
        }
    }
    if (kind == SOURCE_HEADER || kind == SOURCE_COOKIE) {
        if (!word_is_token(text)) {
            *why = "header: and cookie: are followed by a name";
            return NULL;
        }
    } else if (*text != '/') {
        *why = "a source is /pointer, header:NAME, cookie:NAME or "
               "jwt:/pointer";
        return NULL;
    } else if (!pointer_valid(text, why)) {
        return NULL;
    }
    return source_make(kind, text, why);
}

/* A claim's name as a pointer: "a/b~" is "/a~1b~0". */
static char *
claim_pointer(const char *name)
{
    char *pointer = malloc(2 * strlen(name) + 2);
    char *at = pointer;

    if (pointer == NULL)
        return NULL;
    *at++ = '/';
    for (; *name != '\0'; name++) {
        if (*name == '~' || *name == '/') {
            *at++ = '~';
            *at++ = *name == '~' ? '0' : '1';
        } else {
            *at++ = *name;
        }
    }
    *at = '\0';
    return pointer;
}

struct source *
source_parse_claim(const char *text, const char **why)
{
    struct source *source = NULL;
    char *pointer;

    for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++) {
        if (strncmp(text, prefixes[i].text, strlen(prefixes[i].text)) != 0)
            continue;
        if (prefixes[i].kind == SOURCE_JWT)
            return source_parse(text, why);
        *why = "claims have no headers and no cookies";
        return NULL;
    }
    if (text[0] == '\0') {
        *why = "a claim without a name";
        return NULL;
    }
    pointer = text[0] == '/' ? strdup(text) : claim_pointer(text);
    if (pointer == NULL)
        *why = "out of memory";
    else if (pointer_valid(pointer, why))
        source = source_make(SOURCE_JWT, pointer, why);
    free(pointer);
    return source;
}

static struct slice
trim(struct slice slice)
{
    while (slice.length > 0 && strchr(" \t", slice.data[0]) != NULL) {
        slice.data++;
        slice.length--;
    }
    while (slice.length > 0
           && strchr(" \t", slice.data[slice.length - 1]) != NULL)
        slice.length--;
    return slice;
}

/* Splits "name=value; attributes" (RFC 6265 section 5.2); true when the
 * cookie is the one called NAME. */
static bool
read_cookie(const char *header, const char *name, struct slice *value)
{
    size_t pair = strcspn(header, ";");
    const char *equals = memchr(header, '=', pair);
    struct slice key;

    if (equals == NULL)
        return false;
    key = trim((struct slice){ header, (size_t)(equals - header) });
    if (key.length != strlen(name) || memcmp(key.data, name, key.length) != 0)
        return false;
    *value = trim(
        (struct slice){ equals + 1, (size_t)(header + pair - equals) - 1 });
    if (value->length >= 2 && value->data[0] == '"'
        && value->data[value->length - 1] == '"') {
        value->data++;
        value->length -= 2;
    }
    return true;
}

/* The first header of that name; of cookies the last, as browsers keep it. */
static bool
find_text(const struct source *source, const struct answer *answer,
          struct slice *value)
{
    bool found = false;

    for (size_t i = 0; i < answer->header_count; i++) {
        const struct answer_header *header = &answer->headers[i];

        if (source->kind == SOURCE_HEADER) {
            if (strcasecmp(header->name, source->text) == 0) {
                *value =
                    (struct slice){ header->value, strlen(header->value) };
                return true;
            }
        } else if (strcasecmp(header->name, "Set-Cookie") == 0
                   && read_cookie(header->value, source->text, value)) {
            found = true;
        }
    }
    return found;
}

static bool
is_text(const struct source *source)
{
    return source->kind == SOURCE_HEADER || source->kind == SOURCE_COOKIE;
}

static const json_t *
find_value(const struct source *source, const struct answer *answer)
{
    json_t *root = source->kind == SOURCE_JWT ? answer->jwt : answer->json;

    return pointer_find(root, source->text);
}

bool
source_present(const struct source *source, const struct answer *answer)
{
    struct slice value;
    const json_t *found;

    if (is_text(source))
        return find_text(source, answer, &value);
    found = find_value(source, answer);
    return found != NULL && !json_is_null(found);
}

bool
source_needs_jwt(const struct source *source)
{
    return source->kind == SOURCE_JWT;
}

enum status
source_read(const struct source *source, const struct answer *answer,
            struct secret *out)
{
    struct slice value;

    if (!is_text(source))
        return pointer_scalar(find_value(source, answer), out);
    secret_clear(out);
    if (!find_text(source, answer, &value))
        return STATUS_NOT_FOUND;
    return secret_append(out, value.data, value.length);
}

static bool
has_word(struct slice text, const struct secret *word)
{
    const char *end = text.data + text.length;

    for (const char *at = text.data;; at++) {
        const char *space = memchr(at, ' ', (size_t)(end - at));
        const char *stop = space != NULL ? space : end;

        if ((size_t)(stop - at) == word->length
            && memcmp(at, secret_text(word), word->length) == 0)
            return true;
        if (space == NULL)
            return false;
        at = space;
    }
}

static bool
has_element(const json_t *array, const struct secret *value)
{
    bool found = false;

    for (size_t i = 0; i < json_array_size(array) && !found; i++) {
        /* A longer scalar does not fit the cap, and is another one. */
        struct secret scalar = SECRET_INIT(value->length);

        found =
            pointer_scalar(json_array_get(array, i), &scalar) == STATUS_OK
            && scalar.length == value->length
            && memcmp(secret_text(&scalar), secret_text(value), value->length)
                   == 0;
        secret_clear(&scalar);
    }
    return found;
}

bool
source_holds(const struct source *source, const struct answer *answer,
             const struct secret *value)
{
    struct slice text;
    const json_t *found;

    if (value->length == 0)
        return false;
    if (is_text(source))
        return find_text(source, answer, &text) && has_word(text, value);
    found = find_value(source, answer);
    if (json_is_array(found))
        return has_element(found, value);
    if (!json_is_string(found))
        return false;
    text =
        (struct slice){ json_string_value(found), json_string_length(found) };
    return has_word(text, value);
}

enum status
source_read_string(const struct source *source, const struct answer *answer,
                   struct secret *out)
{
    if (!is_text(source) && !json_is_string(find_value(source, answer))) {
        secret_clear(out);
        return STATUS_NOT_FOUND;
    }
    return source_read(source, answer, out);
}

void
source_free(struct source *source)
{
    if (source == NULL)
        return;
    free(source->text);
    free(source);
}

void
answer_clear(struct answer *answer)
{
    if (answer == NULL)
        return;
    json_decref(answer->json);
    json_decref(answer->jwt);
    answer->json = NULL;
    answer->jwt = NULL;
    for (size_t i = 0; i < answer->header_count; i++) {
        free(answer->headers[i].name);
        secret_free_text(answer->headers[i].value);
        answer->headers[i].name = NULL;
        answer->headers[i].value = NULL;
    }
    answer->header_count = 0;
    answer->status = 0;
}
