/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * deliver.c - the outbox: grants whose revocation is owed to the API.
 */
#include "session/deliver.h"
#include "session/ask.h"
#include "session/spawn.h"

#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

/* The command goes into the background by itself; this is for its start. */
#define START_WAIT_MS 2000
/* An entry that is being delivered is left alone. */
#define ENTRY_WAIT_MS 0

void
deliver_start(const char *realm, const char *id, const struct log *log)
{
    char command[] = COMMAND_PATH, verb[] = "sweep", background[] = "--detach";
    char realm_option[] = "--realm", entry_option[] = "--entry";
    char *realm_copy = strdup(realm), *id_copy = strdup(id);
    char *const argv[] = { command,    verb,         background, realm_option,
                           realm_copy, entry_option, id_copy,    NULL };
    struct child child;

    if (realm_copy == NULL || id_copy == NULL
        || child_spawn(COMMAND_PATH, argv, -1, &child) != STATUS_OK)
        log_line(log, LOG_ERR,
                 "%s cannot be started: %m; the tokens wait in the outbox for "
                 "the next \"authapi sweep\"",
                 COMMAND_PATH);
    else
        child_reap(&child, START_WAIT_MS);
    free(realm_copy);
    free(id_copy);
}

/* Where a logout ends every session of the user, it must wait until the user
 * holds no other grant. */
static bool
must_wait(struct cache *cache, const struct grant *grant)
{
    struct grant held;
    bool wait;

    if ((grant->flags & GRANT_ENDS_USER) == 0)
        return false;
    wait = cache_peek(cache, (uint32_t)grant->uid, &held) == STATUS_OK;
    grant_clear(&held);
    return wait;
}

static enum status
revoke(const struct delivery *delivery, const struct grant *grant,
       struct reply *reply)
{
    const struct log *log = delivery->log;
    struct handover handover = { .timeout_ms = delivery->timeout_ms };
    char *conf = delivery->conf != NULL ? strdup(delivery->conf) : NULL;
    struct request request = {
        .operation = OPERATION_REVOKE,
        .realm = grant->realm,
        .conf = conf,
        .user = grant->user,
        .uid = grant->uid,
        .idle_ms = delivery->timeout_ms,
        .debug = log != NULL && log->debug,
    };
    enum status status = STATUS_NO_MEMORY;

    handover.opaque = grant->opaque; /* borrowed */
    if (conf != NULL || delivery->conf == NULL)
        status = ask_once(&request, &handover, log, reply);
    free(conf);
    return status;
}

/* Whether nothing more is owed to the API for a grant. */
static bool
settled(enum status status)
{
    return status == STATUS_OK || status == STATUS_SESSION_EXPIRED
           || status == STATUS_UNSUPPORTED;
}

/* A revocation that had to refresh first and then failed has used up the
 * tokens we have; the entry goes on with the new ones. */
static void
keep_tokens(struct holding *entry, struct grant *grant, struct reply *reply)
{
    if (reply->opaque.length == 0)
        return;
    secret_clear(&grant->opaque);
    grant->opaque = reply->opaque;
    reply->opaque = (struct secret)SECRET_INIT(OPAQUE_MAX);
    grant->expires_at = reply->expires_at;
    (void)!holding_store(entry, grant); /* logged there */
}

static enum status
revoke_entry(const struct delivery *delivery, struct holding *entry,
             struct grant *grant)
{
    struct reply reply;
    enum status status;

    reply_init(&reply);
    status = revoke(delivery, grant, &reply);
    if (settled(status))
        log_line(delivery->log, LOG_DEBUG, "the tokens of %s are revoked: %s",
                 grant->user, status_name(status));
    else
        log_line(delivery->log, LOG_WARNING,
                 "the tokens of %s are not revoked yet and wait in the outbox "
                 "for the next \"authapi sweep\": %s",
                 grant->user,
                 reply.detail != NULL ? reply.detail : status_text(status));
    if (!settled(status))
        keep_tokens(entry, grant, &reply);
    reply_clear(&reply);
    return status;
}

enum status
deliver_entry(const struct delivery *delivery, const char *id)
{
    struct holding *entry = NULL;
    struct grant grant;
    enum status status =
        cache_hold_entry(delivery->cache, id, ENTRY_WAIT_MS, &entry);

    if (status != STATUS_OK)
        return status;
    status = holding_load(entry, &grant);
    if (status == STATUS_NOT_FOUND)
        status = STATUS_OK; /* begun and never filled: nothing is owed */
    else if (status == STATUS_OK && must_wait(delivery->cache, &grant))
        status = STATUS_BUSY;
    else if (status == STATUS_OK)
        status = revoke_entry(delivery, entry, &grant);
    if (settled(status))
        status = holding_delete(entry);
    grant_clear(&grant);
    holding_release(entry);
    return status;
}

