/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * renewal.c - asking the API about a grant that is there already.
 */
#include "session/renewal.h"

#include <time.h>

enum status
renewal_ask(const struct session_call *call, struct cache *cache,
            enum operation operation, const struct grant *grant,
            struct reply *reply)
{
    struct secret keys = SECRET_INIT(KEYS_MAX);
    struct handover handover = { .timeout_ms = call->timeout_ms };
    struct request request = {
        .operation = operation,
        .realm = grant->realm,
        .user = grant->user,
        .uid = grant->uid,
        .idle_ms = call->timeout_ms,
        .debug = call->log != NULL && call->log->debug,
    };
    enum status status;

    cache_load_keys(cache, &keys);
    handover.keys = keys;
    handover.opaque = grant->opaque; /* borrowed */
    status = ask_once(&request, &handover, call->log, reply);
    cache_store_keys(cache, &reply->keys);
    secret_clear(&keys);
    return status;
}

void
renewal_take(struct grant *grant, struct reply *reply)
{
    grant->checked_at = time(NULL);
    if (reply->opaque.length == 0) {
        /* Only asked about: the tokens are what they were. */
        grant->flags = (grant->flags & ~(int64_t)GRANT_DENIED)
                       | (reply->flags & GRANT_DENIED);
        return;
    }
    secret_clear(&grant->opaque);
    grant->opaque = reply->opaque;
    reply->opaque = (struct secret)SECRET_INIT(OPAQUE_MAX);
    grant->expires_at = reply->expires_at;
    grant->refresh_at = reply->refresh_at;
    grant->flags = reply->flags;
}
