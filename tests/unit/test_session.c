/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_session.c - what opening and closing sessions makes of grants, with no
 * API in sight: what is owed to it must stand in the outbox.
 *
 * It refuses to sign anybody in; every grant is staged by hand.
 */
#include "scratch.h"
#include "session/cache.h"
#include "session/session.h"

#include <pwd.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* Two accounts that every Debian has. */
#define USER "daemon"
#define OTHER "bin"

static int private_mounts;
static uint32_t user_uid, other_uid;

struct lab {
    struct scratch *scratch;
    struct cache *cache;
    struct session_call call;
};

static struct lab
begin(void **state, const char *user)
{
    struct lab lab = { .scratch = *state };

    lab.call = (struct session_call){
        .rundir = lab.scratch->run,
        .realm = "default",
        .user = user,
        .service = "test",
        .timeout_ms = 1000,
        .log = &lab.scratch->log,
    };
    assert_int_equal(
        cache_open(lab.scratch->run, "default", &lab.scratch->log, &lab.cache),
        STATUS_OK);
    return lab;
}

/* Stages a grant of USER_NAME that names OPAQUE and has FLAGS. */
static void
stage(struct lab *lab, const char *user, uint32_t uid, const char *opaque,
      int64_t flags, char handle[ID_SIZE])
{
    struct grant grant;

    scratch_grant(&grant, "default", user, uid, opaque);
    grant.flags = flags;
    assert_int_equal(cache_stage(lab->cache, &grant, handle), STATUS_OK);
    grant_clear(&grant);
}

static void
open_with(struct lab *lab, const char *opaque, struct open_session *open)
{
    char handle[ID_SIZE];

    stage(lab, USER, user_uid, opaque, 0, handle);
    assert_int_equal(session_open(&lab->call, handle, open), STATUS_OK);
    assert_true(folder_id_valid(open->id));
    assert_int_equal(open->uid, user_uid);
}

/* What is held for UID; "" for nothing. */
static void
assert_held(struct lab *lab, uint32_t uid, const char *opaque)
{
    struct grant grant;
    enum status status = cache_peek(lab->cache, uid, &grant);

    assert_int_equal(status, opaque[0] == '\0' ? STATUS_NOT_FOUND : STATUS_OK);
    assert_string_equal(secret_text(&grant.opaque), opaque);
    grant_clear(&grant);
}

struct found {
    struct cache *cache;
    const char *opaque;
    size_t all;
    size_t matching;
};

static bool
look_at_entry(void *context, const char *id)
{
    struct found *found = context;
    struct holding *entry = NULL;
    struct grant grant;

    found->all++;
    assert_int_equal(cache_hold_entry(found->cache, id, 1000, &entry),
                     STATUS_OK);
    if (holding_load(entry, &grant) == STATUS_OK
        && strcmp(secret_text(&grant.opaque), found->opaque) == 0)
        found->matching++;
    grant_clear(&grant);
    holding_release(entry);
    return true;
}

/* The outbox has COUNT entries, and OPAQUE is one of them if it is not "". */
static void
assert_owed(struct lab *lab, size_t count, const char *opaque)
{
    struct found found = { lab->cache, opaque, 0, 0 };

    assert_int_equal(cache_each_entry(lab->cache, look_at_entry, &found),
                     STATUS_OK);
    assert_int_equal(found.all, count);
    assert_int_equal(found.matching, opaque[0] != '\0');
}

static void
assert_nothing_staged(const struct lab *lab)
{
    assert_int_equal(
        scratch_entries(scratch_path(lab->scratch, "run/default/staged")), 0);
}

/* One session takes the staged grant; its close leaves nothing held and the
 * grant owed to the API; closing again does nothing. */
static void
test_one(void **state)
{
    struct lab lab = begin(state, USER);
    struct open_session open;

    open_with(&lab, "first", &open);
    assert_nothing_staged(&lab);
    assert_held(&lab, user_uid, "first");
    assert_owed(&lab, 0, "");
    assert_int_equal(session_close(&lab.call, &open), STATUS_OK);
    assert_held(&lab, user_uid, "");
    assert_owed(&lab, 1, "first");
    assert_int_equal(session_close(&lab.call, &open), STATUS_OK);
    assert_owed(&lab, 1, "first");
    cache_close(lab.cache);
}

/* A second session keeps the first one's grant and owes its own; only the last
 * close, in whatever order, gives the held one back. */
