/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * staged.c - grants that no session has taken yet.
 */
#include "base/clock.h"
#include "session/store.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

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
    grant_init(grant);
    if (!folder_id_valid(handle))
        return STATUS_NOT_FOUND;
    return record_take_grant(folder_open(cache->staged, handle, false), grant);
}

struct staged_visit {
    struct cache *cache;
    bool (*visit)(void *context, const char *handle, int64_t age_s);
    void *context;
};

/* The age of a record that cannot be read is that of its folder, whichever
 * way the clock was set meanwhile. */
static bool
visit_staged(void *context, const char *name)
{
    struct staged_visit *each = context;
    struct moment now = clock_now();
    struct stat info;
    struct grant grant;
    int64_t age_s;

    if (!folder_id_valid(name)
        || fstatat(each->cache->staged, name, &info, AT_SYMLINK_NOFOLLOW) != 0)
        return true;
    age_s = now.wall - info.st_mtime;
    if (age_s < 0)
        age_s = -age_s;
    if (cache_load_staged(each->cache, name, &grant) == STATUS_OK)
        age_s = grant_age(&grant, now);
    grant_clear(&grant);
    return each->visit(each->context, name, age_s);
}

enum status
cache_each_staged(struct cache *cache,
                  bool (*visit)(void *context, const char *handle,
                                int64_t age_s),
                  void *context)
{
    struct staged_visit each = { cache, visit, context };

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
