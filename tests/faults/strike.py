# SPDX-License-Identifier: BSD-3-Clause
"""What befalls a host at the n-th system call of one step: strace attaches to
it, without its children, and injects a signal or an error.

It refuses to follow the helper: that is the other side.
"""
import os
import re
import subprocess
import time

from drive import HostError
from tap import Failure

ATTACHED = re.compile(r"strace: Process \d+ attached")
CALL = re.compile(r"(\w+)\(")


class Blow:
    """One traced step of a host."""

    def __init__(self, host, inject, log):
        self.host, self.log = host, log
        words = ["strace", "-o", log, "-s", "64", "-e", "trace=all"]
        for one in inject:
            words += ["-e", f"inject={one}"]
        self.strace = subprocess.Popen(
            [*words, "-p", str(host.process.pid)], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        line = self.strace.stderr.readline()
        if not ATTACHED.search(line):
            self.stop()
            raise Failure(f"strace: {line.strip()}")

    def step(self, line):
        """Makes the step; returns its lines, or None when the host died."""
        try:
            return self.host.step(line)
        except HostError as error:
            if "(-9)" in str(error):
                return None
            raise

    def stop(self):
        """Detaches; what was injected stays."""
        self.strace.terminate()
        try:
            self.strace.wait(5)
        except subprocess.TimeoutExpired:
            self.strace.kill()
            self.strace.wait()
        self.strace.stderr.close()

    def seen(self):
        """The names of the calls so far, in order; the first is the one in
        which the host waited for the step."""
        with open(self.log, encoding="utf-8", errors="replace") as source:
            return [found[1] for found in map(CALL.match, source) if found]

    def struck(self):
        """The call that was tampered with, as strace wrote it."""
        with open(self.log, encoding="utf-8", errors="replace") as source:
            lines = [line.strip() for line in source]
        hit = [line for line in lines if "(INJECTED)" in line]
        hit += [line for line in lines[-2:] if CALL.match(line)]
        return hit[0][:160] if hit else "nothing"


def calls_of(host, line, log):
    """The names of the system calls that a step makes in a host that nothing
    befalls, without those of the host itself."""
    blow = Blow(host, [], log)
    try:
        blow.host.step(line)
    finally:
        blow.stop()
    with open(log, encoding="utf-8", errors="replace") as source:
        lines = [text for text in source if CALL.match(text)]
    names = []
    # The read that brings the step, which began before we looked.
    started = next(i for i, text in enumerate(lines)
                   if text.startswith("read(0, \"call "))
    for text in lines[started + 1:]:
        if text.startswith("write(1, \"result "):
            return started + 1, names
        names.append(CALL.match(text)[1])
    raise Failure("the trace has no end")


def wait_stopped(pid, seconds=5.0):
    """Whether the process comes to be stopped by a signal in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with open(f"/proc/{pid}/stat", encoding="ascii") as source:
            # "T" is stopped, "t" between two steps of strace.
            if source.read().rpartition(")")[2].split()[0] in "Tt" \
                    and _stop_pending(pid):
                return True
        time.sleep(0.01)
    return False


def _stop_pending(pid):
    with open(f"/proc/{pid}/wchan", encoding="ascii") as source:
        return source.read() in ("do_signal_stop", "ptrace_stop", "0", "")


def gone(pid):
    return not os.path.exists(f"/proc/{pid}")
