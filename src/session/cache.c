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

/* The outbox stands below the run folder unless configure was told
 * otherwise. */
#ifndef OUTBOXDIR
#define OUTBOXDIR ""
#endif

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

/* Opens the realm's folder below OUTBOXDIR, where that is a place of its own.
 * Without it everything goes on; only a reboot ends what is owed. */
static void
open_depot(struct cache *cache, const char *outboxdir)
{
    const char *why = "cannot be used";
    int root;

    if (outboxdir[0] == '\0')
        return;
    root = folder_open_path(outboxdir, &why);
    if (root >= 0) {
        cache->depot = folder_open(root, cache->realm_name, true);
        close(root);
    }
    if (cache->depot < 0)
        log_line(cache->log, LOG_ERR,
                 "the outbox folder %s %s: what is owed does not outlast a "
                 "reboot; make it as root: install -d -m 0700 %s",
                 outboxdir, why, outboxdir);
}

enum status
cache_open(const char *rundir, const char *realm, const struct log *log,
           struct cache **out)
{
    return cache_open_at(rundir, OUTBOXDIR, realm, log, out);
}

enum status
cache_open_at(const char *rundir, const char *outboxdir, const char *realm,
              const struct log *log, struct cache **out)
{
    struct cache *cache = calloc(1, sizeof(*cache));
    enum status status = STATUS_SYSTEM;

    *out = NULL;
    if (cache == NULL)
        return STATUS_NO_MEMORY;
    if (!realm_valid(realm)) {
        log_line(log, LOG_ERR, "\"%s\" is no name for a realm", realm);
        free(cache);
        return STATUS_SYSTEM;
    }
    cache->root = cache->realm = cache->users = -1;
    cache->staged = cache->outbox = cache->depot = -1;
    cache->log = log;
    snprintf(cache->realm_name, sizeof(cache->realm_name), "%s", realm);
    cache->root = open_rundir(rundir, log);
    if (cache->root < 0)
        goto out;
    if (asprintf(&cache->path, "%s/%s", rundir, realm) < 0) {
        cache->path = NULL;
        status = STATUS_NO_MEMORY;
        goto out;
    }
    cache->realm = folder_open(cache->root, realm, true);
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
    open_depot(cache, outboxdir);
    status = STATUS_OK;
    *out = cache;
    cache = NULL;
out:
    cache_close(cache);
    return status;
}

void
cache_close(struct cache *cache)
{
    if (cache == NULL)
        return;
    folder_close(cache->root);
    folder_close(cache->realm);
    folder_close(cache->users);
    folder_close(cache->staged);
    folder_close(cache->outbox);
    folder_close(cache->depot);
    free(cache->path);
    free(cache);
}

struct realm_visit {
    bool (*visit)(void *context, const char *realm);
    void *context;
    int seen; /* a folder whose realms have been visited, or -1 */
    bool stopped;
};

static bool
visit_realm(void *context, const char *name)
{
    struct realm_visit *each = context;
    struct stat info;

    if (realm_valid(name)
        && (each->seen < 0
            || fstatat(each->seen, name, &info, AT_SYMLINK_NOFOLLOW) != 0))
        each->stopped = !each->visit(each->context, name);
    return !each->stopped;
}

enum status
cache_each_realm(const char *rundir, const struct log *log,
                 bool (*visit)(void *context, const char *realm),
                 void *context)
{
    return cache_each_realm_at(rundir, OUTBOXDIR, log, visit, context);
}

enum status
cache_each_realm_at(const char *rundir, const char *outboxdir,
                    const struct log *log,
                    bool (*visit)(void *context, const char *realm),
                    void *context)
{
    struct realm_visit each = { visit, context, -1, false };
    int root = open_rundir(rundir, log), depot = -1;
    enum status status = STATUS_SYSTEM;
    const char *why;

    if (root >= 0)
        status = folder_each(root, visit_realm, &each);
    each.seen = root;
    /* Where it cannot be used, cache_open says so. */
    if (status == STATUS_OK && !each.stopped && outboxdir[0] != '\0')
        depot = folder_open_path(outboxdir, &why);
    if (depot >= 0)
        status = folder_each(depot, visit_realm, &each);
    folder_close(depot);
    folder_close(root);
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

int
cache_lock_sign_ins(struct cache *cache, uint32_t uid, bool shared,
                    int wait_ms)
{
    char name[REALM_MAX + 1 + NAME_SIZE];
    int folder = folder_open(cache->root, "slots", true);
    int file = -1;

    /* A realm's name holds no dot, and no slot's does. */
    snprintf(name, sizeof(name), "%s.%" PRIu32, cache->realm_name, uid);
    if (folder >= 0)
        file = openat(folder, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
                      0600);
    folder_close(folder);
    if (file >= 0
        && (shared ? folder_share(file, wait_ms) : folder_lock(file, wait_ms))
               != STATUS_OK) {
        folder_close(file);
        file = -1;
    }
    return file;
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

void
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

int
open_user(struct cache *cache, uint32_t uid)
{
    char name[NAME_SIZE];

    uid_name(uid, name);
    return folder_open(cache->users, name, false);
}

enum status
cache_peek(struct cache *cache, uint32_t uid, struct grant *grant)
{
    return record_take_grant(open_user(cache, uid), grant);
}

int64_t
cache_idle_s(struct cache *cache, uint32_t uid)
{
    char name[NAME_SIZE];
    struct stat info;

    uid_name(uid, name);
    return fstatat(cache->users, name, &info, AT_SYMLINK_NOFOLLOW) == 0
               ? clock_now().wall - info.st_mtime
               : 0;
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
