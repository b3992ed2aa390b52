/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * deliver.h - the outbox: grants whose revocation is owed to the API.
 *
 * An entry leaves the outbox when the API confirms, or says that it knows the
 * token no more, and not before.  Nothing here ever signs anybody in.
 */
#ifndef AUTHAPI_SESSION_DELIVER_H
#define AUTHAPI_SESSION_DELIVER_H

#include "base/log.h"
#include "base/status.h"
#include "session/cache.h"

#include <stddef.h>
#include <stdint.h>

/* How long a staged grant may wait for its session: longer than sshd's
 * LoginGraceTime with an expired-password dialogue in it. */
#define STAGED_LIFE_S 600

/* Starts one detached try of the entry ID, and waits for nothing but the
 * start.  A failure is logged; the entry stays for the next sweep. */
void deliver_start(const char *realm, const char *id, const struct log *log);

/* Whose outbox, and how the API is spoken to. */
struct delivery {
    struct cache *cache;
    const char *realm;
    const char *conf; /* a conf file in place of the realm's own, or NULL */
    int timeout_ms;   /* for each entry */
    const struct log *log;
};

/* Revokes the entry at the API and removes it when that is confirmed.
 * STATUS_OK (gone), STATUS_NOT_FOUND (was gone already), STATUS_BUSY (somebody
 * else is at it, or another login of the user must end first), or why it
 * stays, which is logged. */
enum status deliver_entry(const struct delivery *delivery,
                          const char *id) MUST_USE;

/* What became of several entries. */
struct delivered {
    size_t revoked; /* gone now */
    size_t kept;    /* stay for the next sweep */
};

/* Brings a realm to rest: staged grants past their time and held grants
 * without a live session go to the outbox, and every entry is tried once.
 * STATUS_OK, also when entries stay; STATUS_SYSTEM. */
enum status deliver_sweep(const struct delivery *delivery,
                          struct delivered *delivered) MUST_USE;

/* Takes back all that USER has: the held grant, whatever sessions are open,
 * the staged ones and those in the outbox.  STATUS_OK, also when entries
 * stay; STATUS_SYSTEM. */
enum status deliver_user(const struct delivery *delivery, const char *user,
                         struct delivered *delivered) MUST_USE;

#endif
