/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_sandbox.c - every fence of the helper, tried by climbing over it.
 *
 * Each test forks a child that enters one fence and tries what it forbids.
 * The system call filter and Landlock are entered as root, with every
 * capability: what is refused then is refused by the fence and by nothing
 * else.  Calls are chosen so that they do no harm should a fence be down.
 */
#include "helper/sandbox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/keyctl.h>
#include <netdb.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    UID = 54321,
    GID = 54322,
    NO_LANDLOCK = 77 /* exit status of a child that could not try */
};

static int failures; /* of a child */

static void
expect(bool held, const char *what)
{
    if (held)
        return;
    fprintf(stderr, "not so: %s (%s)\n", what, strerror(errno));
    failures++;
}

#define EXPECT(condition) expect(condition, #condition)

/* The call fails with this error number and no other. */
#define REFUSED_WITH(error, call)                                             \
    do {                                                                      \
        errno = 0;                                                            \
        expect((long)(call) == -1 && errno == (error), #call);                \
    } while (0)
#define REFUSED(call) REFUSED_WITH(EPERM, call)

/* Runs TRY in a child and gives its wait status. */
static int
in_child(void (*try)(void))
{
    const struct rlimit no_core = { 0, 0 };
    int status = -1;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        setrlimit(RLIMIT_CORE, &no_core);
        try();
        _exit(failures > 0 ? 1 : 0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void
run(void (*try)(void))
{
    int status;

    if (geteuid() != 0)
        skip();
    status = in_child(try);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == NO_LANDLOCK)
        skip();
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void
enter_filter(void)
{
    const char *step = "";

    EXPECT(sandbox_calls(&step) == STATUS_OK);
}

/* --- the system call filter ---------------------------------------------- */

static void
try_programs(void)
{
    char name[] = "false";
    char *const argv[] = { name, NULL };
    char *const envp[] = { NULL };

    enter_filter();
    REFUSED(execve("/bin/false", argv, envp));
    REFUSED(syscall(SYS_execveat, AT_FDCWD, "/bin/false", argv, envp, 0));
}

/* No program can be run. */
static void
test_no_programs(void **state)
{
    (void)state;
    run(try_programs);
}

static void
try_processes(void)
{
    char from = 'a';
    char to = 'b';
    struct iovec local = { &to, 1 };
    struct iovec remote = { &from, 1 };

    enter_filter();
    REFUSED(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
    REFUSED(ptrace(PTRACE_ATTACH, -1, NULL, NULL));
    REFUSED(process_vm_readv(getpid(), &local, 1, &remote, 1, 0));
    REFUSED(process_vm_writev(getpid(), &local, 1, &remote, 1, 0));
    REFUSED(syscall(SYS_pidfd_open, getppid(), 0));
    REFUSED(syscall(SYS_pidfd_getfd, -1, 0, 0));
    REFUSED(syscall(SYS_kcmp, getpid(), getppid(), 0, 0, 0));
    EXPECT(to == 'b');
}

/* No process can be traced, or its memory and descriptors be reached. */
static void
test_no_tracing(void **state)
{
    (void)state;
    run(try_processes);
}

static void
try_signals(void)
{
    pid_t parent = getppid();
    siginfo_t info = { .si_signo = SIGWINCH, .si_code = SI_QUEUE };

    enter_filter();
    REFUSED(kill(parent, 0));
    REFUSED(kill(-1, 0));
    REFUSED(kill(getpid(), 0));
    REFUSED(syscall(SYS_tkill, parent, 0));
    REFUSED(syscall(SYS_tgkill, parent, parent, 0));
    REFUSED(syscall(SYS_rt_sigqueueinfo, parent, SIGWINCH, &info));
    REFUSED(syscall(SYS_rt_tgsigqueueinfo, parent, parent, SIGWINCH, &info));
    REFUSED(syscall(SYS_pidfd_send_signal, -1, 0, NULL, 0));
    /* abort() and the threads library need this one. */
    EXPECT(syscall(SYS_tgkill, getpid(), gettid(), 0) == 0);
}

/* No other process can be sent a signal, not even signal 0. */
static void
test_no_signals(void **state)
{
    (void)state;
    run(try_signals);
}

static void
try_limits_of_others(void)
{
    struct rlimit now;

    enter_filter();
    REFUSED(prlimit(getppid(), RLIMIT_NOFILE, NULL, &now));
    EXPECT(prlimit(0, RLIMIT_NOFILE, NULL, &now) == 0);
    EXPECT(getrlimit(RLIMIT_NOFILE, &now) == 0);
}

/* Another process's limits can neither be read nor set; our own can. */
static void
test_no_limits_of_others(void **state)
{
    (void)state;
    run(try_limits_of_others);
}

static void
try_sockets(void)
{
    static const int allowed[] = { AF_UNIX, AF_INET, AF_INET6, AF_NETLINK };
    int pair[2];

    enter_filter();
    REFUSED(socket(AF_PACKET, SOCK_RAW, 0));
    REFUSED(socket(AF_UNSPEC, SOCK_STREAM, 0));
    REFUSED(socket(AF_ALG, SOCK_SEQPACKET, 0));
    REFUSED(socket(AF_VSOCK, SOCK_STREAM, 0));
    REFUSED(socket(AF_BLUETOOTH, SOCK_RAW, 0));
    REFUSED(socket(AF_KEY, SOCK_RAW, 2));
    REFUSED(socket(AF_XDP, SOCK_RAW, 0));
    /* The kernel takes the lower half of the register for the family. */
    REFUSED(syscall(SYS_socket, (1L << 32) | AF_PACKET, SOCK_RAW, 0));
    REFUSED(socketpair(AF_TIPC, SOCK_STREAM, 0, pair));
    for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
        int fd = socket(allowed[i], SOCK_DGRAM, 0);

        EXPECT(fd >= 0 || errno == EAFNOSUPPORT);
        if (fd >= 0)
            close(fd);
    }
}

/* Sockets of a few families can be made, and of no others. */
static void
test_few_sockets(void **state)
{
    (void)state;
    run(try_sockets);
}

static void
try_namespaces(void)
{
    enter_filter();
    REFUSED(unshare(CLONE_NEWUSER));
    REFUSED(unshare(CLONE_NEWNS));
    REFUSED(setns(-1, 0));
    REFUSED(syscall(SYS_clone, CLONE_NEWUSER | CLONE_SIGHAND, NULL, NULL, NULL,
                    0));
    REFUSED(
        syscall(SYS_clone, CLONE_NEWNS | CLONE_SIGHAND, NULL, NULL, NULL, 0));
    REFUSED(
        syscall(SYS_clone, CLONE_NEWPID | CLONE_SIGHAND, NULL, NULL, NULL, 0));
    REFUSED(
        syscall(SYS_clone, CLONE_NEWNET | CLONE_SIGHAND, NULL, NULL, NULL, 0));
    REFUSED(mount("none", "/nonexistent", "tmpfs", 0, NULL));
    REFUSED(umount2("/nonexistent", MNT_DETACH));
    REFUSED(chroot("/"));
    REFUSED(syscall(SYS_pivot_root, "/", "/"));
    REFUSED(syscall(SYS_move_mount, -1, "", -1, "", 0));
    REFUSED(syscall(SYS_open_tree, -1, "", 0));
    REFUSED(syscall(SYS_fsopen, "tmpfs", 0));
}

/* There is no way into another namespace or to another root. */
static void
test_no_namespaces(void **state)
{
    (void)state;
    run(try_namespaces);
}

static void
try_kernel(void)
{
    enter_filter();
    REFUSED(syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID,
                    KEY_SPEC_PROCESS_KEYRING, 0));
    REFUSED(
        syscall(SYS_add_key, "user", "a", "b", 1, KEY_SPEC_PROCESS_KEYRING));
    REFUSED(syscall(SYS_request_key, "user", "a", NULL, 0));
    REFUSED(syscall(SYS_bpf, 0, NULL, 0));
    REFUSED(syscall(SYS_io_uring_setup, 1, NULL));
    REFUSED(syscall(SYS_userfaultfd, 0));
    REFUSED(syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0));
    REFUSED(syscall(SYS_personality, 0xffffffff));
    REFUSED(syscall(SYS_init_module, NULL, 0, ""));
    REFUSED(syscall(SYS_finit_module, -1, "", 0));
    REFUSED(syscall(SYS_kexec_load, 0, 0, NULL, 0));
    REFUSED(syscall(SYS_reboot, 0, 0, 0, NULL));
    REFUSED(syscall(SYS_settimeofday, NULL, NULL));
    REFUSED(syscall(SYS_clock_settime, -1, NULL));
    REFUSED(syscall(SYS_swapon, "/nonexistent", 0));
    REFUSED(syscall(SYS_open_by_handle_at, -1, NULL, 0));
    REFUSED(syscall(SYS_name_to_handle_at, -1, "", NULL, NULL, 0));
    REFUSED(syscall(SYS_fanotify_init, 0, 0));
    REFUSED(syscall(SYS_sethostname, NULL, -1));
    REFUSED(syscall(SYS_fchmodat, AT_FDCWD, "/nonexistent", 0, 0));
    REFUSED(syscall(SYS_unlinkat, AT_FDCWD, "/nonexistent", 0));
}

/* Keys, modules, the clock and the kernel's odder doors are out of reach. */
static void
test_no_kernel_doors(void **state)
{
    (void)state;
    run(try_kernel);
}

static void *
answer(void *context)
{
    return context;
}

static void
try_what_must_work(void)
{
    struct addrinfo *list = NULL;
    pthread_t thread;
    void *result = NULL;
    int status = -1;
    int token = 0;
    int lookup;
    pid_t child;

    enter_filter();
    REFUSED_WITH(ENOSYS, syscall(SYS_clone3, NULL, 0));
    child = fork();
    if (child == 0)
        _exit(3);
    EXPECT(child > 0 && waitpid(child, &status, 0) == child);
    EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 3);
    EXPECT(pthread_create(&thread, NULL, answer, &token) == 0
           && pthread_join(thread, &result) == 0 && result == &token);
    /* A machine without a hosts file may not know the name; what counts is
     * that the lookup could run. */
    lookup = getaddrinfo("localhost", "443", NULL, &list);
    EXPECT(lookup == 0 || lookup == EAI_NONAME || lookup == EAI_AGAIN);
    if (list != NULL)
        freeaddrinfo(list);
}

