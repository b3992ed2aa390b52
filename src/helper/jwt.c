/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * jwt.c - JSON Web Tokens.
 *
 * The only file that knows libjwt, and it asks it one thing: whether the
 * signature is good.  It refuses to leave anything else to the library: what
 * the token's header may say is decided before, what the claims say behind.
 */
#include "helper/jwt.h"
#include "helper/base64url.h"
#include "helper/claimset.h"
#include "helper/signature.h"
#include "provider/pointer.h"

#include <jwt.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A token in its three parts. */
struct parts {
    const char *signed_text; /* "header.payload" */
    size_t signed_length;
    json_t *header;
    struct secret payload;
    struct secret signature;
    const struct algorithm *algorithm;
    const char *key_id; /* NULL: it names none */
};

#define PARTS_INIT                                                            \
    {                                                                         \
        .payload = SECRET_INIT(JWT_MAX), .signature = SECRET_INIT(JWT_MAX)    \
    }

static void
parts_clear(struct parts *parts)
{
    json_decref(parts->header);
    secret_clear(&parts->payload);
    secret_clear(&parts->signature);
}

/* --- libjwt -------------------------------------------------------------- */

#ifdef HAVE_JWT_CHECKER_NEW /* 3.x: keys are JWKs */

static bool
library_knows(const struct algorithm *algorithm)
{
    jwt_alg_t known = jwt_str_alg(algorithm->name);

    return known != JWT_ALG_NONE && known < JWT_ALG_INVAL;
}

static bool
library_verifies(const struct secret *token, const struct parts *parts,
                 const struct key *key)
{
    json_t *jwk = key_write_jwk(key);
    char *text = jwk != NULL ? json_dumps(jwk, JSON_COMPACT) : NULL;
    jwk_set_t *set = text != NULL ? jwks_create(text) : NULL;
    const jwk_item_t *item = set != NULL ? jwks_item_get(set, 0) : NULL;
    jwt_checker_t *checker = jwt_checker_new();
    bool good = false;

    /* Times are ours to check. */
    if (checker != NULL && item != NULL
        && jwt_checker_time_leeway(checker, JWT_CLAIM_EXP, -1) == 0
        && jwt_checker_time_leeway(checker, JWT_CLAIM_NBF, -1) == 0
        && jwt_checker_setkey(checker, jwt_str_alg(parts->algorithm->name),
                              item)
               == 0)
        good = jwt_checker_verify(checker, secret_text(token)) == 0;
    jwt_checker_free(checker);
    jwks_free(set);
    secret_free_text(text);
    json_decref(jwk);
    return good;
}

#else /* 1.x: keys are PEM, or the secret */

static bool
library_knows(const struct algorithm *algorithm)
{
    jwt_alg_t known = jwt_str_alg(algorithm->name);

    return known != JWT_ALG_NONE && known != JWT_ALG_INVAL;
}

static bool
library_verifies(const struct secret *token, const struct parts *parts,
                 const struct key *key)
{
    const json_t *type = json_object_get(parts->header, "typ");
    bool good = false;
    jwt_t *jwt = NULL;

    /* 1.17 knows PS*, but takes no key for them that serves RS* too. */
    if (parts->algorithm->pss
        || (json_is_string(type)
            && strcasecmp(json_string_value(type), "JWT") != 0))
        return signature_good(key, parts->algorithm, parts->signed_text,
                              parts->signed_length, &parts->signature);
    if (jwt_decode(&jwt, secret_text(token),
                   (const unsigned char *)key->material.data,
                   (int)key->material.length)
        == 0)
        good = jwt_get_alg(jwt) == jwt_str_alg(parts->algorithm->name);
    jwt_free(jwt);
    return good;
}

#endif

/* --- the token's form ---------------------------------------------------- */

/* Splits the token at its dots.  NULL, or why it is no signed token. */
static const char *
split(const struct secret *token, struct parts *parts, json_t **header)
{
    struct secret text = SECRET_INIT(JWT_MAX);
    const char *head = secret_text(token);
    const char *payload, *signature;
    const char *why = NULL;

    if (token->length > JWT_MAX)
        return "it is longer than 16 KiB";
    if (memchr(head, '\0', token->length) != NULL)
        return "it holds a NUL";
    payload = strchr(head, '.');
    signature = payload != NULL ? strchr(payload + 1, '.') : NULL;
    if (signature == NULL || strchr(signature + 1, '.') != NULL)
        return "it has not the three parts of a signed token";
    parts->signed_text = head;
    parts->signed_length = (size_t)(signature - head);
    if (base64url_read(head, (size_t)(payload - head), &text) != STATUS_OK
        || base64url_read(payload + 1, (size_t)(signature - payload) - 1,
                          &parts->payload)
               != STATUS_OK
        || base64url_read(signature + 1, strlen(signature + 1),
                          &parts->signature)
               != STATUS_OK) {
        why = "it is not base64url";
        goto out;
    }
    *header = json_loadb(secret_text(&text), text.length,
                         JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(*header))
        why = "its header is no JSON object, or names a member twice";
out:
    secret_clear(&text);
    return why;
}

static enum status __attribute__((format(printf, 3, 4)))
refuse(char *why, size_t why_size, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(why, why_size, format, arguments);
    va_end(arguments);
    return STATUS_BAD_TOKEN;
}