static void
test_two(void **state)
{
    struct lab lab = begin(state, USER);
    struct open_session first, second;

    open_with(&lab, "first", &first);
    open_with(&lab, "second", &second);
    assert_held(&lab, user_uid, "first");
    assert_owed(&lab, 1, "second");
    assert_int_equal(session_close(&lab.call, &first), STATUS_OK);
    assert_held(&lab, user_uid, "first");
    assert_int_equal(session_close(&lab.call, &second), STATUS_OK);
    assert_held(&lab, user_uid, "");
    assert_owed(&lab, 2, "first");
    cache_close(lab.cache);
}

/* Where the API keeps one session a user, the newest grant is the held one. */
static void
test_newest(void **state)
{
    struct lab lab = begin(state, USER);
    struct open_session first, second;
    char handle[ID_SIZE];

    open_with(&lab, "first", &first);
    stage(&lab, USER, user_uid, "second", GRANT_SESSIONS_ONE, handle);
    assert_int_equal(session_open(&lab.call, handle, &second), STATUS_OK);
    assert_held(&lab, user_uid, "second");
    assert_owed(&lab, 1, "first");
    cache_close(lab.cache);
}

/* A grant that a crashed session left is not kept for the next: the new one
 * takes its place. */
static void
test_left_over(void **state)
{
    static struct lab lab;
    struct open_session open;
    pid_t child;

    lab = begin(state, USER);
    child = scratch_fork();
    if (child == 0) {
        open_with(&lab, "first", &open);
        _exit(0);
    }
    assert_int_equal(scratch_exit_status(child), 0);
    assert_held(&lab, user_uid, "first");
    open_with(&lab, "second", &open);
    assert_held(&lab, user_uid, "second");
    assert_owed(&lab, 1, "first");
    cache_close(lab.cache);
}

/* The grant of one user is never held for another (sudo: the invoker signs in,
 * the target's session opens), be it by name or by uid: it is owed. */
static void
test_other_user(void **state)
{
    struct lab lab = begin(state, OTHER);
    struct open_session open;
    char handle[ID_SIZE];

    stage(&lab, USER, user_uid, "first", 0, handle);
    assert_int_equal(session_open(&lab.call, handle, &open), STATUS_NOT_OURS);
    assert_string_equal(open.id, "");
    assert_owed(&lab, 1, "first");
    stage(&lab, OTHER, user_uid, "second", 0, handle);
    assert_int_equal(session_renew(&lab.call, handle), STATUS_NOT_OURS);
    assert_owed(&lab, 2, "second");
    assert_held(&lab, other_uid, "");
    assert_held(&lab, user_uid, "");
    assert_nothing_staged(&lab);
    cache_close(lab.cache);
}

/* What the former owner of a uid left is removed before the new one's session
 * opens. */
static void
test_reused_uid(void **state)
{
    struct lab lab = begin(state, USER);
    struct holding *holding = NULL;
    struct open_session open;
    struct grant grant;

    assert_int_equal(cache_hold(lab.cache, user_uid, true, 0, &holding),
                     STATUS_OK);
    scratch_grant(&grant, "default", "formerly", user_uid, "theirs");
    assert_int_equal(holding_store(holding, &grant), STATUS_OK);
    grant_clear(&grant);
    holding_release(holding);
    open_with(&lab, "own", &open);
    assert_held(&lab, user_uid, "own");
    assert_owed(&lab, 1, "theirs");
    assert_non_null(strstr(lab.scratch->lines, "formerly"));
    cache_close(lab.cache);
}

/* An unlocked screen changes nothing where no session is open and leaves the
 * grant staged; where one is, the held grant stays and the new one is owed. */
static void
test_renew(void **state)
{
    struct lab lab = begin(state, USER);
    struct open_session open;
    char handle[ID_SIZE];
    struct grant grant;

    stage(&lab, USER, user_uid, "second", 0, handle);
    assert_int_equal(session_renew(&lab.call, handle), STATUS_NOT_FOUND);
    assert_int_equal(cache_load_staged(lab.cache, handle, &grant), STATUS_OK);
    grant_clear(&grant);
    open_with(&lab, "first", &open);
    assert_int_equal(session_renew(&lab.call, handle), STATUS_OK);
    assert_held(&lab, user_uid, "first");
    assert_owed(&lab, 1, "second");
    assert_int_equal(session_close(&lab.call, &open), STATUS_OK);
    assert_held(&lab, user_uid, "");
    cache_close(lab.cache);
}

/* A handle that nobody staged, or that is none, opens nothing and changes
 * nothing; giving one back does nothing either. */
