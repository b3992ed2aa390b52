/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * outbox.c - how grants get into the outbox, and where they wait there.
 *
 * Everything gets in by one rename below the run folder, so that a grant is
 * in one place at any moment.  Where the outbox has a place of its own, on a
 * disk that outlasts the boot, an entry is carried over there afterwards.
 */
#include "base/clock.h"
#include "session/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

/* For a sweep that looks into a fresh entry. */
#define FRESH_WAIT_MS 200

/* --- the way to the disk --------------------------------------------------
 */

/* Copies the grant of a locked entry; it is on the disk before the original
 * goes. */
static enum status
copy_over(struct cache *cache, struct holding *entry)
{
    struct secret bytes = SECRET_INIT(WIRE_MAX);
    enum status status = folder_read(entry->folder, "grant", &bytes);
    int folder = -1;

    if (status == STATUS_OK) {
        folder = folder_open(cache->depot, entry->name, true);
        status =
            folder < 0 ? STATUS_SYSTEM : folder_write(folder, "grant", &bytes);
    }
    if (status == STATUS_OK)
        status = folder_sync(folder, "grant");
    if (status == STATUS_OK && fsync(cache->depot) != 0)
        status = STATUS_SYSTEM;
    /* An empty one there would look like a promise kept. */
    if (status != STATUS_OK && folder >= 0) {
        int saved = errno;

        unlinkat(cache->depot, entry->name, AT_REMOVEDIR);
        errno = saved;
    }
    folder_close(folder);
    secret_clear(&bytes);
    return status;
}

void
cache_carry(struct cache *cache, const char *id)
{
    struct holding *entry = NULL;
    struct stat info;
    enum status status;

    /* Whoever has its lock may write it once more: it stays here for now. */
    if (cache->depot < 0
        || holding_take(cache, cache->outbox, id, false, 0, &entry)
               != STATUS_OK)
        return;
    if (fstatat(entry->folder, "grant", &info, AT_SYMLINK_NOFOLLOW) == 0) {
        status = copy_over(cache, entry);
        if (status == STATUS_OK)
            status = holding_delete(entry);
        if (status != STATUS_OK)
            log_line(cache->log, LOG_ERR,
                     "%s/outbox/%s cannot be carried to the outbox folder: "
                     "%m; it does not outlast a reboot",
                     cache->path, id);
    }
    holding_release(entry);
}

/* --- in -------------------------------------------------------------------
 */

/* The name may be taken only by an entry of the same grant, which cannot be:
 * a grant is in one place. */
enum status
cache_discard_staged(struct cache *cache, const char *handle)
{
    if (!folder_id_valid(handle))
        return STATUS_NOT_FOUND;
    if (renameat(cache->staged, handle, cache->outbox, handle) != 0)
        return errno == ENOENT ? STATUS_NOT_FOUND : STATUS_SYSTEM;
    cache_carry(cache, handle);
    return STATUS_OK;
}

/* Moves the grant in FOLDER into an entry of its own, ID, in PARENT, which is
 * locked until it is filled: a sweep deletes empty ones.  STATUS_OK,
 * STATUS_NOT_FOUND, STATUS_SYSTEM; but for STATUS_OK, ID is "". */
static enum status
take_grant(struct cache *cache, int parent, int folder, char id[ID_SIZE])
{
    struct holding *entry = NULL;
    enum status status = STATUS_SYSTEM;
    struct stat info;
    int saved;

    /* Not access(2), which asks for the user who runs sudo. */
    if (fstatat(folder, "grant", &info, AT_SYMLINK_NOFOLLOW) != 0) {
        id[0] = '\0';
        return errno == ENOENT ? STATUS_NOT_FOUND : STATUS_SYSTEM;
    }
    if (folder_random_id(id) == STATUS_OK
        && holding_take(cache, parent, id, true, FRESH_WAIT_MS, &entry)
               == STATUS_OK
        && renameat(folder, "grant", entry->folder, "grant") == 0)
        status = STATUS_OK;
    saved = errno;
    if (status != STATUS_OK && entry != NULL)
        unlinkat(parent, id, AT_REMOVEDIR);
    holding_release(entry);
    if (status == STATUS_OK && parent == cache->outbox)
        cache_carry(cache, id);
    else if (status != STATUS_OK)
        id[0] = '\0';
    errno = saved;
    return status;
}

enum status
holding_retire(struct holding *holding, char id[ID_SIZE])
{
    struct cache *cache = holding->cache;
    enum status status = take_grant(cache, cache->outbox, holding->folder, id);

    if (status == STATUS_SYSTEM)
        log_line(holding->cache->log, LOG_ERR,
                 "%s/.../%s cannot be moved to the outbox: %m",
                 holding->cache->path, holding->name);
    return status;
}

/* The rename comes first and decides; ID gets the entry's name, or "". */
static enum status
move_user(struct cache *cache, const char *name, char id[ID_SIZE])
{
    int saved;

    if (folder_random_id(id) != STATUS_OK)
        return STATUS_SYSTEM;
    if (renameat(cache->users, name, cache->outbox, id) == 0)
        return STATUS_OK;
    saved = errno;
    id[0] = '\0';
    errno = saved;
    return saved == ENOENT ? STATUS_NOT_FOUND : STATUS_SYSTEM;
}

/* Deletes what came along of an entry whose lock we have, where there is no
 * grant in it. */
