# SPDX-License-Identifier: BSD-3-Clause
"""One PAM host process, spoken to step by step.

It passes steps on and gathers what comes back; it refuses to judge.
UNDER, and PAMDRIVE_UNDER in the environment, may name a program with arguments
to run the host under: unshare, valgrind.
"""
import os
import shlex
import subprocess
import threading

MARKER = "this string stands in the memory of every host"


class HostError(Exception):
    """The host died or did not take a step."""


class Host:
    """A running pamdrive."""

    def __init__(self, program, confdir, limit=40, under=()):
        under = [*under, *shlex.split(os.environ.get("PAMDRIVE_UNDER", ""))]
        self.process = subprocess.Popen(
            [*under, program, confdir], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd="/",
            env={"PATH": "/usr/bin:/bin", "MARKER": MARKER})
        self.timer = threading.Timer(limit, self.process.kill)
        self.timer.start()
        self.started = False

    def step(self, line):
        """Sends one step; returns the lines it printed, split in words."""
        try:
            self.process.stdin.write(line.encode() + b"\n")
            self.process.stdin.flush()
        except OSError as error:
            raise self._dead(line) from error
        seen = []
        while True:
            answer = self.process.stdout.readline().decode().rstrip("\n")
            if answer == "ok":
                return seen
            if answer.startswith("failed"):
                raise HostError(f"{line.split(' ')[0]}: {answer}")
            if not answer:
                raise self._dead(line)
            seen.append(answer.split(" "))

    def _dead(self, line):
        self.process.kill()
        said = self.process.stderr.read().decode("utf-8", "replace").strip()
        code = self.process.wait()
        return HostError(f"the host is gone ({code}) in: "
                         f"{line.split(' ')[0]} {said}")

    def kill(self):
        self.timer.cancel()
        self.process.kill()
        self.process.wait()

    def close(self):
        """Lets it end by itself; returns what it complained of."""
        said = b""
        try:
            _, said = self.process.communicate(timeout=10)
        except (subprocess.TimeoutExpired, ValueError):
            self.process.kill()
        self.timer.cancel()
        code = self.process.wait()
        if code or said:
            return f"the host ended with {code}: " \
                   f"{said.decode('utf-8', 'replace').strip()}"
        return ""
