/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_cache.c - the store below the run folder: who may have made it, what
 * is put aside in it, and what a name given from outside can reach.
 *
 * It refuses to look at users' folders but from outside; test_holding.c does.
 */
#include "base/message.h"
#include "scratch.h"
#include "session/cache.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { STRANGER = 12345 };

#define UNKNOWN "0123456789abcdef0123456789abcdef"

static int private_mounts;

static struct cache *
open_cache(const struct scratch *scratch)
{
    struct cache *cache = NULL;

    assert_int_equal(
        cache_open(scratch->run, "default", &scratch->log, &cache), STATUS_OK);
    assert_non_null(cache);
    return cache;
}

/* The store is refused, with a line that names PATH. */
static void
assert_refused(struct scratch *scratch, const char *rundir, const char *path)
{
    struct cache *cache = NULL;

    scratch->lines[0] = '\0';
    assert_int_equal(cache_open(rundir, "default", &scratch->log, &cache),
                     STATUS_SYSTEM);
    assert_null(cache);
    assert_non_null(strstr(scratch->lines, path));
}

static void
stage(struct cache *cache, const char *opaque, char handle[ID_SIZE])
{
    struct grant grant;

    scratch_grant(&grant, "default", "alice", 1000, opaque);
    assert_int_equal(cache_stage(cache, &grant, handle), STATUS_OK);
    grant_clear(&grant);
}

/* Folders are 0700 and files 0600 whatever the umask, the umask is left as it
 * was, and a second opening finds the same store. */
static void
test_modes(void **state)
{
    static const mode_t masks[] = { 0777, 0, 0227 };
    static const char *const folders[] = { "run/default", "run/default/users",
                                           "run/default/staged",
                                           "run/default/outbox" };
    struct scratch *scratch = *state;
    char handle[ID_SIZE], path[128];

    if (geteuid() != 0)
        skip(); /* others cannot open what the umask closes */
    for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
        mode_t before = umask(masks[i]);
        struct cache *cache = open_cache(scratch);

        stage(cache, "tokens", handle);
        assert_int_equal(umask(before), masks[i]);
        (void)snprintf(path, sizeof(path), "run/default/staged/%s", handle);
        assert_int_equal(scratch_mode(scratch_path(scratch, path)), 0700);
        (void)snprintf(path, sizeof(path), "run/default/staged/%s/grant",
                       handle);
        assert_int_equal(scratch_mode(scratch_path(scratch, path)), 0600);
        cache_close(cache);
    }
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
        assert_int_equal(scratch_mode(scratch_path(scratch, folders[i])),
                         0700);
    assert_int_equal(scratch_mode(scratch->run), 0711);
    assert_string_equal(scratch->lines, "");
}

/* A run folder that is missing, a link, or open to others' writing is refused
 * with a line that names it, and nothing is made. */
static void
test_run_folder(void **state)
{
    struct scratch *scratch = *state;
    const char *link = scratch_path(scratch, "link");

    assert_refused(scratch, scratch_path(scratch, "absent"), "absent");
    assert_int_equal(symlink("run", link), 0);
    assert_refused(scratch, link, "link");
    assert_int_equal(chmod(scratch->run, 0777), 0);
    assert_refused(scratch, scratch->run, scratch->run);
    assert_int_equal(chmod(scratch->run, 01777), 0);
    assert_refused(scratch, scratch->run, scratch->run);
    assert_int_equal(chmod(scratch->run, 0711), 0);
    assert_int_equal(chmod(scratch->root, 0777), 0);
    assert_refused(scratch, scratch->run, scratch->run);
    assert_int_equal(chmod(scratch->root, 0700), 0);
    if (geteuid() == 0) {
        assert_int_equal(chown(scratch->run, STRANGER, STRANGER), 0);
        assert_refused(scratch, scratch->run, scratch->run);
    }
    assert_int_equal(scratch_entries(scratch->root), 2);
}

/* A realm's folder, or one in it, that is a link, a file, too open or a
 * stranger's is refused. */
static void
test_realm_folder(void **state)
{
    static const char *const names[] = { "run/default", "run/default/users",
                                         "run/default/staged",
                                         "run/default/outbox" };
    struct scratch *scratch = *state;

    cache_close(open_cache(scratch));
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *name = scratch_path(scratch, names[i]);
        const char *aside = scratch_path(scratch, "aside");

        assert_int_equal(chmod(name, 0755), 0);
        assert_refused(scratch, scratch->run, "default");
        assert_int_equal(chmod(name, 0700), 0);
        if (geteuid() == 0) {
            assert_int_equal(chown(name, STRANGER, STRANGER), 0);
            assert_refused(scratch, scratch->run, "default");
            assert_int_equal(chown(name, 0, 0), 0);
        }
        assert_int_equal(rename(name, aside), 0);
        assert_int_equal(symlink(aside, name), 0);
        assert_refused(scratch, scratch->run, "default");
        assert_int_equal(unlink(name), 0);
        scratch_file(name, "", 0600);
        assert_refused(scratch, scratch->run, "default");
        assert_int_equal(unlink(name), 0);
        assert_int_equal(rename(aside, name), 0);
    }
    cache_close(open_cache(scratch));
}