/* --- many of them
 * ------------------------------------------------------------ */

struct round {
    const struct delivery *delivery;
    const char *user; /* NULL: everybody's */
    struct delivered *delivered;
};

static bool
deliver_one(void *context, const char *id)
{
    struct round *round = context;
    enum status status = deliver_entry(round->delivery, id);

    if (status == STATUS_OK)
        round->delivered->revoked++;
    else if (status != STATUS_NOT_FOUND)
        round->delivered->kept++;
    return true;
}

static bool
sweep_staged(void *context, const char *handle, int64_t age_s)
{
    struct round *round = context;

    if (age_s > STAGED_LIFE_S
        && cache_discard_staged(round->delivery->cache, handle)
               == STATUS_SYSTEM)
        log_line(round->delivery->log, LOG_ERR,
                 "a staged grant cannot be moved to the outbox: %m");
    return true;
}

static void
remove_user(const struct delivery *delivery, uint32_t uid)
{
    char id[ID_SIZE];

    if (cache_remove(delivery->cache, uid, id) == STATUS_SYSTEM)
        log_line(delivery->log, LOG_ERR,
                 "the tokens of uid %u cannot be moved to the outbox: %m",
                 (unsigned)uid);
}

static bool
sweep_user(void *context, uint32_t uid)
{
    struct round *round = context;
    struct holding *holding = NULL;
    size_t live;

    /* Whoever has the lock is at work there: not stale. */
    if (cache_hold(round->delivery->cache, uid, false, 0, &holding)
        != STATUS_OK)
        return true;
    if (holding_count_sessions(holding, &live) == STATUS_OK && live == 0)
        remove_user(round->delivery, uid);
    holding_release(holding);
    return true;
}

enum status
deliver_sweep(const struct delivery *delivery, struct delivered *delivered)
{
    struct round round = { delivery, NULL, delivered };
    enum status status;

    *delivered = (struct delivered){ 0 };
    status = cache_each_staged(delivery->cache, sweep_staged, &round);
    if (status == STATUS_OK)
        status = cache_each_user(delivery->cache, sweep_user, &round);
    if (status == STATUS_OK)
        status = cache_each_entry(delivery->cache, deliver_one, &round);
    return status;
}

static bool
is_users(const struct round *round, enum status loaded,
         const struct grant *grant)
{
    return loaded == STATUS_OK && strcmp(grant->user, round->user) == 0;
}

static bool
take_staged(void *context, const char *handle, int64_t age_s)
{
    struct round *round = context;
    struct grant grant;

    (void)age_s;
    if (is_users(round,
                 cache_load_staged(round->delivery->cache, handle, &grant),
                 &grant)
        && cache_discard_staged(round->delivery->cache, handle)
               == STATUS_SYSTEM)
        log_line(round->delivery->log, LOG_ERR,
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

    if (is_users(round, cache_peek(round->delivery->cache, uid, &grant),
                 &grant))
        remove_user(round->delivery, uid);
    grant_clear(&grant);
    return true;
}

static bool
deliver_users(void *context, const char *id)
{
    struct round *round = context;
    struct holding *entry = NULL;
    struct grant grant;
    enum status status =
        cache_hold_entry(round->delivery->cache, id, ENTRY_WAIT_MS, &entry);
    bool matches;

    /* Whoever has its lock is delivering it, if it is this user's at all. */
    if (status != STATUS_OK)
        return true;
    matches = is_users(round, holding_load(entry, &grant), &grant);
    grant_clear(&grant);
    holding_release(entry);
    return !matches || deliver_one(context, id);
}

enum status
deliver_user(const struct delivery *delivery, const char *user,
             struct delivered *delivered)
{
    struct round round = { delivery, user, delivered };
    enum status status;

    *delivered = (struct delivered){ 0 };
    status = cache_each_staged(delivery->cache, take_staged, &round);
    if (status == STATUS_OK)
        status = cache_each_user(delivery->cache, take_held, &round);
    if (status == STATUS_OK)
        status = cache_each_entry(delivery->cache, deliver_users, &round);
    return status;
}
