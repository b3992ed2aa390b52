/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_spawn.c - a program started from inside a host of any kind.
 *
 * It refuses to trust the parent's view: the child, which is this program
 * again, tells what it found.
 */
#include "base/message.h"
#include "scratch.h"
#include "session/spawn.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* What a child tells through its socket. */
struct found {
    int variables;         /* in its environment */
    int null_devices;      /* among 0, 1 and 2 */
    int others;            /* descriptors from 3 on but the socket */
    unsigned long ignored; /* signals, as /proc/self/status has them */
    unsigned long blocked;
    int leads; /* it is the leader of a session of its own */
    int arguments;
};

/* 32 and 33: the C library uses them itself and lets nobody else touch them;
 * its posix_spawn(3) leaves them ignored. */
#define LIBRARY_SIGNALS (3UL << 31)

static char self[256];

/* --- the child ------------------------------------------------------------
 */

static unsigned long
signal_set(const char *label)
{
    FILE *status = fopen("/proc/self/status", "re");
    unsigned long set = ~0UL;
    char line[256];

    while (status != NULL && fgets(line, sizeof(line), status) != NULL)
        if (strncmp(line, label, strlen(label)) == 0)
            set = strtoul(line + strlen(label), NULL, 16);
    if (status != NULL)
        (void)fclose(status);
    return set;
}

static void
look_at_descriptors(struct found *found, int socket)
{
    DIR *folder = opendir("/proc/self/fd");
    struct stat device, null;
    struct dirent *item;

    for (int i = 0; i < 3; i++)
        if (fstat(i, &device) == 0 && stat("/dev/null", &null) == 0
            && device.st_rdev == null.st_rdev && S_ISCHR(device.st_mode))
            found->null_devices++;
    while (folder != NULL && (item = readdir(folder)) != NULL) {
        int number = (int)strtol(item->d_name, NULL, 10);

        if (item->d_name[0] != '.' && number > 2 && number != socket
            && number != dirfd(folder))
            found->others++;
    }
    if (folder != NULL)
        closedir(folder);
}

static int
tell(int argc, char **environment)
{
    struct found found = { 0 };

    found.ignored = signal_set("SigIgn:") & ~LIBRARY_SIGNALS;
    found.blocked = signal_set("SigBlk:");
    while (environment[found.variables] != NULL)
        found.variables++;
    look_at_descriptors(&found, HELPER_SOCKET);
    found.leads = getsid(0) == getpid() && getpgrp() == getpid();
    found.arguments = argc;
    return send(HELPER_SOCKET, &found, sizeof(found), 0)
                   == (ssize_t)sizeof(found)
               ? 0
               : 1;
}

/* Without a socket: ends with how many descriptors it found from 3 on. */
static int
count(void)
{
    struct found found = { 0 };

    look_at_descriptors(&found, -1);
    return found.null_devices == 3 ? found.others : 99;
}

/* --- the host -------------------------------------------------------------
 */

static enum status
start(const char *what, int descriptor, struct child *child)
{
    char name[] = "child", verb[16], last[] = "last argument";
    char *argv[] = { name, verb, last, NULL };

    (void)snprintf(verb, sizeof(verb), "%s", what);
    return child_spawn(self, argv, descriptor, child);
}

/* Starts a child with the socket at descriptor AT and says what it found. */
static int
ask_at(int at, struct found *found)
{
    struct child child = { -1, -1 };
    int pair[2];
    int ok;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return 0;
    if (pair[1] != at) {
        if (pair[0] == at)
            pair[0] = fcntl(pair[0], F_DUPFD_CLOEXEC, 10);
        if (dup3(pair[1], at, O_CLOEXEC) != at)
            return 0;
        close(pair[1]);
    }
    ok = start("tell", at, &child) == STATUS_OK;
    close(at);
    ok = ok
         && recv(pair[0], found, sizeof(*found), MSG_WAITALL)
                == (ssize_t)sizeof(*found);
    child_reap(&child, 5000);
    close(pair[0]);
    return ok;
}

static int
found_clean(const struct found *found)
{
    return found->variables == 0 && found->null_devices == 3
           && found->others == 0 && found->ignored == 0 && found->blocked == 0
           && found->leads && found->arguments == 3;
}

/* Runs RUN in a process of its own; it must end with 0. */
static void
in_host(int (*run)(void))
{
    pid_t host = scratch_fork();
    if (host == 0)
        _exit(run());
    assert_int_equal(scratch_exit_status(host), 0);
}

static int
no_children(void)
{
    return waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD;
}

static void
on_signal(int number)
{
    (void)number;
}

