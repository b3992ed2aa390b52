/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_leader.c - whether the process that opened a session still runs.
 *
 * It refuses to believe a pid alone, as the code it tests does.
 */
#include "base/message.h"
#include "scratch.h"
#include "session/leader.h"

#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void
forget(struct session_record *record)
{
    wire_clear(&session_table, record);
}

static bool
runs(const struct session_record *record)
{
    struct vantage here;

    vantage_take(&here);
    return leader_running(&here, record);
}

/* A child that notes itself, hands the numbers over and waits to be killed;
 * NAME becomes what /proc shows as its name. */
static pid_t
start_leader(const char *name, int unshared, struct session_record *record)
{
    struct session_record theirs = { 0 };
    pid_t child, leader;
    int pipes[2];

    assert_int_equal(leader_record_self(record), STATUS_OK);
    assert_int_equal(pipe(pipes), 0);
    child = scratch_fork();
    if (child == 0) {
        /* The first child of an unshare is the one inside. */
        if (unshared != 0
            && (unshare(unshared) != 0 || (leader = fork()) < 0
                || (leader > 0 && (waitpid(leader, NULL, 0), true))))
            _exit(1);
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)prctl(PR_SET_NAME, name);
        if (leader_record_self(&theirs) != STATUS_OK
            || write(pipes[1], &theirs, sizeof(theirs))
                   != (ssize_t)sizeof(theirs))
            _exit(1);
        for (;;)
            pause();
    }
    close(pipes[1]);
    assert_int_equal(read(pipes[0], &theirs, sizeof(theirs)), sizeof(theirs));
    close(pipes[0]);
    record->leader = theirs.leader;
    record->started_at = theirs.started_at;
    record->pid_namespace = theirs.pid_namespace;
    return child;
}

/* A process notes its own pid, start, namespace and boot, runs by its own
 * account, and its record survives the codec. */
static void
test_self(void **state)
{
    struct session_record record = { 0 };
    struct session_record read_back = { 0 };
    struct secret bytes = SECRET_INIT(WIRE_MAX);

    (void)state;
    assert_int_equal(leader_record_self(&record), STATUS_OK);
    assert_int_equal(record.leader, getpid());
    assert_true(record.started_at > 0);
    assert_true(record.pid_namespace > 0);
    assert_int_equal(strlen(record.boot_id), 36);
    assert_true(runs(&record));
    record.opened_at = 1700000000;
    record.proved_at = 1700000000;
    assert_int_equal(wire_encode(&session_table, &record, &bytes), STATUS_OK);
    assert_int_equal(
        wire_decode(&session_table, bytes.data, bytes.length, &read_back),
        STATUS_OK);
    assert_true(runs(&read_back));
    forget(&record);
    forget(&read_back);
    secret_clear(&bytes);
}

/* A leader lives until it dies; dead but not yet waited for is dead, and so
 * is one that is gone. */
static void
test_dies(void **state)
{
    struct session_record record = { 0 };
    pid_t child = start_leader("leader", 0, &record);
    siginfo_t info;

    (void)state;
    assert_int_equal(record.leader, child);
    assert_true(runs(&record));
    assert_int_equal(kill(child, SIGSTOP), 0);
    assert_true(runs(&record));
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
    assert_false(runs(&record));
    assert_int_equal(scratch_exit_status(child), -1);
    assert_false(runs(&record));
    forget(&record);
}

/* A process can name itself so that its line in /proc seems to say other
 * things; nothing is read from the name. */
static void
test_hostile_names(void **state)
{
    static const char *const names[] = { ") Z 1 1 1 0 -1", "a b) S (c",
                                         "))))) X",        "(",
                                         "\n) Z\n",        " " };

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct session_record plain = { 0 };
        struct session_record record = { 0 };
        pid_t first = start_leader("plain", 0, &plain);
        pid_t child = start_leader(names[i], 0, &record);

        assert_in_range(record.started_at, plain.started_at,
                        plain.started_at + 500);
        assert_true(runs(&record));
        assert_int_equal(kill(first, SIGKILL), 0);
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(scratch_exit_status(first), -1);
        assert_int_equal(scratch_exit_status(child), -1);
        forget(&plain);
        forget(&record);
    }
}

