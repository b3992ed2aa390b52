/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * host.c - looks at this process from inside, through /proc and libc.
 *
 * It only looks: it refuses to change what it reports.
 */
#include "host.h"

#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

/* Of /proc/self/status. */
static const char *const status_lines[] = {
    "Umask:",  "Uid:",    "Gid:",    "Groups:", "Threads:",    "SigBlk:",
    "SigIgn:", "SigCgt:", "CapEff:", "CapPrm:", "NoNewPrivs:", "Seccomp:"
};

static FILE *
must_open(const char *path)
{
    FILE *file = fopen(path, "re");

    if (file == NULL)
        err(1, "%s", path);
    return file;
}

static void
put_status(FILE *out)
{
    FILE *file = must_open("/proc/self/status");
    char line[4096];

    while (fgets(line, sizeof(line), file) != NULL) {
        for (size_t i = 0; i < sizeof(status_lines) / sizeof(char *); i++) {
            if (strncmp(line, status_lines[i], strlen(status_lines[i])) == 0)
                fputs(line, out);
        }
    }
    fclose(file);
}

/* SA_RESTORER, which no header of glibc names. */
#define SA_RESTORER_BIT 0x04000000U

static void
put_signals(FILE *out)
{
    struct sigaction action;
    struct itimerval timer;

    for (int number = 1; number < NSIG; number++) {
        if (sigaction(number, NULL, &action) != 0)
            continue;
        /* The restorer is glibc's own, put there by whoever sets a signal
         * back to what it was. */
        fprintf(out, "signal %d handler %p flags %x mask", number,
                (void *)action.sa_sigaction,
                (unsigned)action.sa_flags & ~SA_RESTORER_BIT);
        for (int other = 1; other < NSIG; other++) {
            if (sigismember(&action.sa_mask, other) == 1)
                fprintf(out, " %d", other);
        }
        fputc('\n', out);
    }
    if (getitimer(ITIMER_REAL, &timer) == 0)
        fprintf(out, "timer %s\n", timer.it_value.tv_sec ? "set" : "off");
}

static void
put_surroundings(FILE *out)
{
    char folder[4096];
    struct rlimit limit;

    if (getcwd(folder, sizeof(folder)) == NULL)
        err(1, "getcwd");
    fprintf(out, "folder %s\n", folder);
    fprintf(out, "dumpable %d\n", prctl(PR_GET_DUMPABLE));
    fprintf(out, "session %d group %d\n", (int)getsid(0), (int)getpgrp());
    for (int i = 0; i < RLIMIT_NLIMITS; i++) {
        if (getrlimit((__rlimit_resource_t)i, &limit) == 0)
            fprintf(out, "limit %d %lx %lx\n", i,
                    (unsigned long)limit.rlim_cur,
                    (unsigned long)limit.rlim_max);
    }
    for (char **entry = environ; entry != NULL && *entry != NULL; entry++)
        fprintf(out, "environment %p %s\n", (void *)*entry, *entry);
}

static void
put_descriptors(FILE *out)
{
    DIR *folder = opendir("/proc/self/fd");
    struct dirent *entry;
    char path[300], target[4096];
    ssize_t length;

    if (folder == NULL)
        err(1, "/proc/self/fd");
    while ((entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] == '.' || atoi(entry->d_name) == dirfd(folder))
            continue;
        snprintf(path, sizeof(path), "/proc/self/fd/%s", entry->d_name);
        length = readlink(path, target, sizeof(target) - 1);
        target[length > 0 ? length : 0] = '\0';
        fprintf(out, "descriptor %s %s\n", entry->d_name, target);
    }
    closedir(folder);
}

