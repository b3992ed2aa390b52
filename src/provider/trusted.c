/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * trusted.c - files that only root may have written.
 *
 * It refuses to read what somebody else could have put there.
 */
#include "provider/trusted.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CHUNK 4096

const char *
trusted_problem(const struct stat *status, bool secret)
{
    mode_t mode = status->st_mode;

    if (status->st_uid != 0 && status->st_uid != geteuid())
        return "belongs to somebody else than root";
    if ((mode & (S_IWGRP | S_IWOTH)) != 0)
        return "may be written to by others: chmod go-w";
    if (secret && (mode & S_IRWXO) != 0)
        return "holds a secret that others may read: chmod go=";
    if (secret && status->st_gid != 0 && (mode & S_IRWXG) != 0)
        return "holds a secret that its group may read: chmod go=";
    return NULL;
}

static enum status
read_all(int fd, struct secret *out, int *error)
{
    char chunk[CHUNK];
    enum status status = STATUS_OK;
    ssize_t got;

    *error = 0;
    do {
        got = read(fd, chunk, sizeof(chunk));
        if (got > 0)
            status = secret_append(out, chunk, (size_t)got);
    } while (status == STATUS_OK && (got > 0 || (got < 0 && errno == EINTR)));
    if (got < 0)
        *error = errno;
    secret_wipe(chunk, sizeof(chunk));
    return status;
}

enum status
trusted_read(const char *path, bool secret, struct secret *out, char *why,
             size_t why_size)
{
    /* O_NONBLOCK: opening a pipe must not wait for its writer. */
    int fd =
        open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    enum status status = STATUS_MISCONFIGURED;
    const char *clause;
    struct stat file;
    int error;

    secret_clear(out);
    if (fd < 0 && errno == ELOOP) {
        snprintf(why, why_size, "is a symbolic link");
        goto out;
    }
    if (fd < 0 || fstat(fd, &file) != 0) {
        snprintf(why, why_size, "cannot be opened: %s", strerror(errno));
        goto out;
    }
    clause = S_ISREG(file.st_mode) ? trusted_problem(&file, secret)
                                   : "is no regular file";
    if (clause != NULL) {
        snprintf(why, why_size, "%s", clause);
        goto out;
    }
    status = read_all(fd, out, &error);
    if (status == STATUS_SYSTEM) {
        snprintf(why, why_size, "is longer than %zu bytes", out->limit);
        status = STATUS_MISCONFIGURED;
    } else if (status == STATUS_OK && error != 0) {
        snprintf(why, why_size, "cannot be read: %s", strerror(error));
        status = STATUS_MISCONFIGURED;
    }

out:
    if (status != STATUS_OK)
        secret_clear(out);
    if (fd >= 0)
        close(fd);
    return status;
}

char *
trusted_path(const char *conf, const char *name)
{
    const char *slash = strrchr(conf, '/');
    char *path;
    int length;

    if (name[0] == '/' || slash == NULL)
        return strdup(name);
    length = asprintf(&path, "%.*s/%s", (int)(slash - conf), conf, name);
    return length < 0 ? NULL : path;
}

const char *
trusted_trim(struct secret *bytes)
{
    size_t length = bytes->length;
    const char *text = secret_text(bytes);

    if (length > 0 && text[length - 1] == '\n')
        length--;
    if (length < bytes->length && length > 0 && text[length - 1] == '\r')
        length--;
    if (length == 0)
        return "the file is empty";
    if (memchr(text, '\0', length) != NULL
        || memchr(text, '\r', length) != NULL
        || memchr(text, '\n', length) != NULL)
        return "the file holds more than one line, or a NUL";
    if (length > TRUSTED_LINE_MAX)
        return "the file is longer than 8 KiB";
    if (secret_resize(bytes, length) != STATUS_OK)
        return "out of memory";
    return NULL;
}