static int
messy_host(void)
{
    struct found found;
    sigset_t all, before, after;

    (void)setenv("LD_PRELOAD", "/nonexistent", 1);
    (void)setenv("http_proxy", "http://127.0.0.1:1", 1);
    for (int number = 1; number < NSIG; number++)
        (void)signal(number, number % 2 != 0 ? SIG_IGN : on_signal);
    (void)signal(SIGCHLD, SIG_DFL);
    /* libc and kernel fill only the first word of a set. */
    memset(&before, 0, sizeof(before));
    memset(&after, 0, sizeof(after));
    (void)sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, NULL);
    (void)sigprocmask(SIG_SETMASK, NULL, &before);
    for (int i = 0; i < 20; i++)
        (void)!dup(0);
    (void)!dup2(0, 500);
    if (!ask_at(700, &found) || !found_clean(&found))
        return 1;
    (void)sigprocmask(SIG_SETMASK, NULL, &after);
    if (memcmp(&before, &after, sizeof(before)) != 0)
        return 2;
    for (int number = 1; number < NSIG; number++) {
        struct sigaction now;

        if (number != SIGKILL && number != SIGSTOP && number != SIGCHLD
            && sigaction(number, NULL, &now) == 0
            && now.sa_handler != (number % 2 != 0 ? SIG_IGN : on_signal))
            return 3;
    }
    return no_children() ? 0 : 4;
}

/* The child of a host with a loaded environment, every signal blocked and
 * ignored or handled, and descriptors everywhere finds none of it; the host
 * keeps all of it. */
static void
test_clean_child(void **state)
{
    (void)state;
    in_host(messy_host);
}

static int
host_without_descriptors(void)
{
    static const int places[] = { 0, 1, 2, 3, 4, 5, 63 };
    struct found found;

    close(0);
    close(1);
    close(2);
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        int before = scratch_open_descriptors();

        if (!ask_at(places[i], &found) || !found_clean(&found))
            return 10 + (int)i;
        if (scratch_open_descriptors() != before)
            return 20 + (int)i;
    }
    return no_children() ? 0 : 1;
}

/* In a host without standard descriptors the socket reaches the child
 * wherever it was, its own place and the standard ones included, and the child
 * still finds /dev/null on 0 to 2. */
static void
test_closed_descriptors(void **state)
{
    (void)state;
    in_host(host_without_descriptors);
}

/* Without a socket the child finds nothing from descriptor 3 on. */
static void
test_no_socket(void **state)
{
    struct child child = { -1, -1 };
    siginfo_t info;

    (void)state;
    memset(&info, 0, sizeof(info));
    assert_int_equal(start("count", -1, &child), STATUS_OK);
    assert_int_equal(waitid(P_PID, (id_t)child.pid, &info, WEXITED | WNOWAIT),
                     0);
    assert_int_equal(info.si_status, 0);
    child_reap(&child, 1000);
    assert_true(no_children());
}

/* A program that is not there, or is none, is told apart from a system that
 * cannot start one, and leaves neither a process nor a descriptor. */
static void
test_no_program(void **state)
{
    char name[] = "none";
    char *argv[] = { name, NULL };
    struct child child = { -1, -1 };
    int before = scratch_open_descriptors();

    (void)state;
    assert_int_equal(child_spawn("/nonexistent/program", argv, -1, &child),
                     STATUS_MISCONFIGURED);
    assert_int_equal(errno, ENOENT);
    child_reap(&child, 0);
    assert_int_equal(child_spawn("/etc/passwd", argv, -1, &child),
                     STATUS_MISCONFIGURED);
    assert_int_equal(errno, EACCES);
    child_reap(&child, 0);
    assert_int_equal(scratch_open_descriptors(), before);
    assert_true(no_children());
}

/* A child that does not end is waited for as long as was said and killed
 * then, stopped or not, and though a timer of the host interrupts. */
static void
test_kill(void **state)
{
    struct itimerval tick = { { 0, 3000 }, { 0, 3000 } };
    struct itimerval stop = { { 0, 0 }, { 0, 0 } };
    struct sigaction action = { .sa_handler = on_signal };
    struct sigaction before;
    int open_before = scratch_open_descriptors();

    (void)state;
    assert_int_equal(sigaction(SIGALRM, &action, &before), 0);
    for (int stopped = 0; stopped <= 1; stopped++) {
        struct child child = { -1, -1 };
        int64_t started;
        pid_t pid;

        assert_int_equal(start("wait", -1, &child), STATUS_OK);
        pid = child.pid;
        assert_true(child.pidfd >= 0);
        if (stopped)
            assert_int_equal(kill(pid, SIGSTOP), 0);
        assert_int_equal(setitimer(ITIMER_REAL, &tick, NULL), 0);
        started = scratch_now_ms();
        child_reap(&child, 200);
        assert_in_range(scratch_now_ms() - started, 150, 1500);
        assert_int_equal(setitimer(ITIMER_REAL, &stop, NULL), 0);
        assert_int_equal(kill(pid, 0), -1);
        assert_int_equal(errno, ESRCH);
        assert_true(no_children());
        child_reap(&child, 200);
    }
    assert_int_equal(sigaction(SIGALRM, &before, NULL), 0);
    assert_int_equal(scratch_open_descriptors(), open_before);
}

