/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_holding.c - a user's folder: its lock, its grant, its sessions, and
 * its way into the outbox while somebody holds it.
 *
 * It refuses to wait for a stopped process, as the code it tests does.
 */
#include "base/message.h"
#include "scratch.h"
#include "session/cache.h"
#include "session/leader.h"

#include <poll.h>
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

enum { UID = 1000 };

static int private_mounts;

static struct cache *
open_cache(const struct scratch *scratch)
{
    struct cache *cache = NULL;

    assert_int_equal(
        cache_open(scratch->run, "default", &scratch->log, &cache), STATUS_OK);
    return cache;
}

static struct holding *
hold(struct cache *cache)
{
    struct holding *holding = NULL;

    assert_int_equal(cache_hold(cache, UID, true, 1000, &holding), STATUS_OK);
    assert_non_null(holding);
    assert_true(holding_current(holding));
    return holding;
}

static enum status
store(struct holding *holding, const char *opaque)
{
    struct grant grant;
    enum status status;

    scratch_grant(&grant, "default", "alice", UID, opaque);
    status = holding_store(holding, &grant);
    grant_clear(&grant);
    return status;
}

static void
assert_holds(struct holding *holding, const char *opaque)
{
    struct grant grant;

    assert_int_equal(holding_load(holding, &grant), STATUS_OK);
    assert_string_equal(secret_text(&grant.opaque), opaque);
    grant_clear(&grant);
}

static void
assert_entry(struct cache *cache, const char *id, const char *opaque)
{
    struct holding *entry = NULL;

    assert_int_equal(cache_hold_entry(cache, id, 1000, &entry), STATUS_OK);
    assert_true(holding_current(entry));
    assert_holds(entry, opaque);
    holding_release(entry);
}

static void
stage(struct cache *cache, const char *opaque, char handle[ID_SIZE])
{
    struct grant grant;

    scratch_grant(&grant, "default", "alice", UID, opaque);
    assert_int_equal(cache_stage(cache, &grant, handle), STATUS_OK);
    grant_clear(&grant);
}

static void
add_session(struct holding *holding, struct session_record *record,
            char id[ID_SIZE])
{
    record->opened_at = record->proved_at = 1700000000;
    assert_int_equal(holding_add_session(holding, record, id), STATUS_OK);
    assert_true(folder_id_valid(id));
}

static void
count_entry(size_t *count)
{
    (*count)++;
}

static bool
take_entry(void *context, const char *id)
{
    assert_true(folder_id_valid(id));
    count_entry(context);
    return true;
}

static bool
take_user(void *context, uint32_t uid)
{
    assert_int_equal(uid, UID);
    count_entry(context);
    return true;
}

static size_t
entries(struct cache *cache)
{
    size_t count = 0;

    assert_int_equal(cache_each_entry(cache, take_entry, &count), STATUS_OK);
    return count;
}

/* A user's folder is there once it is made, holds what was stored last, can be
 * read without the lock, and is gone once it is deleted. */
static void
test_store(void **state)
{
    struct scratch *scratch = *state;
    struct cache *cache = open_cache(scratch);
    struct holding *holding = NULL;
    struct grant grant;
    size_t users = 0;

    assert_int_equal(cache_hold(cache, UID, false, 0, &holding),
                     STATUS_NOT_FOUND);
    assert_null(holding);
    assert_int_equal(cache_peek(cache, UID, &grant), STATUS_NOT_FOUND);
    holding = hold(cache);
    assert_int_equal(
        scratch_mode(scratch_path(scratch, "run/default/users/1000")), 0700);
    assert_int_equal(holding_load(holding, &grant), STATUS_NOT_FOUND);
    assert_int_equal(cache_peek(cache, UID, &grant), STATUS_NOT_FOUND);
    assert_int_equal(store(holding, "old"), STATUS_OK);
    assert_int_equal(store(holding, "new"), STATUS_OK);
    assert_holds(holding, "new");
    assert_int_equal(cache_peek(cache, UID, &grant), STATUS_OK);
    assert_string_equal(secret_text(&grant.opaque), "new");
    grant_clear(&grant);
    assert_int_equal(cache_each_user(cache, take_user, &users), STATUS_OK);
    assert_int_equal(users, 1);
    assert_int_equal(holding_drop(holding), STATUS_OK);
    assert_int_equal(holding_drop(holding), STATUS_OK);
    assert_int_equal(holding_load(holding, &grant), STATUS_NOT_FOUND);
    assert_int_equal(holding_delete(holding), STATUS_OK);
    assert_false(holding_current(holding));
    holding_release(holding);
    holding_release(NULL);
    assert_int_equal(scratch_entries(scratch_path(scratch, "run")), 4);
    cache_close(cache);
    assert_string_equal(scratch->lines, "");
}

