/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * deliver.c - the outbox: grants whose revocation is owed to the API.
 */
#include "session/deliver.h"
#include "base/clock.h"
#include "session/account.h"
#include "session/spawn.h"

#include <stdlib.h>
#include <string.h>
#include <syslog.h>

/* The command goes into the background by itself; this is for its start. */
#define START_WAIT_MS 2000
/* An entry that is being delivered is left alone. */
#define ENTRY_WAIT_MS 0
/* But an administrator waits a little for who may be about to end. */
#define HOLDER_WAIT_MS 2000
/* How long a record that cannot be read is complained about. */
#define COMPLAIN_S 120

void
deliver_start(const char *realm, const char *id, const char *user,
              const struct log *log)
{
    char command[] = COMMAND_PATH, verb[] = "sweep", background[] = "--detach";
    char realm_option[] = "--realm", entry_option[] = "--entry";
    char user_option[] = "--user";
    char *realm_copy = strdup(realm), *id_copy = strdup(id);
    char *user_copy = user != NULL ? strdup(user) : NULL;
    char *const argv[] = { command,    verb,
                           background, realm_option,
                           realm_copy, entry_option,
                           id_copy,    user != NULL ? user_option : NULL,
                           user_copy,  NULL };
    struct child child;

    if (realm_copy == NULL || id_copy == NULL
        || (user != NULL && user_copy == NULL)
        || child_spawn(COMMAND_PATH, argv, -1, &child) != STATUS_OK)
        log_line(log, LOG_ERR,
                 "%s cannot be started: %m; the tokens wait in the outbox for "
                 "the next \"authapi sweep\"",
                 COMMAND_PATH);
    else
        child_reap(&child, START_WAIT_MS);
    free(realm_copy);
    free(id_copy);
    free(user_copy);
}

/* --- another login of the same user ---------------------------------------
 */

struct rival {
    struct cache *cache;
    const struct grant *grant;
    bool found;
};

static bool
look_at_staged(void *context, const char *handle, int64_t age_s)
{
    struct rival *rival = context;
    struct grant staged;

    (void)age_s;
    if (cache_load_staged(rival->cache, handle, &staged) == STATUS_OK
        && staged.uid == rival->grant->uid)
        rival->found = true;
    grant_clear(&staged);
    return !rival->found;
}

/* Where a logout ends every session of the user, it must wait until the user
 * holds no other grant, and none that a session is about to take; nor may a
 * sign-in be under way that ends later.  A staged grant may become the held
 * one meanwhile: so it is looked for first.  *sign_ins is then locked, to be
 * closed when the logout is over. */
static bool
must_wait(struct cache *cache, const struct grant *grant, int *sign_ins)
{
    struct rival rival = { cache, grant, false };
    struct grant held;

    if ((grant->flags & GRANT_ENDS_USER) == 0)
        return false;
    *sign_ins = cache_lock_sign_ins(cache, (uint32_t)grant->uid, false, 0);
    if (*sign_ins < 0
        || cache_each_staged(cache, look_at_staged, &rival) != STATUS_OK)
        return true;
    if (!rival.found)
        rival.found =
            cache_peek(cache, (uint32_t)grant->uid, &held) != STATUS_NOT_FOUND;
    else
        grant_init(&held);
    grant_clear(&held);
    return rival.found;
}

/* --- one entry ------------------------------------------------------------
 */

/* Whether nothing more is owed to the API for a grant. */
static bool
settled(enum status status)
{
    return status == STATUS_OK || status == STATUS_SESSION_EXPIRED
           || status == STATUS_UNSUPPORTED;
}

bool
deliver_hopeless(enum status status)
{
    return status == STATUS_UNAVAILABLE || status == STATUS_DEADLINE
           || status == STATUS_RATE_LIMITED || status == STATUS_MISCONFIGURED;
}

/* Puts the next try off.  A revocation that had to refresh first and then
 * failed has used up the tokens we had; the entry goes on with the new ones.
 * Returns whether it is written down. */
static bool
put_off(struct holding *entry, struct grant *grant, struct reply *reply)
{
    int64_t now = clock_now().wall;

    renewal_take_tokens(grant, reply);
    if (grant->owed_at == 0 || grant->owed_at > now)
        grant->owed_at = now;
    grant->tries++;
    grant->tried_at = now;
    grant->retry_at = now + renewal_pause(grant->tries, reply->retry_after);
    return holding_store(entry, grant) == STATUS_OK; /* logged there */
}

