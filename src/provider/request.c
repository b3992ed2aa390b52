/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * request.c - the half of a step that is sent.
 *
 * It refuses headers that belong to HTTP itself.
 */
#include "provider/step.h"
#include "provider/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char no_memory[] = "out of memory";

static bool
parse_yes(const char *value, bool *yes)
{
    *yes = strcmp(value, "yes") == 0;
    return *yes || strcmp(value, "no") == 0;
}

static const char *
parse_template(const char *value, struct template **template)
{
    const char *why = NULL;

    if (strncmp(value, "@file:", strlen("@file:")) == 0)
        return "a secret's file is the value of a variable of the site's "
               "conf; name that here as %{variable}";
    template_free(*template);
    *template = template_parse(value, &why);
    return *template == NULL ? why : NULL;
}

static const char *
take_method(struct reading *reading, const char *rest, const char *value)
{
    static const char *const methods[] = { "GET", "POST", "PUT", "PATCH",
                                           "DELETE" };

    (void)rest;
    for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++) {
        if (strcmp(methods[i], value) == 0) {
            free(reading->step->method);
            reading->step->method = strdup(value);
            return reading->step->method == NULL ? no_memory : NULL;
        }
    }
    return "none of GET, POST, PUT, PATCH, DELETE";
}

static const char *
take_url(struct reading *reading, const char *rest, const char *value)
{
    const char *why = parse_template(value, &reading->step->url);

    (void)rest;
    if (why == NULL && !trial_url(reading, reading->step->url))
        reading->step->present = false;
    return why;
}

static const char *
take_encoding(struct reading *reading, const char *rest, const char *value)
{
    (void)rest;
    if (strcmp(value, "json") == 0)
        reading->step->encoding = ENCODING_JSON;
    else if (strcmp(value, "form") == 0)
        reading->step->encoding = ENCODING_FORM;
    else if (strcmp(value, "none") == 0)
        reading->step->encoding = ENCODING_NONE;
    else
        return "none of json, form, none";
    return NULL;
}

static const char *
take_content_type(struct reading *reading, const char *rest, const char *value)
{
    (void)rest;
    for (const char *at = value; *at != '\0'; at++)
        if (*at < ' ' || *at > '~')
            return "bytes that cannot stand in a media type";
    if (strchr(value, '/') == NULL)
        return "no media type, such as application/json";
    free(reading->step->content_type);
    reading->step->content_type = strdup(value);
    return reading->step->content_type == NULL ? no_memory : NULL;
}

static const char *
take_pad(struct reading *reading, const char *rest, const char *value)
{
    (void)rest;
    return parse_yes(value, &reading->step->pad) ? NULL : "neither yes nor no";
}

/* Adds an entry whose name is set; the caller gives it a value. */
static struct entry *
add_entry(struct reading *reading, struct entries *entries, const char *name)
{
    struct entry *grown =
        reallocarray(entries->items, entries->count + 1, sizeof(*grown));

    if (grown == NULL)
        return NULL;
    entries->items = grown;
    grown += entries->count;
    memset(grown, 0, sizeof(*grown));
    grown->name = strdup(name);
    grown->line = reading->entry->line;
    if (grown->name == NULL)
        return NULL;
    entries->count++;
    return grown;
}

static const char *
take_header(struct reading *reading, const char *name, const char *value)
{
    /* The first five say where a message ends and whom it is for; the last
     * has a key of its own. */
    static const char *const refused[] = {
        "Content-Length", "Host",   "Transfer-Encoding",
        "Connection",     "Expect", "Content-Type"
    };
    struct entry *entry;
    const char *why;

    if (!word_is_token(name))
        return "a header's name has a character that none may have";
    for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++)
        if (strcasecmp(refused[i], name) == 0)
            return i < 5 ? "a header that only HTTP itself may set"
                         : "has a key of its own: content_type";
    entry = add_entry(reading, &reading->step->headers, name);
    if (entry == NULL)
        return no_memory;
    why = parse_template(value, &entry->value);
    if (why == NULL)
        trial_template(reading, entry->value, PLACE_HEADER);
    return why;
}

/* "/a/b" names members inside members, with the escapes of RFC 6901. */
static const char *
field_name_problem(const char *name)
{
    if (name[0] == '\0')
        return "a field without a name";
    if (name[0] != '/')
        return NULL;
    for (const char *at = name; *at != '\0'; at++) {
        if (*at == '~' && at[1] != '0' && at[1] != '1')
            return "a ~ that is neither ~0 nor ~1";
        if (*at == '/' && (at[1] == '/' || at[1] == '\0'))
            return "a member without a name";
    }
    return NULL;
}

