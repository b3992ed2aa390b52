/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sweep.c - bringing a realm to rest: what nobody is there for any more.
 *
 * Looking costs a few file reads a user; only what is due reaches the API.
 * It refuses to wait for a lock: whoever has it is at work there.
 */
#include "session/sweep.h"
#include "base/clock.h"

#include <stdlib.h>
#include <string.h>
#include <syslog.h>

/* So many exchanges in a row may fail before the API is left alone. */
#define FAILURES_MOST 3

/* An entry that is locked and was not written for so long is parted from who
 * has its lock. */
#define STUCK_S 900

struct entry {
    char id[ID_SIZE];
    int64_t due_at;
};

struct sweep {
    const struct channel *channel;
    struct delivered *delivered;
    bool eager;
    int64_t by_ms;
    int failures; /* in a row */
    bool out_of_memory;
    struct entry *entries; /* that are due */
    size_t count;
    size_t room;
};

/* Whether another exchange is to be begun. */
static bool
may_ask(const struct sweep *sweep)
{
    return sweep->failures < FAILURES_MOST && clock_left(sweep->by_ms) > 0;
}

static void
note_outcome(struct sweep *sweep, enum status status)
{
    if (status == STATUS_BUSY || status == STATUS_NOT_FOUND)
        return;
    if (deliver_hopeless(status))
        sweep->failures++;
    else
        sweep->failures = 0;
}

/* --- staged and held ------------------------------------------------------
 */

static bool
sweep_staged(void *context, const char *handle, int64_t age_s)
{
    struct sweep *sweep = context;

    if (age_s > STAGED_LIFE_S
        && cache_discard_staged(sweep->channel->cache, handle)
               == STATUS_SYSTEM)
        log_line(sweep->channel->log, LOG_ERR,
                 "a staged grant cannot be moved to the outbox: %m");
    return true;
}

static void
refresh_if_due(struct sweep *sweep, struct holding *holding)
{
    struct grant held;
    enum status status;

    if (holding_load(holding, &held) == STATUS_OK
        && grant_due(&held, clock_now()) && may_ask(sweep)) {
        status = renewal_refresh(sweep->channel, holding, &held);
        note_outcome(sweep, status);
        if (status == STATUS_OK)
            sweep->delivered->refreshed++;
    }
    grant_clear(&held);
}

/* Whether there is nothing to do for UID, as far as can be seen without the
 * lock. */
static bool
at_rest(const struct sweep *sweep, uint32_t uid)
{
    struct grant held;
    size_t live = 0;
    enum status status;
    bool due;

    if (cache_count_sessions(sweep->channel->cache, uid, &live) != STATUS_OK
        || live == 0)
        return false;
    status = cache_peek(sweep->channel->cache, uid, &held);
    due = status == STATUS_OK && grant_due(&held, clock_now());
    grant_clear(&held);
    return status == STATUS_NOT_FOUND || (status == STATUS_OK && !due);
}

/* Whether whoever has the lock of UID's folder has had it for long, and no
 * session lives: they are stopped, and nobody will ever close. */
static bool
is_left(const struct sweep *sweep, uint32_t uid)
{
    size_t live = 0;

    return cache_count_sessions(sweep->channel->cache, uid, &live) == STATUS_OK
           && live == 0 && cache_idle_s(sweep->channel->cache, uid) > STUCK_S;
}

static bool
sweep_user(void *context, uint32_t uid)
{
    struct sweep *sweep = context;
    struct holding *holding = NULL;
    char entry[ID_SIZE] = "";
    size_t live;
    enum status status;

    if (at_rest(sweep, uid))
        return true;
    status = cache_hold(sweep->channel->cache, uid, false, 0, &holding);
    if (status == STATUS_BUSY && is_left(sweep, uid))
        (void)!cache_remove(sweep->channel->cache, uid, entry);
    if (status != STATUS_OK)
        return true;
    if (holding_count_sessions(holding, &live) != STATUS_OK)
        goto out;
    if (live == 0) {
        if (holding_remove(holding, entry) == STATUS_SYSTEM)
            log_line(sweep->channel->log, LOG_ERR,
                     "the tokens of uid %u cannot be moved to the outbox: %m",
                     (unsigned)uid);
        goto out;
    }
    holding_tidy(holding);
    refresh_if_due(sweep, holding);
    /* Somebody revoked this user meanwhile. */
    if (!holding_current(holding))
        (void)!holding_retire(holding, entry);
out:
    holding_release(holding);
    return true;
}

/* --- the outbox -----------------------------------------------------------
 */

static bool
collect(void *context, const char *id)
{
    struct sweep *sweep = context;
    int64_t due_at = 0;
    char own[ID_SIZE];
    enum status status =
        deliver_due(sweep->channel, id, sweep->eager, &due_at);

    /* Nobody needs so long who is not stopped. */
    if (status == STATUS_BUSY
        && cache_part_entry(sweep->channel->cache, id, STUCK_S, own)
               == STATUS_OK) {
        id = own;
        status = deliver_due(sweep->channel, id, sweep->eager, &due_at);
    }

    if (status == STATUS_NOT_FOUND)
        return true;
    if (status != STATUS_OK) {
        sweep->delivered->kept++;
        return true;
    }
    if (sweep->count == sweep->room) {
        size_t room = sweep->room == 0 ? 64 : 2 * sweep->room;
        struct entry *grown =
            reallocarray(sweep->entries, room, sizeof(*grown));

        if (grown == NULL) {
            sweep->out_of_memory = true;
            return false;
        }
        sweep->entries = grown;
        sweep->room = room;
    }
    memcpy(sweep->entries[sweep->count].id, id, ID_SIZE);
    sweep->entries[sweep->count].due_at = due_at;
    sweep->count++;
    return true;
}

static int
by_due(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;

    return (a->due_at > b->due_at) - (a->due_at < b->due_at);
}

static void
deliver_collected(struct sweep *sweep)
{
    /* An empty list has no address. */
    if (sweep->count > 1)
        qsort(sweep->entries, sweep->count, sizeof(*sweep->entries), by_due);
    for (size_t i = 0; i < sweep->count; i++) {
        if (may_ask(sweep))
            note_outcome(sweep,
                         deliver_entry(sweep->channel, sweep->entries[i].id,
                                       sweep->eager, sweep->delivered));
        else
            sweep->delivered->kept++;
    }
}

enum status
sweep_realm(const struct channel *channel, bool eager, int64_t by_ms,
            struct delivered *delivered)
{
    struct sweep sweep = { .channel = channel,
                           .delivered = delivered,
                           .eager = eager,
                           .by_ms = by_ms };
    enum status status;

    *delivered = (struct delivered){ 0 };
    status = cache_each_staged(channel->cache, sweep_staged, &sweep);
    if (status == STATUS_OK)
        status = cache_each_user(channel->cache, sweep_user, &sweep);
    cache_sweep_exports(channel->cache);
    cache_carry_all(channel->cache);
    if (status == STATUS_OK)
        status = cache_each_entry(channel->cache, collect, &sweep);
    if (status == STATUS_OK && sweep.out_of_memory)
        status = STATUS_NO_MEMORY;
    /* What was found is delivered all the same. */
    deliver_collected(&sweep);
    free(sweep.entries);
    return status;
}
