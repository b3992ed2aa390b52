/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * spawn.c - start a program of ours from inside somebody else's process.
 */
#include "session/spawn.h"
#include "base/clock.h"
#include "base/message.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* A killed child is gone at once unless it is frozen; then we leave it. */
#define KILL_WAIT_MS 500

static int
set_actions(posix_spawn_file_actions_t *actions, int descriptor)
{
    int error = 0;

    /* Before 0 to 2 are replaced: the socket may be one of them. */
    if (descriptor >= 0)
        error = posix_spawn_file_actions_adddup2(actions, descriptor,
                                                 HELPER_SOCKET);
    for (int i = 0; i < HELPER_SOCKET && error == 0; i++)
        error = posix_spawn_file_actions_addopen(actions, i, "/dev/null",
                                                 O_RDWR, 0);
    if (error == 0)
        error = posix_spawn_file_actions_addclosefrom_np(
            actions, HELPER_SOCKET + (descriptor >= 0 ? 1 : 0));
    return error;
}

static int
set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t every, none;
    int error;

    sigfillset(&every);
    sigemptyset(&none);
    error = posix_spawnattr_setsigdefault(attributes, &every);
    if (error == 0)
        error = posix_spawnattr_setsigmask(attributes, &none);
    if (error == 0)
        error = posix_spawnattr_setflags(
            attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK
                            | POSIX_SPAWN_SETSID);
    return error;
}

enum status
child_spawn(const char *path, char *const argv[], int descriptor,
            struct child *child)
{
    char *const environment[] = { NULL };
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    enum status status = STATUS_SYSTEM;
    int error, reserved;

    child->pid = -1;
    child->pidfd = -1;
    /* A place for the pidfd, so that no child starts that none can kill. */
    reserved = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (reserved < 0)
        return STATUS_SYSTEM;
    error = posix_spawn_file_actions_init(&actions);
    if (error != 0) {
        close(reserved);
        errno = error;
        return STATUS_SYSTEM;
    }
    error = posix_spawnattr_init(&attributes);
    if (error != 0)
        goto out;
    error = set_actions(&actions, descriptor);
    if (error == 0)
        error = set_attributes(&attributes);
    if (error == 0) {
        error = posix_spawn(&child->pid, path, &actions, &attributes, argv,
                            environment);
        if (error == ENOENT || error == EACCES || error == ENOEXEC)
            status = STATUS_MISCONFIGURED;
    }
    posix_spawnattr_destroy(&attributes);
out:
    posix_spawn_file_actions_destroy(&actions);
    close(reserved);
    if (error != 0) {
        child->pid = -1;
        errno = error;
        return status;
    }
    child->pidfd = pidfd_open(child->pid, 0);
    return STATUS_OK;
}

/* Whether the child ended within WAIT_MS, signals to the host or not. */
static bool
ended(const struct child *child, int wait_ms)
{
    struct pollfd watch = { .fd = child->pidfd, .events = POLLIN };
    const int64_t deadline = clock_ms() + wait_ms;

    for (;;) {
        int count = poll(&watch, 1, clock_left(deadline));

        if (count >= 0 || errno != EINTR)
            return count > 0;
    }
}

/* Takes what has ended off the process table, however the host treats its
 * children. */
static void
take_off(struct child *child)
{
    siginfo_t info;

    /* ECHILD: the host ignores SIGCHLD or has taken it; either is fine. */
    waitid(P_PIDFD, (id_t)child->pidfd, &info, WEXITED | WNOHANG);
    close(child->pidfd);
    child->pidfd = -1;
    child->pid = -1;
}

void
child_reap(struct child *child, int wait_ms)
{
    if (child->pidfd >= 0 && !ended(child, wait_ms)) {
        pidfd_send_signal(child->pidfd, SIGKILL, NULL, 0);
        (void)ended(child, KILL_WAIT_MS);
    }
    child_leave(child, 0);
}

void
child_leave(struct child *child, int wait_ms)
{
    if (child->pidfd < 0) {
        /* No pidfd: nothing may be killed, but what has ended is taken. */
        if (child->pid > 0)
            waitpid(child->pid, NULL, WNOHANG);
        return;
    }
    (void)ended(child, wait_ms);
    take_off(child);
}