/* The same pid with another start is another process, and so is a number that
 * only agrees with a pid in its lower half, or is none. */
static void
test_reused_pid(void **state)
{
    struct session_record record = { 0 };

    (void)state;
    assert_int_equal(leader_record_self(&record), STATUS_OK);
    record.started_at++;
    assert_false(runs(&record));
    record.started_at -= 2;
    assert_false(runs(&record));
    record.started_at++;
    record.leader += INT64_C(0x100000000);
    assert_false(runs(&record));
    record.leader = -getpid();
    assert_false(runs(&record));
    record.leader = 0;
    assert_false(runs(&record));
    record.leader = getpid();
    assert_true(runs(&record));
    forget(&record);
}

/* No process of another boot runs, not even one in a foreign pid
 * namespace. */
static void
test_other_boot(void **state)
{
    struct session_record record = { 0 };

    (void)state;
    assert_int_equal(leader_record_self(&record), STATUS_OK);
    record.boot_id[0] = record.boot_id[0] == '0' ? '1' : '0';
    assert_false(runs(&record));
    record.pid_namespace++;
    assert_false(runs(&record));
    forget(&record);
}

/* A leader in another pid namespace cannot be looked at, and counts as
 * running even when it is dead. */
static void
test_foreign_namespace(void **state)
{
    struct session_record record = { 0 };
    int64_t own;
    pid_t child;

    (void)state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(leader_record_self(&record), STATUS_OK);
    own = record.pid_namespace;
    forget(&record);
    child = start_leader("inside", CLONE_NEWPID, &record);
    assert_int_not_equal(record.pid_namespace, own);
    assert_true(runs(&record));
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(scratch_exit_status(child), -1);
    assert_true(runs(&record));
    forget(&record);
}

/* Without a /proc nothing can be noted, and nobody is taken for dead. */
static void
test_no_proc(void **state)
{
    struct session_record self = { 0 };
    pid_t child;

    (void)state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(leader_record_self(&self), STATUS_OK);
    child = scratch_fork();
    if (child == 0) {
        struct session_record record = { 0 };
        int told;

        if (!scratch_private_mounts()
            || mount("none", "/proc", "tmpfs", 0, "") != 0)
            _exit(77);
        if (leader_record_self(&record) != STATUS_SYSTEM
            || record.boot_id != NULL)
            _exit(1);
        told = runs(&self) ? 0 : 2;
        forget(&self);
        _exit(told);
    }
    switch (scratch_exit_status(child)) {
    case 0:
        break;
    case 77:
        forget(&self);
        skip();
        break;
    case 1:
        fail_msg("something was noted without /proc");
        break;
    default:
        fail_msg("a process that nobody could look at was taken for dead");
    }
    forget(&self);
}

/* Looking leaves no descriptor behind, whatever is looked at. */
static void
test_descriptors(void **state)
{
    struct session_record record = { 0 };
    int before = scratch_open_descriptors();

    (void)state;
    for (int i = 0; i < 20; i++) {
        assert_int_equal(leader_record_self(&record), STATUS_OK);
        assert_true(runs(&record));
        record.leader = 0;
        assert_false(runs(&record));
        forget(&record);
    }
    assert_int_equal(scratch_open_descriptors(), before);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_self),
        cmocka_unit_test(test_dies),
        cmocka_unit_test(test_hostile_names),
        cmocka_unit_test(test_reused_pid),
        cmocka_unit_test(test_other_boot),
        cmocka_unit_test(test_foreign_namespace),
        cmocka_unit_test(test_no_proc),
        cmocka_unit_test(test_descriptors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
