/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tokens.c - what one sign-in returned, and how it is kept.
 */
#include "helper/tokens.h"
#include "helper/jwt.h"
#include "provider/expiry.h"

#include <string.h>

enum { GRANT_VERSION = 1 };

void
tokens_init(struct tokens *tokens)
{
    memset(tokens, 0, sizeof(*tokens));
    tokens->access = (struct secret)SECRET_INIT(TOKEN_MAX);
    tokens->refresh = (struct secret)SECRET_INIT(TOKEN_MAX);
}

void
tokens_clear(struct tokens *tokens)
{
    if (tokens == NULL)
        return;
    secret_clear(&tokens->access);
    secret_clear(&tokens->refresh);
    tokens->kind = TOKENS_GRANT;
    tokens->denied = false;
    tokens->taken_at = 0;
    tokens->expires_at = 0;
    json_decref(tokens->vars);
    tokens->vars = NULL;
    json_decref(tokens->identity);
    tokens->identity = NULL;
}

bool
tokens_any(const struct tokens *tokens)
{
    return tokens->access.length > 0 || tokens->refresh.length > 0;
}

/* Whether the bytes can stand in a header and in JSON. */
static bool
printable(const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)bytes[i] < ' ' || bytes[i] == 0x7f)
            return false;
    return true;
}

/* --- from an answer ------------------------------------------------------ */

const struct source *
tokens_source(const struct step *step, const char *name)
{
    for (size_t i = 0; i < step->outputs.count; i++)
        if (strcmp(step->outputs.items[i].name, name) == 0)
            return step->outputs.items[i].source;
    return NULL;
}

struct token_words {
    const char *missing, *empty, *type, *length, *bytes;
};

static const struct token_words partly_words = {
    NULL,
    "the access token is empty",
    "the access token is not a string",
    "the access token is too long: over 16 KiB",
    "the access token holds control characters",
};
static const struct token_words access_words = {
    "the access token is missing",
    "the access token is empty",
    "the access token is not a string",
    "the access token is too long: over 16 KiB",
    "the access token holds control characters",
};
static const struct token_words refresh_words = {
    NULL,
    "the refresh token is empty",
    "the refresh token is not a string",
    "the refresh token is too long: over 16 KiB",
    "the refresh token holds control characters",
};

