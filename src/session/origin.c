/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * origin.c - which login session a process belongs to.
 */
#include "session/origin.h"
#include "session/leader.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* proc(5), /proc/PID/sessionid: no audit session. */
#define UNSET UINT32_MAX
/* So many generations at most. */
#define DEPTH_MOST 64

/* The audit session of a process, PID in decimal or "self"; 0: none, -1: it
 * cannot be told. */
static int64_t
audit_session(const char *pid)
{
    char path[64], text[32], *end;
    unsigned long number;

    snprintf(path, sizeof(path), "/proc/%s/sessionid", pid);
    if (leader_read(path, text, sizeof(text)) <= 0)
        return -1;
    number = strtoul(text, &end, 10);
    if (end == text || number > UNSET)
        return -1;
    return number == UNSET ? 0 : (int64_t)number;
}

int64_t
origin_audit_opened(void)
{
    int64_t own = audit_session("self"), parents = -1;
    char parent[32];

    /* A parent in another pid namespace is 0. */
    if (getppid() > 0) {
        snprintf(parent, sizeof(parent), "%" PRId64, (int64_t)getppid());
        parents = audit_session(parent);
    }
    return own <= 0 || parents < 0 || own == parents ? 0 : own;
}

struct origin
origin_here(void)
{
    struct origin origin = { .audit = audit_session("self") };
    struct process self, shell;

    if (origin.audit < 0)
        origin.audit = 0;
    if (!leader_stat(getpid(), &self) || self.terminal == 0
        || !leader_stat(self.session, &shell))
        return origin;
    origin.terminal = self.terminal;
    origin.shell = self.session;
    origin.shell_started_at = shell.started_at;
    return origin;
}

/* Whether the process PID descends from the leader of RECORD, or is it. */
static bool
descends(int64_t pid, const struct session_record *record)
{
    int64_t born_at = INT64_MAX;

    for (int i = 0; i < DEPTH_MOST && pid > 1; i++) {
        struct process process;

        /* A parent that is younger than its child has only its pid. */
        if (!leader_stat(pid, &process) || process.started_at > born_at)
            return false;
        born_at = process.started_at;
        if (pid == record->leader)
            return process.started_at == record->started_at;
        pid = process.parent;
    }
    return false;
}

bool
origin_within(const struct origin *origin, const struct session_record *record)
{
    if (!leader_here(record))
        return false;
    if (record->audit != 0 && origin->audit != 0)
        return record->audit == origin->audit;
    if (origin->terminal == 0 || origin->shell_started_at <= 0
        || !descends(origin->shell, record))
        return false;
    /* Until a password was typed, or not asked for, at a terminal, none is
     * named. */
    return record->terminal == 0
           || (record->terminal == origin->terminal
               && record->shell == origin->shell
               && record->shell_started_at == origin->shell_started_at);
}
