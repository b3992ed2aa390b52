/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cache.c - the store below the run folder.
 */
#include "base/message.h"
#include "session/store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#define SLOTS 8
/* --- the folders --------------------------------------------------------- */

/* Opens the run folder; -1 after a log line. */
static int
open_rundir(const char *rundir, const struct log *log)
{
    const char *why = NULL;
    int root = folder_open_path(rundir, &why);

    if (root < 0)
        log_line(log, LOG_ERR,
                 "the run folder %s %s; make it as root: install -d -m 0711 "
                 "%s",
                 rundir, why, rundir);
    return root;
}

enum status
cache_open(const char *rundir, const char *realm, const struct log *log,
           struct cache **out)
{
    struct cache *cache = calloc(1, sizeof(*cache));
    enum status status = STATUS_SYSTEM;
    int root;

    *out = NULL;
    if (cache == NULL)
        return STATUS_NO_MEMORY;
    if (!realm_valid(realm)) {
        log_line(log, LOG_ERR, "\"%s\" is no name for a realm", realm);
        free(cache);
        return STATUS_SYSTEM;
    }
    cache->realm = cache->users = cache->staged = cache->outbox = -1;
    cache->log = log;
    root = open_rundir(rundir, log);
    if (root < 0)
        goto out;
    if (asprintf(&cache->path, "%s/%s", rundir, realm) < 0) {
        cache->path = NULL;
        status = STATUS_NO_MEMORY;
        goto out;
    }
    cache->realm = folder_open(root, realm, true);
    if (cache->realm >= 0)
        cache->users = folder_open(cache->realm, "users", true);
    if (cache->users >= 0)
        cache->staged = folder_open(cache->realm, "staged", true);
    if (cache->staged >= 0)
        cache->outbox = folder_open(cache->realm, "outbox", true);
    if (cache->outbox < 0) {
        log_line(log, LOG_ERR,
                 "%s cannot be used: %m (it and what is below must be root's, "
                 "mode 0700)",
                 cache->path);
        goto out;
    }
    status = STATUS_OK;
    *out = cache;
    cache = NULL;
out:
    if (root >= 0)
        close(root);
    cache_close(cache);
    return status;
}

void
cache_close(struct cache *cache)
{
    if (cache == NULL)
        return;
    if (cache->realm >= 0)
        close(cache->realm);
    if (cache->users >= 0)
        close(cache->users);
    if (cache->staged >= 0)
        close(cache->staged);
    if (cache->outbox >= 0)
        close(cache->outbox);
    free(cache->path);
    free(cache);
}

struct realm_visit {
    bool (*visit)(void *context, const char *realm);
    void *context;
};

static bool
visit_realm(void *context, const char *name)
{
    struct realm_visit *each = context;

    return !realm_valid(name) || each->visit(each->context, name);
}

enum status
cache_each_realm(const char *rundir, const struct log *log,
                 bool (*visit)(void *context, const char *realm),
                 void *context)
{
    struct realm_visit each = { visit, context };
    int root = open_rundir(rundir, log);
    enum status status = STATUS_SYSTEM;

    if (root >= 0) {
        status = folder_each(root, visit_realm, &each);
        close(root);
    }
    return status;
}

int
cache_take_slot(const char *rundir)
{
    const char *why;
    int root = folder_open_path(rundir, &why);
    int folder = root >= 0 ? folder_open(root, "slots", true) : -1;
    int slot = -1;

    for (int i = 0; i < SLOTS && folder >= 0 && slot < 0; i++) {
        char name[] = { (char)('0' + i), '\0' };

        slot = openat(folder, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
                      0600);
        if (slot >= 0 && flock(slot, LOCK_EX | LOCK_NB) != 0) {
            close(slot);
            slot = -1;
        }
    }
    if (folder >= 0)
        close(folder);
    if (root >= 0)
        close(root);
    return slot;
}

/* --- staged grants ------------------------------------------------------- */