/* fork, threads and name lookups still work, because clone3 says ENOSYS. */
static void
test_still_works(void **state)
{
    (void)state;
    run(try_what_must_work);
}

#if defined(__x86_64__)
static void
try_foreign_call(void)
{
    long result = 20; /* getpid of i386 */

    enter_filter();
    __asm__ volatile("int $0x80" : "+a"(result) : : "memory");
}

/* A system call of another architecture ends the process. */
static void
test_no_foreign_calls(void **state)
{
    int status;

    (void)state;
    if (geteuid() != 0)
        skip();
    status = in_child(try_foreign_call);
    assert_true(WIFSIGNALED(status));
}
#endif

/* --- Landlock ------------------------------------------------------------ */

static char place[] = "/var/tmp/authapi-test-XXXXXX";

static void
path_in(char *path, size_t size, const char *name)
{
    int length = snprintf(path, size, "%s/%s", place, name);

    assert_true(length > 0 && (size_t)length < size);
}

static void
put_file(const char *name)
{
    char path[128];
    int fd;

    path_in(path, sizeof(path), name);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "x", 1), 1);
    close(fd);
}

/* PLACE/ca has a file and a link to PLACE/far/linked; beside the latter lies
 * another file. */
static int
make_place(void **state)
{
    char path[128];

    (void)state;
    assert_non_null(mkdtemp(place));
    path_in(path, sizeof(path), "ca");
    assert_int_equal(mkdir(path, 0755), 0);
    path_in(path, sizeof(path), "far");
    assert_int_equal(mkdir(path, 0755), 0);
    put_file("ca/plain");
    put_file("far/linked");
    put_file("far/other");
    path_in(path, sizeof(path), "ca/link");
    assert_int_equal(symlink("../far/linked", path), 0);
    return 0;
}

