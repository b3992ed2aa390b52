/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * scratch.c - a throwaway run folder, and what a test wants to know of it.
 */
#include "scratch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static void
keep_line(void *context, int priority, const char *line)
{
    struct scratch *scratch = context;
    size_t used = strlen(scratch->lines);

    (void)priority;
    (void)snprintf(scratch->lines + used, sizeof(scratch->lines) - used,
                   "%s\n", line);
}

int
scratch_setup(void **state)
{
    struct scratch *scratch = calloc(1, sizeof(*scratch));

    if (scratch == NULL)
        return -1;
    *state = scratch;
    scratch->open_at_start = scratch_open_descriptors();
    (void)strcpy(scratch->root, "/tmp/authapi-test.XXXXXX");
    if (mkdtemp(scratch->root) == NULL)
        return -1;
    (void)snprintf(scratch->run, sizeof(scratch->run), "%s/run",
                   scratch->root);
    if (mkdir(scratch->run, 0711) != 0 || chmod(scratch->run, 0711) != 0)
        return -1;
    scratch->descriptor =
        open(scratch->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    scratch->log.write = keep_line;
    scratch->log.context = scratch;
    return scratch->descriptor < 0 ? -1 : 0;
}

static int
remove_one(const char *path, const struct stat *status, int kind,
           struct FTW *walk)
{
    (void)status;
    (void)kind;
    (void)walk;
    (void)umount2(path, MNT_DETACH);
    return remove(path);
}

int
scratch_teardown(void **state)
{
    struct scratch *scratch = *state;
    int left;

    close(scratch->descriptor);
    (void)nftw(scratch->root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    left = scratch_open_descriptors() - scratch->open_at_start;
    free(scratch);
    if (left != 0)
        print_error("%d descriptors were left open\n", left);
    return left;
}

int
scratch_private_mounts(void)
{
    return unshare(CLONE_NEWNS) == 0
           && mount("none", "/", "", MS_REC | MS_PRIVATE, "") == 0;
}

const char *
scratch_path(const struct scratch *scratch, const char *name)
{
    static char paths[4][512];
    static unsigned next;
    char *path = paths[next++ % 4];

    (void)snprintf(path, sizeof(paths[0]), "%s/%s", scratch->root, name);
    return path;
}

int
scratch_open_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    int count = -3; /* ".", ".." and the one that looks */

    assert_non_null(folder);
    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count;
}

static size_t counted;

static int
count_one(const char *path, const struct stat *status, int kind,
          struct FTW *walk)
{
    (void)path;
    (void)status;
    (void)kind;
    counted += walk->level > 0;
    return 0;
}

size_t
scratch_entries(const char *path)
{
    counted = 0;
    assert_int_equal(nftw(path, count_one, 16, FTW_PHYS), 0);
    return counted;
}

unsigned
scratch_mode(const char *path)
{
    struct stat status;

    assert_int_equal(lstat(path, &status), 0);
    return status.st_mode & 07777;
}

void
scratch_file(const char *path, const char *text, unsigned mode)
{
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(file >= 0);
    assert_int_equal(write(file, text, strlen(text)), strlen(text));
    assert_int_equal(fchmod(file, mode), 0);
    close(file);
}

int64_t
scratch_now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

pid_t
scratch_fork(void)
{
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0)
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    return child;
}

int
scratch_exit_status(pid_t pid)
{
    int status = 0;

    while (waitpid(pid, &status, 0) < 0)
        assert_int_equal(errno, EINTR);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void
scratch_await(int descriptor)
{
    struct pollfd wait = { .fd = descriptor, .events = POLLIN };
    char byte;

    assert_int_equal(poll(&wait, 1, 20000), 1);
    assert_int_equal(read(descriptor, &byte, 1), 1);
}

void
scratch_tell(int descriptor)
{
    assert_int_equal(write(descriptor, "", 1), 1);
}

void
scratch_grant(struct grant *grant, const char *realm, const char *user,
              uint32_t uid, const char *opaque)
{
    grant_init(grant);
    grant->realm = strdup(realm);
    grant->user = strdup(user);
    assert_non_null(grant->realm);
    assert_non_null(grant->user);
    grant->uid = uid;
    grant->obtained_at = 1700000000;
    grant->checked_at = 1700000000;
    grant_stamp(grant, clock_now());
    assert_int_equal(secret_set(&grant->opaque, opaque), STATUS_OK);
}
