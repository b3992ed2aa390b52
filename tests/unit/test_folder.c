/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_folder.c - folders and files that only root can have made.
 *
 * It refuses to touch anything outside a folder of its own.
 */
#include "scratch.h"
#include "session/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

enum { STRANGER = 12345 }; /* a uid that is nobody's here */

static void
need_root(void)
{
    if (geteuid() != 0)
        skip();
}

/* PATH is refused, with words. */
static void
assert_refused(const char *path)
{
    const char *why = NULL;

    assert_int_equal(folder_open_path(path, &why), -1);
    assert_non_null(why);
    assert_true(strlen(why) > 0);
}

/* A path of real folders that are ours opens, with a descriptor that does not
 * survive an exec; a relative, empty or missing one does not open. */
static void
test_path_opens(void **state)
{
    const struct scratch *scratch = *state;
    const char *why = NULL;
    int folder = folder_open_path(scratch->run, &why);

    assert_true(folder >= 0);
    assert_true((fcntl(folder, F_GETFD) & FD_CLOEXEC) != 0);
    assert_true(folder_is(scratch->descriptor, "run", folder));
    close(folder);
    assert_refused("");
    assert_refused("run");
    assert_refused("./run");
    assert_refused(scratch_path(scratch, "absent"));
}

/* A link, whether last or on the way, and a file are no folders. */
static void
test_path_links(void **state)
{
    const struct scratch *scratch = *state;

    assert_int_equal(mkdir(scratch_path(scratch, "run/below"), 0700), 0);
    assert_int_equal(symlink("run", scratch_path(scratch, "link")), 0);
    scratch_file(scratch_path(scratch, "file"), "", 0600);
    assert_refused(scratch_path(scratch, "link"));
    assert_refused(scratch_path(scratch, "link/below"));
    assert_refused(scratch_path(scratch, "file"));
    assert_refused(scratch_path(scratch, "file/below"));
}

/* Whoever may write a folder on the way could put another in place: a group's
 * or everybody's write bit refuses the path, unless the folder is sticky and
 * only passed through. */
static void
test_path_writable(void **state)
{
    static const unsigned refused[] = { 0777, 0770, 0702, 0720, 0773 };
    const struct scratch *scratch = *state;
    const char *way = scratch_path(scratch, "way");
    const char *end = scratch_path(scratch, "way/end");
    const char *why;
    int folder;

    assert_int_equal(mkdir(way, 0700), 0);
    assert_int_equal(mkdir(end, 0700), 0);
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        assert_int_equal(chmod(way, refused[i]), 0);
        assert_refused(end);
        assert_refused(way);
    }
    assert_int_equal(chmod(way, 01777), 0);
    assert_refused(way);
    folder = folder_open_path(end, &why);
    assert_true(folder >= 0);
    close(folder);
}

/* A folder of somebody else, last or on the way, is refused. */
static void
test_path_foreign(void **state)
{
    const struct scratch *scratch = *state;
    const char *way = scratch_path(scratch, "way");
    const char *end = scratch_path(scratch, "way/end");

    need_root();
    assert_int_equal(mkdir(way, 0755), 0);
    assert_int_equal(mkdir(end, 0755), 0);
    assert_int_equal(chown(end, STRANGER, STRANGER), 0);
    assert_refused(end);
    assert_int_equal(chown(end, 0, 0), 0);
    assert_int_equal(chown(way, STRANGER, STRANGER), 0);
    assert_refused(end);
}

/* A folder is made 0700 whatever the umask and a set-group-id parent say, and
 * opens again; unmade, it is not there. */
