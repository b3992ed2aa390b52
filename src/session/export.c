/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * export.c - the access token, in a file for programs of the user.
 *
 * The folder is root's and nobody else may list it; the user owns the file
 * and can only read it.  It refuses to export a refresh token: it does not
 * have one.
 */
#include "session/store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#define FOLDER "tokens"
#define EXPORT_SIZE (NAME_SIZE + 1 + REALM_MAX)
/* What a writer left that is older than this is nobody's. */
#define LEFT_S 60

static void
file_name(const char *uid, const char *realm, char name[EXPORT_SIZE])
{
    if (strcmp(realm, "default") == 0)
        snprintf(name, EXPORT_SIZE, "%s", uid);
    else
        snprintf(name, EXPORT_SIZE, "%s.%s", uid, realm);
}

char *
export_path(const char *rundir, const char *realm, uint32_t uid)
{
    char number[NAME_SIZE], name[EXPORT_SIZE], *path = NULL;

    uid_name(uid, number);
    file_name(number, realm, name);
    return asprintf(&path, "%s/" FOLDER "/%s", rundir, name) < 0 ? NULL : path;
}

/* Opens the folder, made first with CREATE; -1 with errno. */
static int
open_folder(struct cache *cache, bool create)
{
    struct stat info;
    bool made = create && mkdirat(cache->root, FOLDER, 0711) == 0;
    int folder = openat(cache->root, FOLDER,
                        O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (folder < 0)
        return -1;
    if ((made && fchmod(folder, 0711) != 0) || fstat(folder, &info) != 0) {
        folder_close(folder);
        return -1;
    }
    if (info.st_uid != geteuid() || (info.st_mode & 022) != 0) {
        close(folder);
        errno = EPERM;
        return -1;
    }
    return folder;
}

/* --- out ------------------------------------------------------------------
 */

static bool
fill(int file, const struct grant *grant)
{
    const struct timespec times[] = { { .tv_nsec = UTIME_OMIT },
                                      { .tv_sec = grant->expires_at } };
    size_t done = 0;

    while (done < grant->access.length) {
        ssize_t count = write(file, grant->access.data + done,
                              grant->access.length - done);

        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return false;
        done += (size_t)count;
    }
    /* The owner last: from then on it is theirs. */
    return futimens(file, times) == 0 && fchmod(file, 0400) == 0
           && fchown(file, (uid_t)grant->uid, (gid_t)-1) == 0;
}

static bool
write_token(int folder, const char *name, const struct grant *grant)
{
    char id[ID_SIZE], fresh[ID_SIZE + 8];
    bool written;
    int file;

    if (folder_random_id(id) != STATUS_OK)
        return false;
    snprintf(fresh, sizeof(fresh), ".new-%s", id);
    file = openat(folder, fresh,
                  O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0400);
    if (file < 0)
        return false;
    written = fill(file, grant);
    folder_close(file);
    written = written && renameat(folder, fresh, folder, name) == 0;
    if (!written) {
        int saved = errno;

        unlinkat(folder, fresh, 0);
        errno = saved;
    }
    return written;
}

enum status
cache_export(struct cache *cache, const struct grant *grant, char **path)
{
    char number[NAME_SIZE], name[EXPORT_SIZE];
    bool written = false;
    int folder;

    if (path != NULL)
        *path = NULL;
    uid_name((uint32_t)grant->uid, number);
    if (grant->access.length == 0) {
        export_remove(cache, number);
        log_line(cache->log, LOG_WARNING,
                 "the access token of %s cannot be exported: it is too long",
                 grant->user);
        return STATUS_UNSUPPORTED;
    }
    file_name(number, cache->realm_name, name);
    folder = open_folder(cache, true);
    if (folder >= 0)
        written = write_token(folder, name, grant);
    folder_close(folder);
    if (!written) {
        log_line(cache->log, LOG_ERR,
                 "the access token of %s cannot be exported: %m", grant->user);
        return STATUS_SYSTEM;
    }
    if (path != NULL) {
        /* cache->path is RUNDIR/REALM. */
        size_t length = strlen(cache->path) - strlen(cache->realm_name);

        if (asprintf(path, "%.*s" FOLDER "/%s", (int)length, cache->path, name)
            < 0)
            *path = NULL;
    }
    return path != NULL && *path == NULL ? STATUS_NO_MEMORY : STATUS_OK;
}

void
cache_export_again(struct cache *cache, const struct grant *grant)
{
    char number[NAME_SIZE], name[EXPORT_SIZE];
    struct stat info;
    int folder = open_folder(cache, false);
    bool there;

    if (folder < 0)
        return;
    uid_name((uint32_t)grant->uid, number);
    file_name(number, cache->realm_name, name);
    there = fstatat(folder, name, &info, AT_SYMLINK_NOFOLLOW) == 0;
    close(folder);
    if (there && cache_export(cache, grant, NULL) != STATUS_OK)
        export_remove(cache, number);
}

/* --- away -----------------------------------------------------------------
 */

void
export_remove(struct cache *cache, const char *uid)
{
    char name[EXPORT_SIZE];
    int saved = errno, folder = open_folder(cache, false);

    if (folder >= 0) {
        file_name(uid, cache->realm_name, name);
        if (unlinkat(folder, name, 0) != 0 && errno != ENOENT)
            log_line(cache->log, LOG_ERR,
                     "the exported token of uid %s cannot be removed: %m",
                     uid);
        close(folder);
    }
    errno = saved;
}

struct exports {
    struct cache *cache;
    int folder;
};

/* Whether the file NAME shows GRANT's token. */
static bool
shows(int folder, const char *name, const struct grant *grant)
{
    int file =
        openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct secret found = SECRET_INIT(ACCESS_MAX + 1);
    bool same = false;

    if (file >= 0
        && secret_resize(&found, grant->access.length + 1) == STATUS_OK)
        same = read(file, found.data, found.length)
                   == (ssize_t)grant->access.length
               && memcmp(found.data, secret_text(&grant->access),
                         grant->access.length)
                      == 0;
    folder_close(file);
    secret_clear(&found);
    return same;
}

/* Whoever wrote the grant last was killed before the token. */
static void
mend(struct cache *cache, uint32_t uid)
{
    struct holding *holding = NULL;
    struct grant held;

    if (cache_hold(cache, uid, false, 0, &holding) != STATUS_OK)
        return;
    if (holding_load(holding, &held) == STATUS_OK)
        (void)!cache_export(cache, &held, NULL);
    grant_clear(&held);
    holding_release(holding);
}

static bool
sweep_export(void *context, const char *name)
{
    struct exports *exports = context;
    struct cache *cache = exports->cache;
    char number[NAME_SIZE], own[EXPORT_SIZE];
    struct stat info;
    struct grant held;
    enum status status;
    uint32_t uid;

    if (strncmp(name, ".new-", strlen(".new-")) == 0) {
        if (fstatat(exports->folder, name, &info, AT_SYMLINK_NOFOLLOW) == 0
            && llabs((long long)(time(NULL) - info.st_ctime)) > LEFT_S)
            unlinkat(exports->folder, name, 0);
        return true;
    }
    uid = (uint32_t)strtoul(name, NULL, 10);
    uid_name(uid, number);
    file_name(number, cache->realm_name, own);
    /* Of another realm, or not ours at all. */
    if (strcmp(name, own) != 0)
        return true;
    status = cache_peek(cache, uid, &held);
    if (status == STATUS_NOT_FOUND)
        export_remove(cache, number);
    else if (status == STATUS_OK && !shows(exports->folder, name, &held))
        mend(cache, uid);
    grant_clear(&held);
    return true;
}

void
cache_sweep_exports(struct cache *cache)
{
    struct exports exports = { cache, open_folder(cache, false) };

    if (exports.folder < 0)
        return;
    if (folder_each(exports.folder, sweep_export, &exports) != STATUS_OK)
        log_line(cache->log, LOG_ERR,
                 "the exported tokens cannot be looked "
                 "through: %m");
    close(exports.folder);
}