enum status
cache_stage(struct cache *cache, const struct grant *grant,
            char handle[ID_SIZE])
{
    enum status status = folder_random_id(handle);
    int folder = -1, saved;

    if (status == STATUS_OK)
        folder = folder_open(cache->staged, handle, true);
    if (folder < 0) {
        saved = errno;
        status = STATUS_SYSTEM;
    } else {
        status = record_write(folder, "grant", &grant_table, grant);
        saved = errno;
        close(folder);
    }
    if (status != STATUS_OK) {
        unlinkat(cache->staged, handle, AT_REMOVEDIR);
        errno = saved;
        log_line(cache->log, LOG_ERR,
                 "the tokens of %s cannot be kept in %s/staged: %m",
                 grant->user, cache->path);
    }
    return status;
}

enum status
cache_load_staged(struct cache *cache, const char *handle, struct grant *grant)
{
    enum status status;
    int folder;

    grant_init(grant);
    if (!folder_id_valid(handle))
        return STATUS_NOT_FOUND;
    folder = folder_open(cache->staged, handle, false);
    if (folder < 0)
        return errno == ENOENT ? STATUS_NOT_FOUND : STATUS_SYSTEM;
    status = record_read_grant(folder, grant);
    close(folder);
    return status;
}

/* The name may be taken only by an entry of the same grant, which cannot be:
 * a grant is in one place. */
enum status
cache_discard_staged(struct cache *cache, const char *handle)
{
    if (!folder_id_valid(handle))
        return STATUS_NOT_FOUND;
    if (renameat(cache->staged, handle, cache->outbox, handle) == 0)
        return STATUS_OK;
    return errno == ENOENT ? STATUS_NOT_FOUND : STATUS_SYSTEM;
}

struct staged_visit {
    int folder;
    bool (*visit)(void *context, const char *handle, int64_t age_s);
    void *context;
};

static bool
visit_staged(void *context, const char *name)
{
    struct staged_visit *each = context;
    struct stat info;

    if (!folder_id_valid(name)
        || fstatat(each->folder, name, &info, AT_SYMLINK_NOFOLLOW) != 0)
        return true;
    return each->visit(each->context, name, time(NULL) - info.st_mtime);
}

enum status
cache_each_staged(struct cache *cache,
                  bool (*visit)(void *context, const char *handle,
                                int64_t age_s),
                  void *context)
{
    struct staged_visit each = { cache->staged, visit, context };

    return folder_each(cache->staged, visit_staged, &each);
}

enum status
cache_restage(struct cache *cache, const char *handle,
              const struct grant *grant)
{
    enum status status;
    int folder;

    if (!folder_id_valid(handle))
        return STATUS_NOT_FOUND;
    folder = folder_open(cache->staged, handle, false);
    if (folder < 0)
        return errno == ENOENT ? STATUS_NOT_FOUND : STATUS_SYSTEM;
    status = record_write(folder, "grant", &grant_table, grant);
    close(folder);
    return status;
}

/* --- key sets ------------------------------------------------------------ */

void
cache_load_keys(struct cache *cache, struct secret *keys)
{
    int folder = folder_open(cache->realm, "keys", false);

    secret_clear(keys);
    if (folder < 0)
        return;
    if (folder_read(folder, "jwks", keys) != STATUS_OK)
        secret_clear(keys);
    close(folder);
}

void
cache_store_keys(struct cache *cache, const struct secret *keys)
{
    enum status status = STATUS_SYSTEM;
    int folder;

    if (keys->length == 0)
        return;
    folder = folder_open(cache->realm, "keys", true);
    if (folder >= 0) {
        status = folder_write(folder, "jwks", keys);
        close(folder);
    }
    if (status != STATUS_OK)
        log_line(cache->log, LOG_WARNING,
                 "the key set cannot be kept in %s/keys: %m", cache->path);
}

/* --- a user's folder ----------------------------------------------------- */

static void
uid_name(uint32_t uid, char name[NAME_SIZE])
{
    snprintf(name, NAME_SIZE, "%" PRIu32, uid);
}

enum status
cache_hold(struct cache *cache, uint32_t uid, bool create, int wait_ms,
           struct holding **holding)
{
    char name[NAME_SIZE];

    uid_name(uid, name);
    return holding_take(cache, cache->users, name, create, wait_ms, holding);
}

static int
open_user(struct cache *cache, uint32_t uid)
{
    char name[NAME_SIZE];

    uid_name(uid, name);
    return folder_open(cache->users, name, false);
}

