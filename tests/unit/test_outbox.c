/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_outbox.c - grants on their way into the outbox, on to a disk of its
 * own, and tokens that programs of the user may read.
 *
 * It refuses to speak to any API.
 */
#include "scratch.h"
#include "session/cache.h"
#include "session/deliver.h"
#include "session/leader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { UID = 4242 };

static int private_mounts;

/* The store with an outbox of its own at DEPOT ("": none). */
static struct cache *
open_cache(struct scratch *scratch, const char *depot)
{
    struct cache *cache = NULL;

    assert_int_equal(
        cache_open_at(scratch->run, depot, "default", &scratch->log, &cache),
        STATUS_OK);
    return cache;
}

static void
hold_grant(struct cache *cache, const char *opaque, struct holding **holding)
{
    struct grant grant;

    assert_int_equal(cache_hold(cache, UID, true, 0, holding), STATUS_OK);
    scratch_grant(&grant, "default", "alice", UID, opaque);
    assert_int_equal(secret_set(&grant.access, "for programs"), STATUS_OK);
    assert_int_equal(holding_store(*holding, &grant), STATUS_OK);
    grant_clear(&grant);
}

static void
assert_entry(struct cache *cache, const char *id, const char *opaque)
{
    struct holding *entry = NULL;
    struct grant grant;

    assert_int_equal(cache_hold_entry(cache, id, 0, &entry), STATUS_OK);
    assert_int_equal(holding_load(entry, &grant), STATUS_OK);
    assert_string_equal(secret_text(&grant.opaque), opaque);
    grant_clear(&grant);
    holding_release(entry);
}

static bool
count_entry(void *context, const char *id)
{
    assert_true(folder_id_valid(id));
    ++*(size_t *)context;
    return true;
}

static size_t
entries(struct cache *cache)
{
    size_t count = 0;

    assert_int_equal(cache_each_entry(cache, count_entry, &count), STATUS_OK);
    return count;
}

/* --- an outbox on a disk --------------------------------------------------
 */

/* Where the outbox has a place on another file system, every way into it ends
 * there, with nothing left below the run folder, and an entry is found and
 * deleted there. */
static void
test_depot(void **state)
{
    struct scratch *scratch = *state;
    const char *depot = scratch_path(scratch, "disk");
    char staged[ID_SIZE], removed[ID_SIZE], retired[ID_SIZE], path[128];
    struct holding *holding = NULL;
    struct cache *cache;
    struct grant grant;

    if (!private_mounts)
        skip();
    assert_int_equal(mkdir(depot, 0700), 0);
    assert_int_equal(mount("none", depot, "tmpfs", 0, "mode=700"), 0);
    cache = open_cache(scratch, depot);
    scratch_grant(&grant, "default", "alice", UID, "staged");
    assert_int_equal(cache_stage(cache, &grant, staged), STATUS_OK);
    grant_clear(&grant);
    assert_int_equal(cache_discard_staged(cache, staged), STATUS_OK);
    hold_grant(cache, "retired", &holding);
    assert_int_equal(holding_retire(holding, retired), STATUS_OK);
    holding_release(holding);
    hold_grant(cache, "removed", &holding);
    holding_release(holding);
    assert_int_equal(cache_remove(cache, UID, removed), STATUS_OK);

    assert_int_equal(
        scratch_entries(scratch_path(scratch, "run/default/outbox")), 0);
    assert_entry(cache, staged, "staged");
    assert_entry(cache, retired, "retired");
    assert_entry(cache, removed, "removed");
    assert_int_equal(entries(cache), 3);
    (void)snprintf(path, sizeof(path), "disk/default/%s", removed);
    assert_int_equal(scratch_mode(scratch_path(scratch, path)), 0700);
    (void)snprintf(path, sizeof(path), "disk/default/%s/grant", removed);
    assert_int_equal(scratch_mode(scratch_path(scratch, path)), 0600);

    assert_int_equal(cache_hold_entry(cache, staged, 0, &holding), STATUS_OK);
    assert_int_equal(holding_delete(holding), STATUS_OK);
    holding_release(holding);
    assert_int_equal(entries(cache), 2);
    cache_close(cache);
    assert_string_equal(scratch->lines, "");
    assert_int_equal(umount(depot), 0);
}

/* An entry whose folder somebody still has the lock of stays below the run
 * folder, where they may write it once more, and is carried over later. */
