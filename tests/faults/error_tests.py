# SPDX-License-Identifier: BSD-3-Clause
"""System calls of a PAM call fail, one at a time."""

from scenes import SCENES, strike_each
from tap import check, test

# Where the kernel gives each error; with --thorough every call gives each.
GIVEN_BY = {
    "ENOSPC": ("write", "mkdirat", "renameat", "close", "fchmod", "creating"),
    "EMFILE": ("openat", "socketpair", "socket", "fcntl", "pidfd_open"),
    "EIO": ("read", "write", "openat", "close", "getdents64", "newfstatat",
            "mkdirat", "renameat", "unlinkat", "fchmod", "faccessat",
            "faccessat2", "readlink", "connect", "sendto", "recvfrom"),
    "ENOMEM": ("brk", "mmap", "mprotect", "clone", "clone3", "vfork",
               "openat", "mkdirat", "renameat", "unlinkat", "newfstatat",
               "getdents64", "poll", "socketpair", "sendto", "flock"),
}
# These cannot fail, and nobody looks whether they did.
NEVER = ("geteuid", "getpid", "getppid", "getuid", "gettid", "exit_group")


def fails(name, text, error):
    """Whether the call may give the error in earnest."""
    kinds = GIVEN_BY[error]
    return name in kinds or ("creating" in kinds and "O_CREAT" in text)


def error_at_every_call(scene, error):
    @test(f"{error} at each system call of {scene.what}: it ends in time with "
          "a code that is defined, nothing is damaged or locked, and after a "
          f"sweep {scene.end}")
    def _(machine):
        machine.learn()
        calls = [(name, count) for name, count, text in scene.calls(machine)
                 if name not in NEVER
                 and (machine.thorough or fails(name, text, error))]
        check(calls, "it makes none of the calls that give this error")
        outcomes = strike_each(
            machine, scene, [[f"{name}:error={error}:when={count}"]
                             for name, count in calls])
        for outcome in outcomes:
            if not outcome.survived and not outcome.problems:
                outcome.problems.append("the host died")
        scene.tell(outcomes)


for each in SCENES:
    for one in GIVEN_BY:
        error_at_every_call(each, one)