/* A realm is a plain name: nothing above, below or beside the run folder is
 * reached through it, nor the folders that are no realm's. */
static void
test_realm_names(void **state)
{
    static const char *const bad[] = { "",      ".",      "..",   "../run",
                                       "a/b",   "a b",    "-a",   "a\n",
                                       "slots", "tokens", ".hid", "a/../b" };
    struct scratch *scratch = *state;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct cache *cache = NULL;

        assert_int_equal(
            cache_open(scratch->run, bad[i], &scratch->log, &cache),
            STATUS_SYSTEM);
        assert_null(cache);
    }
    assert_int_equal(scratch_entries(scratch->root), 1);
}

struct names {
    size_t count;
    size_t stop_at;
    char last[64];
    int64_t age_s;
};

static bool
take_name(void *context, const char *name)
{
    struct names *names = context;

    (void)snprintf(names->last, sizeof(names->last), "%s", name);
    return ++names->count != names->stop_at;
}

static bool
take_staged(void *context, const char *handle, int64_t age_s)
{
    struct names *names = context;

    names->age_s = age_s;
    assert_true(folder_id_valid(handle));
    return take_name(context, handle);
}

/* Every realm is visited, and what lies beside the realms is not. */
static void
test_each_realm(void **state)
{
    static const char *const realms[] = { "default", "a", "b2", "c_d-e" };
    struct scratch *scratch = *state;
    struct names all = { 0, 0, "", 0 };
    struct names two = { 0, 2, "", 0 };
    int slot;

    for (size_t i = 0; i < 4; i++) {
        struct cache *cache = NULL;

        assert_int_equal(
            cache_open(scratch->run, realms[i], &scratch->log, &cache),
            STATUS_OK);
        cache_close(cache);
    }
    slot = cache_take_slot(scratch->run);
    assert_true(slot >= 0);
    close(slot);
    assert_int_equal(mkdir(scratch_path(scratch, "run/tokens"), 0755), 0);
    assert_int_equal(mkdir(scratch_path(scratch, "run/.odd"), 0755), 0);
    assert_int_equal(
        cache_each_realm(scratch->run, &scratch->log, take_name, &all),
        STATUS_OK);
    assert_int_equal(all.count, 4);
    assert_int_equal(
        cache_each_realm(scratch->run, &scratch->log, take_name, &two),
        STATUS_OK);
    assert_int_equal(two.count, 2);
    assert_int_equal(cache_each_realm(scratch_path(scratch, "absent"),
                                      &scratch->log, take_name, &all),
                     STATUS_SYSTEM);
}

/* What was staged is read back whole under its handle and no other; given
 * back, it is the outbox entry of the same name, once. */
static void
test_staged(void **state)
{
    struct scratch *scratch = *state;
    struct cache *cache = open_cache(scratch);
    struct holding *entry = NULL;
    struct names seen = { 0, 0, "", 0 };
    char first[ID_SIZE], second[ID_SIZE];
    struct grant grant;

    stage(cache, "first", first);
    stage(cache, "second", second);
    assert_string_not_equal(first, second);
    assert_int_equal(cache_load_staged(cache, first, &grant), STATUS_OK);
    assert_string_equal(secret_text(&grant.opaque), "first");
    assert_true(grant_belongs(&grant, "default", "alice", 1000));
    grant_clear(&grant);
    assert_int_equal(cache_each_staged(cache, take_staged, &seen), STATUS_OK);
    assert_int_equal(seen.count, 2);
    assert_in_range(seen.age_s, 0, 60);

    assert_int_equal(cache_discard_staged(cache, first), STATUS_OK);
    assert_int_equal(cache_load_staged(cache, first, &grant),
                     STATUS_NOT_FOUND);
    assert_int_equal(cache_discard_staged(cache, first), STATUS_NOT_FOUND);
    assert_int_equal(cache_hold_entry(cache, first, 0, &entry), STATUS_OK);
    assert_int_equal(holding_load(entry, &grant), STATUS_OK);
    assert_string_equal(secret_text(&grant.opaque), "first");
    grant_clear(&grant);
    assert_int_equal(holding_delete(entry), STATUS_OK);
    holding_release(entry);
    assert_int_equal(cache_hold_entry(cache, first, 0, &entry),
                     STATUS_NOT_FOUND);

    seen.count = 0;
    assert_int_equal(cache_each_staged(cache, take_staged, &seen), STATUS_OK);
    assert_int_equal(seen.count, 1);
    assert_string_equal(seen.last, second);
    seen.count = 0;
    assert_int_equal(cache_each_entry(cache, take_name, &seen), STATUS_OK);
    assert_int_equal(seen.count, 0);
    cache_close(cache);
    assert_string_equal(scratch->lines, "");
}