static void
test_folder_modes(void **state)
{
    static const mode_t masks[] = { 0, 0777, 022, 0200 };
    const struct scratch *scratch = *state;
    char name[8];

    need_root(); /* others cannot open what the umask closes */
    assert_int_equal(folder_open(scratch->descriptor, "absent", false), -1);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(chmod(scratch->root, 02700), 0);
    for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
        mode_t before = umask(masks[i]);
        int folder;

        (void)snprintf(name, sizeof(name), "f%zu", i);
        folder = folder_open(scratch->descriptor, name, true);
        assert_int_equal(umask(before), masks[i]);
        assert_true(folder >= 0);
        assert_true((fcntl(folder, F_GETFD) & FD_CLOEXEC) != 0);
        assert_int_equal(scratch_mode(scratch_path(scratch, name)) & 0777,
                         0700);
        close(folder);
        folder = folder_open(scratch->descriptor, name, false);
        assert_true(folder >= 0);
        close(folder);
    }
}

/* What is not a folder of ours with mode 0700 is refused, and left alone. */
static void
test_folder_refused(void **state)
{
    const struct scratch *scratch = *state;
    int root = scratch->descriptor;

    assert_int_equal(symlink("run", scratch_path(scratch, "link")), 0);
    assert_int_equal(symlink("away", scratch_path(scratch, "dangling")), 0);
    assert_int_equal(mkfifo(scratch_path(scratch, "fifo"), 0700), 0);
    scratch_file(scratch_path(scratch, "file"), "", 0700);
    assert_int_equal(mkdir(scratch_path(scratch, "wide"), 0700), 0);
    assert_int_equal(chmod(scratch_path(scratch, "wide"), 0750), 0);
    for (int create = 0; create <= 1; create++) {
        assert_int_equal(folder_open(root, "link", create), -1);
        assert_int_equal(folder_open(root, "dangling", create), -1);
        assert_int_equal(folder_open(root, "fifo", create), -1);
        assert_int_equal(folder_open(root, "file", create), -1);
        assert_int_equal(folder_open(root, "wide", create), -1);
        assert_int_equal(errno, EPERM);
    }
    assert_int_equal(scratch_mode(scratch_path(scratch, "wide")), 0750);
    assert_int_equal(access(scratch_path(scratch, "away"), F_OK), -1);
}

/* A stranger's folder is refused although its mode is right. */
static void
test_folder_foreign(void **state)
{
    const struct scratch *scratch = *state;
    const char *path = scratch_path(scratch, "theirs");

    need_root();
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(chown(path, STRANGER, STRANGER), 0);
    assert_int_equal(folder_open(scratch->descriptor, "theirs", true), -1);
    assert_int_equal(errno, EPERM);
}

/* Two that make the same folder at the same time both get it. */
static void
test_folder_race(void **state)
{
    const struct scratch *scratch = *state;
    int go[2];
    pid_t children[4];

    for (int round = 0; round < 50; round++) {
        char name[16];

        (void)snprintf(name, sizeof(name), "race%d", round);
        assert_int_equal(pipe2(go, O_CLOEXEC), 0);
        for (size_t i = 0; i < 4; i++) {
            children[i] = scratch_fork();
            if (children[i] == 0) {
                char byte;

                close(go[1]);
                (void)!read(go[0], &byte, 1);
                _exit(folder_open(scratch->descriptor, name, true) >= 0 ? 0
                                                                        : 1);
            }
        }
        close(go[1]);
        close(go[0]);
        for (size_t i = 0; i < 4; i++)
            assert_int_equal(scratch_exit_status(children[i]), 0);
    }
}

/* A name that was renamed away, replaced or removed is not the folder that is
 * open. */
static void
test_folder_is(void **state)
{
    const struct scratch *scratch = *state;
    int root = scratch->descriptor;
    int folder = folder_open(root, "one", true);

    assert_true(folder >= 0);
    assert_true(folder_is(root, "one", folder));
    assert_false(folder_is(root, "run", folder));
    assert_int_equal(renameat(root, "one", root, "two"), 0);
    assert_false(folder_is(root, "one", folder));
    assert_true(folder_is(root, "two", folder));
    assert_int_equal(mkdirat(root, "one", 0700), 0);
    assert_false(folder_is(root, "one", folder));
    assert_int_equal(symlinkat("two", root, "three"), 0);
    assert_false(folder_is(root, "three", folder));
    close(folder);
}

