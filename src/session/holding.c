/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * holding.c - a locked folder of the store, and the records in it.
 */
#include "base/clock.h"
#include "session/leader.h"
#include "session/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <syslog.h>
#include <unistd.h>

/* A folder that is renamed away so often while we wait is busy. */
#define TAKE_TRIES 64

/* --- records ------------------------------------------------------------- */

enum status
record_read(int folder, const char *name, const struct wire_table *table,
            void *record)
{
    struct secret bytes = SECRET_INIT(WIRE_MAX);
    enum status status = folder_read(folder, name, &bytes);

    if (status == STATUS_OK) {
        errno = EBADMSG;
        status = wire_decode(table, bytes.data, bytes.length, record);
    }
    secret_clear(&bytes);
    return status;
}

enum status
record_write(int folder, const char *name, const struct wire_table *table,
             const void *record)
{
    struct secret bytes = SECRET_INIT(WIRE_MAX);
    enum status status = wire_encode(table, record, &bytes);

    if (status == STATUS_OK)
        status = folder_write(folder, name, &bytes);
    else
        errno = EMSGSIZE;
    secret_clear(&bytes);
    return status;
}

enum status
record_read_grant(int folder, struct grant *grant)
{
    grant_init(grant);
    return record_read(folder, "grant", &grant_table, grant);
}

struct session_visit {
    int folder; /* the sessions folder */
    size_t live;
};

static bool
visit_session(void *context, const char *name)
{
    struct session_visit *each = context;
    struct session_record record = { 0 };
    enum status status;

    if (!folder_id_valid(name))
        return true;
    status = record_read(each->folder, name, &session_table, &record);
    /* Gone meanwhile, or never whole: a record is written by rename. */
    if (status == STATUS_NOT_FOUND)
        return true;
    if (status == STATUS_OK && !leader_running(&record))
        unlinkat(each->folder, name, 0);
    else
        each->live++;
    wire_clear(&session_table, &record);
    return true;
}

enum status
sessions_look(int user, size_t *live)
{
    struct session_visit each = { 0 };
    enum status status;

    *live = 0;
    each.folder = folder_open(user, "sessions", false);
    if (each.folder < 0)
        return errno == ENOENT ? STATUS_OK : STATUS_SYSTEM;
    status = folder_each(each.folder, visit_session, &each);
    close(each.folder);
    *live = each.live;
    return status;
}

/* --- the lock ------------------------------------------------------------ */

enum status
holding_take(struct cache *cache, int parent, const char *name, bool create,
             int wait_ms, struct holding **out)
{
    struct holding *holding = calloc(1, sizeof(*holding));
    const int64_t deadline = clock_ms() + wait_ms;
    enum status status = STATUS_SYSTEM;

    *out = NULL;
    if (holding == NULL)
        return STATUS_NO_MEMORY;
    holding->cache = cache;
    holding->parent = parent;
    snprintf(holding->name, sizeof(holding->name), "%s", name);
    /* Somebody may rename the folder away while we wait for its lock; then
     * the name is free or another folder, and we begin again. */
    for (int tries = 0; tries < TAKE_TRIES; tries++) {
        holding->folder = folder_open(parent, name, create);
        /* Renamed away between its making and its opening. */
        if (holding->folder < 0 && create && errno == ENOENT) {
            status = STATUS_BUSY;
            continue;
        }
        if (holding->folder < 0) {
            status = errno == ENOENT ? STATUS_NOT_FOUND : STATUS_SYSTEM;
            break;
        }
        status = folder_lock(holding->folder, clock_left(deadline));
        if (status != STATUS_OK)
            break;
        if (holding_current(holding)) {
            *out = holding;
            return STATUS_OK;
        }
        close(holding->folder);
        holding->folder = -1;
        status = STATUS_BUSY;
    }
    if (status == STATUS_SYSTEM)
        log_line(cache->log, LOG_ERR, "%s/.../%s cannot be locked: %m",
                 cache->path, name);
    holding_release(holding);
    return status;
}

bool
holding_current(const struct holding *holding)
{
    return folder_is(holding->parent, holding->name, holding->folder);
}

