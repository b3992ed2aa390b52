/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * filter.c - sandbox_calls: the system calls that the helper never needs.
 *
 * A list of refusals and not of permissions: what getaddrinfo, NSS modules
 * and OpenSSL call differs from machine to machine, and a login that fails
 * after an update of libc is not safer.  What would lead out of the process
 * (programs, signals, tracing, namespaces, kernel interfaces with a history)
 * is refused with EPERM; a foreign architecture's calls end the process.
 */
#include "helper/sandbox.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

static const int refused[] = {
    /* programs */
    SCMP_SYS(execve),
    SCMP_SYS(execveat),
    SCMP_SYS(uselib),
    /* other processes */
    SCMP_SYS(ptrace),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(process_madvise),
    SCMP_SYS(process_mrelease),
    SCMP_SYS(kcmp),
    SCMP_SYS(pidfd_open),
    SCMP_SYS(pidfd_getfd),
    SCMP_SYS(pidfd_send_signal),
    SCMP_SYS(kill),
    SCMP_SYS(tkill),
    SCMP_SYS(rt_sigqueueinfo),
    SCMP_SYS(rt_tgsigqueueinfo),
    SCMP_SYS(move_pages),
    SCMP_SYS(migrate_pages),
    /* mounts and namespaces */
    SCMP_SYS(mount),
    SCMP_SYS(umount),
    SCMP_SYS(umount2),
    SCMP_SYS(pivot_root),
    SCMP_SYS(chroot),
    SCMP_SYS(move_mount),
    SCMP_SYS(mount_setattr),
    SCMP_SYS(open_tree),
    SCMP_SYS(fsopen),
    SCMP_SYS(fsconfig),
    SCMP_SYS(fsmount),
    SCMP_SYS(fspick),
    SCMP_SYS(setns),
    SCMP_SYS(unshare),
    /* kernel interfaces with a history */
    SCMP_SYS(bpf),
    SCMP_SYS(io_uring_setup),
    SCMP_SYS(io_uring_enter),
    SCMP_SYS(io_uring_register),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(keyctl),
    SCMP_SYS(add_key),
    SCMP_SYS(request_key),
    SCMP_SYS(personality),
    SCMP_SYS(modify_ldt),
    SCMP_SYS(vm86),
    SCMP_SYS(vm86old),
    SCMP_SYS(iopl),
    SCMP_SYS(ioperm),
    SCMP_SYS(lookup_dcookie),
    SCMP_SYS(_sysctl),
    SCMP_SYS(fanotify_init),
    SCMP_SYS(fanotify_mark),
    SCMP_SYS(name_to_handle_at),
    SCMP_SYS(open_by_handle_at),
    /* System V and POSIX queues: shared with everybody of the same uid */
    SCMP_SYS(shmget),
    SCMP_SYS(shmat),
    SCMP_SYS(shmctl),
    SCMP_SYS(semget),
    SCMP_SYS(semctl),
    SCMP_SYS(msgget),
    SCMP_SYS(msgsnd),
    SCMP_SYS(msgrcv),
    SCMP_SYS(msgctl),
    SCMP_SYS(mq_open),
    SCMP_SYS(mq_unlink),
    /* the machine */
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(delete_module),
    SCMP_SYS(create_module),
    SCMP_SYS(kexec_load),
    SCMP_SYS(kexec_file_load),
    SCMP_SYS(reboot),
    SCMP_SYS(swapon),
    SCMP_SYS(swapoff),
    SCMP_SYS(acct),
    SCMP_SYS(quotactl),
    SCMP_SYS(quotactl_fd),
    SCMP_SYS(nfsservctl),
    SCMP_SYS(syslog),
    SCMP_SYS(vhangup),
    SCMP_SYS(sethostname),
    SCMP_SYS(setdomainname),
    SCMP_SYS(settimeofday),
    SCMP_SYS(clock_settime),
    SCMP_SYS(clock_settime64),
    SCMP_SYS(clock_adjtime),
    SCMP_SYS(clock_adjtime64),
    SCMP_SYS(adjtimex),
    SCMP_SYS(stime),
    /* names and modes of files: we read, and where there is no Landlock
     * nothing else would say so */
    SCMP_SYS(chmod),
    SCMP_SYS(fchmod),
    SCMP_SYS(fchmodat),
    SCMP_SYS(chown),
    SCMP_SYS(fchown),
    SCMP_SYS(lchown),
    SCMP_SYS(fchownat),
    SCMP_SYS(link),
    SCMP_SYS(linkat),
    SCMP_SYS(symlink),
    SCMP_SYS(symlinkat),
    SCMP_SYS(mknod),
    SCMP_SYS(mknodat),
    SCMP_SYS(mkdir),
    SCMP_SYS(mkdirat),
    SCMP_SYS(rename),
    SCMP_SYS(renameat),
    SCMP_SYS(renameat2),
    SCMP_SYS(unlink),
    SCMP_SYS(unlinkat),
    SCMP_SYS(rmdir),
    SCMP_SYS(truncate),
    SCMP_SYS(setxattr),
    SCMP_SYS(lsetxattr),
    SCMP_SYS(fsetxattr),
};

