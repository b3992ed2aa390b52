/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * reuse.c - a password that was typed in this very login session, not long
 * ago.
 *
 * As sudo's own timestamp, but it ends with the tokens and with the session.
 * It refuses whoever is not asked from a process of their own: sshd, login
 * and display managers are root's, so a sign-in always wants a password.
 */
#include "base/clock.h"
#include "session/account.h"
#include "session/cache.h"
#include "session/origin.h"
#include "session/session.h"

#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

/* The session record that this process belongs to. */
struct search {
    struct origin origin;
    char id[ID_SIZE]; /* "": none was found */
    struct session_record record;
};

static bool
copy_text(char **into, const char *from)
{
    *into = from != NULL ? strdup(from) : NULL;
    return from == NULL || *into != NULL;
}

static bool
look(void *context, const char *id, const struct session_record *record)
{
    struct search *search = context;

    if (!origin_within(&search->origin, record))
        return true;
    search->record = *record;
    search->record.boot_id = search->record.service = NULL;
    search->record.tty = search->record.rhost = NULL;
    if (copy_text(&search->record.boot_id, record->boot_id)
        && copy_text(&search->record.service, record->service)
        && copy_text(&search->record.tty, record->tty)
        && copy_text(&search->record.rhost, record->rhost))
        memcpy(search->id, id, ID_SIZE);
    return false;
}

/* Finds it; false where there is none.  End with wire_clear in any case. */
static bool
find(struct cache *cache, uint32_t uid, struct search *search)
{
    *search = (struct search){ .origin = origin_here() };
    return cache_each_session(cache, uid, look, search) == STATUS_OK
           && search->id[0] != '\0';
}

/* Whether USER is the one whose process this is, set-user-ID or not. */
static bool
asks_for_self(const struct session_call *call, uint32_t *uid)
{
    return account_find(call->user, uid) == STATUS_OK && geteuid() == 0
           && *uid != 0 && *uid >= call->minimum_uid && getuid() == *uid;
}

/* Names the terminal, where the record needs one and has none. */
static bool
name_terminal(struct search *search)
{
    if (search->record.terminal != 0
        || (search->record.audit != 0 && search->origin.audit != 0))
        return false;
    search->record.terminal = search->origin.terminal;
    search->record.shell = search->origin.shell;
    search->record.shell_started_at = search->origin.shell_started_at;
    return true;
}

static bool
grant_is_good(struct cache *cache, const struct session_call *call,
              uint32_t uid)
{
    struct grant held;
    bool good = cache_peek(cache, uid, &held) == STATUS_OK
                && grant_belongs(&held, call->realm, call->user, uid)
                && !grant_expired(&held, clock_now())
                && (held.flags & GRANT_DENIED) == 0;

    grant_clear(&held);
    return good;
}

enum status
session_reuse(const struct session_call *call)
{
    enum status status = STATUS_NOT_FOUND;
    struct cache *cache = NULL;
    struct search search = { 0 };
    int64_t age_s = 0;
    uint32_t uid;

    if (!call->reuse || !asks_for_self(call, &uid)
        || cache_open(call->rundir, call->realm, call->log, &cache)
               != STATUS_OK)
        return STATUS_NOT_FOUND;
    if (find(cache, uid, &search)) {
        age_s = clock_now().boot - search.record.proved_at;
        /* Whole seconds: one that looks as old as the limit may be older. */
        if (search.record.proved_at > 0 && age_s >= 0
            && age_s < call->reuse_max_age_s && grant_is_good(cache, call, uid)
            && (!name_terminal(&search)
                || cache_rewrite_session(cache, uid, search.id, &search.record)
                       == STATUS_OK))
            status = STATUS_OK;
    }
    if (status == STATUS_OK)
        log_line(call->log, LOG_NOTICE,
                 "%s is let in without a password: it was typed in this "
                 "session %lld seconds ago (reuse=session)",
                 call->user, (long long)age_s);
    wire_clear(&session_table, &search.record);
    cache_close(cache);
    return status;
}

void
session_prove(const struct session_call *call)
{
    struct cache *cache = NULL;
    struct search search = { 0 };
    uint32_t uid;

    if (!call->reuse || !asks_for_self(call, &uid)
        || cache_open(call->rundir, call->realm, call->log, &cache)
               != STATUS_OK)
        return;
    if (find(cache, uid, &search)) {
        search.record.proved_at = clock_now().boot;
        (void)name_terminal(&search);
        if (cache_rewrite_session(cache, uid, search.id, &search.record)
            == STATUS_SYSTEM)
            log_line(call->log, LOG_WARNING,
                     "that %s has typed the password cannot be noted: %m",
                     call->user);
    }
    wire_clear(&session_table, &search.record);
    cache_close(cache);
}