static enum status
cannot(const struct holding *holding, const char *what)
{
    log_line(holding->cache->log, LOG_ERR, "%s/.../%s cannot be %s: %m",
             holding->cache->path, holding->name, what);
    return STATUS_SYSTEM;
}

enum status
holding_load(struct holding *holding, struct grant *grant)
{
    enum status status = record_read_grant(holding->folder, grant);

    return status == STATUS_SYSTEM ? cannot(holding, "read") : status;
}

enum status
holding_store(struct holding *holding, const struct grant *grant)
{
    enum status status =
        record_write(holding->folder, "grant", &grant_table, grant);

    return status == STATUS_SYSTEM ? cannot(holding, "written") : status;
}

enum status
holding_adopt(struct holding *holding, const char *handle)
{
    char path[ID_SIZE + 8];

    if (!folder_id_valid(handle))
        return STATUS_NOT_FOUND;
    snprintf(path, sizeof(path), "%s/grant", handle);
    if (renameat(holding->cache->staged, path, holding->folder, "grant") != 0)
        return errno == ENOENT ? STATUS_NOT_FOUND
                               : cannot(holding, "given its grant");
    unlinkat(holding->cache->staged, handle, AT_REMOVEDIR);
    return STATUS_OK;
}

enum status
holding_retire(struct holding *holding, char id[ID_SIZE])
{
    struct cache *cache = holding->cache;
    enum status status = STATUS_SYSTEM;
    int entry = -1;

    if (faccessat(holding->folder, "grant", F_OK, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? STATUS_NOT_FOUND : cannot(holding, "read");
    if (folder_random_id(id) == STATUS_OK)
        entry = folder_open(cache->outbox, id, true);
    if (entry >= 0) {
        if (renameat(holding->folder, "grant", entry, "grant") == 0)
            status = STATUS_OK;
        else
            (void)cannot(holding, "moved to the outbox");
        close(entry);
        if (status != STATUS_OK)
            unlinkat(cache->outbox, id, AT_REMOVEDIR);
    } else {
        (void)cannot(holding, "moved to the outbox");
    }
    if (status != STATUS_OK)
        id[0] = '\0';
    return status;
}

enum status
holding_add_session(struct holding *holding,
                    const struct session_record *record, char id[ID_SIZE])
{
    enum status status = STATUS_SYSTEM;
    int sessions = folder_open(holding->folder, "sessions", true);

    if (sessions >= 0) {
        status = folder_random_id(id);
        if (status == STATUS_OK)
            status = record_write(sessions, id, &session_table, record);
        close(sessions);
    }
    if (status != STATUS_OK)
        log_line(holding->cache->log, LOG_ERR,
                 "the session cannot be noted in %s/.../%s/sessions: %m",
                 holding->cache->path, holding->name);
    return status;
}

enum status
holding_count_sessions(struct holding *holding, size_t *live)
{
    return sessions_look(holding->folder, live);
}

enum status
holding_drop(struct holding *holding)
{
    return unlinkat(holding->folder, "grant", 0) == 0 || errno == ENOENT
               ? STATUS_OK
               : STATUS_SYSTEM;
}

static bool
delete_file(void *context, const char *name)
{
    unlinkat(*(int *)context, name, 0);
    return true;
}

enum status
holding_delete(struct holding *holding)
{
    int sessions = folder_open(holding->folder, "sessions", false);
    enum status status = STATUS_OK;

    if (sessions >= 0) {
        status = folder_each(sessions, delete_file, &sessions);
        close(sessions);
        unlinkat(holding->folder, "sessions", AT_REMOVEDIR);
    }
    if (status == STATUS_OK)
        status = folder_each(holding->folder, delete_file, &holding->folder);
    if (status == STATUS_OK
        && unlinkat(holding->parent, holding->name, AT_REMOVEDIR) != 0)
        status = STATUS_SYSTEM;
    return status == STATUS_OK ? status : cannot(holding, "deleted");
}

void
holding_release(struct holding *holding)
{
    if (holding == NULL)
        return;
    /* Closing is not enough where the host has forked meanwhile: its child has
     * a copy of the descriptor, and with it the lock. */
    if (holding->folder >= 0) {
        (void)flock(holding->folder, LOCK_UN);
        close(holding->folder);
    }
    free(holding);
}