enum status
cache_peek(struct cache *cache, uint32_t uid, struct grant *grant)
{
    int folder = open_user(cache, uid);
    enum status status;

    grant_init(grant);
    if (folder < 0)
        return errno == ENOENT ? STATUS_NOT_FOUND : STATUS_SYSTEM;
    status = record_read_grant(folder, grant);
    close(folder);
    return status;
}

enum status
cache_end_session(struct cache *cache, uint32_t uid, const char *id)
{
    char path[16 + ID_SIZE];
    int folder;
    int result;

    if (!folder_id_valid(id))
        return STATUS_NOT_FOUND;
    folder = open_user(cache, uid);
    if (folder < 0)
        return errno == ENOENT ? STATUS_NOT_FOUND : STATUS_SYSTEM;
    snprintf(path, sizeof(path), "sessions/%s", id);
    result = unlinkat(folder, path, 0) == 0 ? 0 : errno;
    close(folder);
    return result == 0        ? STATUS_OK
           : result == ENOENT ? STATUS_NOT_FOUND
                              : STATUS_SYSTEM;
}

/* The rename comes first and decides; whether there was a grant in it is
 * looked at where nobody else looks any more. */
enum status
cache_remove(struct cache *cache, uint32_t uid, char id[ID_SIZE])
{
    struct holding *entry = NULL;
    char name[NAME_SIZE];
    struct stat info;
    int folder;

    uid_name(uid, name);
    if (folder_random_id(id) != STATUS_OK)
        return STATUS_SYSTEM;
    if (renameat(cache->users, name, cache->outbox, id) != 0) {
        int saved = errno;

        id[0] = '\0';
        errno = saved;
        return saved == ENOENT ? STATUS_NOT_FOUND : STATUS_SYSTEM;
    }
    folder = folder_open(cache->outbox, id, false);
    if (folder < 0)
        return STATUS_OK;
    if (fstatat(folder, "grant", &info, AT_SYMLINK_NOFOLLOW) != 0
        && errno == ENOENT
        && cache_hold_entry(cache, id, 0, &entry) == STATUS_OK) {
        if (holding_delete(entry) == STATUS_OK)
            id[0] = '\0';
        holding_release(entry);
    }
    close(folder);
    return STATUS_OK;
}

struct user_visit {
    bool (*visit)(void *context, uint32_t uid);
    void *context;
};

static bool
visit_user(void *context, const char *name)
{
    struct user_visit *each = context;
    char canonical[NAME_SIZE];
    uint32_t uid = (uint32_t)strtoul(name, NULL, 10);

    /* What we did not write ourselves is nobody's folder. */
    uid_name(uid, canonical);
    return strcmp(name, canonical) != 0 || each->visit(each->context, uid);
}

enum status
cache_each_user(struct cache *cache,
                bool (*visit)(void *context, uint32_t uid), void *context)
{
    struct user_visit each = { visit, context };

    return folder_each(cache->users, visit_user, &each);
}

enum status
cache_count_sessions(struct cache *cache, uint32_t uid, size_t *live)
{
    int folder = open_user(cache, uid);
    enum status status;

    *live = 0;
    if (folder < 0)
        return errno == ENOENT ? STATUS_NOT_FOUND : STATUS_SYSTEM;
    status = sessions_look(folder, live);
    close(folder);
    return status;
}

/* --- the outbox ---------------------------------------------------------- */

enum status
cache_hold_entry(struct cache *cache, const char *id, int wait_ms,
                 struct holding **holding)
{
    *holding = NULL;
    if (!folder_id_valid(id))
        return STATUS_NOT_FOUND;
    return holding_take(cache, cache->outbox, id, false, wait_ms, holding);
}

struct entry_visit {
    bool (*visit)(void *context, const char *id);
    void *context;
};

static bool
visit_entry(void *context, const char *name)
{
    struct entry_visit *each = context;

    return !folder_id_valid(name) || each->visit(each->context, name);
}

enum status
cache_each_entry(struct cache *cache,
                 bool (*visit)(void *context, const char *id), void *context)
{
    struct entry_visit each = { visit, context };

    return folder_each(cache->outbox, visit_entry, &each);
}