static void
tidy(struct holding *entry, char id[ID_SIZE])
{
    struct stat info;

    if (fstatat(entry->folder, "grant", &info, AT_SYMLINK_NOFOLLOW) != 0
        && errno == ENOENT && holding_delete(entry) == STATUS_OK)
        id[0] = '\0';
}

enum status
holding_remove(struct holding *holding, char id[ID_SIZE])
{
    struct cache *cache = holding->cache;
    enum status status = STATUS_NOT_FOUND;

    id[0] = '\0';
    /* What was exported first: a login that comes after the rename exports
     * its own. */
    if (holding_current(holding)) {
        export_remove(cache, holding->name);
        status = move_user(cache, holding->name, id);
    }
    if (status != STATUS_OK)
        return status;
    /* We and our lock are in the outbox now. */
    holding->parent = cache->outbox;
    snprintf(holding->name, sizeof(holding->name), "%s", id);
    tidy(holding, id);
    return STATUS_OK;
}

/* Whoever has the lock may be stopped for good: the grant does not wait for
 * them.  What they still write lands in the folder they have, which is an
 * entry too.  Where that cannot be, the grant stays in there. */
static void
part(struct cache *cache, char id[ID_SIZE])
{
    int folder = folder_open(cache->outbox, id, false);
    char own[ID_SIZE];
    enum status status;

    if (folder < 0)
        return;
    status = take_grant(cache, cache->outbox, folder, own);
    folder_close(folder);
    if (status != STATUS_SYSTEM)
        memcpy(id, own, ID_SIZE);
}

enum status
cache_remove(struct cache *cache, uint32_t uid, char id[ID_SIZE])
{
    struct holding *entry = NULL;
    char name[NAME_SIZE];
    enum status status;

    uid_name(uid, name);
    export_remove(cache, name);
    status = move_user(cache, name, id);
    if (status != STATUS_OK)
        return status;
    if (holding_take(cache, cache->outbox, id, false, 0, &entry)
        != STATUS_OK) {
        part(cache, id);
        return STATUS_OK;
    }
    tidy(entry, id);
    holding_release(entry);
    if (id[0] != '\0')
        cache_carry(cache, id);
    return STATUS_OK;
}

/* --- there ----------------------------------------------------------------
 */

/* Opens the folder of the entry ID, *parent being where it is: an entry that
 * is in both places is on its way to the second.  -1 with errno. */
static int
open_entry(struct cache *cache, const char *id, int *parent)
{
    int folder;

    errno = ENOENT;
    if (!folder_id_valid(id))
        return -1;
    *parent = cache->outbox;
    folder = folder_open(*parent, id, false);
    if (folder < 0 && errno == ENOENT && cache->depot >= 0) {
        *parent = cache->depot;
        folder = folder_open(*parent, id, false);
    }
    return folder;
}

enum status
cache_hold_entry(struct cache *cache, const char *id, int wait_ms,
                 struct holding **holding)
{
    enum status status;

    *holding = NULL;
    if (!folder_id_valid(id))
        return STATUS_NOT_FOUND;
    status = holding_take(cache, cache->outbox, id, false, wait_ms, holding);
    if (status == STATUS_NOT_FOUND && cache->depot >= 0)
        status =
            holding_take(cache, cache->depot, id, false, wait_ms, holding);
    return status;
}

enum status
cache_peek_entry(struct cache *cache, const char *id, struct grant *grant)
{
    int parent;

    return record_take_grant(open_entry(cache, id, &parent), grant);
}

/* Whether the entry behind FOLDER is one that cache_part_entry is for. */
static bool
is_stuck(int folder, int64_t least_age_s)
{
    struct stat info;
    bool stuck = fstat(folder, &info) == 0
                 && clock_now().wall - info.st_mtime >= least_age_s;

    if (stuck && folder_lock(folder, 0) == STATUS_OK) {
        (void)flock(folder, LOCK_UN);
        stuck = false;
    }
    return stuck;
}

enum status
cache_part_entry(struct cache *cache, const char *id, int64_t least_age_s,
                 char own[ID_SIZE])
{
    int parent, folder = open_entry(cache, id, &parent);
    enum status status = STATUS_NOT_FOUND;

    own[0] = '\0';
    if (folder >= 0 && is_stuck(folder, least_age_s))
        status = take_grant(cache, parent, folder, own);
    folder_close(folder);
    return status;
}

struct entry_visit {
    bool (*visit)(void *context, const char *id);
    void *context;
    bool stopped;
};

static bool
visit_entry(void *context, const char *name)
{
    struct entry_visit *each = context;

    if (folder_id_valid(name) && !each->visit(each->context, name))
        each->stopped = true;
    return !each->stopped;
}

enum status
cache_each_entry(struct cache *cache,
                 bool (*visit)(void *context, const char *id), void *context)
{
    struct entry_visit each = { visit, context, false };
    enum status status = folder_each(cache->outbox, visit_entry, &each);

    if (status == STATUS_OK && cache->depot >= 0 && !each.stopped)
        status = folder_each(cache->depot, visit_entry, &each);
    return status;
}

static bool
carry_entry(void *context, const char *name)
{
    if (folder_id_valid(name))
        cache_carry(context, name);
    return true;
}

void
cache_carry_all(struct cache *cache)
{
    if (cache->depot >= 0
        && folder_each(cache->outbox, carry_entry, cache) != STATUS_OK)
        log_line(cache->log, LOG_ERR, "%s/outbox cannot be looked through: %m",
                 cache->path);
}