/* A handle that is not 32 lower-case hex digits is unknown, though a folder
 * of that very name is there. */
static void
test_malformed_handles(void **state)
{
    static const char *const bad[] = {
        "",
        ".",
        "..",
        "../x",
        "../users/1000",
        "../staged/" UNKNOWN,
        "0123456789abcdef0123456789abcde",
        "0123456789abcdef0123456789abcdef0",
        "0123456789ABCDEF0123456789ABCDEF",
        "/etc/passwd/////////////////////",
        UNKNOWN "/",
        UNKNOWN "\n",
    };
    struct scratch *scratch = *state;
    struct cache *cache = open_cache(scratch);
    struct holding *holding = NULL, *entry = NULL;
    char path[256], handle[ID_SIZE];
    struct names seen = { 0, 0, "", 0 };
    struct grant grant;

    stage(cache, "tokens", handle);
    (void)snprintf(path, sizeof(path), "run/default/staged/%s", handle);
    assert_int_equal(
        rename(scratch_path(scratch, path),
               scratch_path(scratch, "run/default/staged/"
                                     "0123456789ABCDEF0123456789ABCDEF")),
        0);
    assert_int_equal(cache_hold(cache, 1000, true, 0, &holding), STATUS_OK);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(cache_load_staged(cache, bad[i], &grant),
                         STATUS_NOT_FOUND);
        assert_int_equal(cache_discard_staged(cache, bad[i]),
                         STATUS_NOT_FOUND);
        assert_int_equal(cache_hold_entry(cache, bad[i], 0, &entry),
                         STATUS_NOT_FOUND);
        assert_null(entry);
        assert_int_equal(holding_adopt(holding, bad[i]), STATUS_NOT_FOUND);
        assert_int_equal(cache_end_session(cache, 1000, bad[i]),
                         STATUS_NOT_FOUND);
    }
    assert_int_equal(cache_load_staged(cache, UNKNOWN, &grant),
                     STATUS_NOT_FOUND);
    assert_int_equal(cache_each_staged(cache, take_staged, &seen), STATUS_OK);
    assert_int_equal(seen.count, 0);
    holding_release(holding);
    cache_close(cache);
}

/* A record that is cut, empty, of another kind, too open, or behind a link is
 * never a grant. */
static void
test_broken_records(void **state)
{
    struct scratch *scratch = *state;
    struct cache *cache = open_cache(scratch);
    char handle[ID_SIZE], path[128];
    struct grant grant;
    const char *file;

    stage(cache, "tokens", handle);
    (void)snprintf(path, sizeof(path), "run/default/staged/%s/grant", handle);
    file = scratch_path(scratch, path);
    assert_int_equal(chmod(file, 0640), 0);
    assert_int_equal(cache_load_staged(cache, handle, &grant), STATUS_SYSTEM);
    assert_null(grant.user);
    assert_int_equal(chmod(file, 0600), 0);
    assert_int_equal(truncate(file, 40), 0);
    assert_int_equal(cache_load_staged(cache, handle, &grant), STATUS_SYSTEM);
    assert_null(grant.user);
    assert_int_equal(truncate(file, 0), 0);
    assert_int_equal(cache_load_staged(cache, handle, &grant), STATUS_SYSTEM);
    assert_int_equal(rename(file, scratch_path(scratch, "elsewhere")), 0);
    assert_int_equal(symlink(scratch_path(scratch, "elsewhere"), file), 0);
    assert_int_equal(cache_load_staged(cache, handle, &grant), STATUS_SYSTEM);
    assert_int_equal(unlink(file), 0);
    assert_int_equal(mkfifo(file, 0600), 0);
    assert_int_equal(cache_load_staged(cache, handle, &grant), STATUS_SYSTEM);
    assert_null(grant.user);
    cache_close(cache);
}

/* On a full disk, of bytes or of files, staging fails with a line and leaves
 * nothing, and what was put aside before can still be given back. */
