/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_origin.c - which login session a process belongs to.
 *
 * Real processes on real terminals; it refuses to make up a /proc.
 */
#include "scratch.h"
#include "session/leader.h"
#include "session/origin.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cmocka.h>

/* Runs CHECK in a process that leads a process session on a terminal of its
 * own, as a login shell does; false where there are no terminals. */
static int
on_terminal(int (*check)(const struct session_record *),
            const struct session_record *record)
{
    int status, master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    pid_t child;

    assert_true(master >= 0);
    assert_int_equal(grantpt(master), 0);
    assert_int_equal(unlockpt(master), 0);
    child = scratch_fork();
    if (child == 0) {
        int terminal;

        (void)setsid();
        terminal = open(ptsname(master), O_RDWR | O_CLOEXEC);
        _exit(terminal < 0 || ioctl(terminal, TIOCSCTTY, 0) != 0
                  ? 99
                  : check(record));
    }
    status = scratch_exit_status(child);
    close(master);
    return status;
}

static struct session_record
record_here(void)
{
    struct session_record record = { .opened_at = 1 };

    assert_int_equal(leader_record_self(&record), STATUS_OK);
    return record;
}

static int
is_within(const struct session_record *record)
{
    struct origin origin = origin_here();

    if (origin.terminal == 0 || origin.shell != getpid()
        || origin.shell_started_at <= 0)
        return 98;
    /* As on a machine that gives out no audit sessions. */
    origin.audit = 0;
    return origin_within(&origin, record) ? 1 : 0;
}

static int
is_within_at_terminal(const struct session_record *record)
{
    struct session_record named = *record;
    struct origin origin = origin_here();

    origin.audit = 0;
    named.terminal = origin.terminal;
    named.shell = origin.shell;
    named.shell_started_at = origin.shell_started_at;
    if (!origin_within(&origin, &named))
        return 2;
    named.shell_started_at++;
    if (origin_within(&origin, &named))
        return 3;
    named.shell_started_at--;
    named.terminal++;
    return origin_within(&origin, &named) ? 4 : 1;
}

/* A shell on a terminal belongs to the session whose leader it descends from,
 * and to no other; once a terminal is named, to none but that one's. */
static void
test_terminal(void **state)
{
    struct session_record record = record_here();

    (void)state;
    assert_int_equal(on_terminal(is_within, &record), 1);
    assert_int_equal(on_terminal(is_within_at_terminal, &record), 1);
    record.started_at++;
    assert_int_equal(on_terminal(is_within, &record), 0);
    wire_clear(&session_table, &record);
}

static void
wait_for_end(void)
{
    for (;;)
        pause();
}

/* A session whose leader is a stranger to the shell is not its own, though it
 * is the same user's; nor is one whose leader is gone. */
static void
test_stranger(void **state)
{
    struct session_record record = record_here();
    struct process process;
    pid_t child = scratch_fork();

    (void)state;
    if (child == 0)
        wait_for_end();
    assert_true(leader_stat(child, &process));
    record.leader = child;
    record.started_at = process.started_at;
    assert_true(leader_here(&record));
    assert_int_equal(on_terminal(is_within, &record), 0);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(scratch_exit_status(child), -1);
    assert_false(leader_here(&record));
    assert_int_equal(on_terminal(is_within, &record), 0);
    wire_clear(&session_table, &record);
}

/* Without a terminal, and without an audit session, a process is nowhere. */
static void
test_nowhere(void **state)
{
    struct session_record record = record_here();
    struct origin origin = { 0 };

    (void)state;
    assert_false(origin_within(&origin, &record));
    wire_clear(&session_table, &record);
}

/* Where both have an audit session, that alone decides; another boot and
 * another pid namespace end it. */
static void
test_audit(void **state)
{
    struct session_record record = record_here();
    struct origin origin = { .audit = 7 };

    (void)state;
    record.audit = 7;
    assert_true(origin_within(&origin, &record));
    record.audit = 8;
    assert_false(origin_within(&origin, &record));
    record.audit = 0;
    assert_false(origin_within(&origin, &record));
    record.audit = 7;
    record.pid_namespace++;
    assert_false(origin_within(&origin, &record));
    record.pid_namespace--;
    record.boot_id[0] = record.boot_id[0] == '0' ? '1' : '0';
    assert_false(origin_within(&origin, &record));
    wire_clear(&session_table, &record);
}

/* A process whose audit session is its parent's was given none of its own. */
static void
test_inherited(void **state)
{
    (void)state;
    assert_int_equal(origin_audit_opened(), 0);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_terminal),  cmocka_unit_test(test_stranger),
        cmocka_unit_test(test_nowhere),   cmocka_unit_test(test_audit),
        cmocka_unit_test(test_inherited),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
