/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sessions.c - the set of a user's open sessions.
 *
 * A set of records and no counter: what a killed host leaves behind is seen
 * by looking at its process.  A record that cannot be read counts as live.
 */
#include "session/leader.h"
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

/* What a writer left that is older than this is nobody's. */
#define LEFT_S 60

struct session_visit {
    int folder; /* the sessions folder */
    struct vantage vantage;
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
    if (status == STATUS_OK && !leader_running(&each->vantage, &record))
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
    vantage_take(&each.vantage);
    status = folder_each(each.folder, visit_session, &each);
    close(each.folder);
    *live = each.live;
    return status;
}

/* --- in and out -----------------------------------------------------------
 */

static enum status
add(struct cache *cache, int user, const struct session_record *record,
    char id[ID_SIZE])
{
    enum status status = STATUS_SYSTEM;
    int sessions = folder_open(user, "sessions", true);

    if (sessions >= 0) {
        status = folder_random_id(id);
        if (status == STATUS_OK)
            status = record_write(sessions, id, &session_table, record);
        folder_close(sessions);
    }
    if (status == STATUS_SYSTEM)
        log_line(cache->log, LOG_ERR,
                 "the session cannot be noted in %s/users: %m", cache->path);
    if (status != STATUS_OK)
        id[0] = '\0';
    return status;
}

enum status
holding_add_session(struct holding *holding,
                    const struct session_record *record, char id[ID_SIZE])
{
    return add(holding->cache, holding->folder, record, id);
}

enum status
cache_join(struct cache *cache, const char *user, uint32_t uid,
           const struct session_record *record, char id[ID_SIZE])
{
    int folder = open_user(cache, uid);
    char name[NAME_SIZE];
    struct grant held;
    enum status status;

    id[0] = '\0';
    if (folder < 0)
        return errno == ENOENT ? STATUS_NOT_FOUND : STATUS_SYSTEM;
    status = record_read_grant(folder, &held);
    if (status == STATUS_OK
        && (!grant_belongs(&held, cache->realm_name, user, uid)
            || grant_dead(&held, clock_now())))
        status = STATUS_NOT_FOUND;
    grant_clear(&held);
    if (status == STATUS_OK)
        status = add(cache, folder, record, id);
    uid_name(uid, name);
    /* It may have been removed between the two. */
    if (status == STATUS_OK && !folder_is(cache->users, name, folder)) {
        id[0] = '\0';
        status = STATUS_NOT_FOUND;
    }
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

/* --- looked at ------------------------------------------------------------
 */

enum status
holding_count_sessions(struct holding *holding, size_t *live)
{
    return sessions_look(holding->folder, live);
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

struct record_visit {
    int folder;
    bool (*visit)(void *context, const char *id,
                  const struct session_record *record);
    void *context;
};

static bool
visit_record(void *context, const char *name)
{
    struct record_visit *each = context;
    struct session_record record = { 0 };
    bool more = true;

    if (folder_id_valid(name)
        && record_read(each->folder, name, &session_table, &record)
               == STATUS_OK)
        more = each->visit(each->context, name, &record);
    wire_clear(&session_table, &record);
    return more;
}

/* Opens the folder of UID's session records; -1 with errno. */
static int
open_sessions(struct cache *cache, uint32_t uid)
{
    int folder = open_user(cache, uid), sessions = -1;

    if (folder >= 0)
        sessions = folder_open(folder, "sessions", false);
    folder_close(folder);
    return sessions;
}

enum status
cache_each_session(struct cache *cache, uint32_t uid,
                   bool (*visit)(void *context, const char *id,
                                 const struct session_record *record),
                   void *context)
{
    struct record_visit each = { open_sessions(cache, uid), visit, context };
    enum status status;

    if (each.folder < 0)
        return errno == ENOENT ? STATUS_NOT_FOUND : STATUS_SYSTEM;
    status = folder_each(each.folder, visit_record, &each);
    close(each.folder);
    return status;
}

enum status
cache_rewrite_session(struct cache *cache, uint32_t uid, const char *id,
                      const struct session_record *record)
{
    int folder = open_sessions(cache, uid);
    enum status status = STATUS_NOT_FOUND;
    struct stat info;

    if (folder < 0)
        return errno == ENOENT ? STATUS_NOT_FOUND : STATUS_SYSTEM;
    if (folder_id_valid(id)
        && fstatat(folder, id, &info, AT_SYMLINK_NOFOLLOW) == 0)
        status = record_write(folder, id, &session_table, record);
    folder_close(folder);
    return status;
}

static bool
delete_left(void *context, const char *name)
{
    int folder = *(int *)context;
    struct stat info;

    if (strncmp(name, ".new-", strlen(".new-")) == 0
        && fstatat(folder, name, &info, AT_SYMLINK_NOFOLLOW) == 0
        && llabs((long long)(time(NULL) - info.st_mtime)) > LEFT_S)
        unlinkat(folder, name, 0);
    return true;
}

void
sessions_tidy(int user)
{
    int folder = folder_open(user, "sessions", false);

    if (folder < 0)
        return;
    (void)!folder_each(folder, delete_left, &folder);
    close(folder);
}
