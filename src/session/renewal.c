/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * renewal.c - asking the API about a grant that is there already.
 *
 * It refuses to let new tokens be used, or old ones be forgotten, before the
 * new ones are written down.
 */
#include "session/renewal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <syslog.h>

enum {
    PAUSE_LEAST_S = 60,
    PAUSE_MOST_S = 60 * 60,
    RETRY_AFTER_MOST_S = 6 * 60 * 60,
};

enum status
renewal_ask(const struct channel *channel, enum operation operation,
            const struct grant *grant, struct reply *reply, struct ask **ask)
{
    struct secret keys = SECRET_INIT(KEYS_MAX);
    struct handover handover = { .timeout_ms = channel->timeout_ms };
    char *conf = channel->conf != NULL ? strdup(channel->conf) : NULL;
    struct request request = {
        .operation = operation,
        .realm = grant->realm,
        .conf = conf,
        .user = grant->user,
        .uid = grant->uid,
        .idle_ms = channel->timeout_ms,
        .debug = channel->log != NULL && channel->log->debug,
    };
    enum status status = STATUS_NO_MEMORY;

    *ask = NULL;
    cache_load_keys(channel->cache, &keys);
    handover.keys = keys;
    handover.opaque = grant->opaque; /* borrowed */
    handover.expired = grant_expired(grant, clock_now());
    if (conf != NULL || channel->conf == NULL)
        status = ask_once(&request, &handover, channel->log, reply, ask);
    cache_store_keys(channel->cache, &reply->keys);
    secret_clear(&keys);
    free(conf);
    return status;
}

/* Moves what FROM holds into INTO. */
static void
move(struct secret *into, struct secret *from)
{
    secret_clear(into);
    *into = *from;
    *from = (struct secret)SECRET_INIT(from->limit);
}

void
renewal_take_tokens(struct grant *grant, struct reply *reply)
{
    if (reply->opaque.length == 0)
        return;
    move(&grant->opaque, &reply->opaque);
    move(&grant->access, &reply->access);
    grant_stamp(grant, clock_now());
    grant->expires_at = reply->expires_at;
    grant->refresh_at = reply->refresh_at;
}

void
renewal_take(struct grant *grant, struct reply *reply)
{
    grant_vouch(grant, clock_now());
    if (reply->opaque.length == 0) {
        /* Only asked about: the tokens are what they were. */
        grant->flags = (grant->flags & ~(int64_t)GRANT_DENIED)
                       | (reply->flags & GRANT_DENIED);
        return;
    }
    renewal_take_tokens(grant, reply);
    grant->flags = reply->flags;
}

int64_t
renewal_pause(int64_t tries, int64_t retry_after)
{
    int64_t pause = tries <= 1 ? 0 : PAUSE_LEAST_S;
    uint32_t random = 0;

    for (int64_t i = 2; i < tries && pause < PAUSE_MOST_S; i++)
        pause *= 2;
    if (pause > PAUSE_MOST_S)
        pause = PAUSE_MOST_S;
    /* Without it, retries only come less spread. */
    if (getrandom(&random, sizeof(random), GRND_NONBLOCK)
        != (ssize_t)sizeof(random))
        random = 0;
    pause += pause / 4 - random % (pause / 2 + 1);
    if (retry_after > RETRY_AFTER_MOST_S)
        retry_after = RETRY_AFTER_MOST_S;
    if (pause < retry_after)
        pause = retry_after + random % (retry_after / 8 + 1);
    return pause;
}

/* --- refresh --------------------------------------------------------------
 */

/* The new tokens are ours only once they are written down; those that were
 * traded for them are not good any more. */
static enum status
keep(struct holding *holding, struct grant *grant, struct reply *reply,
     struct ask **ask)
{
    bool rotated = reply->rotated != 0;
    enum status status;

    renewal_take(grant, reply);
    status = holding_store(holding, grant); /* logged there */
    ask_settle(ask, status == STATUS_OK);
    if (status == STATUS_OK || !rotated)
        return status;
    return holding_drop(holding) == STATUS_OK ? STATUS_SESSION_EXPIRED
                                              : status;
}

enum status
renewal_refresh(const struct channel *channel, struct holding *holding,
                struct grant *grant)
{
    struct ask *ask = NULL;
    struct reply reply;
    enum status status;

    reply_init(&reply);
    status = renewal_ask(channel, OPERATION_REFRESH, grant, &reply, &ask);
    if (status == STATUS_OK) {
        status = keep(holding, grant, &reply, &ask);
        if (status == STATUS_OK)
            cache_export_again(channel->cache, grant);
        goto out;
    }
    log_line(channel->log, LOG_WARNING,
             "the tokens of %s were not refreshed: %s", grant->user,
             reply.detail != NULL ? reply.detail : status_text(status));
    if (status == STATUS_SESSION_EXPIRED) {
        if (holding_drop(holding) != STATUS_OK)
            log_line(channel->log, LOG_ERR,
                     "the dead tokens of %s cannot be removed: %m",
                     grant->user);
    } else {
        grant_postpone(grant, clock_now(),
                       renewal_pause(2, reply.retry_after));
        (void)!holding_store(holding, grant); /* logged there */
    }
out:
    ask_settle(&ask, false);
    reply_clear(&reply);
    return status;
}
