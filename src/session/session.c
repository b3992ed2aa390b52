/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * session.c - the life of a session: committed, refreshed, closed.
 */
#include "session/session.h"
#include "base/clock.h"
#include "session/account.h"
#include "session/ask.h"
#include "session/cache.h"
#include "session/deliver.h"
#include "session/leader.h"
#include "session/origin.h"
#include "session/renewal.h"

#include <stdlib.h>
#include <string.h>
#include <syslog.h>

/* Nobody waits long for somebody else's lock: the holder may be a stopped
 * sudo of the same user. */
#define OPEN_WAIT_MS 2000
#define CLOSE_WAIT_MS 500

void
session_discard(const struct session_call *call, const char *handle)
{
    struct cache *cache = NULL;

    if (cache_open(call->rundir, call->realm, call->log, &cache) != STATUS_OK)
        return;
    if (cache_discard_staged(cache, handle) == STATUS_OK)
        deliver_start(call->realm, handle, NULL, call->log);
    cache_close(cache);
}

/* --- commit -------------------------------------------------------------- */

static struct channel
channel_of(const struct session_call *call, struct cache *cache)
{
    return (struct channel){ .cache = cache,
                             .timeout_ms = call->timeout_ms,
                             .log = call->log };
}

/* A commit on its way. */
struct commit {
    const struct session_call *call;
    struct cache *cache;
    struct holding *holding; /* the user's folder, locked */
    uint32_t uid;
    const char *handle;
    struct grant staged;
    bool taken;    /* the staged grant has found its place, */
    bool given_up; /* which is the outbox */
};

static enum status
fill_record(const struct commit *commit, struct session_record *record)
{
    const struct session_call *call = commit->call;
    struct moment now = clock_now();
    enum status status = leader_record_self(record);

    if (status == STATUS_SYSTEM)
        log_line(call->log, LOG_ERR,
                 "the session of %s cannot be noted without /proc",
                 call->user);
    if (status != STATUS_OK)
        return status;
    record->opened_at = now.wall;
    record->proved_at = commit->staged.signed_in_ms / 1000;
    record->audit = origin_audit_opened();
    record->service = call->service != NULL ? strdup(call->service) : NULL;
    record->tty = call->tty != NULL ? strdup(call->tty) : NULL;
    record->rhost = call->rhost != NULL ? strdup(call->rhost) : NULL;
    return STATUS_OK;
}

static enum status
note_session(const struct commit *commit, char id[ID_SIZE])
{
    struct session_record record = { 0 };
    enum status status = fill_record(commit, &record);

    if (status == STATUS_OK)
        status = holding_add_session(commit->holding, &record, id);
    wire_clear(&session_table, &record);
    return status;
}

/* Gives the sign-in's own grant up beside a held one that stays, so that
 * running programs keep their token. */
static enum status
give_up_own(struct commit *commit)
{
    enum status status = cache_discard_staged(commit->cache, commit->handle);

    commit->taken = commit->given_up = status == STATUS_OK;
    return status;
}

/* Makes the sign-in's own grant the held one.  What is held so far ends here:
 * dead, another name's, or left over from sessions that are gone. */
static enum status
adopt_own(struct commit *commit)
{
    char other[ID_SIZE];
    enum status status = holding_retire(commit->holding, other);

    if (status == STATUS_OK || status == STATUS_NOT_FOUND)
        status = holding_adopt(commit->holding, commit->handle);
    commit->taken = status == STATUS_OK;
    return status;
}

/* Whether HELD is one that a sign-in beside it leaves alone.  Where a newer
 * sign-in ends the older, it is the newer one that stays, whichever of the two
 * opens its session first. */
static bool
stays(const struct commit *commit, const struct grant *held, size_t live)
{
    return live > 0
           && grant_belongs(held, commit->call->realm, commit->call->user,
                            commit->uid)
           && !grant_dead(held, clock_now())
           && ((commit->staged.flags & GRANT_SESSIONS_ONE) == 0
               || held->signed_in_ms > commit->staged.signed_in_ms);
}

/* Puts the sign-in's own grant in its place, with LIVE sessions so far.
 * STATUS_OK; STATUS_SESSION_EXPIRED: it is in its place and dead already. */
static enum status
place(struct commit *commit, size_t live)
{
    const struct channel channel = channel_of(commit->call, commit->cache);
    struct grant held;
    enum status status = holding_load(commit->holding, &held);
    bool keep = status == STATUS_OK && stays(commit, &held, live);

    /* One of the two is good: a refresh that says otherwise of the held one
     * leaves its place to the other. */
    if (keep && grant_due(&held, clock_now()))
        keep = renewal_refresh(&channel, commit->holding, &held)
               != STATUS_SESSION_EXPIRED;
    grant_clear(&held);
    if (keep)
        return give_up_own(commit);
    status = adopt_own(commit);
    if (status == STATUS_OK)
        cache_export_again(commit->cache, &commit->staged);
    if (status == STATUS_OK && grant_due(&commit->staged, clock_now()))
        status = renewal_refresh(&channel, commit->holding, &commit->staged);
    return status == STATUS_SESSION_EXPIRED ? status
           : commit->taken                  ? STATUS_OK
                                            : status;
}