static void
test_carried_later(void **state)
{
    struct scratch *scratch = *state;
    const char *depot = scratch_path(scratch, "disk");
    struct holding *holding = NULL;
    struct cache *cache;
    char id[ID_SIZE];

    assert_int_equal(mkdir(depot, 0700), 0);
    cache = open_cache(scratch, depot);
    hold_grant(cache, "tokens", &holding);
    assert_int_equal(holding_remove(holding, id), STATUS_OK);
    assert_int_equal(scratch_entries(scratch_path(scratch, "disk/default")),
                     0);
    assert_int_equal(entries(cache), 1);
    holding_release(holding);
    cache_carry(cache, id);
    assert_int_equal(
        scratch_entries(scratch_path(scratch, "run/default/outbox")), 0);
    assert_entry(cache, id, "tokens");
    cache_close(cache);
}

/* An outbox folder that others may write, or that is not there, is told and
 * not used; everything goes on below the run folder. */
static void
test_depot_refused(void **state)
{
    struct scratch *scratch = *state;
    const char *depot = scratch_path(scratch, "disk");
    struct holding *holding = NULL;
    struct cache *cache;
    char id[ID_SIZE];

    assert_int_equal(mkdir(depot, 0700), 0);
    assert_int_equal(chmod(depot, 0777), 0);
    cache = open_cache(scratch, depot);
    assert_non_null(strstr(scratch->lines, depot));
    hold_grant(cache, "tokens", &holding);
    holding_release(holding);
    assert_int_equal(cache_remove(cache, UID, id), STATUS_OK);
    assert_entry(cache, id, "tokens");
    assert_int_equal(scratch_entries(depot), 0);
    cache_close(cache);
    scratch->lines[0] = '\0';
    cache = open_cache(scratch, scratch_path(scratch, "nowhere"));
    assert_non_null(strstr(scratch->lines, "does not exist"));
    cache_close(cache);
}

enum { NAMES_SIZE = 256 };

static bool
note_realm(void *context, const char *realm)
{
    char *names = context;
    size_t length = strlen(names);

    snprintf(names + length, NAMES_SIZE - length, "%s ", realm);
    return strcmp(realm, "last") != 0;
}

/* After a reboot the run folder is empty: the realms of what is owed are found
 * by the disk alone, and one that is in both places is visited once. */
static void
test_reboot(void **state)
{
    struct scratch *scratch = *state;
    const char *depot = scratch_path(scratch, "disk");
    struct cache *cache;
    char names[NAMES_SIZE] = "";

    assert_int_equal(mkdir(depot, 0700), 0);
    assert_int_equal(mkdir(scratch_path(scratch, "disk/other"), 0700), 0);
    assert_int_equal(mkdir(scratch_path(scratch, "disk/no realm"), 0700), 0);
    assert_int_equal(cache_each_realm_at(scratch->run, depot, &scratch->log,
                                         note_realm, names),
                     STATUS_OK);
    assert_string_equal(names, "other ");

    cache = open_cache(scratch, depot);
    cache_close(cache);
    names[0] = '\0';
    assert_int_equal(cache_each_realm_at(scratch->run, depot, &scratch->log,
                                         note_realm, names),
                     STATUS_OK);
    assert_string_equal(names, "default other ");

    names[0] = '\0';
    assert_int_equal(mkdir(scratch_path(scratch, "run/last"), 0700), 0);
    assert_int_equal(rename(scratch_path(scratch, "run/default"),
                            scratch_path(scratch, "run/tokens")),
                     0);
    assert_int_equal(cache_each_realm_at(scratch->run, depot, &scratch->log,
                                         note_realm, names),
                     STATUS_OK);
    assert_string_equal(names, "last ");

    names[0] = '\0';
    assert_int_equal(cache_each_realm_at(scratch->run, "", &scratch->log,
                                         note_realm, names),
                     STATUS_OK);
    assert_string_equal(names, "last ");
}

/* A full disk leaves an entry where it is, whole, and no empty one in its
 * place. */
static void
test_depot_full(void **state)
{
    struct scratch *scratch = *state;
    const char *depot = scratch_path(scratch, "disk");
    struct holding *holding = NULL;
    struct cache *cache;
    char id[ID_SIZE];

    if (!private_mounts)
        skip();
    assert_int_equal(mkdir(depot, 0700), 0);
    assert_int_equal(mount("none", depot, "tmpfs", 0, "mode=700,nr_inodes=3"),
                     0);
    cache = open_cache(scratch, depot);
    hold_grant(cache, "tokens", &holding);
    holding_release(holding);
    assert_int_equal(cache_remove(cache, UID, id), STATUS_OK);
    assert_entry(cache, id, "tokens");
    assert_int_equal(entries(cache), 1);
    assert_int_equal(scratch_entries(scratch_path(scratch, "disk/default")),
                     0);
    assert_non_null(strstr(scratch->lines, "does not outlast a reboot"));
    cache_close(cache);
    assert_int_equal(umount(depot), 0);
}