/* Whether nobody tries any longer. */
static bool
given_up(const struct channel *channel, const struct grant *grant)
{
    /* The tries, so that a clock that was set is not taken for a week. */
    if (grant->owed_at == 0 || grant->tries < OWED_TRIES
        || clock_now().wall - grant->owed_at <= OWED_LIFE_S)
        return false;
    log_line(channel->log, LOG_ERR,
             "the tokens of %s could not be revoked in seven days and are "
             "given up; end the session at the API",
             grant->user);
    return true;
}

static enum status
revoke_entry(const struct channel *channel, struct holding *entry,
             struct grant *grant)
{
    struct ask *ask = NULL;
    struct reply reply;
    enum status status;

    reply_init(&reply);
    status = renewal_ask(channel, OPERATION_REVOKE, grant, &reply, &ask);
    if (settled(status)) {
        log_line(channel->log, LOG_DEBUG, "the tokens of %s are revoked: %s",
                 grant->user, status_name(status));
    } else {
        log_line(channel->log, LOG_WARNING,
                 "the tokens of %s are not revoked yet and wait in the outbox "
                 "for the next \"authapi sweep\": %s",
                 grant->user,
                 reply.detail != NULL ? reply.detail : status_text(status));
        ask_settle(&ask, put_off(entry, grant, &reply));
    }
    ask_settle(&ask, true);
    reply_clear(&reply);
    return status;
}

/* A clock that has been set back behind the last try says nothing about the
 * next. */
static bool
due(const struct grant *grant)
{
    int64_t now = clock_now().wall;

    return grant->retry_at <= now || grant->tried_at > now;
}

/* The same with its lock.  *lost: it is gone, and nothing was revoked. */
static enum status
deliver(const struct channel *channel, struct holding *entry, bool eager,
        bool *lost)
{
    struct grant grant;
    int sign_ins = -1;
    enum status status;

    *lost = false;
    status = holding_load(entry, &grant);
    if (status == STATUS_NOT_FOUND)
        status = STATUS_OK; /* begun and never filled: nothing is owed */
    else if (status == STATUS_SYSTEM && holding_age(entry) > OWED_LIFE_S)
        *lost = true; /* nobody will ever read it */
    else if (status == STATUS_OK && grant_dead(&grant, clock_now()))
        status = STATUS_SESSION_EXPIRED;
    else if (status == STATUS_OK && !eager && !due(&grant))
        status = STATUS_BUSY;
    else if (status == STATUS_OK
             && must_wait(channel->cache, &grant, &sign_ins))
        status = STATUS_BUSY;
    else if (status == STATUS_OK)
        status = revoke_entry(channel, entry, &grant);
    if (!settled(status) && status != STATUS_BUSY && status != STATUS_SYSTEM)
        *lost = given_up(channel, &grant);
    if (settled(status) || *lost)
        status = holding_delete(entry);
    folder_unlock(sign_ins);
    grant_clear(&grant);
    return status;
}

enum status
deliver_entry(const struct channel *channel, const char *id, bool eager,
              struct delivered *delivered)
{
    struct holding *entry = NULL;
    bool lost = false;
    enum status status =
        cache_hold_entry(channel->cache, id, ENTRY_WAIT_MS, &entry);

    if (status == STATUS_OK)
        status = deliver(channel, entry, eager, &lost);
    holding_release(entry);
    if (status == STATUS_OK && lost)
        delivered->given_up++;
    else if (status == STATUS_OK)
        delivered->revoked++;
    else if (status != STATUS_NOT_FOUND)
        delivered->kept++;
    return status;
}

enum status
deliver_due(const struct channel *channel, const char *id, bool eager,
            int64_t *due_at)
{
    struct holding *entry = NULL;
    struct grant grant;
    enum status status = cache_hold_entry(channel->cache, id, 0, &entry);

    *due_at = 0;
    if (status != STATUS_OK)
        return status;
    status = holding_peek(entry, &grant);
    if (status == STATUS_OK && !eager && !due(&grant))
        status = STATUS_BUSY;
    /* One that is damaged is complained about at first and at last. */
    if (status == STATUS_SYSTEM)
        status =
            holding_age(entry) < COMPLAIN_S || holding_age(entry) > OWED_LIFE_S
                ? STATUS_OK
                : STATUS_BUSY;
    /* One without a grant is to be deleted. */
    if (status == STATUS_NOT_FOUND)
        status = STATUS_OK;
    /* One that was not tried yet comes behind those that wait longer. */
    *due_at = grant.retry_at != 0 ? grant.retry_at : clock_now().wall;
    grant_clear(&grant);
    holding_release(entry);
    return status;
}