static const char *
take_field(struct reading *reading, const char *name, const char *value)
{
    static const char prefix[] = "json:";
    const char *why = field_name_problem(name);
    struct entry *entry;

    if (why != NULL)
        return why;
    entry = add_entry(reading, &reading->step->fields, name);
    if (entry == NULL)
        return no_memory;
    if (strncmp(value, prefix, strlen(prefix)) == 0) {
        entry->literal =
            json_loads(value + strlen(prefix),
                       JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
        return entry->literal == NULL ? "no JSON behind json:" : NULL;
    }
    why = parse_template(value, &entry->value);
    if (why == NULL)
        trial_template(reading, entry->value, PLACE_TEXT);
    return why;
}

struct auth_word {
    const char *word;
    enum auth_scheme scheme;
    size_t values;
};

static const struct auth_word auth_words[] = {
    { "none", AUTH_NONE, 0 },
    { "basic", AUTH_BASIC, 2 },
    { "client_basic", AUTH_CLIENT_BASIC, 2 },
    { "bearer", AUTH_BEARER, 1 },
};

static const char *
take_auth(struct reading *reading, const char *rest, const char *value)
{
    struct step *step = reading->step;
    const struct auth_word *word = NULL;
    const char *why = "none of: none, basic ID SECRET, client_basic ID "
                      "SECRET, bearer TOKEN";
    size_t count;
    char **words = words_split(value, false, &count, &why);

    (void)rest;
    if (words == NULL)
        return why;
    for (size_t i = 0; i < sizeof(auth_words) / sizeof(*auth_words); i++)
        if (count > 0 && strcmp(auth_words[i].word, words[0]) == 0)
            word = &auth_words[i];
    if (word == NULL || count != word->values + 1)
        goto out;
    step->auth = word->scheme;
    why = NULL;
    if (word->values > 0)
        why = parse_template(words[1], &step->auth_first);
    if (why == NULL && word->values > 1)
        why = parse_template(words[2], &step->auth_second);
    if (why == NULL && word->values > 0)
        trial_template(reading, step->auth_first, PLACE_HEADER);
    if (why == NULL && word->values > 1)
        trial_template(reading, step->auth_second, PLACE_HEADER);

out:
    words_free(words);
    return why;
}

struct request_key {
    const char *name; /* with a dot at its end: a prefix */
    const char *(*take)(struct reading *reading, const char *rest,
                        const char *value);
};

static const struct request_key keys[] = {
    { "method", take_method },     { "url", take_url },
    { "encoding", take_encoding }, { "content_type", take_content_type },
    { "pad", take_pad },           { "auth", take_auth },
    { "field.", take_field },      { "header.", take_header },
};

const char *
request_take(struct reading *reading, const char *key, const char *value,
             bool *known)
{
    *known = true;
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
        size_t length = strlen(keys[i].name);
        bool prefix = keys[i].name[length - 1] == '.';

        if (prefix ? strncmp(keys[i].name, key, length) == 0
                   : strcmp(keys[i].name, key) == 0)
            return value[0] == '\0'
                       ? NULL
                       : keys[i].take(reading, key + length, value);
    }
    *known = false;
    return NULL;
}

/* A field's place as "/a/b", so that "a" and "/a" are seen to be one. */
static char *
place_of(const char *name)
{
    char *place = calloc(1, 2 * strlen(name) + 2);
    char *at = place;

    if (place == NULL)
        return NULL;
    if (name[0] == '/') {
        memcpy(place, name, strlen(name) + 1);
        return place;
    }
    *at++ = '/';
    for (; *name != '\0'; name++) {
        if (*name == '~' || *name == '/') {
            *at++ = '~';
            *at++ = *name == '~' ? '0' : '1';
        } else {
            *at++ = *name;
        }
    }
    return place;
}

/* Whether one field would stand where the other one has members. */
static const char *
conflict(const char *first, const char *second, bool nested)
{
    char *a = nested ? place_of(first) : strdup(first);
    char *b = nested ? place_of(second) : strdup(second);
    const char *why = no_memory;

    if (a != NULL && b != NULL) {
        size_t shorter = strlen(a) < strlen(b) ? strlen(a) : strlen(b);
        const char *longer = strlen(a) < strlen(b) ? b : a;
        bool inside =
            longer[shorter] == '\0' || (nested && longer[shorter] == '/');

        why = memcmp(a, b, shorter) == 0 && inside
                  ? "two fields want the same place in the body"
                  : NULL;
    }
    free(a);
    free(b);
    return why;
}

static const char *
fields_problem(const struct step *step)
{
    const struct entries *fields = &step->fields;

    if (step->encoding == ENCODING_NONE && fields->count > 0)
        return "fields, but no body to put them in (encoding = none)";
    for (size_t i = 0; i < fields->count; i++) {
        const struct entry *field = &fields->items[i];

        if (step->encoding == ENCODING_FORM && field->name[0] == '/')
            return "a form has no members inside members: field./a/b needs "
                   "encoding = json";
        if (step->encoding == ENCODING_FORM && field->literal != NULL)
            return "json: in a form";
        for (size_t n = 0; n < i; n++) {
            const char *why = conflict(fields->items[n].name, field->name,
                                       step->encoding == ENCODING_JSON);

            if (why != NULL)
                return why;
        }
    }
    return NULL;
}

const char *
request_finish(struct reading *reading)
{
    struct step *step = reading->step;
    const struct ini_entry *encoding =
        merged_find(reading->merged, step->name, "encoding");
    bool get;

    if (step->method == NULL)
        step->method = strdup("POST");
    if (step->method == NULL)
        return no_memory;
    get = strcmp(step->method, "GET") == 0;
    if (get && (encoding == NULL || encoding->value[0] == '\0'))
        step->encoding = ENCODING_NONE;
    if (get && step->encoding != ENCODING_NONE)
        return "a GET has no body";
    for (size_t i = 0; step->auth != AUTH_NONE && i < step->headers.count; i++)
        if (strcasecmp(step->headers.items[i].name, "Authorization") == 0)
            return "both auth and header.Authorization";
    return fields_problem(step);
}

static void
entries_clear(struct entries *entries)
{
    for (size_t i = 0; i < entries->count; i++) {
        free(entries->items[i].name);
        template_free(entries->items[i].value);
        json_decref(entries->items[i].literal);
    }
    free(entries->items);
    entries->items = NULL;
    entries->count = 0;
}

void
request_clear(struct step *step)
{
    free(step->method);
    free(step->content_type);
    template_free(step->url);
    template_free(step->auth_first);
    template_free(step->auth_second);
    entries_clear(&step->fields);
    entries_clear(&step->headers);
}
