/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * deliver.h - the outbox: grants whose revocation is owed to the API.
 *
 * An entry leaves the outbox when the API confirms, or says that it knows the
 * token no more, or when the whole grant is known to be dead; where nobody
 * can know that, after seven days and a hundred tries.  Nothing here ever
 * signs anybody in.
 */
#ifndef AUTHAPI_SESSION_DELIVER_H
#define AUTHAPI_SESSION_DELIVER_H

#include "base/log.h"
#include "base/status.h"
#include "session/cache.h"
#include "session/renewal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How long a staged grant may wait for its session: longer than sshd's
 * LoginGraceTime with an expired-password dialogue in it. */
#define STAGED_LIFE_S 600
/* How long a revocation is tried where the life of the tokens is not known. */
#define OWED_LIFE_S (7 * 24 * 60 * 60)
/* And so often, so that a clock that was set is not taken for that: an API
 * that is away has tried more in a week, unless very much is owed to it. */
#define OWED_TRIES 100

/* Starts one detached try of the entry ID, and with it of all that is due of
 * USER (NULL: of the entry alone), and waits for nothing but the start.  A
 * failure is logged; the entry stays for the next sweep. */
void deliver_start(const char *realm, const char *id, const char *user,
                   const struct log *log);

/* What became of several entries. */
struct delivered {
    size_t revoked;   /* gone now */
    size_t kept;      /* stay for the next sweep */
    size_t given_up;  /* gone too, and not revoked */
    size_t refreshed; /* held grants */
};

/* Revokes the entry at the API and removes it when that is confirmed, and
 * counts it in DELIVERED.  EAGER: also before its next try is due.  STATUS_OK
 * (gone), STATUS_NOT_FOUND (was gone already), STATUS_BUSY (somebody else is
 * at it, another login of the user must end first, or it is not due), or why
 * it stays, which is logged; the next try is then put off. */
enum status deliver_entry(const struct channel *channel, const char *id,
                          bool eager, struct delivered *delivered) MUST_USE;

/* Whether a decision of deliver_entry says that asking the API for more makes
 * no sense right now. */
bool deliver_hopeless(enum status status) MUST_USE;

/* Whether a try of the entry is due (EAGER: any is), and since when: *due_at
 * in seconds since the epoch.  STATUS_OK; STATUS_BUSY: not yet, or somebody is
 * at it; STATUS_NOT_FOUND; STATUS_SYSTEM, STATUS_NO_MEMORY. */
enum status deliver_due(const struct channel *channel, const char *id,
                        bool eager, int64_t *due_at) MUST_USE;

/* Tries the entry ID and then what is due of USER's others, one after the
 * other, for at most channel->timeout_ms in all. */
void deliver_now(const struct channel *channel, const char *id,
                 const char *user);

/* Takes back all that USER has: the held grant, whatever sessions are open,
 * the staged ones and those in the outbox, due or not; DELIVERED counts all of
 * them.  STATUS_OK, also when entries stay; STATUS_SYSTEM. */
enum status deliver_user(const struct channel *channel, const char *user,
                         struct delivered *delivered) MUST_USE;

/* Tries what is due of USER in the outbox, and adds to DELIVERED.  Returns as
 * deliver_user. */
enum status deliver_owed(const struct channel *channel, const char *user,
                         struct delivered *delivered) MUST_USE;

#endif
