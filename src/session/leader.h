/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * leader.h - the process that opened a session, and whether it still runs.
 *
 * A pid alone is reused; a pid with its start time and the boot is not.  This
 * file refuses to guess: where it cannot look, a session counts as running.
 */
#ifndef AUTHAPI_SESSION_LEADER_H
#define AUTHAPI_SESSION_LEADER_H

#include "base/grant.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Fills in leader, started_at, pid_namespace and boot_id for this process.
 * STATUS_OK, STATUS_SYSTEM (no /proc), STATUS_NO_MEMORY. */
enum status leader_record_self(struct session_record *record) MUST_USE;

/* Where we look from; taken once to look at many. */
struct vantage {
    char boot_id[65]; /* "": it cannot be told */
    int64_t pid_namespace;
};

void vantage_take(struct vantage *vantage);

/* Whether the record's leader still runs.  One of another boot never does;
 * one of another pid namespace counts as running. */
bool leader_running(const struct vantage *vantage,
                    const struct session_record *record) MUST_USE;

/* The same without the benefit of the doubt: it runs, under this boot and in
 * this pid namespace. */
bool leader_here(const struct session_record *record) MUST_USE;

/* What proc(5) /proc/PID/stat says of a process. */
struct process {
    int64_t parent;     /* pid */
    int64_t session;    /* pid of the leader of its process session */
    int64_t terminal;   /* device of the controlling one; 0: none */
    int64_t started_at; /* clock ticks since boot */
};

/* Looks at the process PID; false when it is gone or cannot be looked at. */
bool leader_stat(int64_t pid, struct process *process) MUST_USE;

/* Reads the small file PATH of /proc as a C string; the length, or -1 with
 * errno. */
ssize_t leader_read(const char *path, char *text, size_t size) MUST_USE;

#endif