/* The largest and the smallest uid have folders of their own, and nothing but
 * a uid in plain decimal is a user's folder. */
static void
test_uids(void **state)
{
    struct scratch *scratch = *state;
    struct cache *cache = open_cache(scratch);
    struct holding *holding = NULL;
    size_t users = 0;

    assert_int_equal(cache_hold(cache, UINT32_MAX, true, 0, &holding),
                     STATUS_OK);
    assert_int_equal(
        scratch_mode(scratch_path(scratch, "run/default/users/4294967295")),
        0700);
    assert_int_equal(holding_delete(holding), STATUS_OK);
    holding_release(holding);
    holding_release(hold(cache));
    assert_int_equal(
        mkdir(scratch_path(scratch, "run/default/users/.new"), 0700), 0);
    assert_int_equal(
        mkdir(scratch_path(scratch, "run/default/users/01000"), 0700), 0);
    assert_int_equal(
        mkdir(scratch_path(scratch, "run/default/users/4294968296"), 0700), 0);
    assert_int_equal(
        mkdir(scratch_path(scratch, "run/default/users/-1"), 0700), 0);
    assert_int_equal(
        mkdir(scratch_path(scratch, "run/default/users/1000x"), 0700), 0);
    assert_int_equal(cache_each_user(cache, take_user, &users), STATUS_OK);
    assert_int_equal(users, 1);
    cache_close(cache);
}

/* A folder whose grant is another name's is not this user's, though the uid is
 * the same: the name comes back with the grant. */
static void
test_reused_uid(void **state)
{
    struct scratch *scratch = *state;
    struct cache *cache = open_cache(scratch);
    struct holding *holding = hold(cache);
    struct grant grant;

    assert_int_equal(store(holding, "tokens"), STATUS_OK);
    assert_int_equal(cache_peek(cache, UID, &grant), STATUS_OK);
    assert_true(grant_belongs(&grant, "default", "alice", UID));
    assert_false(grant_belongs(&grant, "default", "bob", UID));
    grant_clear(&grant);
    holding_release(holding);
    cache_close(cache);
}

/* A holder, stopped in the middle, of a folder that is being removed: what a
 * child of ours does on the other side of two pipes. */
static void
hold_and_stop(const struct scratch *scratch, int tell, const char *late)
{
    static struct cache *cache;
    static struct holding *holding;

    if (cache_open(scratch->run, "default", NULL, &cache) != STATUS_OK
        || cache_hold(cache, UID, true, 0, &holding) != STATUS_OK)
        _exit(1);
    if (write(tell, "", 1) != 1)
        _exit(2);
    (void)raise(SIGSTOP);
    if (holding_current(holding))
        _exit(3);
    if (store(holding, late) != STATUS_OK)
        _exit(4);
    _exit(0);
}

struct entry_but {
    struct cache *cache;
    const char *but;
};

/* Every entry but one holds what was written late. */
static bool
is_late(void *context, const char *id)
{
    const struct entry_but *others = context;

    if (strcmp(id, others->but) != 0)
        assert_entry(others->cache, id, "late");
    return true;
}

/* Removing does not wait for a stopped process that holds the lock, and nor
 * does the grant; what that process writes late lands in the outbox as an
 * entry of its own; and the user's next folder is another one. */
