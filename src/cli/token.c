/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * token.c - authapi token: the caller's own access token, for a program.
 *
 * It refuses to print one that has expired, and needs no right that its user
 * has not.
 */
#include "base/message.h"
#include "cli/cli.h"
#include "session/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define VARIABLE "AUTHAPI_TOKEN_FILE"

/* The file: --realm's, else the session's own, else the default realm's. */
static char *
find_path(const struct arguments *arguments)
{
    const char *told = getenv(VARIABLE);

    if (arguments->realm == NULL && told != NULL && told[0] != '\0')
        return strdup(told);
    return export_path(RUNDIR,
                       arguments->realm != NULL ? arguments->realm : "default",
                       getuid());
}

static int
refuse(const char *path, const char *why)
{
    fprintf(stderr, "authapi: no token: %s %s\n", path, why);
    return EXIT_REFUSED;
}

static int
print(const char *path)
{
    char token[ACCESS_MAX + 1];
    struct stat info;
    ssize_t length = 0;
    int file = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    if (file < 0)
        return refuse(path,
                      errno == ENOENT || errno == EACCES
                          ? "is not there for you: sign in with a password "
                            "where the session line of PAM says export=file"
                          : strerror(errno));
    /* One's own: root is not made to print what a variable names. */
    if (fstat(file, &info) != 0 || !S_ISREG(info.st_mode)
        || info.st_uid != getuid()) {
        close(file);
        return refuse(path, "is not a file of yours");
    }
    length = read(file, token, sizeof(token));
    close(file);
    if (length <= 0 || length > ACCESS_MAX)
        return refuse(path, "holds none");
    if (info.st_mtime != 0 && info.st_mtime <= time(NULL))
        return refuse(path, "has expired, and the API was not asked for "
                            "another one yet: see \"authapi sweep\"");
    if (fwrite(token, 1, (size_t)length, stdout) != (size_t)length
        || putchar('\n') == EOF || fflush(stdout) != 0) {
        fprintf(stderr, "authapi: the token cannot be printed\n");
        return EXIT_SYSTEM;
    }
    secret_wipe(token, sizeof(token));
    return EXIT_OK;
}

int
verb_token(const struct arguments *arguments)
{
    char *path = find_path(arguments);
    int code;

    if (path == NULL) {
        fprintf(stderr, "authapi: out of memory\n");
        return EXIT_SYSTEM;
    }
    code = print(path);
    free(path);
    return code;
}