/* Reads a token into OUT; a missing one is no failure, OUT is then empty. */
static enum status
take_token(const struct source *source, const struct answer *answer,
           const struct token_words *words, struct secret *out,
           const char **why)
{
    struct secret other = SECRET_INIT(TOKEN_MAX);
    enum status status = STATUS_NOT_FOUND;

    if (source != NULL)
        status = source_read_string(source, answer, out);
    *why = NULL;
    if (status == STATUS_OK && out->length == 0)
        *why = words->empty;
    else if (status == STATUS_OK && !printable(out->data, out->length))
        *why = words->bytes;
    else if (status == STATUS_SYSTEM)
        *why = words->length;
    else if (status == STATUS_NOT_FOUND && source != NULL
             && source_read(source, answer, &other) != STATUS_NOT_FOUND)
        *why = words->type;
    else if (status == STATUS_NOT_FOUND)
        *why = words->missing;
    secret_clear(&other);
    if (*why != NULL)
        return STATUS_BAD_TOKEN;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* When the token in ACCESS expires; *doubt as in tokens_take. */
static int64_t
take_expiry(const struct step *step, const struct answer *answer,
            const struct secret *access, int64_t now, const char **doubt)
{
    struct secret said = SECRET_INIT(TOKEN_MAX);
    struct secret exp = SECRET_INIT(64);
    const struct source *source = tokens_source(step, "expires");
    int64_t expires_at = step->ttl > 0 ? now + step->ttl : 0;
    enum status status = STATUS_NOT_FOUND;

    if (source != NULL)
        status = source_read(source, answer, &said);
    if (step->expires_unit == EXPIRY_JWT) {
        status = jwt_unverified_exp(source != NULL ? &said : access, &exp);
        if (status != STATUS_OK)
            *doubt = "the token names no expiry";
    }
    if (status == STATUS_OK
        && expiry_read(
               secret_text(step->expires_unit == EXPIRY_JWT ? &exp : &said),
               step->expires_unit, now, &expires_at)
               != STATUS_OK)
        *doubt = "the expiry is not a time";
    secret_clear(&said);
    secret_clear(&exp);
    return expires_at;
}

/* All other outputs; they are optional, and one that is unusable is left
 * out. */
static enum status
take_vars(const struct step *step, const struct answer *answer, json_t *vars)
{
    for (size_t i = 0; i < step->outputs.count; i++) {
        const struct output *output = &step->outputs.items[i];
        struct secret value = SECRET_INIT(TOKEN_VAR_MAX);
        enum status status = STATUS_OK;

        if (strcmp(output->name, "access_token") == 0
            || strcmp(output->name, "refresh_token") == 0
            || strcmp(output->name, "expires") == 0)
            continue;
        if (source_read(output->source, answer, &value) == STATUS_OK
            && value.length > 0 && printable(value.data, value.length)
            && (json_object_size(vars) < TOKEN_VARS_MAX
                || json_object_get(vars, output->name) != NULL)
            && json_object_set_new(vars, output->name,
                                   json_stringn(value.data, value.length))
                   != 0)
            status = STATUS_NO_MEMORY;
        secret_clear(&value);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

/* Puts the older token in the place of one that did not come. */
static enum status
keep_old(const struct secret *old, struct secret *fresh)
{
    if (fresh->length > 0 || old->length == 0)
        return STATUS_OK;
    return secret_append(fresh, old->data, old->length);
}

enum status
tokens_take(struct tokens *tokens, const struct step *step,
            const struct answer *answer, int64_t now, bool partly,
            const char **why, const char **doubt)
{
    struct tokens fresh;
    enum status status;
    bool came;

    tokens_init(&fresh);
    *doubt = NULL;
    status =
        take_token(tokens_source(step, "access_token"), answer,
                   partly ? &partly_words : &access_words, &fresh.access, why);
    if (status == STATUS_OK)
        status = take_token(tokens_source(step, "refresh_token"), answer,
                            &refresh_words, &fresh.refresh, why);
    came = fresh.access.length > 0;
    if (status == STATUS_OK)
        status = keep_old(&tokens->refresh, &fresh.refresh);
    if (status == STATUS_OK && partly)
        status = keep_old(&tokens->access, &fresh.access);
    if (status != STATUS_OK)
        goto out;
    fresh.vars =
        tokens->vars != NULL ? json_copy(tokens->vars) : json_object();
    status = fresh.vars != NULL ? take_vars(step, answer, fresh.vars)
                                : STATUS_NO_MEMORY;
    if (status != STATUS_OK)
        goto out;
    fresh.kind = tokens->kind;
    fresh.denied = tokens->denied;
    fresh.identity = json_incref(tokens->identity);
    fresh.taken_at = now;
    fresh.expires_at =
        came ? take_expiry(step, answer, &fresh.access, now, doubt)
             : tokens->expires_at;
    tokens_clear(tokens);
    *tokens = fresh;
    tokens_init(&fresh);
out:
    tokens_clear(&fresh);
    return status;
}

enum status
tokens_show(const struct tokens *tokens, struct vars *vars)
{
    enum status status =
        vars_set(vars, "access_token", secret_text(&tokens->access),
                 tokens->access.length, VAR_OUTSIDE);
    const char *name;
    json_t *value;

    if (status == STATUS_OK)
        status = vars_set(vars, "refresh_token", secret_text(&tokens->refresh),
                          tokens->refresh.length, VAR_OUTSIDE);
    json_object_foreach(tokens->vars, name, value) {
        if (status == STATUS_OK)
            status = vars_set(vars, name, json_string_value(value),
                              json_string_length(value), VAR_OUTSIDE);
    }
    return status;
}

/* --- as opaque bytes ----------------------------------------------------- */

static const char *const kind_names[] = {
    [TOKENS_GRANT] = NULL,
    [TOKENS_CHALLENGE] = "challenge",
    [TOKENS_OTP] = "otp",
};

/* False for a token that is not UTF-8. */
static bool
put_token(json_t *root, const char *name, const struct secret *token)
{
    return token->length == 0
           || json_object_set_new(root, name,
                                  json_stringn(token->data, token->length))
                  == 0;
}

/* The kind that WANTS names; false when it names none. */
static bool
read_kind(const json_t *wants, enum tokens_kind *kind)
{
    const char *name = json_string_value(wants);

    *kind = TOKENS_GRANT;
    if (wants == NULL)
        return true;
    if (name != NULL && strcmp(name, kind_names[TOKENS_CHALLENGE]) == 0)
        *kind = TOKENS_CHALLENGE;
    else if (name != NULL && strcmp(name, kind_names[TOKENS_OTP]) == 0)
        *kind = TOKENS_OTP;
    return *kind != TOKENS_GRANT;
}

enum status
tokens_write(const struct tokens *tokens, struct secret *opaque)
{
    enum status status = STATUS_NO_MEMORY;
    json_t *root = NULL;
    size_t length;

    secret_clear(opaque);
    root = json_pack("{s:i, s:I, s:b, s:s*, s:O*, s:O*}", "v", GRANT_VERSION,
                     "expires_at", (json_int_t)tokens->expires_at, "denied",
                     tokens->denied, "wants", kind_names[tokens->kind], "vars",
                     tokens->vars, "identity", tokens->identity);
    if (root == NULL)
        goto out;
    if (!put_token(root, "access_token", &tokens->access)
        || !put_token(root, "refresh_token", &tokens->refresh)) {
        status = STATUS_BAD_TOKEN;
        goto out;
    }
    length = json_dumpb(root, NULL, 0, JSON_COMPACT);
    if (length == 0)
        goto out;
    status = secret_resize(opaque, length);
    if (status == STATUS_SYSTEM)
        status = STATUS_BAD_TOKEN;
    if (status == STATUS_OK
        && json_dumpb(root, opaque->data, length, JSON_COMPACT) != length)
        status = STATUS_NO_MEMORY;
out:
    json_decref(root);
    if (status != STATUS_OK)
        secret_clear(opaque);
    return status;
}

/* Whether VALUE is a string that may have been written here. */
static bool
good_string(const json_t *value, size_t least, size_t most)
{
    size_t length = json_string_length(value);

    return json_is_string(value) && length >= least && length <= most
           && printable(json_string_value(value), length);
}

static bool
good_vars(json_t *vars)
{
    const char *name;
    json_t *value;

    if (vars == NULL)
        return true;
    if (!json_is_object(vars) || json_object_size(vars) > TOKEN_VARS_MAX)
        return false;
    json_object_foreach(vars, name, value) {
        if (!good_string(value, 1, TOKEN_VAR_MAX))
            return false;
    }
    return true;
}

enum status
tokens_read(struct tokens *tokens, const struct secret *opaque)
{
    enum status status = STATUS_BAD_TOKEN;
    const json_t *access;
    const json_t *refresh;
    json_t *expires, *vars, *identity;
    enum tokens_kind kind;
    json_t *root = json_loadb(secret_text(opaque), opaque->length, 0, NULL);

    tokens_clear(tokens);
    access = json_object_get(root, "access_token");
    refresh = json_object_get(root, "refresh_token");
    expires = json_object_get(root, "expires_at");
    vars = json_object_get(root, "vars");
    identity = json_object_get(root, "identity");
    if (json_integer_value(json_object_get(root, "v")) != GRANT_VERSION
        || !read_kind(json_object_get(root, "wants"), &kind)
        || (access == NULL ? kind == TOKENS_GRANT
                           : !good_string(access, 1, TOKEN_MAX))
        || (refresh != NULL && !good_string(refresh, 1, TOKEN_MAX))
        || !json_is_integer(expires) || json_integer_value(expires) < 0
        || !good_vars(vars) || (identity != NULL && !json_is_object(identity)))
        goto out;
    status = STATUS_OK;
    if (access != NULL)
        status = secret_append(&tokens->access, json_string_value(access),
                               json_string_length(access));
    if (status == STATUS_OK && refresh != NULL)
        status = secret_append(&tokens->refresh, json_string_value(refresh),
                               json_string_length(refresh));
    tokens->kind = kind;
    tokens->denied = json_is_true(json_object_get(root, "denied"));
    tokens->expires_at = json_integer_value(expires);
    tokens->vars = json_incref(vars);
    tokens->identity = json_incref(identity);
out:
    if (status != STATUS_OK)
        tokens_clear(tokens);
    json_decref(root);
    return status;
}
