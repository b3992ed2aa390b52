/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_file.c - the files of the store: read only if ours, replaced whole.
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
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { STRANGER = 12345, SIZE = 20000, LIMIT = 65536 };

static int private_mounts;

static void
assert_unreadable(int folder, const char *name, enum status expected)
{
    struct secret out = SECRET_INIT(LIMIT);

    assert_int_equal(folder_read(folder, name, &out), expected);
    assert_int_equal(out.length, 0);
    secret_clear(&out);
}

static void
assert_holds(int folder, const char *name, const char *text)
{
    struct secret out = SECRET_INIT(LIMIT);

    assert_int_equal(folder_read(folder, name, &out), STATUS_OK);
    assert_string_equal(secret_text(&out), text);
    secret_clear(&out);
}

static enum status
put(int folder, const char *name, const char *text)
{
    struct secret bytes = SECRET_INIT(LIMIT);
    enum status status;

    assert_int_equal(secret_set(&bytes, text), STATUS_OK);
    status = folder_write(folder, name, &bytes);
    secret_clear(&bytes);
    return status;
}

/* What was written is read back, byte for byte and with NULs inside, and the
 * file is 0600 whatever the umask. */
static void
test_write_read(void **state)
{
    static const mode_t masks[] = { 0, 0777, 0277 };
    const struct scratch *scratch = *state;
    struct secret bytes = SECRET_INIT(LIMIT);
    struct secret out = SECRET_INIT(LIMIT);

    for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
        mode_t before = umask(masks[i]);
        enum status status;

        assert_int_equal(secret_resize(&bytes, SIZE + i), STATUS_OK);
        bytes.data[i] = 'x';
        status = folder_write(scratch->descriptor, "file", &bytes);
        assert_int_equal(umask(before), masks[i]);
        assert_int_equal(status, STATUS_OK);
        assert_int_equal(scratch_mode(scratch_path(scratch, "file")), 0600);
        assert_int_equal(folder_read(scratch->descriptor, "file", &out),
                         STATUS_OK);
        assert_int_equal(out.length, bytes.length);
        assert_memory_equal(out.data, bytes.data, bytes.length);
        secret_clear(&out);
    }
    secret_clear(&bytes);
    assert_int_equal(scratch_entries(scratch->root), 2);
}

/* Only a regular file of ours with mode 0600 is read: no link, no fifo (which
 * would wait), no folder, no other mode, nothing over the cap; a file that is
 * not there is told apart. */
static void
test_read_refused(void **state)
{
    static const unsigned modes[] = { 0644, 0640, 0604, 0620, 0602 };
    const struct scratch *scratch = *state;
    struct secret small = SECRET_INIT(4);
    int root = scratch->descriptor;

    scratch_file(scratch_path(scratch, "good"), "12345", 0600);
    assert_holds(root, "good", "12345");
    assert_int_equal(folder_read(root, "good", &small), STATUS_SYSTEM);
    assert_int_equal(small.length, 0);
    secret_clear(&small);
    assert_int_equal(symlink("good", scratch_path(scratch, "link")), 0);
    assert_int_equal(mkfifo(scratch_path(scratch, "fifo"), 0600), 0);
    assert_unreadable(root, "link", STATUS_SYSTEM);
    assert_unreadable(root, "fifo", STATUS_SYSTEM);
    assert_unreadable(root, "run", STATUS_SYSTEM);
    assert_unreadable(root, "absent", STATUS_NOT_FOUND);
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        scratch_file(scratch_path(scratch, "bad"), "text", modes[i]);
        assert_unreadable(root, "bad", STATUS_SYSTEM);
        assert_int_equal(unlink(scratch_path(scratch, "bad")), 0);
    }
}

/* A stranger's file is not read although its mode is right. */
static void
test_read_foreign(void **state)
{
    const struct scratch *scratch = *state;
    const char *path = scratch_path(scratch, "theirs");

    if (geteuid() != 0)
        skip();
    scratch_file(path, "text", 0600);
    assert_int_equal(chown(path, STRANGER, STRANGER), 0);
    assert_unreadable(scratch->descriptor, "theirs", STATUS_SYSTEM);
}

/* Writing replaces a link and never goes through it; a folder in the way is
 * an error that leaves nothing behind. */
static void
test_write_over(void **state)
{
    const struct scratch *scratch = *state;
    int root = scratch->descriptor;

    scratch_file(scratch_path(scratch, "target"), "untouched", 0600);
    assert_int_equal(symlink("target", scratch_path(scratch, "name")), 0);
    assert_int_equal(put(root, "name", "new"), STATUS_OK);
    assert_holds(root, "target", "untouched");
    assert_holds(root, "name", "new");
    assert_int_equal(put(root, "run", "new"), STATUS_SYSTEM);
    assert_int_equal(scratch_entries(scratch->root), 3);
}

/* A reader beside a writer sees the old bytes or the new ones and never a
 * part, nor a moment without a file. */
