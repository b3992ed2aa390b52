/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * keys.c - a set of keys: read, remembered, searched.
 */
#include "helper/keys.h"
#include "base/message.h"

#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { SAVED_VERSION = 1, REASON_MAX = 128 };

static void
forget_items(struct keys *keys)
{
    for (size_t i = 0; i < keys->count; i++)
        key_clear(&keys->items[i]);
    keys->count = 0;
}

void
keys_clear(struct keys *keys)
{
    if (keys == NULL)
        return;
    forget_items(keys);
    memset(keys, 0, sizeof(*keys));
}

/* --- a document ---------------------------------------------------------- */

static const char *
document_problem(const struct secret *document, const json_t *root)
{
    const char *text = secret_text(document);
    const json_t *list = json_object_get(root, "keys");

    if (document->length > KEYS_DOCUMENT_MAX)
        return "the key set is longer than 256 KiB";
    while (isspace((unsigned char)*text))
        text++;
    if (*text == '\0')
        return "the key set is empty";
    if (*text == '<')
        return "the key set is HTML";
    if (root == NULL)
        return "the key set is no JSON, or names a member twice";
    if (!json_is_array(list))
        return "the key set has no list \"keys\"";
    if (json_array_size(list) == 0)
        return "the key set holds no key";
    if (json_array_size(list) > KEYS_COUNT_MAX)
        return "the key set holds more than 32 keys";
    return NULL;
}

/* Of two keys with one name nobody knows which is meant. */
static bool
refuse_twins(struct keys *keys)
{
    static const char why[] = "a key whose kid comes twice in the set";

    for (size_t i = 0; i < keys->count; i++) {
        for (size_t k = i + 1; k < keys->count; k++) {
            struct key *one = &keys->items[i];
            struct key *other = &keys->items[k];

            if (one->id != NULL && other->id != NULL
                && strcmp(one->id, other->id) == 0
                && (!key_refuse(one, why) || !key_refuse(other, why)))
                return false;
        }
    }
    return true;
}

enum status
keys_read(struct keys *keys, const struct secret *document, const char **why)
{
    struct keys fresh = { .count = 0 };
    enum status status = STATUS_OK;
    json_t *root = NULL;
    const json_t *jwk;
    size_t i;

    if (document->length <= KEYS_DOCUMENT_MAX)
        root = json_loadb(secret_text(document), document->length,
                          JSON_REJECT_DUPLICATES, NULL);
    *why = document_problem(document, root);
    if (*why != NULL) {
        status = STATUS_MISCONFIGURED;
        goto out;
    }
    json_array_foreach(json_object_get(root, "keys"), i, jwk) {
        status = key_read_jwk(&fresh.items[fresh.count], jwk);
        if (status == STATUS_OK)
            fresh.count++;
        else if (status != STATUS_NOT_FOUND)
            goto out;
    }
    status = STATUS_OK;
    if (fresh.count == 0) {
        *why = "the key set holds no key to verify signatures with";
        status = STATUS_MISCONFIGURED;
    } else if (!refuse_twins(&fresh)) {
        status = STATUS_NO_MEMORY;
    }
    if (status != STATUS_OK)
        goto out;
    forget_items(keys);
    memcpy(keys->items, fresh.items, sizeof(fresh.items));
    keys->count = fresh.count;
    memset(&fresh, 0, sizeof(fresh));
out:
    keys_clear(&fresh);
    json_decref(root);
    return status;
}

/* --- the one that is meant ----------------------------------------------- */

static enum status
find_named(const struct keys *keys, const char *id,
           const struct algorithm *algorithm, const struct key **key,
           char *why, size_t why_size)
{
    for (size_t i = 0; i < keys->count; i++) {
        const struct key *candidate = &keys->items[i];

        if (candidate->id == NULL || strcmp(candidate->id, id) != 0)
            continue;
        if (candidate->refused != NULL) {
            snprintf(why, why_size, "its key \"%s\" is not used: %s", id,
                     candidate->refused);
            return STATUS_BAD_TOKEN;
        }
        if (!key_fits(candidate, algorithm)) {
            snprintf(why, why_size, "its key \"%s\" is not for %s", id,
                     algorithm->name);
            return STATUS_BAD_TOKEN;
        }
        *key = candidate;
        return STATUS_OK;
    }
    snprintf(why, why_size, "the set of keys has none called \"%s\"", id);
    return STATUS_NOT_FOUND;
}

enum status
keys_find(const struct keys *keys, const char *id,
          const struct algorithm *algorithm, const struct key **key, char *why,
          size_t why_size)
{
    const char *refused = NULL;

    *key = NULL;
    if (id != NULL)
        return find_named(keys, id, algorithm, key, why, why_size);
    for (size_t i = 0; i < keys->count; i++) {
        const struct key *candidate = &keys->items[i];

        if (candidate->refused != NULL) {
            refused = candidate->refused;
        } else if (key_fits(candidate, algorithm)) {
            if (*key != NULL) {
                snprintf(why, why_size,
                         "it names no key, and more than one is for %s",
                         algorithm->name);
                *key = NULL;
                return STATUS_BAD_TOKEN;
            }
            *key = candidate;
        }
    }
    if (*key != NULL)
        return STATUS_OK;
    snprintf(why, why_size, "none of the keys is for %s%s%s%s",
             algorithm->name, refused != NULL ? " (" : "",
             refused != NULL ? refused : "", refused != NULL ? ")" : "");
    return STATUS_NOT_FOUND;
}

