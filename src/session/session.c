/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * session.c - the life of a session: committed, refreshed, closed.
 */
#include "session/session.h"
#include "session/account.h"
#include "session/ask.h"
#include "session/cache.h"
#include "session/deliver.h"
#include "session/leader.h"
#include "session/renewal.h"

#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

/* Nobody waits long for somebody else's lock: the holder may be a stopped
 * sudo of the same user. */
#define OPEN_WAIT_MS 2000
#define CLOSE_WAIT_MS 500

/* Sends an outbox entry on its way. */
static void
deliver(const struct session_call *call, const char *id)
{
    if (id[0] != '\0')
        deliver_start(call->realm, id, call->log);
}

void
session_discard(const struct session_call *call, const char *handle)
{
    struct cache *cache = NULL;

    if (cache_open(call->rundir, call->realm, call->log, &cache) != STATUS_OK)
        return;
    if (cache_discard_staged(cache, handle) == STATUS_OK)
        deliver(call, handle);
    cache_close(cache);
}

/* --- refresh ------------------------------------------------------------- */

/* Refreshes the held grant, whose lock we have.  Whatever the API says, the
 * session goes on. */
static void
refresh(const struct session_call *call, struct cache *cache,
        struct holding *holding, struct grant *grant)
{
    struct reply reply;
    enum status status;

    reply_init(&reply);
    status = renewal_ask(call, cache, OPERATION_REFRESH, grant, &reply);
    if (status == STATUS_OK) {
        renewal_take(grant, &reply);
        (void)!holding_store(holding, grant); /* logged there */
    } else {
        log_line(call->log, LOG_WARNING,
                 "the tokens of %s were not refreshed: %s", grant->user,
                 reply.detail != NULL ? reply.detail : status_text(status));
        if (status == STATUS_SESSION_EXPIRED
            && holding_drop(holding) != STATUS_OK)
            log_line(call->log, LOG_ERR,
                     "the dead tokens of %s cannot be removed: %m",
                     grant->user);
    }
    reply_clear(&reply);
}

/* --- commit -------------------------------------------------------------- */

/* Makes the staged grant the held one, or sends it to the outbox where a live
 * one is held already.  OTHER gets the outbox entry of whichever lost. */
static enum status
place(struct cache *cache, struct holding *holding, const char *handle,
      const struct grant *staged, size_t live, char other[ID_SIZE])
{
    struct grant held;
    enum status status = holding_load(holding, &held);
    bool keep = status == STATUS_OK && live > 0
                && grant_belongs(&held, staged->realm, staged->user,
                                 (uint32_t)staged->uid)
                && !grant_dead(&held, time(NULL))
                && (staged->flags & GRANT_SESSIONS_ONE) == 0;

    other[0] = '\0';
    grant_clear(&held);
    if (keep) {
        status = cache_discard_staged(cache, handle);
        if (status == STATUS_OK)
            memcpy(other, handle, ID_SIZE);
        return status;
    }
    /* Whatever else is held ends here: dead, another name's, or left over from
     * sessions that are gone. */
    if (status != STATUS_NOT_FOUND
        && holding_retire(holding, other) == STATUS_SYSTEM)
        return STATUS_SYSTEM;
    return holding_adopt(holding, handle);
}

static enum status
note_session(const struct session_call *call, struct holding *holding,
             char id[ID_SIZE])
{
    struct session_record record = { .opened_at = time(NULL) };
    enum status status = leader_record_self(&record);

    record.proved_at = record.opened_at;
    if (status == STATUS_SYSTEM)
        log_line(call->log, LOG_ERR,
                 "the session of %s cannot be noted without /proc",
                 call->user);
    if (status == STATUS_OK) {
        record.service = call->service != NULL ? strdup(call->service) : NULL;
        record.tty = call->tty != NULL ? strdup(call->tty) : NULL;
        record.rhost = call->rhost != NULL ? strdup(call->rhost) : NULL;
        status = holding_add_session(holding, &record, id);
    }
    wire_clear(&session_table, &record);
    return status;
}

static void
refresh_if_due(const struct session_call *call, struct cache *cache,
               struct holding *holding)
{
    struct grant held;

    if (holding_load(holding, &held) == STATUS_OK
        && grant_due(&held, time(NULL)))
        refresh(call, cache, holding, &held);
    grant_clear(&held);
}

/* The part of a commit that has the user's lock.  OPEN is NULL when no
 * session is to be noted.  OTHER gets the outbox entry of a grant that lost
 * its place; it can be delivered once the lock is given back. */