static void
test_replaced_whole(void **state)
{
    const struct scratch *scratch = *state;
    int root = scratch->descriptor;
    struct secret bytes = SECRET_INIT(LIMIT);
    struct secret out = SECRET_INIT(LIMIT);
    pid_t child;

    assert_int_equal(secret_resize(&bytes, SIZE), STATUS_OK);
    memset(bytes.data, 'a', SIZE);
    assert_int_equal(folder_write(root, "file", &bytes), STATUS_OK);
    child = scratch_fork();
    if (child == 0) {
        for (unsigned round = 0; round < 400; round++) {
            if (secret_resize(&bytes, SIZE + round) != STATUS_OK)
                _exit(1);
            memset(bytes.data, (int)('a' + round % 26), bytes.length);
            if (folder_write(root, "file", &bytes) != STATUS_OK)
                _exit(1);
        }
        _exit(0);
    }
    for (int round = 0; round < 400; round++) {
        assert_int_equal(folder_read(root, "file", &out), STATUS_OK);
        assert_in_range(out.length, SIZE, SIZE + 400);
        for (size_t i = 1; i < out.length; i++)
            if (out.data[i] != out.data[0])
                fail_msg("a reader saw two versions at once");
        secret_clear(&out);
    }
    assert_int_equal(scratch_exit_status(child), 0);
    secret_clear(&bytes);
    assert_int_equal(scratch_entries(scratch->root), 2);
}

/* A write that a file size limit cuts short fails, keeps the old file and
 * leaves no other. */
static void
test_size_limit(void **state)
{
    const struct scratch *scratch = *state;
    pid_t child;

    assert_int_equal(put(scratch->descriptor, "file", "old"), STATUS_OK);
    child = scratch_fork();
    if (child == 0) {
        struct rlimit limit = { 100, 100 };
        struct secret bytes = SECRET_INIT(LIMIT);
        enum status status;

        (void)signal(SIGXFSZ, SIG_IGN);
        if (setrlimit(RLIMIT_FSIZE, &limit) != 0
            || secret_resize(&bytes, SIZE) != STATUS_OK)
            _exit(9);
        status = folder_write(scratch->descriptor, "file", &bytes);
        _exit(status == STATUS_SYSTEM && errno == EFBIG ? 0 : 1);
    }
    assert_int_equal(scratch_exit_status(child), 0);
    assert_holds(scratch->descriptor, "file", "old");
    assert_int_equal(scratch_entries(scratch->root), 2);
}

/* On a full disk, of bytes or of files, a write fails with ENOSPC, keeps the
 * old file and leaves no other. */
static void
test_full_disk(void **state)
{
    const struct scratch *scratch = *state;
    const char *disk = scratch_path(scratch, "disk");
    int folder;

    if (!private_mounts)
        skip();
    assert_int_equal(mkdir(disk, 0700), 0);
    assert_int_equal(
        mount("none", disk, "tmpfs", 0, "mode=700,size=16k,nr_inodes=3"), 0);
    folder = folder_open(scratch->descriptor, "disk", false);
    assert_true(folder >= 0);
    assert_int_equal(put(folder, "file", "old"), STATUS_OK);
    {
        struct secret bytes = SECRET_INIT(LIMIT);

        assert_int_equal(secret_resize(&bytes, SIZE), STATUS_OK);
        assert_int_equal(folder_write(folder, "file", &bytes), STATUS_SYSTEM);
        assert_int_equal(errno, ENOSPC);
        secret_clear(&bytes);
    }
    assert_holds(folder, "file", "old");
    assert_int_equal(scratch_entries(disk), 1);
    scratch_file(scratch_path(scratch, "disk/last"), "", 0600);
    assert_int_equal(put(folder, "file", "new"), STATUS_SYSTEM);
    assert_int_equal(errno, ENOSPC);
    assert_holds(folder, "file", "old");
    assert_int_equal(scratch_entries(disk), 2);
    close(folder);
}

/* Only 32 lower-case hex digits are an id, and every new id is one that never
 * was before. */
static void
test_ids(void **state)
{
    static const char *const bad[] = {
        "",
        "../../../../../../../../etc/passw",
        "0123456789abcdef0123456789abcde",
        "0123456789abcdef0123456789abcdef0",
        "0123456789ABCDEF0123456789abcdef",
        "0123456789abcdef0123456789abcdeg",
        "0123456789abcdef 123456789abcdef",
        "0123456789abcdef0123456789abcde\n",
        "0123456789abcdef/123456789abcdef",
        "................................",
    };
    char first[ID_SIZE];
    char second[ID_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(folder_id_valid(bad[i]));
    assert_true(folder_id_valid("0123456789abcdef0123456789abcdef"));
    assert_int_equal(folder_random_id(first), STATUS_OK);
    assert_int_equal(folder_random_id(second), STATUS_OK);
    assert_true(folder_id_valid(first));
    assert_true(folder_id_valid(second));
    assert_string_not_equal(first, second);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
#define TEST(name_)                                                           \
    cmocka_unit_test_setup_teardown(name_, scratch_setup, scratch_teardown)
        TEST(test_write_read),     TEST(test_read_refused),
        TEST(test_read_foreign),   TEST(test_write_over),
        TEST(test_replaced_whole), TEST(test_size_limit),
        TEST(test_full_disk),      TEST(test_ids),
    };

    private_mounts = scratch_private_mounts();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