/* --- those of one user ----------------------------------------------------
 */

struct round {
    struct channel channel;
    const char *user;
    struct delivered *delivered;
    bool eager;
    bool has_uid; /* the machine knows the user */
    uint32_t uid;
    int64_t by_ms; /* of clock.h; 0: no limit but that of each exchange */
    bool hopeless; /* the API does not answer, or the time is over */
};

static bool
is_users(const struct round *round, enum status loaded,
         const struct grant *grant)
{
    return loaded == STATUS_OK && strcmp(grant->user, round->user) == 0;
}

/* Tries one entry, unless that is of no use any more. */
static void
try_entry(struct round *round, const char *id)
{
    if (round->by_ms != 0) {
        round->channel.timeout_ms = clock_left(round->by_ms);
        if (round->channel.timeout_ms == 0)
            round->hopeless = true;
    }
    if (round->hopeless)
        round->delivered->kept++;
    else
        round->hopeless = deliver_hopeless(deliver_entry(
            &round->channel, id, round->eager, round->delivered));
}

/* What is somebody else's is not touched, not even its lock. */
static bool
deliver_users(void *context, const char *id)
{
    struct round *round = context;
    struct cache *cache = round->channel.cache;
    struct holding *entry = NULL;
    char own[ID_SIZE];
    struct grant grant;
    bool matches =
        is_users(round, cache_peek_entry(cache, id, &grant), &grant);

    grant_clear(&grant);
    if (!matches)
        return true;
    /* Whoever has the lock may be stopped for good.  Where it must be now, the
     * grant goes on without them, and is revoked twice at worst. */
    if (round->eager && !round->hopeless
        && cache_hold_entry(cache, id, HOLDER_WAIT_MS, &entry) == STATUS_BUSY
        && cache_part_entry(cache, id, 0, own) == STATUS_OK)
        id = own;
    holding_release(entry);
    try_entry(round, id);
    /* Somebody who asked is told of all that stays. */
    return round->eager || !round->hopeless;
}

static bool
take_staged(void *context, const char *handle, int64_t age_s)
{
    struct round *round = context;
    struct grant grant;

    (void)age_s;
    if (is_users(round,
                 cache_load_staged(round->channel.cache, handle, &grant),
                 &grant)
        && cache_discard_staged(round->channel.cache, handle) == STATUS_SYSTEM)
        log_line(round->channel.log, LOG_ERR,
                 "a staged grant of %s cannot be moved to the outbox: %m",
                 round->user);
    grant_clear(&grant);
    return true;
}

static bool
take_held(void *context, uint32_t uid)
{
    struct round *round = context;
    struct grant grant;
    char id[ID_SIZE];
    enum status status = cache_peek(round->channel.cache, uid, &grant);

    /* One that cannot be read is told by its uid. */
    if ((is_users(round, status, &grant)
         || (status == STATUS_SYSTEM && round->has_uid && uid == round->uid))
        && cache_remove(round->channel.cache, uid, id) == STATUS_SYSTEM)
        log_line(round->channel.log, LOG_ERR,
                 "the tokens of %s cannot be moved to the outbox: %m",
                 round->user);
    grant_clear(&grant);
    return true;
}

enum status
deliver_user(const struct channel *channel, const char *user,
             struct delivered *delivered)
{
    struct round round = { .channel = *channel,
                           .user = user,
                           .delivered = delivered,
                           .eager = true };
    enum status status;

    *delivered = (struct delivered){ 0 };
    round.has_uid = account_find(user, &round.uid) == STATUS_OK;
    status = cache_each_staged(channel->cache, take_staged, &round);
    if (status == STATUS_OK)
        status = cache_each_user(channel->cache, take_held, &round);
    if (status == STATUS_OK)
        status = cache_each_entry(channel->cache, deliver_users, &round);
    return status;
}

enum status
deliver_owed(const struct channel *channel, const char *user,
             struct delivered *delivered)
{
    struct round round = { .channel = *channel,
                           .user = user,
                           .delivered = delivered };

    return cache_each_entry(channel->cache, deliver_users, &round);
}

void
deliver_now(const struct channel *channel, const char *id, const char *user)
{
    struct delivered delivered = { 0 };
    struct round round = { .channel = *channel,
                           .user = user,
                           .delivered = &delivered,
                           .by_ms = clock_ms() + channel->timeout_ms };

    try_entry(&round, id);
    if (!round.hopeless)
        (void)!cache_each_entry(channel->cache, deliver_users, &round);
}