static void
test_remove_beside_stopped_holder(void **state)
{
    struct cache *cache;
    struct scratch *scratch = *state;
    struct holding *holding;
    struct holding *busy = NULL;
    struct entry_but others;
    char id[ID_SIZE], none[ID_SIZE];
    struct grant grant;
    int told[2], status;
    int64_t started;
    pid_t child;

    cache = open_cache(scratch);
    holding = hold(cache);
    assert_int_equal(store(holding, "first"), STATUS_OK);
    holding_release(holding);
    assert_int_equal(pipe(told), 0);
    child = scratch_fork();
    if (child == 0)
        hold_and_stop(scratch, told[1], "late");
    scratch_await(told[0]);
    assert_int_equal(waitpid(child, &status, WUNTRACED), child);
    assert_true(WIFSTOPPED(status));

    started = scratch_now_ms();
    assert_int_equal(cache_hold(cache, UID, true, 200, &busy), STATUS_BUSY);
    assert_null(busy);
    assert_in_range(scratch_now_ms() - started, 150, 2000);
    started = scratch_now_ms();
    assert_int_equal(cache_remove(cache, UID, id), STATUS_OK);
    assert_true(scratch_now_ms() - started < 150);
    assert_true(folder_id_valid(id));
    assert_int_equal(cache_peek(cache, UID, &grant), STATUS_NOT_FOUND);
    assert_int_equal(cache_remove(cache, UID, none), STATUS_NOT_FOUND);
    /* The grant can be delivered at once. */
    assert_int_equal(cache_hold_entry(cache, id, 0, &busy), STATUS_OK);
    assert_holds(busy, "first");
    holding_release(busy);

    holding = hold(cache);
    assert_int_equal(store(holding, "next"), STATUS_OK);
    assert_int_equal(kill(child, SIGCONT), 0);
    assert_int_equal(scratch_exit_status(child), 0);
    assert_entry(cache, id, "first");
    assert_holds(holding, "next");
    assert_true(holding_current(holding));
    holding_release(holding);
    /* What the other wrote late is an entry of its own. */
    assert_int_equal(entries(cache), 2);
    others = (struct entry_but){ cache, id };
    assert_int_equal(cache_each_entry(cache, is_late, &others), STATUS_OK);
    close(told[0]);
    close(told[1]);
    cache_close(cache);
}

/* Whoever waited for the lock of a folder that was removed meanwhile gets the
 * user's present folder, or none, and never the removed one; releasing unlocks
 * although forked children have copies of the descriptor. */
static void
test_waiter_of_removed(void **state)
{
    /* Static: leak checkers look at forked children too. */
    static struct cache *cache, *own;
    static struct holding *holding, *got;
    struct scratch *scratch = *state;
    char id[ID_SIZE];
    pid_t children[2];

    cache = open_cache(scratch);
    holding = hold(cache);
    assert_int_equal(store(holding, "first"), STATUS_OK);
    for (int create = 0; create <= 1; create++) {
        children[create] = scratch_fork();
        if (children[create] == 0) {
            enum status status;

            if (cache_open(scratch->run, "default", NULL, &own) != STATUS_OK)
                _exit(1);
            status = cache_hold(own, UID, create, 10000, &got);
            if (create)
                _exit(status == STATUS_OK && holding_current(got)
                              && store(got, "next") == STATUS_OK
                          ? 0
                          : 2);
            /* The other child may have made a new one by now. */
            _exit(status == STATUS_NOT_FOUND
                          || (status == STATUS_OK && holding_current(got))
                      ? 0
                      : 3);
        }
    }
    (void)poll(NULL, 0, 100);
    assert_int_equal(cache_remove(cache, UID, id), STATUS_OK);
    assert_false(holding_current(holding));
    holding_release(holding);
    assert_int_equal(scratch_exit_status(children[0]), 0);
    assert_int_equal(scratch_exit_status(children[1]), 0);
    holding = hold(cache);
    assert_holds(holding, "next");
    holding_release(holding);
    assert_entry(cache, id, "first");
    cache_close(cache);
}

/* Of many processes that take and remove the folder at once, each holds it
 * alone, and no grant is lost: every one is in the outbox in the end. */
static void
test_race(void **state)
{
    enum { CHILDREN = 4, ROUNDS = 40 };
    static struct cache *cache;
    struct scratch *scratch = *state;
    const char *mark = scratch_path(scratch, "mark");
    pid_t children[CHILDREN];

    cache = open_cache(scratch);
    for (size_t i = 0; i < CHILDREN; i++) {
        children[i] = scratch_fork();
        for (int round = 0; children[i] == 0 && round < ROUNDS; round++) {
            struct holding *holding = NULL;
            char id[ID_SIZE];

            if (cache_hold(cache, UID, true, 20000, &holding) != STATUS_OK)
                _exit(1);
            /* Only one at a time can make this. */
            if (mkdir(mark, 0700) != 0)
                _exit(2);
            if (store(holding, "tokens") != STATUS_OK
                || !holding_current(holding) || rmdir(mark) != 0
                || holding_remove(holding, id) != STATUS_OK
                || !folder_id_valid(id))
                _exit(3);
            holding_release(holding);
        }
        if (children[i] == 0)
            _exit(0);
    }
    for (size_t i = 0; i < CHILDREN; i++)
        assert_int_equal(scratch_exit_status(children[i]), 0);
    assert_int_equal(entries(cache), CHILDREN * ROUNDS);
    cache_close(cache);
}