/* Exports the token that is held now, where the line wants it. */
static void
export_held(struct commit *commit, struct open_session *open)
{
    struct grant held;

    if (holding_load(commit->holding, &held) == STATUS_OK)
        (void)!cache_export(commit->cache, &held, &open->token_path);
    grant_clear(&held);
}

/* Somebody revoked this user while we were at work: what we wrote since then
 * goes the same way. */
static void
follow(struct commit *commit, struct open_session *open)
{
    char late[ID_SIZE] = "";

    if (holding_retire(commit->holding, late) == STATUS_OK)
        deliver_start(commit->call->realm, late, NULL, commit->call->log);
    cache_sweep_exports(commit->cache);
    if (open != NULL)
        open->id[0] = '\0';
}

/* Nothing may be left of a session that cannot be noted or has no tokens;
 * what other sessions hold stays. */
static void
undo(struct commit *commit, struct open_session *open, size_t live)
{
    char entry[ID_SIZE] = "";

    if (open != NULL && open->id[0] != '\0')
        (void)!cache_end_session(commit->cache, commit->uid, open->id);
    if (live == 0 && holding_remove(commit->holding, entry) == STATUS_OK
        && entry[0] != '\0') {
        holding_release(commit->holding);
        commit->holding = NULL;
        cache_carry(commit->cache, entry);
        deliver_start(commit->call->realm, entry, NULL, commit->call->log);
    }
}

/* The part of a commit that has the user's lock.  OPEN is NULL when no
 * session is to be noted. */
static enum status
commit_locked(struct commit *commit, struct open_session *open)
{
    const struct session_call *call = commit->call;
    size_t live = 0;
    enum status status = holding_count_sessions(commit->holding, &live);

    if (status != STATUS_OK)
        return status;
    if (open == NULL && live == 0)
        return STATUS_NOT_FOUND;
    /* First, so that whoever closes meanwhile counts it. */
    if (open != NULL)
        status = note_session(commit, open->id);
    if (status == STATUS_OK)
        status = place(commit, live);
    if (status == STATUS_OK && open != NULL && call->export)
        export_held(commit, open);
    if (!holding_current(commit->holding))
        follow(commit, open);
    else if (status == STATUS_SYSTEM || status == STATUS_NO_MEMORY
             || status == STATUS_NOT_FOUND
             || (status == STATUS_SESSION_EXPIRED && call->expired_deny))
        undo(commit, open, live);
    return status;
}

/* A uid that now has another name must not meet what the old one left. */
static void
purge_stranger(const struct commit *commit)
{
    const struct session_call *call = commit->call;
    char entry[ID_SIZE] = "";
    struct grant held;

    if (cache_peek(commit->cache, commit->uid, &held) == STATUS_OK
        && !grant_belongs(&held, call->realm, call->user, commit->uid)) {
        log_line(call->log, LOG_WARNING,
                 "uid %u had tokens of \"%s\" and is \"%s\" now: they are "
                 "removed",
                 (unsigned)commit->uid, held.user, call->user);
        if (cache_remove(commit->cache, commit->uid, entry) == STATUS_OK
            && entry[0] != '\0')
            deliver_start(call->realm, entry, NULL, call->log);
    }
    grant_clear(&held);
}

/* The user's lock was not to be had: somebody refreshes, or is stopped.
 * Beside a held grant the session needs no lock to be noted; else it goes on
 * without tokens. */
static enum status
go_unlocked(struct commit *commit, struct open_session *open)
{
    const struct session_call *call = commit->call;
    struct session_record record = { 0 };
    enum status status = STATUS_NOT_FOUND;
    struct grant held;

    grant_init(&held);
    if (open != NULL) {
        status = fill_record(commit, &record);
        if (status == STATUS_OK)
            status = cache_join(commit->cache, call->user, commit->uid,
                                &record, open->id);
        wire_clear(&session_table, &record);
    }
    if (status == STATUS_OK) {
        /* Should somebody write a newer one just now, the sweep mends it. */
        if (call->export
            && cache_peek(commit->cache, commit->uid, &held) == STATUS_OK)
            (void)!cache_export(commit->cache, &held, &open->token_path);
        grant_clear(&held);
        return give_up_own(commit);
    }
    log_line(call->log, LOG_WARNING,
             "the cache of %s is locked by another session; this one goes on "
             "without tokens",
             call->user);
    return STATUS_OK;
}