static enum status
commit_locked(const struct session_call *call, struct cache *cache,
              struct holding *holding, const char *handle,
              const struct grant *staged, struct open_session *open,
              char other[ID_SIZE])
{
    size_t live = 0;
    enum status status = holding_count_sessions(holding, &live);
    bool counted = status == STATUS_OK;

    if (status == STATUS_OK && open == NULL && live == 0)
        return STATUS_NOT_FOUND;
    if (status == STATUS_OK)
        status = place(cache, holding, handle, staged, live, other);
    if (status == STATUS_OK && open != NULL)
        status = note_session(call, holding, open->id);
    if (status == STATUS_OK)
        refresh_if_due(call, cache, holding);
    /* Somebody revoked this user meanwhile: the session goes on without. */
    if (status == STATUS_OK && open != NULL && !holding_current(holding))
        open->id[0] = '\0';
    /* A session that cannot be noted would leave its tokens behind; a folder
     * that took this one's place is another session's. */
    if (status != STATUS_OK && counted && live == 0
        && holding_current(holding)) {
        deliver(call, other);
        (void)!cache_remove(cache, (uint32_t)staged->uid, other);
    }
    return status;
}

/* A uid that now has another name must not meet what the old one left. */
static void
purge_stranger(const struct session_call *call, struct cache *cache,
               uint32_t uid)
{
    char entry[ID_SIZE] = "";
    struct grant held;

    if (cache_peek(cache, uid, &held) == STATUS_OK
        && !grant_belongs(&held, call->realm, call->user, uid)) {
        log_line(call->log, LOG_WARNING,
                 "uid %u had tokens of \"%s\" and is \"%s\" now: they are "
                 "removed",
                 (unsigned)uid, held.user, call->user);
        if (cache_remove(cache, uid, entry) == STATUS_OK)
            deliver(call, entry);
    }
    grant_clear(&held);
}

/* The user's lock was not to be had: the session goes on without tokens. */
static enum status
go_without(const struct session_call *call, struct cache *cache,
           const char *handle)
{
    log_line(call->log, LOG_WARNING,
             "the cache of %s is locked by another session; this one goes on "
             "without tokens",
             call->user);
    if (cache_discard_staged(cache, handle) == STATUS_OK)
        deliver(call, handle);
    return STATUS_OK;
}

static enum status
commit(const struct session_call *call, const char *handle,
       struct open_session *open)
{
    struct cache *cache = NULL;
    struct holding *holding = NULL;
    char other[ID_SIZE] = "";
    struct grant staged;
    uint32_t uid = 0;
    enum status status;

    grant_init(&staged);
    status = cache_open(call->rundir, call->realm, call->log, &cache);
    if (status == STATUS_OK)
        status = cache_load_staged(cache, handle, &staged);
    if (status == STATUS_OK) {
        status = account_find(call->user, &uid);
        if (status == STATUS_SYSTEM)
            log_line(call->log, LOG_ERR,
                     "the user \"%s\" cannot be looked up: %m", call->user);
    }
    if (status == STATUS_OK
        && !grant_belongs(&staged, call->realm, call->user, uid)) {
        if (cache_discard_staged(cache, handle) == STATUS_OK)
            deliver(call, handle);
        status = STATUS_NOT_OURS;
    }
    if (status != STATUS_OK)
        goto out;
    purge_stranger(call, cache, uid);
    status = cache_hold(cache, uid, open != NULL, OPEN_WAIT_MS, &holding);
    if (status == STATUS_BUSY)
        status = go_without(call, cache, handle);
    else if (status == STATUS_OK)
        status =
            commit_locked(call, cache, holding, handle, &staged, open, other);
    if (open != NULL)
        open->uid = uid;
out:
    holding_release(holding);
    deliver(call, other);
    /* What failed here will not be tried again. */
    if (open != NULL && cache != NULL && status != STATUS_OK
        && cache_discard_staged(cache, handle) == STATUS_OK)
        deliver(call, handle);
    grant_clear(&staged);
    cache_close(cache);
    return status;
}

enum status
session_open(const struct session_call *call, const char *handle,
             struct open_session *open)
{
    enum status status;

    *open = (struct open_session){ 0 };
    status = commit(call, handle, open);
    if (status != STATUS_OK)
        open->id[0] = '\0';
    return status;
}

enum status
session_renew(const struct session_call *call, const char *handle)
{
    return commit(call, handle, NULL);
}

/* --- close --------------------------------------------------------------- */

enum status
session_close(const struct session_call *call, const struct open_session *open)
{
    struct cache *cache = NULL;
    struct holding *holding = NULL;
    char entry[ID_SIZE] = "";
    size_t live = 0;
    enum status status;

    if (open->id[0] == '\0')
        return STATUS_OK;
    status = cache_open(call->rundir, call->realm, call->log, &cache);
    if (status != STATUS_OK)
        return status;
    /* The lock keeps an open of the same user from seeing half of this; who
     * does not let go of it is not waited for. */
    status = cache_hold(cache, open->uid, false, CLOSE_WAIT_MS, &holding);
    if (status == STATUS_OK || status == STATUS_BUSY)
        status = cache_end_session(cache, open->uid, open->id);
    if (status == STATUS_OK)
        status = cache_count_sessions(cache, open->uid, &live);
    if (status == STATUS_OK && live == 0)
        status = cache_remove(cache, open->uid, entry);
    if (status == STATUS_SYSTEM)
        log_line(call->log, LOG_ERR,
                 "the session of %s cannot be ended in the cache: %m",
                 call->user);
    /* The lock went along into the outbox: who delivers must find it free. */
    holding_release(holding);
    deliver(call, entry);
    cache_close(cache);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}
