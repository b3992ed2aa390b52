/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * holding.c - a locked folder of the store, and the records in it.
 */
#include "base/clock.h"
#include "session/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
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

enum status
record_take_grant(int folder, struct grant *grant)
{
    enum status status;

    grant_init(grant);
    if (folder < 0)
        return errno == ENOENT ? STATUS_NOT_FOUND : STATUS_SYSTEM;
    status = record_read_grant(folder, grant);
    folder_close(folder);
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
holding_peek(struct holding *holding, struct grant *grant)
{
    return record_read_grant(holding->folder, grant);
}

int64_t
holding_age(const struct holding *holding)
{
    struct stat info;

    return fstat(holding->folder, &info) == 0 ? time(NULL) - info.st_mtime : 0;
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
holding_drop(struct holding *holding)
{
    if (holding->parent == holding->cache->users && holding_current(holding))
        export_remove(holding->cache, holding->name);
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

/* Only who has the lock writes into the folder itself. */
static bool
delete_left(void *context, const char *name)
{
    if (strncmp(name, ".new-", strlen(".new-")) == 0)
        unlinkat(*(int *)context, name, 0);
    return true;
}

void
holding_tidy(struct holding *holding)
{
    (void)!folder_each(holding->folder, delete_left, &holding->folder);
    sessions_tidy(holding->folder);
}

void
holding_release(struct holding *holding)
{
    if (holding == NULL)
        return;
    folder_unlock(holding->folder);
    free(holding);
}
