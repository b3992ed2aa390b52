/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * spawn.h - start a program of ours from inside somebody else's process.
 *
 * The host may have threads, signal handlers, odd descriptors and a hostile
 * environment.  The child gets none of it, and the host keeps all of it:
 * posix_spawn(3), a fixed empty environment, /dev/null on 0 to 2, default
 * signals, a session of its own (else the user's Ctrl-Z stops it).  This file
 * refuses to signal anything but through a pidfd.
 */
#ifndef AUTHAPI_SESSION_SPAWN_H
#define AUTHAPI_SESSION_SPAWN_H

#include "base/status.h"

#include <sys/types.h>

struct child {
    pid_t pid;
    int pidfd; /* -1: gone, or never to be had */
};

/* Starts PATH with ARGV.  DESCRIPTOR becomes its HELPER_SOCKET; -1: none.
 * STATUS_OK; STATUS_MISCONFIGURED with errno when the program cannot be
 * started; STATUS_SYSTEM with errno otherwise.  End with child_reap. */
enum status child_spawn(const char *path, char *const argv[], int descriptor,
                        struct child *child) MUST_USE;

/* Waits at most WAIT_MS for the child to end, then kills it, and takes it off
 * the process table, however the host treats its children. */
void child_reap(struct child *child, int wait_ms);

/* The same, but a child that has not ended by then goes on. */
void child_leave(struct child *child, int wait_ms);

#endif