/* A folder without a grant leaves nothing to revoke: removing it leaves no
 * entry. */
static void
test_remove_without_grant(void **state)
{
    struct scratch *scratch = *state;
    struct cache *cache = open_cache(scratch);
    char id[ID_SIZE] = "x", session[ID_SIZE];
    struct session_record record = { 0 };
    struct holding *holding = hold(cache);

    assert_int_equal(leader_record_self(&record), STATUS_OK);
    add_session(holding, &record, session);
    wire_clear(&session_table, &record);
    holding_release(holding);
    assert_int_equal(cache_remove(cache, UID, id), STATUS_OK);
    assert_string_equal(id, "");
    assert_int_equal(entries(cache), 0);
    assert_int_equal(scratch_entries(scratch->run), 4);
    cache_close(cache);
}

/* A staged grant is adopted once, by rename; what was held before is retired
 * into an entry of its own first. */
static void
test_adopt(void **state)
{
    struct scratch *scratch = *state;
    struct cache *cache = open_cache(scratch);
    struct holding *holding = hold(cache);
    char handle[ID_SIZE], id[ID_SIZE];
    struct grant grant;

    assert_int_equal(holding_retire(holding, id), STATUS_NOT_FOUND);
    stage(cache, "first", handle);
    assert_int_equal(holding_adopt(holding, handle), STATUS_OK);
    assert_holds(holding, "first");
    assert_int_equal(cache_load_staged(cache, handle, &grant),
                     STATUS_NOT_FOUND);
    assert_int_equal(holding_adopt(holding, handle), STATUS_NOT_FOUND);
    stage(cache, "second", handle);
    assert_int_equal(holding_retire(holding, id), STATUS_OK);
    assert_int_equal(holding_load(holding, &grant), STATUS_NOT_FOUND);
    assert_int_equal(holding_adopt(holding, handle), STATUS_OK);
    assert_holds(holding, "second");
    assert_entry(cache, id, "first");
    holding_release(holding);
    assert_int_equal(
        scratch_entries(scratch_path(scratch, "run/default/staged")), 0);
    cache_close(cache);
}

/* Only sessions whose leader runs are counted: a dead one's, a reused pid's
 * and another boot's records are taken away, one of a foreign pid namespace
 * and our own stay; an ended one is gone. */
static void
test_sessions(void **state)
{
    static struct cache *cache;
    static struct holding *holding;
    static struct session_record record;
    struct scratch *scratch = *state;
    char own[ID_SIZE], other[ID_SIZE];
    size_t live = 99;
    pid_t child;

    cache = open_cache(scratch);
    holding = hold(cache);
    assert_int_equal(cache_count_sessions(cache, UID, &live), STATUS_OK);
    assert_int_equal(live, 0);
    assert_int_equal(leader_record_self(&record), STATUS_OK);
    add_session(holding, &record, own);
    record.started_at++;
    add_session(holding, &record, other);
    record.started_at--;
    record.pid_namespace++;
    add_session(holding, &record, other);
    record.boot_id[0] = record.boot_id[0] == 'f' ? 'e' : 'f';
    add_session(holding, &record, other);
    wire_clear(&session_table, &record);
    child = scratch_fork();
    if (child == 0) {
        if (leader_record_self(&record) != STATUS_OK)
            _exit(1);
        add_session(holding, &record, other);
        _exit(0);
    }
    assert_int_equal(scratch_exit_status(child), 0);
    assert_int_equal(scratch_entries(scratch_path(
                         scratch, "run/default/users/1000/sessions")),
                     5);
    assert_int_equal(holding_count_sessions(holding, &live), STATUS_OK);
    assert_int_equal(live, 2);
    assert_int_equal(scratch_entries(scratch_path(
                         scratch, "run/default/users/1000/sessions")),
                     2);
    assert_int_equal(cache_end_session(cache, UID, own), STATUS_OK);
    assert_int_equal(cache_end_session(cache, UID, own), STATUS_NOT_FOUND);
    assert_int_equal(cache_end_session(cache, UID + 1, own), STATUS_NOT_FOUND);
    assert_int_equal(cache_count_sessions(cache, UID, &live), STATUS_OK);
    assert_int_equal(live, 1);
    holding_release(holding);
    cache_close(cache);
}

