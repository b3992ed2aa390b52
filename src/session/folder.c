/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * folder.c - folders and files that only root can have made.
 */
#include "session/folder.h"
#include "base/clock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOCK_POLL_MS 5
#define OPEN_FOLDER (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* Whether nobody but root and us can change what the folder holds. */
static bool
trusted(const struct stat *info)
{
    if (info->st_uid != 0 && info->st_uid != geteuid())
        return false;
    return (info->st_mode & (S_IWGRP | S_IWOTH)) == 0
           || (info->st_mode & S_ISVTX) != 0;
}

static int
open_component(int parent, const char *name, const char **why)
{
    int descriptor = openat(parent, name, OPEN_FOLDER);
    struct stat info;

    if (descriptor < 0) {
        *why = errno == ENOENT  ? "does not exist"
               : errno == ELOOP ? "is a link"
                                : "cannot be opened as a folder";
        return -1;
    }
    if (fstat(descriptor, &info) != 0 || !trusted(&info)) {
        *why = "can be changed by somebody other than root";
        close(descriptor);
        return -1;
    }
    return descriptor;
}

int
folder_open_path(const char *path, const char **why)
{
    char name[256];
    struct stat info;
    int descriptor;

    if (*path != '/') {
        *why = "is not an absolute path";
        return -1;
    }
    descriptor = open_component(AT_FDCWD, "/", why);
    while (descriptor >= 0 && *path != '\0') {
        size_t length;
        int next;

        path += strspn(path, "/");
        length = strcspn(path, "/");
        if (length == 0)
            break;
        if (length >= sizeof(name)) {
            *why = "has too long a name in it";
            close(descriptor);
            return -1;
        }
        memcpy(name, path, length);
        name[length] = '\0';
        next = open_component(descriptor, name, why);
        close(descriptor);
        descriptor = next;
        path += length;
    }
    if (descriptor >= 0
        && (fstat(descriptor, &info) != 0
            || (info.st_mode & (S_IWGRP | S_IWOTH)) != 0)) {
        *why = "can be changed by somebody other than root";
        close(descriptor);
        return -1;
    }
    return descriptor;
}

int
folder_open(int parent, const char *name, bool create)
{
    struct stat info;
    bool made = false;
    int descriptor;

    if (create) {
        if (mkdirat(parent, name, 0700) == 0)
            made = true;
        else if (errno != EEXIST)
            return -1;
    }
    descriptor = openat(parent, name, OPEN_FOLDER);
    if (descriptor < 0)
        return -1;
    /* The host's umask may have taken bits that we need. */
    if (made && fchmod(descriptor, 0700) != 0)
        goto fail;
    if (fstat(descriptor, &info) != 0)
        goto fail;
    if (info.st_uid != geteuid() || (info.st_mode & 077) != 0) {
        errno = EPERM;
        goto fail;
    }
    return descriptor;
fail:
    close(descriptor);
    return -1;
}

void
folder_close(int descriptor)
{
    int saved = errno;

    if (descriptor >= 0)
        close(descriptor);
    errno = saved;
}

enum status
folder_sync(int folder, const char *name)
{
    int file = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    bool synced = file >= 0 && fsync(file) == 0 && fsync(folder) == 0;

    folder_close(file);
    return synced ? STATUS_OK : STATUS_SYSTEM;
}

bool
folder_is(int parent, const char *name, int descriptor)
{
    struct stat named, held;

    if (fstatat(parent, name, &named, AT_SYMLINK_NOFOLLOW) != 0)
        return errno != ENOENT;
    return fstat(descriptor, &held) != 0
           || (named.st_dev == held.st_dev && named.st_ino == held.st_ino);
}

/* Polls instead of blocking: a blocked flock could only be ended by a signal,
 * and signals belong to the host, whose own may cut every pause short. */
static enum status
lock(int descriptor, int how, int wait_ms)
{
    const struct timespec pause = { .tv_nsec = LOCK_POLL_MS * 1000000L };
    const int64_t deadline = clock_ms() + wait_ms;

    for (;;) {
        if (flock(descriptor, how | LOCK_NB) == 0)
            return STATUS_OK;
        if (errno != EWOULDBLOCK && errno != EINTR)
            return STATUS_SYSTEM;
        if (clock_left(deadline) == 0)
            return STATUS_BUSY;
        nanosleep(&pause, NULL);
    }
}