/* Sign-ins of one user share their lock, a logout that would end them has it
 * alone, and other users are not concerned. */
static void
test_sign_ins(void **state)
{
    struct scratch *scratch = *state;
    struct cache *cache = open_cache(scratch, "");
    int first = cache_lock_sign_ins(cache, UID, true, 0);
    int second = cache_lock_sign_ins(cache, UID, true, 0);
    int other;

    assert_true(first >= 0 && second >= 0);
    assert_int_equal(cache_lock_sign_ins(cache, UID, false, 0), -1);
    other = cache_lock_sign_ins(cache, UID + 1, false, 0);
    assert_true(other >= 0);
    assert_int_equal(close(other), 0);
    assert_int_equal(close(first), 0);
    assert_int_equal(cache_lock_sign_ins(cache, UID, false, 0), -1);
    assert_int_equal(close(second), 0);
    other = cache_lock_sign_ins(cache, UID, false, 0);
    assert_true(other >= 0);
    assert_int_equal(cache_lock_sign_ins(cache, UID, true, 20), -1);
    assert_int_equal(close(other), 0);
    cache_close(cache);
}

/* An entry whose lock somebody has and keeps is parted from them once nothing
 * was written there for long enough; one that nobody has is left alone. */
static void
test_part(void **state)
{
    struct scratch *scratch = *state;
    struct cache *cache = open_cache(scratch, "");
    struct holding *holding = NULL;
    char id[ID_SIZE], own[ID_SIZE];

    hold_grant(cache, "tokens", &holding);
    assert_int_equal(holding_remove(holding, id), STATUS_OK);
    assert_int_equal(cache_part_entry(cache, id, 60, own), STATUS_NOT_FOUND);
    assert_int_equal(cache_part_entry(cache, id, 0, own), STATUS_OK);
    assert_string_not_equal(own, id);
    assert_entry(cache, own, "tokens");
    assert_int_equal(cache_part_entry(cache, id, 0, id), STATUS_NOT_FOUND);
    assert_int_equal(cache_part_entry(cache, own, 0, id), STATUS_NOT_FOUND);
    holding_release(holding);
    cache_close(cache);
}

/* --- a session beside somebody's lock -------------------------------------
 */

/* A session is noted without the lock beside a grant that is held for its
 * user, and only there. */
static void
test_join(void **state)
{
    struct scratch *scratch = *state;
    struct cache *cache = open_cache(scratch, "");
    struct session_record record = { .opened_at = 1 };
    struct holding *holding = NULL;
    char id[ID_SIZE];
    size_t live = 0;

    assert_int_equal(leader_record_self(&record), STATUS_OK);
    assert_int_equal(cache_join(cache, "alice", UID, &record, id),
                     STATUS_NOT_FOUND);
    assert_int_equal(cache_hold(cache, UID, true, 0, &holding), STATUS_OK);
    assert_int_equal(cache_join(cache, "alice", UID, &record, id),
                     STATUS_NOT_FOUND);
    holding_release(holding);
    hold_grant(cache, "tokens", &holding);
    assert_int_equal(cache_join(cache, "bob", UID, &record, id),
                     STATUS_NOT_FOUND);
    assert_string_equal(id, "");
    assert_int_equal(cache_join(cache, "alice", UID, &record, id), STATUS_OK);
    assert_true(folder_id_valid(id));
    assert_int_equal(holding_count_sessions(holding, &live), STATUS_OK);
    assert_int_equal(live, 1);
    holding_release(holding);
    wire_clear(&session_table, &record);
    cache_close(cache);
}

/* --- tokens for programs --------------------------------------------------
 */

static void
assert_exported(struct scratch *scratch, const char *name, const char *text)
{
    char found[64] = "";
    struct stat info;
    const char *path = scratch_path(scratch, name);
    FILE *file = fopen(path, "r");

    assert_non_null(file);
    (void)!fread(found, 1, sizeof(found) - 1, file);
    assert_int_equal(fstat(fileno(file), &info), 0);
    assert_int_equal(fclose(file), 0);
    assert_string_equal(found, text);
    assert_int_equal(info.st_uid, UID);
    assert_int_equal(info.st_mode & 07777, 0400);
}

/* The access token, and nothing else of the grant, is its user's to read in a
 * folder that is root's; its time is when it expires; a newer one takes its
 * place where there is one, and it goes with the grant. */