static const uint64_t namespaces[] = {
    CLONE_NEWNS,   CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC,
    CLONE_NEWUSER, CLONE_NEWPID,    CLONE_NEWNET,
};

#if defined(__s390__)
#define CLONE_FLAGS 1 /* the argument that holds clone(2)'s flags */
#else
#define CLONE_FLAGS 0
#endif

/* AF_UNIX (syslog, nscd), INET, INET6 and NETLINK (getaddrinfo) are left. */
static int
refuse_sockets(scmp_filter_ctx filter, int call)
{
    int result = 0;

    for (int family = 0; family <= AF_NETLINK && result == 0; family++)
        if (family != AF_UNIX && family != AF_INET && family != AF_INET6
            && family != AF_NETLINK)
            result = seccomp_rule_add(
                filter, SCMP_ACT_ERRNO(EPERM), call, 1,
                SCMP_CMP(0, SCMP_CMP_EQ, (scmp_datum_t)family, 0));
    if (result == 0)
        result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), call, 1,
                                  SCMP_CMP(0, SCMP_CMP_GT, AF_NETLINK, 0));
    return result;
}

static int
refuse_namespaces(scmp_filter_ctx filter)
{
    int result = 0;

    for (size_t i = 0;
         i < sizeof(namespaces) / sizeof(namespaces[0]) && result == 0; i++)
        result =
            seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
                             SCMP_CMP(CLONE_FLAGS, SCMP_CMP_MASKED_EQ,
                                      namespaces[i], namespaces[i]));
    return result;
}

static int
refuse_all(scmp_filter_ctx filter)
{
    const uint32_t refuse = SCMP_ACT_ERRNO(EPERM);
    int result = 0;

    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]) && result == 0;
         i++)
        result = seccomp_rule_add(filter, refuse, refused[i], 0);
    if (result == 0)
        result = refuse_sockets(filter, SCMP_SYS(socket));
    if (result == 0)
        result = refuse_sockets(filter, SCMP_SYS(socketpair));
    if (result == 0)
        result = refuse_namespaces(filter);
    /* A filter cannot look behind clone3's pointer; ENOSYS, and nothing else,
     * makes libc fall back to clone. */
    if (result == 0)
        result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS),
                                  SCMP_SYS(clone3), 0);
    /* abort() and threads signal our own process only. */
    if (result == 0)
        result = seccomp_rule_add(
            filter, refuse, SCMP_SYS(tgkill), 1,
            SCMP_CMP(0, SCMP_CMP_NE, (scmp_datum_t)getpid(), 0));
    if (result == 0)
        result = seccomp_rule_add(filter, refuse, SCMP_SYS(prlimit64), 1,
                                  SCMP_CMP(0, SCMP_CMP_NE, 0, 0));
    return result;
}

enum status
sandbox_calls(const char **step)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    int result = -ENOMEM;

    *step = "making the system call filter";
    if (filter == NULL)
        goto out;
    result = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH,
                              SCMP_ACT_KILL_PROCESS);
    if (result == 0)
        result = refuse_all(filter);
    if (result != 0)
        goto out;
    *step = "entering the system call filter";
    result = seccomp_load(filter);
out:
    if (filter != NULL)
        seccomp_release(filter);
    errno = -result;
    return result == 0 ? STATUS_OK : STATUS_SYSTEM;
}
