/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * landlock.c - sandbox_paths: files can be read in a few places, no more.
 *
 * See landlock(7).  The numbers of newer kernels are written out here,
 * because Debian 12's headers end at the second version of the interface.
 */
#include "helper/sandbox.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What struct landlock_ruleset_attr has grown to; older kernels take it as
 * long as what they do not know is 0. */
struct ruleset {
    uint64_t fs;
    uint64_t net;
    uint64_t scoped;
};

enum {
    BIND_TCP = 1,             /* version 4 */
    SCOPE_ABSTRACT_UNIX = 1,  /* version 6 */
    SCOPE_SIGNAL = 2,         /* version 6 */
    CA_ENTRIES_MAX = 8 * 1024 /* a hashed folder has a few hundred */
};

/* Every right over files that version ABI knows. */
static uint64_t
all_rights(int abi)
{
    uint64_t rights = (UINT64_C(1) << 13) - 1;

    if (abi >= 2)
        rights |= UINT64_C(1) << 13; /* REFER */
    if (abi >= 3)
        rights |= UINT64_C(1) << 14; /* TRUNCATE */
    if (abi >= 5)
        rights |= UINT64_C(1) << 15; /* IOCTL_DEV */
    return rights;
}

/* Allows reading PATH and, if it is a folder, what is beneath; links on the
 * way are followed.  A path that is not there allows nothing. */
static bool
allow(int ruleset, const char *path)
{
    struct landlock_path_beneath_attr beneath = { 0 };
    struct stat about;
    bool done = false;
    int fd = open(path, O_PATH | O_CLOEXEC);

    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR || errno == EACCES;
    if (fstat(fd, &about) == 0) {
        beneath.parent_fd = fd;
        beneath.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE;
        if (S_ISDIR(about.st_mode))
            beneath.allowed_access |= LANDLOCK_ACCESS_FS_READ_DIR;
        done = syscall(SYS_landlock_add_rule, ruleset,
                       LANDLOCK_RULE_PATH_BENEATH, &beneath, 0)
               == 0;
    }
    close(fd);
    return done;
}

/* A hashed CA folder consists of links, and a link is as readable as what it
 * points to. */
static bool
allow_links(int ruleset, const char *folder)
{
    int count = 0;
    bool done = true;
    DIR *entries = opendir(folder);
    const struct dirent *entry;

    if (entries == NULL)
        return true; /* a file, or unreadable */
    while (done && count++ < CA_ENTRIES_MAX
           && (entry = readdir(entries)) != NULL) {
        char *path = NULL;

        if ((entry->d_type != DT_LNK && entry->d_type != DT_UNKNOWN)
            || strcmp(entry->d_name, ".") == 0
            || strcmp(entry->d_name, "..") == 0)
            continue;
        done = asprintf(&path, "%s/%s", folder, entry->d_name) >= 0;
        if (done) {
            done = allow(ruleset, path);
            free(path);
        }
    }
    closedir(entries);
    return done;
}

enum status
sandbox_paths(const char *extra, const char **step)
{
    /* NSS modules are loaded inside getaddrinfo, OpenSSL reads its
     * configuration, and resolv.conf may be a link into /run. */
    static const char *const places[] = { "/etc", "/usr", "/lib", "/lib64",
                                          "/run" };
    struct ruleset attributes = { 0 };
    enum status status = STATUS_SYSTEM;
    int ruleset;
    long abi;

    *step = "asking for Landlock";
    abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
                  LANDLOCK_CREATE_RULESET_VERSION);
    if (abi < 1)
        return STATUS_UNSUPPORTED;

    *step = "making a Landlock rule set";
    attributes.fs = all_rights((int)abi);
    if (abi >= 4)
        attributes.net = BIND_TCP;
    if (abi >= 6)
        attributes.scoped = SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL;
    ruleset = (int)syscall(SYS_landlock_create_ruleset, &attributes,
                           sizeof(attributes), 0);
    if (ruleset < 0)
        return STATUS_SYSTEM;

    *step = "adding a Landlock rule";
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
        if (!allow(ruleset, places[i]))
            goto out;
    if (extra != NULL
        && (!allow(ruleset, extra) || !allow_links(ruleset, extra)))
        goto out;
    *step = "entering Landlock";
    if (syscall(SYS_landlock_restrict_self, ruleset, 0) == 0)
        status = STATUS_OK;
out:
    close(ruleset);
    return status;
}