/* Finds the account, and that the staged grant is for it. */
static enum status
begin(struct commit *commit)
{
    const struct session_call *call = commit->call;
    enum status status =
        cache_open(call->rundir, call->realm, call->log, &commit->cache);

    if (status == STATUS_OK)
        status =
            cache_load_staged(commit->cache, commit->handle, &commit->staged);
    if (status != STATUS_OK)
        return status;
    status = account_find(call->user, &commit->uid);
    if (status == STATUS_SYSTEM)
        log_line(call->log, LOG_ERR, "the user \"%s\" cannot be looked up: %m",
                 call->user);
    if (status == STATUS_OK
        && !grant_belongs(&commit->staged, call->realm, call->user,
                          commit->uid))
        status = STATUS_NOT_OURS;
    return status;
}

static enum status
commit(const struct session_call *call, const char *handle,
       struct open_session *open)
{
    struct commit commit = { .call = call, .handle = handle };
    enum status status;

    grant_init(&commit.staged);
    status = begin(&commit);
    if (status == STATUS_OK) {
        if (open != NULL)
            open->uid = commit.uid;
        purge_stranger(&commit);
        status = cache_hold(commit.cache, commit.uid, open != NULL,
                            OPEN_WAIT_MS, &commit.holding);
        if (status == STATUS_OK)
            status = commit_locked(&commit, open);
        else if (status == STATUS_BUSY)
            status = go_unlocked(&commit, open);
    }
    holding_release(commit.holding);
    /* What nobody took here will not be tried again, but for an unlocked
     * screen whose session may still come. */
    if (!commit.taken && commit.cache != NULL
        && (open != NULL || status == STATUS_OK || status == STATUS_NOT_OURS)
        && cache_discard_staged(commit.cache, handle) == STATUS_OK)
        commit.given_up = true;
    /* A session that opens well starts nothing: whoever closes last delivers
     * along what its sign-in gave up, or the sweep does. */
    if (commit.given_up && (open == NULL || open->id[0] == '\0'))
        deliver_start(call->realm, handle, NULL, call->log);
    grant_clear(&commit.staged);
    cache_close(commit.cache);
    return status;
}

/* The API ended what this very sign-in brought. */
static enum status
tell_expired(const struct session_call *call, struct open_session *open)
{
    if (call->expired_deny) {
        log_line(call->log, LOG_NOTICE,
                 "the session of %s is refused: its tokens are dead already "
                 "(expired=deny)",
                 call->user);
        open->id[0] = '\0';
        return STATUS_SESSION_EXPIRED;
    }
    call->tell(call->context,
               "Your sign-in has ended at the service. Please sign in again "
               "to use it.");
    return STATUS_OK;
}

enum status
session_open(const struct session_call *call, const char *handle,
             struct open_session *open)
{
    enum status status;

    *open = (struct open_session){ 0 };
    status = commit(call, handle, open);
    if (status == STATUS_SESSION_EXPIRED)
        status = tell_expired(call, open);
    if (status != STATUS_OK) {
        open->id[0] = '\0';
        free(open->token_path);
        open->token_path = NULL;
    }
    return status;
}

enum status
session_renew(const struct session_call *call, const char *handle)
{
    enum status status = commit(call, handle, NULL);

    return status == STATUS_SESSION_EXPIRED ? STATUS_OK : status;
}

/* --- close --------------------------------------------------------------- */

/* Ends the record, and moves the user's folder into the outbox where no other
 * is left.  ENTRY gets its name there, or "". */
static enum status
end_session(struct cache *cache, const struct open_session *open,
            char entry[ID_SIZE])
{
    struct holding *holding = NULL;
    size_t live = 0;
    /* The lock keeps an open of the same user from seeing half of this; who
     * does not let go of it is not waited for. */
    enum status held =
        cache_hold(cache, open->uid, false, CLOSE_WAIT_MS, &holding);
    enum status status = held;

    if (held == STATUS_OK || held == STATUS_BUSY)
        status = cache_end_session(cache, open->uid, open->id);
    if (status == STATUS_OK)
        status = cache_count_sessions(cache, open->uid, &live);
    if (status == STATUS_OK && live == 0)
        status = held == STATUS_OK ? holding_remove(holding, entry)
                                   : cache_remove(cache, open->uid, entry);
    /* The lock went along into the outbox: who delivers must find it free. */
    holding_release(holding);
    if (entry[0] != '\0')
        cache_carry(cache, entry);
    return status;
}

enum status
session_close(const struct session_call *call, const struct open_session *open)
{
    struct cache *cache = NULL;
    char entry[ID_SIZE] = "";
    enum status status;

    if (open->id[0] == '\0')
        return STATUS_OK;
    status = cache_open(call->rundir, call->realm, call->log, &cache);
    if (status != STATUS_OK)
        return status;
    status = end_session(cache, open, entry);
    if (status == STATUS_SYSTEM)
        log_line(call->log, LOG_ERR,
                 "the session of %s cannot be ended in the cache: %m",
                 call->user);
    if (entry[0] != '\0' && call->revoke_wait) {
        const struct channel channel = channel_of(call, cache);

        deliver_now(&channel, entry, call->user);
    } else if (entry[0] != '\0') {
        deliver_start(call->realm, entry, call->user, call->log);
    }
    cache_close(cache);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}