static void
on_signal(int number)
{
    (void)number;
}

/* A lock that another process holds is waited for as long as was said and no
 * longer, also while the host's timer interrupts; it is free when the other
 * dies. */
static void
test_lock(void **state)
{
    const struct scratch *scratch = *state;
    struct itimerval tick = { { 0, 3000 }, { 0, 3000 } };
    struct itimerval stop = { { 0, 0 }, { 0, 0 } };
    struct sigaction action = { .sa_handler = on_signal };
    struct sigaction before;
    int folder = folder_open(scratch->descriptor, "lock", true);
    int told[2];
    int64_t start;
    pid_t child;

    assert_true(folder >= 0);
    assert_int_equal(pipe2(told, O_CLOEXEC), 0);
    child = scratch_fork();
    if (child == 0) {
        int own = folder_open(scratch->descriptor, "lock", false);

        if (own < 0 || folder_lock(own, 0) != STATUS_OK)
            _exit(1);
        (void)!write(told[1], "", 1);
        for (;;)
            pause();
    }
    scratch_await(told[0]);
    start = scratch_now_ms();
    assert_int_equal(folder_lock(folder, 0), STATUS_BUSY);
    assert_true(scratch_now_ms() - start < 150);

    assert_int_equal(sigaction(SIGALRM, &action, &before), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &tick, NULL), 0);
    start = scratch_now_ms();
    assert_int_equal(folder_lock(folder, 200), STATUS_BUSY);
    assert_in_range(scratch_now_ms() - start, 150, 1000);
    assert_int_equal(setitimer(ITIMER_REAL, &stop, NULL), 0);
    assert_int_equal(sigaction(SIGALRM, &before, NULL), 0);

    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(folder_lock(folder, 5000), STATUS_OK);
    assert_int_equal(scratch_exit_status(child), -1);
    close(folder);
    close(told[0]);
    close(told[1]);
}

struct names {
    size_t count;
    size_t stop_at;
    int folder; /* -1, or names are removed while they are read */
};

static bool
take_name(void *context, const char *name)
{
    struct names *names = context;

    assert_string_not_equal(name, ".");
    assert_string_not_equal(name, "..");
    if (names->folder >= 0)
        assert_int_equal(unlinkat(names->folder, name, 0), 0);
    return ++names->count != names->stop_at;
}

/* Every one of thousands of names is visited, on the first look and on the
 * second through the same descriptor, also while they are being removed; a
 * visitor that has enough is not called again. */
static void
test_each(void **state)
{
    enum { MANY = 3000 };
    const struct scratch *scratch = *state;
    int folder = folder_open(scratch->descriptor, "many", true);
    char name[64];

    assert_true(folder >= 0);
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(name, sizeof(name), "%032d", i);
        close(openat(folder, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    }
    for (int round = 0; round < 2; round++) {
        struct names all = { 0, 0, -1 };
        struct names some = { 0, 7, -1 };

        assert_int_equal(folder_each(folder, take_name, &all), STATUS_OK);
        assert_int_equal(all.count, MANY);
        assert_int_equal(folder_each(folder, take_name, &some), STATUS_OK);
        assert_int_equal(some.count, 7);
    }
    {
        struct names gone = { 0, 0, folder };
        struct names none = { 0, 0, -1 };

        assert_int_equal(folder_each(folder, take_name, &gone), STATUS_OK);
        assert_int_equal(gone.count, MANY);
        assert_int_equal(folder_each(folder, take_name, &none), STATUS_OK);
        assert_int_equal(none.count, 0);
    }
    close(folder);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
#define TEST(name_)                                                           \
    cmocka_unit_test_setup_teardown(name_, scratch_setup, scratch_teardown)
        TEST(test_path_opens),     TEST(test_path_links),
        TEST(test_path_writable),  TEST(test_path_foreign),
        TEST(test_folder_modes),   TEST(test_folder_refused),
        TEST(test_folder_foreign), TEST(test_folder_race),
        TEST(test_folder_is),      TEST(test_lock),
        TEST(test_each),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