enum status
folder_lock(int descriptor, int wait_ms)
{
    return lock(descriptor, LOCK_EX, wait_ms);
}

enum status
folder_share(int descriptor, int wait_ms)
{
    return lock(descriptor, LOCK_SH, wait_ms);
}

void
folder_unlock(int descriptor)
{
    if (descriptor >= 0)
        (void)flock(descriptor, LOCK_UN);
    folder_close(descriptor);
}

enum status
folder_each(int descriptor, bool (*visit)(void *context, const char *name),
            void *context)
{
    enum status status = STATUS_OK;
    struct dirent *item;
    DIR *stream;
    int own = openat(descriptor, ".", OPEN_FOLDER);

    if (own < 0)
        return STATUS_SYSTEM;
    stream = fdopendir(own);
    if (stream == NULL) {
        close(own);
        return STATUS_SYSTEM;
    }
    /* An error must not look like the end: nobody is counted out by it. */
    while (errno = 0, (item = readdir(stream)) != NULL)
        if (strcmp(item->d_name, ".") != 0 && strcmp(item->d_name, "..") != 0
            && !visit(context, item->d_name))
            break;
    if (item == NULL && errno != 0)
        status = STATUS_SYSTEM;
    closedir(stream);
    return status;
}

static enum status
read_all(int file, size_t size, struct secret *out)
{
    enum status status = secret_resize(out, size);
    size_t got = 0;

    while (status == STATUS_OK && got < size) {
        ssize_t count = read(file, out->data + got, size - got);

        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0) {
            if (count == 0)
                errno = EIO;
            status = STATUS_SYSTEM;
            break;
        }
        got += (size_t)count;
    }
    return status;
}

enum status
folder_read(int folder, const char *name, struct secret *out)
{
    enum status status = STATUS_SYSTEM;
    struct stat info;
    int file;

    secret_clear(out);
    /* O_NONBLOCK: a fifo somebody put there must not hold us. */
    file =
        openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (file < 0)
        return errno == ENOENT ? STATUS_NOT_FOUND : STATUS_SYSTEM;
    if (fstat(file, &info) != 0)
        goto out;
    if (!S_ISREG(info.st_mode) || info.st_uid != geteuid()
        || (info.st_mode & 077) != 0) {
        errno = EPERM;
        goto out;
    }
    if (info.st_size < 0 || (size_t)info.st_size > out->limit) {
        errno = EFBIG;
        goto out;
    }
    status = read_all(file, (size_t)info.st_size, out);
out:
    close(file);
    if (status != STATUS_OK)
        secret_clear(out);
    return status;
}

static bool
write_all(int file, const struct secret *bytes)
{
    size_t done = 0;

    while (done < bytes->length) {
        ssize_t count = write(file, bytes->data + done, bytes->length - done);

        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return false;
        done += (size_t)count;
    }
    return true;
}

enum status
folder_write(int folder, const char *name, const struct secret *bytes)
{
    char id[ID_SIZE], fresh[ID_SIZE + 8];
    bool written;
    int file, saved;

    if (folder_random_id(id) != STATUS_OK)
        return STATUS_SYSTEM;
    snprintf(fresh, sizeof(fresh), ".new-%s", id);
    file = openat(folder, fresh,
                  O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file < 0)
        return STATUS_SYSTEM;
    written = fchmod(file, 0600) == 0 && write_all(file, bytes);
    saved = errno;
    /* A full disk may first be told at close. */
    if (close(file) != 0 && written) {
        saved = errno;
        written = false;
    }
    if (written && renameat(folder, fresh, folder, name) == 0)
        return STATUS_OK;
    if (written)
        saved = errno;
    unlinkat(folder, fresh, 0);
    errno = saved;
    return STATUS_SYSTEM;
}

enum status
folder_random_id(char id[ID_SIZE])
{
    unsigned char bytes[(ID_SIZE - 1) / 2];

    id[0] = '\0';
    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
        return STATUS_SYSTEM;
    for (size_t i = 0; i < sizeof(bytes); i++)
        snprintf(id + 2 * i, 3, "%02x", bytes[i]);
    return STATUS_OK;
}

bool
folder_id_valid(const char *text)
{
    return strlen(text) == ID_SIZE - 1
           && strspn(text, "0123456789abcdef") == ID_SIZE - 1;
}