/* Children that run and children that nobody waited for. */
static void
put_children(FILE *out)
{
    DIR *folder = opendir("/proc");
    struct dirent *entry;
    char path[300], line[1024];

    if (folder == NULL)
        err(1, "/proc");
    while ((entry = readdir(folder)) != NULL) {
        char state = '?', *name_end;
        int parent = 0;
        FILE *file;

        snprintf(path, sizeof(path), "/proc/%s/stat", entry->d_name);
        if (atoi(entry->d_name) <= 0 || (file = fopen(path, "re")) == NULL)
            continue;
        if (fgets(line, sizeof(line), file) != NULL
            && (name_end = strrchr(line, ')')) != NULL
            && sscanf(name_end, ") %c %d", &state, &parent) == 2
            && parent == getpid())
            fprintf(out, "child %.*s) %c\n", (int)(name_end - line), line,
                    state);
        fclose(file);
    }
    closedir(folder);
}

char *
host_state(void)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    if (out == NULL)
        err(1, "open_memstream");
    put_status(out);
    put_signals(out);
    put_surroundings(out);
    put_descriptors(out);
    put_children(out);
    if (fclose(out) != 0 || text == NULL)
        err(1, "open_memstream");
    return text;
}

static bool
has_line(const char *text, const char *line, size_t length)
{
    for (; *text != '\0'; text += strcspn(text, "\n") + 1) {
        if (strncmp(text, line, length) == 0 && text[length] == '\n')
            return true;
    }
    return false;
}

static void
report_missing(const char *from, const char *in, const char *change,
               void (*report)(const char *change, const char *line))
{
    for (size_t length; *from != '\0'; from += length + 1) {
        length = strcspn(from, "\n");
        if (!has_line(in, from, length)) {
            char *line = strndup(from, length);

            if (line == NULL)
                err(1, "strndup");
            report(change, line);
            free(line);
        }
    }
}

void
host_compare(const char *before, const char *after,
             void (*report)(const char *change, const char *line))
{
    report_missing(before, after, "gone", report);
    report_missing(after, before, "new", report);
}

/* --- memory ------------------------------------------------------------- */

#define WINDOW ((size_t)1 << 20)
/* AddressSanitizer reserves terabytes for its own bookkeeping. */
#define MAPPING_MAX (1UL << 30)

static int
count_in(const unsigned char *bytes, size_t size, const struct veiled *needle)
{
    int count = 0;

    for (size_t at = 0; at + needle->length <= size; at++) {
        size_t i = 0;

        while (i < needle->length
               && (bytes[at + i] ^ VEIL) == needle->bytes[i])
            i++;
        count += i == needle->length;
    }
    return count;
}

/* Searches [BEGIN, END) window by window; windows overlap by less than the
 * needle, so nothing is counted twice. */
static int
count_between(int memory, off_t begin, off_t end, unsigned char *window,
              const struct veiled *needle)
{
    int count = 0;

    while (begin < end) {
        size_t want = (size_t)(end - begin);
        ssize_t size;

        size = pread(memory, window, want < WINDOW ? want : WINDOW, begin);
        if (size < (ssize_t)needle->length)
            break;
        count += count_in(window, (size_t)size, needle);
        begin += size - (ssize_t)needle->length + 1;
    }
    return count;
}

int
host_remembers(const struct veiled *needle)
{
    unsigned char *window = mmap(NULL, WINDOW, PROT_READ | PROT_WRITE,
                                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    FILE *maps = must_open("/proc/self/maps");
    char line[4096], rights[5];
    unsigned long begin, end;
    int count = 0;

    if (window == MAP_FAILED || memory < 0)
        err(1, "cannot read my own memory");
    while (fgets(line, sizeof(line), maps) != NULL) {
        unsigned long own = (unsigned long)window;

        if (sscanf(line, "%lx-%lx %4s", &begin, &end, rights) != 3
            || rights[1] != 'w' || end - begin > MAPPING_MAX)
            continue;
        /* The kernel joins neighbouring mappings: leave out the window
         * itself, which holds what was just read. */
        if (begin <= own && own < end) {
            count += count_between(memory, (off_t)begin, (off_t)own, window,
                                   needle);
            begin = own + WINDOW;
        }
        count +=
            count_between(memory, (off_t)begin, (off_t)end, window, needle);
    }
    fclose(maps);
    close(memory);
    munmap(window, WINDOW);
    return count;
}