/* A child that ends early ends the wait. */
static void
test_ends_early(void **state)
{
    struct child child = { -1, -1 };
    int64_t started = scratch_now_ms();

    (void)state;
    assert_int_equal(start("end", -1, &child), STATUS_OK);
    child_reap(&child, 20000);
    assert_true(scratch_now_ms() - started < 10000);
    assert_true(no_children());
}

static void
reap_all(int number)
{
    int saved = errno;

    (void)number;
    while (waitpid(-1, NULL, WNOHANG) > 0)
        continue;
    errno = saved;
}

static int
host_that_reaps(void)
{
    static void (*const ways[])(int) = { SIG_IGN, reap_all };
    int before = scratch_open_descriptors();

    for (size_t i = 0; i < 2; i++) {
        (void)signal(SIGCHLD, ways[i]);
        for (int round = 0; round < 20; round++) {
            struct child child = { -1, -1 };
            int64_t started = scratch_now_ms();
            pid_t pid;

            if (start(round % 2 ? "wait" : "end", -1, &child) != STATUS_OK)
                return 1;
            pid = child.pid;
            child_reap(&child, round % 2 ? 20 : 5000);
            if (scratch_now_ms() - started > 4000)
                return 2;
            if (pid <= 0 || kill(pid, 0) == 0 || errno != ESRCH)
                return 3;
        }
    }
    return scratch_open_descriptors() == before && no_children() ? 0 : 4;
}

/* A host that ignores SIGCHLD, or whose handler waits for any child, neither
 * hangs the wait nor keeps the kill from its target. */
static void
test_host_reaps(void **state)
{
    (void)state;
    in_host(host_that_reaps);
}

static int
host_without_room(void)
{
    struct rlimit limit = { 64, 64 };
    int64_t started;

    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 1;
    while (dup(0) >= 0)
        continue;
    for (int spare = 0; spare < 4; spare++) {
        struct child child = { -1, -1 };

        if (start("wait", -1, &child) == STATUS_OK && child.pidfd < 0)
            return 2;
        child_reap(&child, 0);
        started = scratch_now_ms();
        while (!no_children())
            if (scratch_now_ms() - started > 2000)
                return 3;
        close(63 - spare);
    }
    return 0;
}

/* Where no descriptor is left there is no child that nobody can kill. */
static void
test_descriptors_exhausted(void **state)
{
    (void)state;
    in_host(host_without_room);
}

static atomic_int halt;

static void *
churn(void *nothing)
{
    while (!atomic_load(&halt)) {
        int file = open("/dev/null", O_RDONLY);

        if (file >= 0)
            close(file);
    }
    return nothing;
}

static int
host_with_threads(void)
{
    pthread_t threads[3];
    struct found found;
    int before = scratch_open_descriptors();

    for (size_t i = 0; i < 3; i++)
        if (pthread_create(&threads[i], NULL, churn, NULL) != 0)
            return 1;
    for (int round = 0; round < 200; round++)
        if (!ask_at(40, &found) || !found_clean(&found))
            return 2;
    atomic_store(&halt, 1);
    for (size_t i = 0; i < 3; i++)
        (void)pthread_join(threads[i], NULL);
    if (scratch_open_descriptors() != before)
        return 3;
    return no_children() ? 0 : 4;
}

/* Two hundred children beside threads that open and close descriptors leave
 * no descriptor and no dead child, and inherit nothing from the threads. */
static void
test_beside_threads(void **state)
{
    int before = scratch_open_descriptors();

    (void)state;
    in_host(host_with_threads);
    assert_int_equal(scratch_open_descriptors(), before);
}

int
main(int argc, char **argv, char **environment)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clean_child),
        cmocka_unit_test(test_closed_descriptors),
        cmocka_unit_test(test_no_socket),
        cmocka_unit_test(test_no_program),
        cmocka_unit_test(test_kill),
        cmocka_unit_test(test_ends_early),
        cmocka_unit_test(test_host_reaps),
        cmocka_unit_test(test_descriptors_exhausted),
        cmocka_unit_test(test_beside_threads),
    };

    if (argc > 1 && strcmp(argv[1], "tell") == 0)
        return tell(argc, environment);
    if (argc > 1 && strcmp(argv[1], "count") == 0)
        return count();
    if (argc > 1 && strcmp(argv[1], "wait") == 0)
        for (;;)
            pause();
    if (argc > 1)
        return 0;
    if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
