# SPDX-License-Identifier: BSD-3-Clause
"""What befalls a host at the n-th system call of one step: strace attaches to
it, without its children, and injects a signal or an error.

It refuses to follow the helper: that is the other side.
"""
import concurrent.futures
import re
import subprocess
import time

from drive import HostError
from tap import Failure

ATTACHED = re.compile(r"strace: Process \d+ attached")
CALL = re.compile(r"(\w+)\(")
# What libpam itself tells the audit system, once the module has ended.
AUDIT = "NETLINK_AUDIT"
# How a host looks that waits for its next step.
WAITS = ("restart_syscall(", "poll([{fd=0,")


def read_trace(log):
    """The calls of a trace, a line each."""
    with open(log, encoding="utf-8", errors="replace") as source:
        return [line.strip() for line in source if CALL.match(line)]


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

    def begin(self, line):
        """Makes the step in the background; returns what waits for its
        lines, as step() would give them, or raises what it raised."""
        pool = concurrent.futures.ThreadPoolExecutor(1)
        future = pool.submit(self.step, line)
        pool.shutdown(wait=False)
        return future.result

    def wait_stopped(self, seconds=5.0):
        """Until the host has been stopped by an injected SIGSTOP; then it is
        left to itself.  False when that does not happen."""
        end = time.monotonic() + seconds
        while "--- stopped by SIGSTOP ---" not in self._text():
            if time.monotonic() > end:
                return False
            time.sleep(0.01)
        self.stop()
        while self._state() != "T":
            if time.monotonic() > end:
                return False
            time.sleep(0.01)
        return True

    def _state(self):
        with open(f"/proc/{self.host.process.pid}/stat",
                  encoding="ascii") as source:
            return source.read().rpartition(")")[2].split()[0]

    def _text(self):
        with open(self.log, encoding="utf-8", errors="replace") as source:
            return source.read()

    def stop(self):
        """Detaches; what was injected stays."""
        if self.strace.poll() is not None:
            return
        self.strace.terminate()
        try:
            self.strace.wait(5)
        except subprocess.TimeoutExpired:
            self.strace.kill()
            self.strace.wait()
        self.strace.stderr.close()

    def seen(self):
        """The calls so far, in order, as strace wrote them."""
        return [line for line in read_trace(self.log)
                if not line.startswith(WAITS)]

    def struck(self):
        """The call that was tampered with, or else the last."""
        lines = self.seen()
        hit = [line for line in lines if "(INJECTED)" in line] or lines[-1:]
        return hit[0][:160] if hit else "nothing"


def calls_of(host, line, log):
    """The system calls of a PAM call in a host that nothing befalls, without
    the host's own: (NAME, N, TEXT) for the N-th call of that name."""
    blow = Blow(host, [], log)
    try:
        blow.host.step(line)
    finally:
        blow.stop()
    found, counts, begun = [], {}, False
    for text in blow.seen():
        if text.startswith("write(1, \"result ") or AUDIT in text:
            return found
        name = CALL.match(text)[1]
        counts[name] = counts.get(name, 0) + 1
        if begun and not text.startswith("write(1, "):
            found.append((name, counts[name], text))
        begun = begun or text.startswith("read(0, ")
    raise Failure("the trace has no end")