static void
test_export(void **state)
{
    struct scratch *scratch = *state;
    struct cache *cache = open_cache(scratch, "");
    struct holding *holding = NULL;
    struct stat info;
    struct grant grant;
    char *path = NULL, id[ID_SIZE];

    hold_grant(cache, "the refresh token", &holding);
    assert_int_equal(holding_load(holding, &grant), STATUS_OK);
    grant.expires_at = 2000000000;
    cache_export_again(cache, &grant);
    assert_int_equal(access(scratch_path(scratch, "run/tokens"), F_OK), -1);
    assert_int_equal(cache_export(cache, &grant, &path), STATUS_OK);
    assert_string_equal(path, scratch_path(scratch, "run/tokens/4242"));
    free(path);
    path = export_path(scratch->run, "default", UID);
    assert_string_equal(path, scratch_path(scratch, "run/tokens/4242"));
    free(path);
    path = export_path(scratch->run, "other", UID);
    assert_string_equal(path, scratch_path(scratch, "run/tokens/4242.other"));
    free(path);
    assert_exported(scratch, "run/tokens/4242", "for programs");
    assert_int_equal(scratch_mode(scratch_path(scratch, "run/tokens")), 0711);
    assert_int_equal(stat(scratch_path(scratch, "run/tokens/4242"), &info), 0);
    assert_int_equal(info.st_mtime, 2000000000);

    assert_int_equal(secret_set(&grant.access, "newer"), STATUS_OK);
    cache_export_again(cache, &grant);
    assert_exported(scratch, "run/tokens/4242", "newer");
    grant_clear(&grant);
    cache_sweep_exports(cache);
    assert_exported(scratch, "run/tokens/4242", "newer");
    assert_int_equal(holding_remove(holding, id), STATUS_OK);
    holding_release(holding);
    assert_int_equal(scratch_entries(scratch_path(scratch, "run/tokens")), 0);
    cache_close(cache);
}

/* The sweep takes away what belongs to nobody who holds a grant, and leaves
 * another realm's and strangers' alone. */
static void
test_sweep_exports(void **state)
{
    struct scratch *scratch = *state;
    struct cache *cache = open_cache(scratch, "");

    assert_int_equal(mkdir(scratch_path(scratch, "run/tokens"), 0711), 0);
    scratch_file(scratch_path(scratch, "run/tokens/4242"), "x", 0400);
    scratch_file(scratch_path(scratch, "run/tokens/4242.other"), "x", 0400);
    scratch_file(scratch_path(scratch, "run/tokens/readme"), "x", 0400);
    cache_sweep_exports(cache);
    assert_int_equal(access(scratch_path(scratch, "run/tokens/4242"), F_OK),
                     -1);
    assert_int_equal(scratch_entries(scratch_path(scratch, "run/tokens")), 2);
    cache_close(cache);
}

/* A link in the place of the folder is not followed, and a folder that others
 * may write is not used. */
static void
test_export_refused(void **state)
{
    struct scratch *scratch = *state;
    struct cache *cache = open_cache(scratch, "");
    struct grant grant;

    scratch_grant(&grant, "default", "alice", UID, "opaque");
    assert_int_equal(secret_set(&grant.access, "for programs"), STATUS_OK);
    assert_int_equal(mkdir(scratch_path(scratch, "elsewhere"), 0755), 0);
    assert_int_equal(symlink(scratch_path(scratch, "elsewhere"),
                             scratch_path(scratch, "run/tokens")),
                     0);
    assert_int_equal(cache_export(cache, &grant, NULL), STATUS_SYSTEM);
    assert_int_equal(scratch_entries(scratch_path(scratch, "elsewhere")), 0);
    assert_int_equal(unlink(scratch_path(scratch, "run/tokens")), 0);
    assert_int_equal(mkdir(scratch_path(scratch, "run/tokens"), 0700), 0);
    assert_int_equal(chmod(scratch_path(scratch, "run/tokens"), 0777), 0);
    assert_int_equal(cache_export(cache, &grant, NULL), STATUS_SYSTEM);
    assert_int_equal(scratch_entries(scratch_path(scratch, "run/tokens")), 0);
    grant_clear(&grant);
    cache_close(cache);
}

/* --- given up -------------------------------------------------------------
 */

/* Delivers an entry that is owed for DAYS and was tried TRIES times, with no
 * helper to ask the API; whether the entry is gone. */
