/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * keyfile.c - the files that a site's conf names as keys of [jwt].
 *
 * Whether a key fits an algorithm is seen when a token is verified.  This file
 * refuses private keys: whoever verifies has no need of them.
 */
#include "provider/loading.h"
#include "provider/trusted.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define KEYFILE_MAX (64 * 1024)
#define HMAC_GOOD 32 /* bytes; RFC 7518 3.2 for HS256 */

/* Every member that makes a JWK a private or shared key (RFC 7518 6). */
static bool
is_private(const json_t *key)
{
    const char *type = json_string_value(json_object_get(key, "kty"));

    return json_object_get(key, "d") != NULL
           || json_object_get(key, "k") != NULL
           || (type != NULL && strcmp(type, "oct") == 0);
}

static const char *
jwks_problem(const struct secret *bytes)
{
    json_t *set = json_loadb(secret_text(bytes), bytes->length,
                             JSON_REJECT_DUPLICATES, NULL);
    const json_t *keys = json_object_get(set, "keys");
    const char *why = NULL;

    if (!json_is_array(keys) || json_array_size(keys) == 0)
        why = "is no JWK set: {\"keys\": [...]}, with at least one key";
    for (size_t i = 0; i < json_array_size(keys) && why == NULL; i++)
        if (!json_is_object(json_array_get(keys, i)))
            why = "has a key that is no object";
        else if (is_private(json_array_get(keys, i)))
            why = "has a private or shared key, which must not lie here";
    json_decref(set);
    return why;
}

static const char *
pem_problem(const struct secret *bytes)
{
    const char *text = secret_text(bytes);

    if (strlen(text) != bytes->length || strstr(text, "-----BEGIN ") == NULL)
        return "is no PEM file";
    if (strstr(text, "PRIVATE KEY-----") != NULL)
        return "has a private key, which must not lie here";
    return NULL;
}

static const char *
hmac_problem(struct loading *loading, const struct ini_entry *entry,
             struct secret *bytes)
{
    const char *why = trusted_trim(bytes);

    if (why != NULL)
        return why;
    problem_warning(&loading->problems, entry->file, entry->line, entry->key,
                    "whoever can verify with this secret can also make "
                    "tokens: prefer public keys where the API has them");
    if (bytes->length < HMAC_GOOD)
        problem_warning(&loading->problems, entry->file, entry->line,
                        entry->key,
                        "the secret is shorter than %d bytes: one token is "
                        "enough to guess it by trying",
                        HMAC_GOOD);
    return NULL;
}

void
keyfile_read(struct loading *loading, const struct ini_entry *entry,
             enum keys_kind kind, const char *name, struct secret *bytes)
{
    bool hmac = kind == KEYS_HMAC;
    char *path = trusted_path(loading->conf->path, name);
    enum status status = STATUS_NO_MEMORY;
    const char *clause = NULL;
    char why[160];

    bytes->limit = hmac ? TRUSTED_FILE_MAX : KEYFILE_MAX;
    if (path != NULL)
        status = trusted_read(path, hmac, bytes, why, sizeof(why));
    if (status == STATUS_OK) {
        if (kind == KEYS_JWKS)
            clause = jwks_problem(bytes);
        else if (kind == KEYS_PEM)
            clause = pem_problem(bytes);
        else
            clause = hmac_problem(loading, entry, bytes);
    } else {
        clause = status == STATUS_MISCONFIGURED ? why : "out of memory";
    }
    if (clause != NULL && path != NULL)
        problem(&loading->problems, entry->file, entry->line, entry->key,
                "%s %s", path, clause);
    else if (clause != NULL)
        setting_problem(loading, entry, clause);
    free(path);
}
