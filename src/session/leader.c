/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * leader.c - the process that opened a session, and whether it still runs.
 */
#include "session/leader.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

ssize_t
leader_read(const char *path, char *text, size_t size)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t count;
    int saved;

    if (file < 0)
        return -1;
    errno = 0;
    count = read(file, text, size - 1);
    saved = errno;
    close(file);
    errno = saved;
    if (count >= 0)
        text[count] = '\0';
    return count;
}

/* The number that stands at *AT, which then is behind it; -1: there is none.
 */
static int64_t
take_number(char **at)
{
    char *end;
    int64_t number;

    errno = 0;
    number = strtoll(*at, &end, 10);
    if (errno != 0 || end == *at)
        return -1;
    *at = end;
    return number;
}

/* Reads fields 3 to 22 of proc(5) /proc/PID/stat.  1; 0 when there is no such
 * process or it only waits to be taken off the table, -1 when it cannot be
 * told. */
static int
read_stat(int64_t pid, struct process *process)
{
    int64_t fields[23] = { 0 };
    char path[64], text[1024];
    char *at;

    snprintf(path, sizeof(path), "/proc/%" PRId64 "/stat", pid);
    if (leader_read(path, text, sizeof(text)) <= 0)
        return errno == ENOENT || errno == ESRCH ? 0 : -1;
    /* The command's name is in parentheses and may hold spaces and ")". */
    at = strrchr(text, ')');
    if (at == NULL || at[1] != ' ' || at[2] == '\0')
        return -1;
    if (at[2] == 'Z' || at[2] == 'X')
        return 0;
    at += 3;
    for (int field = 4; field <= 22; field++)
        fields[field] = take_number(&at);
    *process = (struct process){ .parent = fields[4],
                                 .session = fields[6],
                                 .terminal = fields[7],
                                 .started_at = fields[22] };
    return process->started_at > 0 ? 1 : -1;
}

bool
leader_stat(int64_t pid, struct process *process)
{
    *process = (struct process){ 0 };
    return read_stat(pid, process) == 1;
}

/* 0 when there is no such process, -1 when it cannot be told. */
static int64_t
start_time(int64_t pid)
{
    struct process process;
    int found = read_stat(pid, &process);

    return found == 1 ? process.started_at : found;
}

static int64_t
own_namespace(void)
{
    struct stat info;

    if (stat("/proc/self/ns/pid", &info) != 0)
        return -1;
    return (int64_t)info.st_ino;
}

static bool
own_boot(char *text, size_t size)
{
    if (leader_read("/proc/sys/kernel/random/boot_id", text, size) <= 0)
        return false;
    text[strcspn(text, "\n")] = '\0';
    return true;
}

enum status
leader_record_self(struct session_record *record)
{
    char boot[65];

    record->leader = getpid();
    record->started_at = start_time(record->leader);
    record->pid_namespace = own_namespace();
    if (record->started_at <= 0 || record->pid_namespace <= 0
        || !own_boot(boot, sizeof(boot)))
        return STATUS_SYSTEM;
    free(record->boot_id);
    record->boot_id = strdup(boot);
    return record->boot_id != NULL ? STATUS_OK : STATUS_NO_MEMORY;
}

void
vantage_take(struct vantage *vantage)
{
    if (!own_boot(vantage->boot_id, sizeof(vantage->boot_id)))
        vantage->boot_id[0] = '\0';
    vantage->pid_namespace = own_namespace();
}

bool
leader_running(const struct vantage *vantage,
               const struct session_record *record)
{
    int64_t started;

    if (vantage->boot_id[0] == '\0')
        return true;
    if (record->boot_id == NULL
        || strcmp(vantage->boot_id, record->boot_id) != 0)
        return false;
    if (vantage->pid_namespace != record->pid_namespace)
        return true;
    started = start_time(record->leader);
    return started < 0 || (started > 0 && started == record->started_at);
}

bool
leader_here(const struct session_record *record)
{
    struct vantage vantage;

    vantage_take(&vantage);
    return vantage.boot_id[0] != '\0' && record->boot_id != NULL
           && strcmp(vantage.boot_id, record->boot_id) == 0
           && vantage.pid_namespace == record->pid_namespace
           && record->started_at > 0
           && start_time(record->leader) == record->started_at;
}
