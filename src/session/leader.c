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

/* Reads a small /proc file as a C string; the length, or -1 with errno. */
static ssize_t
read_proc(const char *path, char *text, size_t size)
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

/* Field 22 of proc(5) /proc/PID/stat; 0 when there is no such process or it
 * only waits to be taken off the table, -1 when it cannot be told. */
static int64_t
start_time(int64_t pid)
{
    char path[64], text[1024];
    char *at;
    int64_t ticks;

    snprintf(path, sizeof(path), "/proc/%" PRId64 "/stat", pid);
    if (read_proc(path, text, sizeof(text)) <= 0)
        return errno == ENOENT || errno == ESRCH ? 0 : -1;
    /* The command's name is in parentheses and may hold spaces and ")". */
    at = strrchr(text, ')');
    if (at != NULL && at[1] == ' ' && (at[2] == 'Z' || at[2] == 'X'))
        return 0;
    for (int field = 2; at != NULL && field < 22; field++) {
        at = strchr(at, ' ');
        if (at != NULL)
            at++;
    }
    if (at == NULL)
        return -1;
    errno = 0;
    ticks = strtoll(at, NULL, 10);
    return errno == 0 && ticks > 0 ? ticks : -1;
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
    if (read_proc("/proc/sys/kernel/random/boot_id", text, size) <= 0)
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

bool
leader_running(const struct session_record *record)
{
    char boot[65];
    int64_t started;

    if (!own_boot(boot, sizeof(boot)))
        return true;
    if (record->boot_id == NULL || strcmp(boot, record->boot_id) != 0)
        return false;
    if (own_namespace() != record->pid_namespace)
        return true;
    started = start_time(record->leader);
    return started < 0 || (started > 0 && started == record->started_at);
}
