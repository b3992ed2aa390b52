/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sandbox.c - limits, identity and dumpability of the helper.
 */
#include "helper/sandbox.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <malloc.h>
#include <pthread.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MIB = 1024 * 1024 };

/* Sets both limits to VALUE; where raising is refused, to the highest that is
 * allowed. */
static void
limit(__rlimit_resource_t resource, rlim_t value)
{
    struct rlimit now;
    struct rlimit wanted = { value, value };

    if (setrlimit(resource, &wanted) == 0 || getrlimit(resource, &now) != 0)
        return;
    if (now.rlim_max == RLIM_INFINITY || now.rlim_max > value)
        now.rlim_max = value;
    now.rlim_cur = now.rlim_max;
    (void)setrlimit(resource, &now);
}

void
sandbox_limit(void)
{
    pthread_attr_t attributes;

    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_FSIZE, 0);
    /* Not a hardening, since all helpers share their uid; but getaddrinfo
     * needs a thread, and the caller's limit may be 0. */
    limit(RLIMIT_NPROC, 4096);
    limit(RLIMIT_NOFILE, 128);
    limit(RLIMIT_STACK, 8 * MIB);
#ifndef SANDBOX_SANITIZED
    limit(RLIMIT_AS, 256 * MIB);
    limit(RLIMIT_DATA, 256 * MIB);
#endif
    /* Threads were given the stack size of the limit we were started with,
     * and one arena each would reserve half of the address space. */
    if (pthread_attr_init(&attributes) == 0) {
        if (pthread_attr_setstacksize(&attributes, 2 * MIB) == 0)
            (void)pthread_setattr_default_np(&attributes);
        pthread_attr_destroy(&attributes);
    }
    (void)mallopt(M_ARENA_MAX, 1);
}

/* The bounding set can only be emptied while we still may. */
static bool
drop_bounding(void)
{
    for (unsigned long capability = 0; capability < 64; capability++) {
        int held = prctl(PR_CAPBSET_READ, capability, 0, 0, 0);

        if (held < 0)
            return errno == EINVAL && capability > 0;
        if (held == 1 && prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0)
            return false;
    }
    return true;
}

static bool
empty_capabilities(void)
{
    struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3,
                                               0 };
    struct __user_cap_data_struct sets[2];

    memset(sets, 0, sizeof(sets));
    if (syscall(SYS_capset, &header, sets) != 0)
        return false;
    memset(sets, 0xff, sizeof(sets));
    if (syscall(SYS_capget, &header, sets) != 0)
        return false;
    for (int i = 0; i < 2; i++)
        if (sets[i].effective != 0 || sets[i].permitted != 0
            || sets[i].inheritable != 0) {
            errno = EPERM;
            return false;
        }
    return true;
}

/* Whether we are UID and GID in every respect, and root is out of reach. */
static bool
dropped(uid_t uid, gid_t gid)
{
    uid_t uids[3];
    gid_t gids[3];
    bool same = getresuid(&uids[0], &uids[1], &uids[2]) == 0
                && getresgid(&gids[0], &gids[1], &gids[2]) == 0;

    for (int i = 0; i < 3 && same; i++)
        same = uids[i] == uid && gids[i] == gid;
    if (!same || getgroups(0, NULL) != 0 || setuid(0) == 0 || setgid(0) == 0) {
        errno = EPERM;
        return false;
    }
    return true;
}

enum status
sandbox_drop(uid_t uid, gid_t gid, const char **step)
{
    errno = 0;
    *step = "finding a user that is not root";
    if (uid == 0 || gid == 0)
        return STATUS_SYSTEM;
    *step = "giving up new privileges";
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return STATUS_SYSTEM;
    *step = "emptying the bounding set";
    if (prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) != 0 || !drop_bounding())
        return STATUS_SYSTEM;
    *step = "leaving all groups";
    if (setgroups(0, NULL) != 0)
        return STATUS_SYSTEM;
    *step = "taking the helper's group";
    if (setresgid(gid, gid, gid) != 0)
        return STATUS_SYSTEM;
    *step = "taking the helper's uid";
    if (setresuid(uid, uid, uid) != 0)
        return STATUS_SYSTEM;
    *step = "emptying the capabilities";
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0
        || !empty_capabilities())
        return STATUS_SYSTEM;
    *step = "checking that root is out of reach";
    return dropped(uid, gid) ? STATUS_OK : STATUS_SYSTEM;
}

enum status
sandbox_hide(const char **step)
{
    *step = "becoming not dumpable";
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0
        || prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
        return STATUS_SYSTEM;
    return STATUS_OK;
}