/* --- times --------------------------------------------------------------- */

int64_t
keys_max_age(const struct answer *answer)
{
    static const char name[] = "max-age=";
    int64_t age = KEYS_AGE_DEFAULT;

    for (size_t i = 0; i < answer->header_count; i++) {
        const char *at = answer->headers[i].value;

        if (strcasecmp(answer->headers[i].name, "Cache-Control") != 0)
            continue;
        /* One directive after the other: s-max-age= is another one. */
        for (; at[0] != '\0'; at += strcspn(at, ","), at += *at == ',') {
            at += strspn(at, " \t");
            if (strncasecmp(at, name, sizeof(name) - 1) == 0
                && isdigit((unsigned char)at[sizeof(name) - 1]))
                age = strtoll(at + sizeof(name) - 1, NULL, 10);
        }
    }
    if (age < KEYS_AGE_MIN)
        return KEYS_AGE_MIN;
    return age < KEYS_AGE_MAX ? age : KEYS_AGE_MAX;
}

bool
keys_fresh(const struct keys *keys, int64_t now)
{
    return keys->fetched_at > 0 && now < keys->fetched_at + keys->max_age;
}

bool
keys_usable(const struct keys *keys, int64_t now)
{
    return keys->fetched_at > 0 && now < keys->fetched_at + KEYS_LIFE_MAX;
}

bool
keys_may_fetch(const struct keys *keys, int64_t now)
{
    return keys->tried_at == 0 || now >= keys->tried_at + KEYS_TRY_INTERVAL;
}

/* --- the remembered form ------------------------------------------------- */

static json_t *
write_item(const struct key *key)
{
    if (key->refused == NULL)
        return key_write_jwk(key);
    return json_pack("{s:s*, s:s}", "kid", key->id, "refused", key->refused);
}

enum status
keys_save(const struct keys *keys, const char *url, struct secret *out)
{
    json_t *list = json_array();
    json_t *root =
        json_pack("{s:i, s:s, s:I, s:I, s:I, s:O}", "v", SAVED_VERSION, "url",
                  url, "fetched_at", (json_int_t)keys->fetched_at, "max_age",
                  (json_int_t)keys->max_age, "tried_at",
                  (json_int_t)keys->tried_at, "keys", list);
    enum status status = STATUS_NO_MEMORY;
    size_t length = 0;

    secret_clear(out);
    if (root == NULL)
        goto out;
    for (size_t i = 0; i < keys->count; i++) {
        json_t *item = write_item(&keys->items[i]);

        if (item != NULL && json_array_append_new(list, item) != 0)
            goto out;
        /* What does not fit is fetched again when it is wanted. */
        if (json_dumpb(root, NULL, 0, JSON_COMPACT) > KEYS_MAX)
            (void)json_array_remove(list, json_array_size(list) - 1);
    }
    length = json_dumpb(root, NULL, 0, JSON_COMPACT);
    status = length <= KEYS_MAX ? secret_resize(out, length) : STATUS_SYSTEM;
    if (status == STATUS_OK
        && json_dumpb(root, out->data, length, JSON_COMPACT) != length)
        status = STATUS_NO_MEMORY;
out:
    if (status != STATUS_OK)
        secret_clear(out);
    json_decref(list);
    json_decref(root);
    return status;
}

static bool
read_time(const json_t *root, const char *name, int64_t now, int64_t *time)
{
    const json_t *value = json_object_get(root, name);

    *time = json_integer_value(value);
    return json_is_integer(value) && *time >= 0 && *time <= now;
}

/* Reads one entry; false when it is not as it was written. */
static bool
load_item(struct key *key, const json_t *item)
{
    const char *refused = json_string_value(json_object_get(item, "refused"));
    const char *id = json_string_value(json_object_get(item, "kid"));

    if (refused == NULL)
        return key_read_jwk(key, item) == STATUS_OK;
    if (strlen(refused) > REASON_MAX
        || (id != NULL && strlen(id) > KEY_ID_MAX))
        return false;
    memset(key, 0, sizeof(*key));
    if (id != NULL)
        key->id = strdup(id);
    if ((id == NULL) == (key->id == NULL) && key_refuse(key, refused))
        return true;
    key_clear(key);
    return false;
}

void
keys_load(struct keys *keys, const char *url, const struct secret *saved,
          int64_t now)
{
    const json_t *list, *item;
    const char *of;
    size_t i;
    bool good = false;
    json_t *root = json_loadb(secret_text(saved), saved->length,
                              JSON_REJECT_DUPLICATES, NULL);

    memset(keys, 0, sizeof(*keys));
    list = json_object_get(root, "keys");
    of = json_string_value(json_object_get(root, "url"));
    if (json_integer_value(json_object_get(root, "v")) != SAVED_VERSION
        || of == NULL || strcmp(of, url) != 0 || !json_is_array(list)
        || json_array_size(list) > KEYS_COUNT_MAX
        || !read_time(root, "fetched_at", now, &keys->fetched_at)
        || !read_time(root, "tried_at", now, &keys->tried_at)
        || !read_time(root, "max_age", KEYS_AGE_MAX, &keys->max_age))
        goto out;
    json_array_foreach(list, i, item) {
        if (!load_item(&keys->items[keys->count], item))
            goto out;
        keys->count++;
    }
    good = refuse_twins(keys);
out:
    if (!good)
        keys_clear(keys);
    json_decref(root);
}
