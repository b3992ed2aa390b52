/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * judge.c - the account phase: may this account still come in.
 *
 * It decides from what the API said not long ago, or asks it anew; it refuses
 * to say yes by default.
 */
#include "base/clock.h"
#include "session/account.h"
#include "session/cache.h"
#include "session/renewal.h"
#include "session/session.h"

#include <syslog.h>

#define HOLD_WAIT_MS 2000

/* The grant that is judged, and where it lives. */
struct judged {
    struct cache *cache;
    uint32_t uid;
    const char *handle;      /* while it is staged */
    struct holding *holding; /* once a session has taken it */
    struct grant grant;
};

/* Reads the staged grant HANDLE, or else the user's held one, which needs no
 * lock for that. */
static enum status
find(struct judged *judged, const struct session_call *call)
{
    enum status status = STATUS_NOT_FOUND;

    if (judged->handle != NULL)
        status =
            cache_load_staged(judged->cache, judged->handle, &judged->grant);
    if (status == STATUS_NOT_FOUND) {
        judged->handle = NULL;
        status = cache_peek(judged->cache, judged->uid, &judged->grant);
    }
    if (status == STATUS_OK
        && !grant_belongs(&judged->grant, call->realm, call->user,
                          judged->uid))
        status = STATUS_NOT_FOUND;
    return status;
}

/* Whether the API must be asked anew.  A clock that was set makes no grant
 * young, nor one old. */
static bool
too_old(const struct session_call *call, const struct judged *judged)
{
    int64_t age_s = grant_vouched_age(&judged->grant, clock_now());

    return age_s < 0 || age_s >= call->max_age_s;
}

/* Takes the lock of what is held, and reads it again: whoever had it may have
 * asked.  STATUS_BUSY: they still have it. */
static enum status
hold(struct judged *judged, const struct session_call *call)
{
    enum status status = cache_hold(judged->cache, judged->uid, false,
                                    HOLD_WAIT_MS, &judged->holding);

    if (status != STATUS_OK && status != STATUS_BUSY)
        return status;
    grant_clear(&judged->grant);
    status = find(judged, call);
    if (status == STATUS_OK && judged->holding == NULL
        && too_old(call, judged))
        status = STATUS_BUSY;
    return status;
}

static enum status
keep(struct judged *judged)
{
    enum status status;

    if (judged->holding != NULL) {
        status = holding_store(judged->holding, &judged->grant);
        if (status == STATUS_OK)
            cache_export_again(judged->cache, &judged->grant);
        return status;
    }
    return cache_restage(judged->cache, judged->handle, &judged->grant);
}

static bool
unreachable(enum status status)
{
    return status == STATUS_UNAVAILABLE || status == STATUS_DEADLINE
           || status == STATUS_RATE_LIMITED;
}

/* Takes what the reply brought, if it decided or the tokens are others now.
 * False when it cannot be kept. */
static bool
take(struct judged *judged, enum status status, struct reply *reply,
     struct ask **ask)
{
    bool decided = status == STATUS_OK || status == STATUS_DENIED;
    bool kept;

    if (!decided && reply->opaque.length == 0)
        return true;
    if (decided)
        renewal_take(&judged->grant, reply);
    else
        renewal_take_tokens(&judged->grant, reply);
    kept = keep(judged) == STATUS_OK;
    ask_settle(ask, kept);
    return kept;
}

/* Asks the API anew. */
static enum status
ask_anew(const struct session_call *call, struct judged *judged)
{
    const struct channel channel = { .cache = judged->cache,
                                     .timeout_ms = call->timeout_ms,
                                     .log = call->log };
    struct ask *ask = NULL;
    struct reply reply;
    enum status status;

    reply_init(&reply);
    status =
        renewal_ask(&channel, OPERATION_ACCOUNT, &judged->grant, &reply, &ask);
    if (!take(judged, status, &reply, &ask)) {
        status = STATUS_SYSTEM;
    } else if (unreachable(status) && call->offline_allow) {
        log_line(call->log, LOG_WARNING,
                 "%s comes in on what the API said %lld seconds ago: %s",
                 call->user,
                 (long long)grant_vouched_age(&judged->grant, clock_now()),
                 reply.detail != NULL ? reply.detail : status_text(status));
        status = STATUS_OK;
    } else if (status != STATUS_OK && status != STATUS_DENIED) {
        log_line(call->log, LOG_NOTICE, "the account of \"%s\" is refused: %s",
                 call->user,
                 reply.detail != NULL ? reply.detail : status_text(status));
        /* What the API has ended is not held any longer. */
        if (status == STATUS_SESSION_EXPIRED && judged->holding != NULL)
            (void)!holding_drop(judged->holding);
    }
    if (status != STATUS_OK && reply.message != NULL)
        call->tell(call->context, reply.message);
    ask_settle(&ask, false);
    reply_clear(&reply);
    return status;
}

static enum status
judge(const struct session_call *call, struct judged *judged)
{
    enum status status = STATUS_OK;

    if (too_old(call, judged) && judged->handle == NULL) {
        status = hold(judged, call);
        if (status == STATUS_BUSY)
            log_line(call->log, LOG_ERR,
                     "the account of \"%s\" cannot be looked at: the tokens "
                     "are locked by another session",
                     call->user);
    }
    if (status == STATUS_OK && too_old(call, judged))
        status = ask_anew(call, judged);
    if (status == STATUS_OK && (judged->grant.flags & GRANT_DENIED) != 0)
        status = STATUS_DENIED;
    if (status == STATUS_DENIED)
        log_line(call->log, LOG_NOTICE,
                 "the account of \"%s\" is refused: [account] of the conf "
                 "does not let this user in",
                 call->user);
    return status;
}

enum status
session_judge(const struct session_call *call, const char *handle)
{
    struct judged judged = { .handle = handle };
    enum status status = account_find(call->user, &judged.uid);

    grant_init(&judged.grant);
    if (status == STATUS_OK)
        status =
            cache_open(call->rundir, call->realm, call->log, &judged.cache);
    if (status == STATUS_OK) {
        status = find(&judged, call);
        /* Somebody has signed in, and nothing is left of it: a sweep, or
         * "authapi revoke", was here. */
        if (status == STATUS_NOT_FOUND) {
            log_line(call->log, LOG_NOTICE,
                     "the account of \"%s\" is refused: the tokens of this "
                     "sign-in are gone",
                     call->user);
            status = STATUS_SESSION_EXPIRED;
        }
    }
    if (status == STATUS_OK)
        status = judge(call, &judged);
    holding_release(judged.holding);
    grant_clear(&judged.grant);
    cache_close(judged.cache);
    return status;
}
