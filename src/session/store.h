/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * store.h - what the files of the store share (cache.c, staged.c, holding.c,
 * sessions.c, outbox.c, export.c), and nobody else includes.
 */
#ifndef AUTHAPI_SESSION_STORE_H
#define AUTHAPI_SESSION_STORE_H

#include "base/message.h"
#include "session/cache.h"

#define NAME_SIZE 40 /* of a uid in decimal, or an id */

struct cache {
    int root;  /* RUNDIR */
    int realm; /* RUNDIR/REALM */
    int users;
    int staged;
    int outbox;
    int depot;  /* OUTBOXDIR/REALM, or -1: the outbox is all there is */
    char *path; /* for messages */
    char realm_name[REALM_MAX + 1];
    const struct log *log;
};

struct holding {
    struct cache *cache;
    int parent; /* users, outbox or depot; borrowed */
    int folder; /* locked */
    char name[NAME_SIZE];
};

/* Reads or writes the record in the file NAME of FOLDER.  STATUS_OK,
 * STATUS_NOT_FOUND, STATUS_SYSTEM (with errno; EBADMSG: malformed),
 * STATUS_NO_MEMORY. */
enum status record_read(int folder, const char *name,
                        const struct wire_table *table, void *record) MUST_USE;
enum status record_write(int folder, const char *name,
                         const struct wire_table *table,
                         const void *record) MUST_USE;

/* Reads the grant in FOLDER into GRANT, initialised first. */
enum status record_read_grant(int folder, struct grant *grant) MUST_USE;

/* The same of a folder that was opened for this, and closes it; -1 with errno:
 * it could not be. */
enum status record_take_grant(int folder, struct grant *grant) MUST_USE;

/* Locks the folder NAME in PARENT; as cache_hold. */
enum status holding_take(struct cache *cache, int parent, const char *name,
                         bool create, int wait_ms,
                         struct holding **holding) MUST_USE;

/* The name of UID's folder. */
void uid_name(uint32_t uid, char name[NAME_SIZE]);

/* Takes away what is exported of the user's folder NAME. */
void export_remove(struct cache *cache, const char *name);

/* Opens the folder of UID; -1 with errno. */
int open_user(struct cache *cache, uint32_t uid) MUST_USE;

/* Takes away what killed writers left among the session records of the user's
 * folder USER, once it is old: whoever joins writes there without a lock. */
void sessions_tidy(int user);

/* Looks at every session record of the user's folder USER: removes those
 * whose leader is gone and counts the others in *live. */
enum status sessions_look(int user, size_t *live) MUST_USE;

#endif
