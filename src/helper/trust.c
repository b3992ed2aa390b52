/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * trust.c - tokens that are JWTs: which keys, and whom they are about.
 *
 * Keys that are fetched are remembered by the caller, so that a sign-in with
 * a fresh set is one request.  It refuses to fetch more than once a minute,
 * whatever tokens ask for.
 */
#include "helper/claimset.h"
#include "helper/jwt.h"
#include "helper/operation.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void
trust_clear(struct api *api)
{
    keys_clear(&api->keys);
    json_decref(api->claims);
    api->claims = NULL;
}

/* --- keys ---------------------------------------------------------------- */

/* Takes the keys that the conf or the caller brought. */
static enum status
load_keys(struct api *api, int64_t now)
{
    const struct jwt_rules *rules = &api->conf->jwt;
    struct keys *keys = &api->keys;
    enum status status = STATUS_OK;
    const char *why = NULL;

    if (api->keys_loaded)
        return STATUS_OK;
    switch (rules->kind) {
    case KEYS_URL:
        keys_load(keys, rules->url, &api->exchange.handover.keys, now);
        break;
    case KEYS_JWKS:
        status = keys_read(keys, &rules->source, &why);
        break;
    case KEYS_PEM:
        status = key_read_pem(&keys->items[0], &rules->source, &why);
        keys->count = 1;
        break;
    case KEYS_HMAC:
        status = key_read_secret(&keys->items[0], &rules->source);
        keys->count = 1;
        break;
    }
    if (status != STATUS_OK)
        return report_end(api->report, status,
                          "the file of `keys` in [jwt]: "
                          "%s",
                          why != NULL ? why : status_text(status));
    api->keys_loaded = true;
    return STATUS_OK;
}

/* Reads what the fetch RESULT brought.  On failure the set stays. */
static enum status
take_keys(struct api *api, struct http_result *result, int64_t now)
{
    int http = result->answer.status;
    const char *why = NULL;
    enum status status = STATUS_MISCONFIGURED;

    if (http != 200) {
        snprintf(api->keys_problem, sizeof(api->keys_problem), "HTTP %d",
                 http);
        return http >= 500 || http == 429 ? STATUS_UNAVAILABLE : status;
    }
    status = keys_read(&api->keys, &result->body, &why);
    if (status != STATUS_OK) {
        snprintf(api->keys_problem, sizeof(api->keys_problem), "%s",
                 why != NULL ? why : status_text(status));
        return status;
    }
    api->keys.fetched_at = now;
    api->keys.max_age = keys_max_age(&result->answer);
    return STATUS_OK;
}

/* Fetches the set.  STATUS_OK; STATUS_CANCELLED and STATUS_DEADLINE end the
 * operation; with any other the old set stays, and ->keys_problem is why. */
static enum status
fetch_keys(struct api *api, int64_t now)
{
    const char *url = api->conf->jwt.url;
    struct http_result result;
    enum status status;

    memset(&result, 0, sizeof(result));
    api->keys.tried_at = now;
    status = exchange_get(&api->exchange, url, &result);
    if (status == STATUS_OK)
        status = take_keys(api, &result, now);
    else
        snprintf(api->keys_problem, sizeof(api->keys_problem), "%.200s",
                 result.why);
    if (status == STATUS_OK)
        report_debug(api->report, "%zu keys fetched from %s", api->keys.count,
                     url);
    if (keys_save(&api->keys, url, &api->report->reply->keys) != STATUS_OK)
        report_warning(api->report, "the keys of [jwt] cannot be remembered");
    http_result_clear(&result);
    return status;
}

static bool
ends_all(enum status status)
{
    return status == STATUS_CANCELLED || status == STATUS_DEADLINE;
}

/* Sees to it that there is a set that may be used. */
static enum status
ready_keys(struct api *api, int64_t now)
{
    const char *subject = api->exchange.subject;
    struct keys *keys = &api->keys;
    enum status status = load_keys(api, now);

    if (status != STATUS_OK || api->conf->jwt.kind != KEYS_URL
        || keys_fresh(keys, now))
        return status;
    if (keys_may_fetch(keys, now)) {
        status = fetch_keys(api, now);
        if (status == STATUS_OK || ends_all(status))
            return status;
    } else {
        status = STATUS_UNAVAILABLE;
        snprintf(api->keys_problem, sizeof(api->keys_problem),
                 "the last try was %" PRId64 " seconds ago, and there is one "
                 "a minute",
                 now - keys->tried_at);
    }
    if (!keys_usable(keys, now))
        return report_end(api->report, status,
                          "%s: HTTP %d, but no token can be verified: the "
                          "keys of [jwt] cannot be had from %s: %s",
                          subject != NULL ? subject : "the stored token",
                          api->exchange.result.answer.status,
                          api->conf->jwt.url, api->keys_problem);
    report_warning(api->report,
                   "the keys of [jwt] are old, and new ones cannot be had "
                   "from %s: %s",
                   api->conf->jwt.url, api->keys_problem);
    return STATUS_OK;
}