static bool
is_pinned(const struct jwt_rules *rules, const char *name)
{
    for (size_t i = 0; i < rules->algorithm_count; i++)
        if (strcmp(rules->algorithms[i], name) == 0)
            return true;
    return false;
}

/* Chooses the algorithm that the header names, if we allow it. */
static enum status
choose_algorithm(struct parts *parts, const struct jwt_rules *rules, char *why,
                 size_t why_size)
{
    const char *name =
        json_string_value(json_object_get(parts->header, "alg"));
    const struct algorithm *algorithm;

    if (name == NULL)
        return refuse(why, why_size, "its alg is missing, or no text");
    if (strcasecmp(name, "none") == 0)
        return refuse(why, why_size,
                      "its alg is \"none\": anybody can have written it");
    algorithm = algorithm_find(name);
    if (algorithm == NULL || !is_pinned(rules, name))
        return refuse(why, why_size,
                      "its alg is not one of the `algorithms` of [jwt]: "
                      "\"%.16s\"",
                      name);
    if ((algorithm->type == KEY_HMAC) != (rules->kind == KEYS_HMAC))
        return refuse(why, why_size,
                      "its alg %s and the keys of [jwt] do not go together",
                      name);
    parts->algorithm = algorithm;
    return STATUS_OK;
}

/* Reads what the header may decide: which of our keys and algorithms. */
static enum status
read_header(struct parts *parts, const struct jwt_rules *rules, char *why,
            size_t why_size)
{
    const json_t *id = json_object_get(parts->header, "kid");
    enum status status = choose_algorithm(parts, rules, why, why_size);

    if (status != STATUS_OK)
        return status;
    if (parts->signature.length == 0)
        return refuse(why, why_size, "it has no signature");
    /* RFC 7515 4.1.11, RFC 7797: extensions that change what is signed. */
    if (json_object_get(parts->header, "crit") != NULL
        || json_object_get(parts->header, "b64") != NULL)
        return refuse(why, why_size,
                      "its header asks for an extension (crit, b64)");
    if (id != NULL
        && (!json_is_string(id) || json_string_length(id) > KEY_ID_MAX))
        return refuse(why, why_size, "its kid is no text, or too long");
    parts->key_id = json_string_value(id);
    return STATUS_OK;
}

/* --- verification -------------------------------------------------------- */

/* Finds the key and checks the signature with it. */
static enum status
check_signature(const struct secret *token, const struct parts *parts,
                const struct jwt_rules *rules, const struct keys *keys,
                char *why, size_t why_size)
{
    const struct key *key = NULL;
    enum status status;
    /* A file holds one key, whatever a token calls it. */
    bool named = rules->kind == KEYS_URL || rules->kind == KEYS_JWKS;

    if (!library_knows(parts->algorithm)) {
        snprintf(why, why_size,
                 "the libjwt that is installed does not know %s",
                 parts->algorithm->name);
        return STATUS_MISCONFIGURED;
    }
    status = keys_find(keys, named ? parts->key_id : NULL, parts->algorithm,
                       &key, why, why_size);
    if (status != STATUS_OK)
        return status;
    if (!library_verifies(token, parts, key))
        return refuse(why, why_size, "%s",
                      signature_good(key, parts->algorithm, parts->signed_text,
                                     parts->signed_length, &parts->signature)
                          ? "libjwt cannot read its claims"
                          : "its signature is wrong");
    return STATUS_OK;
}

enum status
jwt_verify(const struct secret *token, const struct jwt_rules *rules,
           const struct keys *keys, const struct vars *vars, int64_t now,
           json_t **claims, char *why, size_t why_size)
{
    struct parts parts = PARTS_INIT;
    const char *problem = split(token, &parts, &parts.header);
    json_t *found = NULL;
    enum status status;

    *claims = NULL;
    if (problem != NULL) {
        status = refuse(why, why_size, "%s", problem);
        goto out;
    }
    status = read_header(&parts, rules, why, why_size);
    if (status != STATUS_OK || parts.algorithm == NULL)
        goto out;
    status = check_signature(token, &parts, rules, keys, why, why_size);
    if (status != STATUS_OK)
        goto out;
    found = json_loadb(secret_text(&parts.payload), parts.payload.length,
                       JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    if (!json_is_object(found)) {
        status = refuse(why, why_size,
                        "its claims are no JSON object, or one comes twice");
        goto out;
    }
    status = claimset_check(found, rules, vars, now, why, why_size);
    if (status == STATUS_OK) {
        *claims = found;
        found = NULL;
    }
out:
    json_decref(found);
    parts_clear(&parts);
    return status;
}

enum status
jwt_unverified_exp(const struct secret *token, struct secret *text)
{
    struct parts parts = PARTS_INIT;
    enum status status = STATUS_NOT_FOUND;
    json_t *claims = NULL;

    secret_clear(text);
    if (split(token, &parts, &parts.header) == NULL)
        claims = json_loadb(secret_text(&parts.payload), parts.payload.length,
                            JSON_ALLOW_NUL, NULL);
    if (json_is_number(json_object_get(claims, "exp")))
        status = pointer_scalar(json_object_get(claims, "exp"), text);
    json_decref(claims);
    parts_clear(&parts);
    return status == STATUS_SYSTEM ? STATUS_NOT_FOUND : status;
}