/* A record that nobody can read counts as a session: no user loses the token
 * under a running one. */
static void
test_unreadable_session(void **state)
{
    struct scratch *scratch = *state;
    struct cache *cache = open_cache(scratch);
    struct holding *holding = hold(cache);
    struct session_record record = { 0 };
    char id[ID_SIZE], path[128];
    size_t live = 0;

    assert_int_equal(leader_record_self(&record), STATUS_OK);
    add_session(holding, &record, id);
    wire_clear(&session_table, &record);
    (void)snprintf(path, sizeof(path), "run/default/users/1000/sessions/%s",
                   id);
    assert_int_equal(chmod(scratch_path(scratch, path), 0644), 0);
    (void)!cache_count_sessions(cache, UID, &live);
    assert_int_equal(live, 1);
    holding_release(holding);
    cache_close(cache);
}

/* On a full disk the old grant stays, a grant that finds no room in the outbox
 * is not lost, and a folder can still be removed. */
static void
test_full_disk(void **state)
{
    struct scratch *scratch = *state;
    struct session_record record = { 0 };
    struct holding *holding;
    struct cache *cache;
    struct grant grant;
    char id[ID_SIZE];
    size_t used;

    if (!private_mounts)
        skip();
    assert_int_equal(mount("none", scratch->run, "tmpfs", 0,
                           "mode=711,size=32k,nr_inodes=14"),
                     0);
    cache = open_cache(scratch);
    holding = hold(cache);
    assert_int_equal(store(holding, "old"), STATUS_OK);
    used = scratch_entries(scratch->run);
    scratch_grant(&grant, "default", "alice", UID, "");
    assert_int_equal(secret_resize(&grant.opaque, 40000), STATUS_OK);
    grant.opaque.data[0] = 'x';
    assert_int_equal(holding_store(holding, &grant), STATUS_SYSTEM);
    grant_clear(&grant);
    assert_int_equal(scratch_entries(scratch->run), used);
    assert_holds(holding, "old");

    for (; used < 13; used++) {
        char path[32];

        (void)snprintf(path, sizeof(path), "run/filler%zu", used);
        scratch_file(scratch_path(scratch, path), "", 0600);
    }
    assert_int_equal(store(holding, "new"), STATUS_SYSTEM);
    assert_int_equal(holding_retire(holding, id), STATUS_SYSTEM);
    assert_int_equal(leader_record_self(&record), STATUS_OK);
    assert_int_equal(holding_add_session(holding, &record, id), STATUS_SYSTEM);
    wire_clear(&session_table, &record);
    assert_holds(holding, "old");
    assert_int_equal(scratch_entries(scratch->run), 13);
    assert_int_equal(cache_remove(cache, UID, id), STATUS_OK);
    holding_release(holding);
    assert_entry(cache, id, "old");
    cache_close(cache);
}

/* What a killed writer left half-written is no session and no grant, and goes
 * with the folder. */
static void
test_half_written(void **state)
{
    struct scratch *scratch = *state;
    struct cache *cache = open_cache(scratch);
    struct holding *holding = hold(cache);
    size_t live = 99;
    char id[ID_SIZE];

    (void)mkdir(scratch_path(scratch, "run/default/users/1000/sessions"),
                0700);
    scratch_file(scratch_path(scratch, "run/default/users/1000/.new-1"),
                 "half", 0600);
    scratch_file(
        scratch_path(scratch, "run/default/users/1000/sessions/.new-2"),
        "half", 0600);
    assert_int_equal(holding_count_sessions(holding, &live), STATUS_OK);
    assert_int_equal(live, 0);
    holding_release(holding);
    assert_int_equal(cache_remove(cache, UID, id), STATUS_OK);
    assert_string_equal(id, "");
    assert_int_equal(scratch_entries(scratch->run), 4);
    cache_close(cache);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
#define TEST(name_)                                                           \
    cmocka_unit_test_setup_teardown(name_, scratch_setup, scratch_teardown)
        TEST(test_store),
        TEST(test_uids),
        TEST(test_reused_uid),
        TEST(test_remove_beside_stopped_holder),
        TEST(test_waiter_of_removed),
        TEST(test_race),
        TEST(test_remove_without_grant),
        TEST(test_adopt),
        TEST(test_sessions),
        TEST(test_unreadable_session),
        TEST(test_full_disk),
        TEST(test_half_written),
    };

    private_mounts = scratch_private_mounts();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