/* Verifies TOKEN, with a newer set of keys where that may help.  Reports
 * nothing but what keeps keys away. */
static enum status
verify(struct api *api, const struct secret *token, json_t **claims, char *why,
       size_t why_size)
{
    const struct jwt_rules *rules = &api->conf->jwt;
    int64_t now = (int64_t)time(NULL);
    enum status status = ready_keys(api, now);

    *claims = NULL;
    if (status != STATUS_OK)
        return status;
    status = jwt_verify(token, rules, &api->keys, &api->conf->vars, now,
                        claims, why, why_size);
    if (status != STATUS_NOT_FOUND || rules->kind != KEYS_URL
        || !keys_may_fetch(&api->keys, now))
        return status;
    status = fetch_keys(api, now);
    if (ends_all(status))
        return status;
    if (status != STATUS_OK)
        report_warning(api->report,
                       "newer keys of [jwt] cannot be had from %s: %s",
                       rules->url, api->keys_problem);
    return jwt_verify(token, rules, &api->keys, &api->conf->vars, now, claims,
                      why, why_size);
}

/* --- the answer's token -------------------------------------------------- */

/* Compares whom the token is about with the one before; the first is
 * remembered. */
static enum status
compare_identity(struct api *api, const json_t *claims)
{
    json_t *identity = claimset_identity(claims, &api->conf->jwt);
    enum status status = STATUS_OK;

    if (identity == NULL)
        return operation_fail(api, STATUS_NO_MEMORY, "out of memory");
    if (api->tokens.identity == NULL)
        api->tokens.identity = json_incref(identity);
    else if (!json_equal(api->tokens.identity, identity))
        status = report_end(api->report, STATUS_WRONG_ACCOUNT,
                            "%s: the token is not about whom the one before "
                            "was about (iss, aud, sub)",
                            api->exchange.subject);
    json_decref(identity);
    return status;
}

enum status
trust_answer(struct api *api, const struct step *step)
{
    const char *name = api->conf->jwt.token;
    const struct source *source = tokens_source(step, name);
    struct answer *answer = &api->exchange.result.answer;
    struct secret token = SECRET_INIT(JWT_MAX + 1);
    char why[512] = "";
    json_t *claims = NULL;
    enum status status = STATUS_NOT_FOUND;

    /* A description may say that this step brings none, and must then compare
     * the account without its claims. */
    if (source == NULL && step == &api->conf->refresh)
        return STATUS_OK;
    if (source != NULL)
        status = source_read_string(source, answer, &token);
    if (status == STATUS_NOT_FOUND) {
        snprintf(why, sizeof(why), "there is none");
        status = STATUS_BAD_TOKEN;
    } else if (status == STATUS_SYSTEM) {
        snprintf(why, sizeof(why), "it is longer than 16 KiB");
        status = STATUS_BAD_TOKEN;
    } else if (status == STATUS_OK) {
        status = verify(api, &token, &claims, why, sizeof(why));
    }
    if (status == STATUS_NOT_FOUND)
        status = STATUS_BAD_TOKEN;
    if (status == STATUS_OK) {
        status = compare_identity(api, claims);
        answer->jwt = json_incref(claims);
        json_decref(api->claims);
        api->claims = claims;
        claims = NULL;
    } else if (why[0] != '\0') {
        status = report_end(api->report, status,
                            "%s: HTTP %d, but its %s is refused: %s",
                            api->exchange.subject, answer->status, name, why);
    }
    json_decref(claims);
    secret_clear(&token);
    return status;
}

bool
trust_stored(struct api *api)
{
    const char *name = api->conf->jwt.token;
    const json_t *var = json_object_get(api->tokens.vars, name);
    struct secret token = SECRET_INIT(JWT_MAX);
    char why[512] = "";
    json_t *claims = NULL;
    enum status status = STATUS_NOT_FOUND;

    if (strcmp(name, "access_token") == 0)
        status = secret_append(&token, secret_text(&api->tokens.access),
                               api->tokens.access.length);
    else if (json_is_string(var))
        status = secret_append(&token, json_string_value(var),
                               json_string_length(var));
    if (status == STATUS_OK)
        status = verify(api, &token, &claims, why, sizeof(why));
    if (status == STATUS_OK) {
        json_decref(api->claims);
        api->claims = claims;
    } else {
        /* There is another way to ask. */
        free(api->report->reply->detail);
        api->report->reply->detail = NULL;
    }
    secret_clear(&token);
    return status == STATUS_OK;
}