static int
remove_place(void **state)
{
    static const char *const names[] = { "ca/plain",  "ca/link", "far/linked",
                                         "far/other", "ca",      "far" };
    char path[128];

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        path_in(path, sizeof(path), names[i]);
        (void)remove(path);
    }
    (void)rmdir(place);
    return 0;
}

static void
enter_paths(const char *extra)
{
    const char *step = "";
    enum status status = sandbox_paths(extra, &step);

    if (status == STATUS_UNSUPPORTED)
        _exit(NO_LANDLOCK);
    EXPECT(status == STATUS_OK);
}

static int
open_in(const char *name, int flags)
{
    char path[128];

    path_in(path, sizeof(path), name);
    return open(path, flags | O_CLOEXEC, 0600);
}

static void
try_paths(void)
{
    char path[128];

    EXPECT(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    EXPECT(open_in("ca/plain", O_RDONLY) >= 0);
    enter_paths(NULL);
    REFUSED_WITH(EACCES, open("/root", O_RDONLY | O_DIRECTORY));
    REFUSED_WITH(EACCES, open("/", O_RDONLY | O_DIRECTORY));
    REFUSED_WITH(EACCES, open("/proc/self/status", O_RDONLY));
    REFUSED_WITH(EACCES, open_in("ca/plain", O_RDONLY));
    REFUSED_WITH(EACCES, open_in("ca/plain", O_WRONLY));
    REFUSED_WITH(EACCES, open_in("new", O_WRONLY | O_CREAT));
    REFUSED_WITH(EACCES, open("/etc/passwd", O_RDWR));
    REFUSED_WITH(EACCES, open("/run/authapi-test", O_WRONLY | O_CREAT, 0600));
    path_in(path, sizeof(path), "far/other");
    REFUSED_WITH(EACCES, unlink(path));
    path_in(path, sizeof(path), "folder");
    REFUSED_WITH(EACCES, mkdir(path, 0700));
    EXPECT(open("/etc/passwd", O_RDONLY) >= 0);
    EXPECT(open("/usr", O_RDONLY | O_DIRECTORY) >= 0);
    EXPECT(open("/run", O_RDONLY | O_DIRECTORY) >= 0);
}

/* Files can be read in the named places only, and written nowhere. */
static void
test_few_paths(void **state)
{
    (void)state;
    run(try_paths);
}

static void
try_ca_folder(void)
{
    char path[128];

    path_in(path, sizeof(path), "ca");
    EXPECT(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    enter_paths(path);
    EXPECT(open(path, O_RDONLY | O_DIRECTORY) >= 0);
    EXPECT(open_in("ca/plain", O_RDONLY) >= 0);
    EXPECT(open_in("ca/link", O_RDONLY) >= 0);
    REFUSED_WITH(EACCES, open_in("far/other", O_RDONLY));
    REFUSED_WITH(EACCES, open_in("far", O_RDONLY | O_DIRECTORY));
    REFUSED_WITH(EACCES, open_in("ca/plain", O_WRONLY));
}

/* A CA folder can be read with what its links point to, and no more. */
static void
test_ca_folder(void **state)
{
    (void)state;
    run(try_ca_folder);
}

static void
try_ca_file(void)
{
    char path[128];

    path_in(path, sizeof(path), "ca/plain");
    EXPECT(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    enter_paths(path);
    EXPECT(open_in("ca/plain", O_RDONLY) >= 0);
    REFUSED_WITH(EACCES, open_in("ca", O_RDONLY | O_DIRECTORY));
    REFUSED_WITH(EACCES, open_in("far/linked", O_RDONLY));
}

/* A CA file can be read, and its folder not. */
static void
test_ca_file(void **state)
{
    (void)state;
    run(try_ca_file);
}

/* --- identity ------------------------------------------------------------ */

/* Whether /proc/self/status has LINE. */
static bool
has_status(const char *line)
{
    char text[8192];
    ssize_t length;
    int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return false;
    length = read(fd, text, sizeof(text) - 1);
    close(fd);
    if (length <= 0)
        return false;
    text[length] = '\0';
    return strstr(text, line) != NULL;
}

static void
try_drop(void)
{
    const gid_t groups[] = { 0, 4, 27 };
    const char *step = "";

    EXPECT(setgroups(3, groups) == 0);
    EXPECT(sandbox_drop(UID, GID, &step) == STATUS_OK);
    EXPECT(has_status("\nUid:\t54321\t54321\t54321\t54321\n"));
    EXPECT(has_status("\nGid:\t54322\t54322\t54322\t54322\n"));
    EXPECT(getgroups(0, NULL) == 0);
    EXPECT(has_status("\nCapInh:\t0000000000000000\n"));
    EXPECT(has_status("\nCapPrm:\t0000000000000000\n"));
    EXPECT(has_status("\nCapEff:\t0000000000000000\n"));
    EXPECT(has_status("\nCapBnd:\t0000000000000000\n"));
    EXPECT(has_status("\nCapAmb:\t0000000000000000\n"));
    EXPECT(has_status("\nNoNewPrivs:\t1\n"));
    REFUSED(setuid(0));
    REFUSED(setresuid(0, 0, 0));
    REFUSED(setresgid(0, 0, 0));
    REFUSED(setgroups(0, NULL));
}

/* Uid, gid, groups and every set of capabilities are given up for good. */
static void
test_drop(void **state)
{
    (void)state;
    run(try_drop);
}

static void
try_drop_to_root(void)
{
    const char *step = "";

    EXPECT(sandbox_drop(0, GID, &step) == STATUS_SYSTEM);
    EXPECT(sandbox_drop(UID, 0, &step) == STATUS_SYSTEM);
}

/* A helper's user that is root, or in root's group, is no helper's user. */
static void
test_drop_to_root(void **state)
{
    (void)state;
    run(try_drop_to_root);
}

static void
try_hide(void)
{
    const char *step = "";

    EXPECT(sandbox_drop(UID, GID, &step) == STATUS_OK);
    EXPECT(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0);
    EXPECT(sandbox_hide(&step) == STATUS_OK);
    EXPECT(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
    /* The files of a process that is not dumpable are root's. */
    REFUSED_WITH(EACCES, open("/proc/self/mem", O_RDONLY));
}

/* The process is not dumpable once it has become the helper's user. */
static void
test_hide(void **state)
{
    (void)state;
    run(try_hide);
}

/* --- limits -------------------------------------------------------------- */

static bool
is_limited(int resource, rlim_t value)
{
    struct rlimit now;

    return getrlimit((__rlimit_resource_t)resource, &now) == 0
           && now.rlim_cur == value && now.rlim_max == value;
}

static void
try_limits(void)
{
    const struct rlimit none = { 0, 0 };
    const struct rlimit some = { 5, 5 };
    bool may_raise;

    /* A container's root may lack CAP_SYS_RESOURCE. */
    EXPECT(setrlimit(RLIMIT_NPROC, &none) == 0);
    may_raise = setrlimit(RLIMIT_NPROC, &some) == 0;
    sandbox_limit();
    EXPECT(is_limited(RLIMIT_NPROC, may_raise ? 4096 : 0));
    EXPECT(is_limited(RLIMIT_CORE, 0));
    EXPECT(is_limited(RLIMIT_FSIZE, 0));
    EXPECT(is_limited(RLIMIT_NOFILE, 128));
}

/* Limits are our own, whatever the caller's were: an NPROC of 0 is raised
 * where root can. */
static void
test_limits(void **state)
{
    (void)state;
    run(try_limits);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_programs),
        cmocka_unit_test(test_no_tracing),
        cmocka_unit_test(test_no_signals),
        cmocka_unit_test(test_no_limits_of_others),
        cmocka_unit_test(test_few_sockets),
        cmocka_unit_test(test_no_namespaces),
        cmocka_unit_test(test_no_kernel_doors),
        cmocka_unit_test(test_still_works),
#if defined(__x86_64__)
        cmocka_unit_test(test_no_foreign_calls),
#endif
        cmocka_unit_test(test_few_paths),
        cmocka_unit_test(test_ca_folder),
        cmocka_unit_test(test_ca_file),
        cmocka_unit_test(test_drop),
        cmocka_unit_test(test_drop_to_root),
        cmocka_unit_test(test_hide),
        cmocka_unit_test(test_limits),
    };

    return cmocka_run_group_tests(tests, make_place, remove_place);
}