static void
test_full_disk(void **state)
{
    struct scratch *scratch = *state;
    struct cache *cache;
    char handle[ID_SIZE], other[ID_SIZE];
    struct grant grant;
    size_t entries;

    if (!private_mounts)
        skip();
    assert_int_equal(mount("none", scratch->run, "tmpfs", 0,
                           "mode=711,size=32k,nr_inodes=12"),
                     0);
    cache = open_cache(scratch);
    stage(cache, "tokens", handle);
    entries = scratch_entries(scratch->run);

    scratch_grant(&grant, "default", "alice", 1000, "");
    assert_int_equal(secret_resize(&grant.opaque, 40000), STATUS_OK);
    grant.opaque.data[0] = 'x';
    assert_int_equal(cache_stage(cache, &grant, other), STATUS_SYSTEM);
    grant_clear(&grant);
    assert_string_not_equal(scratch->lines, "");
    assert_int_equal(scratch_entries(scratch->run), entries);

    for (size_t left = 11 - entries; left > 0; left--) {
        char path[32];

        scratch_grant(&grant, "default", "alice", 1000, "tokens");
        (void)snprintf(path, sizeof(path), "run/filler%zu", left);
        scratch_file(scratch_path(scratch, path), "", 0600);
        if (left <= 2)
            assert_int_equal(cache_stage(cache, &grant, other), STATUS_SYSTEM);
        grant_clear(&grant);
    }
    assert_int_equal(scratch_entries(scratch->run), 11);
    assert_int_equal(cache_discard_staged(cache, handle), STATUS_OK);
    cache_close(cache);
}

/* Eight early helpers are let in on the whole machine, the ninth is not; a
 * slot is free again once its owner closes it or dies. */
static void
test_slots(void **state)
{
    struct scratch *scratch = *state;
    mode_t before = umask(geteuid() == 0 ? 0777 : 077);
    int slots[8], told[2];
    pid_t child;

    for (size_t i = 0; i < 7; i++) {
        slots[i] = cache_take_slot(scratch->run);
        assert_true(slots[i] >= 0);
    }
    umask(before);
    assert_int_equal(pipe(told), 0);
    child = scratch_fork();
    if (child == 0) {
        for (size_t i = 0; i < 7; i++)
            close(slots[i]);
        slots[7] = cache_take_slot(scratch->run);
        (void)!write(told[1], slots[7] >= 0 ? "y" : "n", 1);
        for (;;)
            pause();
    }
    scratch_await(told[0]);
    assert_int_equal(cache_take_slot(scratch->run), -1);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(scratch_exit_status(child), -1);
    slots[7] = cache_take_slot(scratch->run);
    assert_true(slots[7] >= 0);
    assert_int_equal(cache_take_slot(scratch->run), -1);
    close(slots[3]);
    slots[3] = cache_take_slot(scratch->run);
    assert_true(slots[3] >= 0);
    for (size_t i = 0; i < 8; i++)
        close(slots[i]);
    close(told[0]);
    close(told[1]);
    assert_int_equal(cache_take_slot(scratch_path(scratch, "absent")), -1);
}

/* Thousands of staged grants are all found and all given back. */
static void
test_many(void **state)
{
    enum { MANY = 2000 };
    struct scratch *scratch = *state;
    struct cache *cache = open_cache(scratch);
    struct names seen = { 0, 0, "", 0 };
    char handle[ID_SIZE];

    for (int i = 0; i < MANY; i++)
        stage(cache, "tokens", handle);
    assert_int_equal(cache_each_staged(cache, take_staged, &seen), STATUS_OK);
    assert_int_equal(seen.count, MANY);
    do {
        seen = (struct names){ 0, 1, "", 0 };
        assert_int_equal(cache_each_staged(cache, take_staged, &seen),
                         STATUS_OK);
        if (seen.count > 0)
            assert_int_equal(cache_discard_staged(cache, seen.last),
                             STATUS_OK);
    } while (seen.count > 0);
    assert_int_equal(cache_each_entry(cache, take_name, &seen), STATUS_OK);
    seen = (struct names){ 0, 0, "", 0 };
    assert_int_equal(cache_each_entry(cache, take_name, &seen), STATUS_OK);
    assert_int_equal(seen.count, MANY);
    cache_close(cache);
    cache_close(NULL);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
#define TEST(name_)                                                           \
    cmocka_unit_test_setup_teardown(name_, scratch_setup, scratch_teardown)
        TEST(test_modes),
        TEST(test_run_folder),
        TEST(test_realm_folder),
        TEST(test_realm_names),
        TEST(test_each_realm),
        TEST(test_staged),
        TEST(test_malformed_handles),
        TEST(test_broken_records),
        TEST(test_full_disk),
        TEST(test_slots),
        TEST(test_many),
    };

    private_mounts = scratch_private_mounts();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