static void
test_unknown_handle(void **state)
{
    static const char *const handles[] = { "0123456789abcdef0123456789abcdef",
                                           "../users/1", "" };
    struct lab lab = begin(state, USER);
    struct open_session open;

    for (size_t i = 0; i < sizeof(handles) / sizeof(handles[0]); i++) {
        assert_int_equal(session_open(&lab.call, handles[i], &open),
                         STATUS_NOT_FOUND);
        assert_string_equal(open.id, "");
        session_discard(&lab.call, handles[i]);
    }
    assert_int_equal(scratch_entries(lab.scratch->run), 4);
    assert_string_equal(lab.scratch->lines, "");
    cache_close(lab.cache);
}

/* A stopped process of the user that holds the lock delays neither an open,
 * which is noted beside the held grant, nor a close, which empties the
 * cache. */
static void
test_stopped_holder(void **state)
{
    static struct lab lab;
    struct open_session first, second;
    int64_t started;
    char handle[ID_SIZE];
    int told[2];
    pid_t child;

    lab = begin(state, USER);
    open_with(&lab, "first", &first);
    assert_int_equal(pipe(told), 0);
    child = scratch_fork();
    if (child == 0) {
        struct holding *holding = NULL;

        if (cache_hold(lab.cache, user_uid, false, 0, &holding) != STATUS_OK
            || write(told[1], "", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    scratch_await(told[0]);
    assert_int_equal(kill(child, SIGSTOP), 0);
    started = scratch_now_ms();
    stage(&lab, USER, user_uid, "second", 0, handle);
    assert_int_equal(session_open(&lab.call, handle, &second), STATUS_OK);
    assert_true(folder_id_valid(second.id));
    assert_int_equal(session_close(&lab.call, &first), STATUS_OK);
    assert_held(&lab, user_uid, "first");
    assert_int_equal(session_close(&lab.call, &second), STATUS_OK);
    assert_true(scratch_now_ms() - started < 8000);
    assert_held(&lab, user_uid, "");
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(scratch_exit_status(child), -1);
    /* The folder that the stopped one has is the third, and empty. */
    assert_owed(&lab, 3, "first");
    assert_nothing_staged(&lab);
    close(told[0]);
    close(told[1]);
    cache_close(lab.cache);
}

/* A session that cannot be noted, the disk being full, fails with a line, and
 * its grant is neither held nor staged but owed. */
static void
test_full_disk(void **state)
{
    struct scratch *scratch = *state;
    struct open_session open;
    char handle[ID_SIZE];
    struct lab lab;

    if (!private_mounts)
        skip();
    assert_int_equal(mount("none", scratch->run, "tmpfs", 0,
                           "mode=711,size=64k,nr_inodes=9"),
                     0);
    lab = begin(state, USER);
    stage(&lab, USER, user_uid, "first", 0, handle);
    scratch_file(scratch_path(scratch, "run/filler"), "", 0600);
    assert_int_equal(session_open(&lab.call, handle, &open), STATUS_SYSTEM);
    assert_string_equal(open.id, "");
    assert_non_null(strstr(scratch->lines, "cannot"));
    assert_held(&lab, user_uid, "");
    assert_nothing_staged(&lab);
    assert_owed(&lab, 1, "first");
    cache_close(lab.cache);
}

/* A user whom NSS does not know (any more) gets no session, and the grant is
 * owed. */
static void
test_no_such_user(void **state)
{
    struct lab lab = begin(state, "nobody-of-this-name");
    struct open_session open;
    char handle[ID_SIZE];

    stage(&lab, "nobody-of-this-name", 54321, "first", 0, handle);
    assert_int_equal(session_open(&lab.call, handle, &open),
                     STATUS_NO_SUCH_USER);
    assert_held(&lab, 54321, "");
    assert_owed(&lab, 1, "first");
    cache_close(lab.cache);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
#define TEST(name_)                                                           \
    cmocka_unit_test_setup_teardown(name_, scratch_setup, scratch_teardown)
        TEST(test_one),
        TEST(test_two),
        TEST(test_newest),
        TEST(test_left_over),
        TEST(test_other_user),
        TEST(test_reused_uid),
        TEST(test_renew),
        TEST(test_unknown_handle),
        TEST(test_stopped_holder),
        TEST(test_full_disk),
        TEST(test_no_such_user),
    };
    const struct passwd *account = getpwnam(USER);

    if (account == NULL)
        return 77;
    user_uid = account->pw_uid;
    account = getpwnam(OTHER);
    if (account == NULL)
        return 77;
    other_uid = account->pw_uid;
    private_mounts = scratch_private_mounts();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