static bool
given_up(struct scratch *scratch, int64_t days, int64_t tries)
{
    const int64_t owed_s = days * 24 * 60 * 60;
    struct cache *cache = open_cache(scratch, "");
    struct channel channel = { .cache = cache,
                               .timeout_ms = 1000,
                               .log = &scratch->log };
    struct delivered delivered = { 0 };
    struct holding *holding = NULL;
    struct grant grant;
    char id[ID_SIZE];
    enum status status;
    bool gone;

    hold_grant(cache, "tokens", &holding);
    assert_int_equal(holding_load(holding, &grant), STATUS_OK);
    grant.owed_at = clock_now().wall - owed_s;
    grant.tries = tries;
    assert_int_equal(holding_store(holding, &grant), STATUS_OK);
    grant_clear(&grant);
    assert_int_equal(holding_remove(holding, id), STATUS_OK);
    holding_release(holding);
    status = deliver_entry(&channel, id, false, &delivered);
    gone = entries(cache) == 0;
    assert_int_equal(status == STATUS_OK, gone);
    assert_int_equal(delivered.given_up, gone);
    assert_int_equal(delivered.kept, !gone);
    assert_int_equal(delivered.revoked, 0);
    if (!gone) {
        assert_int_equal(cache_hold_entry(cache, id, 0, &holding), STATUS_OK);
        assert_int_equal(holding_load(holding, &grant), STATUS_OK);
        assert_int_equal(grant.tries, tries + 1);
        assert_int_equal(grant.owed_at, clock_now().wall - owed_s);
        grant_clear(&grant);
        assert_int_equal(holding_delete(holding), STATUS_OK);
        holding_release(holding);
    }
    cache_close(cache);
    return gone;
}

/* What nobody could revoke is given up after seven days of tries, with a line
 * in the log, and not by a clock alone that says so. */
static void
test_given_up(void **state)
{
    struct scratch *scratch = *state;

    assert_false(given_up(scratch, 6, 150));
    assert_false(given_up(scratch, 8, 3));
    assert_null(strstr(scratch->lines, "given up"));
    assert_true(given_up(scratch, 8, 150));
    assert_non_null(strstr(scratch->lines, "given up"));
}

/* Where the API cannot be asked, whoever wants everything of a user revoked is
 * told of all that stays, though only the first of it was tried. */
static void
test_all_that_stays(void **state)
{
    struct scratch *scratch = *state;
    struct cache *cache = open_cache(scratch, "");
    struct channel channel = { .cache = cache,
                               .timeout_ms = 1000,
                               .log = &scratch->log };
    struct delivered delivered = { 0 };
    struct holding *holding = NULL;
    char handle[ID_SIZE];
    struct grant grant;

    hold_grant(cache, "held", &holding);
    holding_release(holding);
    for (uint32_t i = 0; i < 2; i++) {
        scratch_grant(&grant, "default", i == 0 ? "alice" : "bob", UID + i,
                      "staged");
        assert_int_equal(cache_stage(cache, &grant, handle), STATUS_OK);
        grant_clear(&grant);
    }
    assert_int_equal(deliver_user(&channel, "alice", &delivered), STATUS_OK);
    assert_int_equal(delivered.kept, 2);
    assert_int_equal(delivered.revoked, 0);
    assert_int_equal(entries(cache), 2);
    cache_close(cache);
}

/* --- pauses ---------------------------------------------------------------
 */

/* The first failure is tried again at the next sweep; later pauses double from
 * about a minute to about an hour, and never undercut what the API asked
 * for. */
static void
test_pause(void **state)
{
    int64_t expected = 60;

    (void)state;
    for (int i = 0; i < 50; i++) {
        assert_int_equal(renewal_pause(1, 0), 0);
        assert_in_range(renewal_pause(2, 0), 45, 75);
        assert_in_range(renewal_pause(1, 600), 600, 675);
        assert_in_range(renewal_pause(3, 7200), 7200, 8100);
        assert_in_range(renewal_pause(INT64_MAX, INT64_MAX), 21600, 24300);
    }
    for (int64_t tries = 2; tries < 100; tries++) {
        assert_in_range(renewal_pause(tries, 0), expected - expected / 4,
                        expected + expected / 4);
        expected = 2 * expected < 3600 ? 2 * expected : 3600;
    }
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
#define TEST(name_)                                                           \
    cmocka_unit_test_setup_teardown(name_, scratch_setup, scratch_teardown)
        TEST(test_depot),          TEST(test_carried_later),
        TEST(test_depot_refused),  TEST(test_reboot),
        TEST(test_depot_full),     TEST(test_sign_ins),
        TEST(test_part),           TEST(test_join),
        TEST(test_export),         TEST(test_sweep_exports),
        TEST(test_export_refused), TEST(test_given_up),
        TEST(test_all_that_stays), cmocka_unit_test(test_pause),
    };

    private_mounts = scratch_private_mounts();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
