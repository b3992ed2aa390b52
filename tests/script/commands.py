# SPDX-License-Identifier: BSD-3-Clause
"""What a test runs beside its hosts: shell commands, and the sweep.

It refuses to know what they are for.
"""
import glob
import os
import re
import subprocess
import time

from apiscript import ScriptError, seconds

PATIENCE = 10.0  # how long the try behind a logout may take


class Commands:
    """The steps `run` and `sweep`, and [setup] and [cleanup]."""

    def _shell(self, section):
        if section not in self.test.sections:
            return
        self._command(self._fill(self.test.text(section)), section)

    def _command(self, text, what):
        done = subprocess.run(
            ["sh", "-eu", "-c", text], capture_output=True, text=True,
            env={**os.environ, "REALM": self.realm, "DIR": self.folder,
                 "RUNDIR": self.lab.rundir, "CONFDIR": self.lab.confdir,
                 "HELPER": self.lab.helper, "COMMAND": self.lab.command,
                 "CONF": f"{self.lab.confdir}/{self.realm}.conf"},
            check=False)
        if done.returncode:
            self.found.append(f"{what}: exit status {done.returncode}\n"
                              f"{done.stdout}{done.stderr}".rstrip())

    def _do_run(self, rest):
        self._command(rest, f"run {rest}")

    def _do_sweep(self, rest):
        """`sweep [now] [TIME later] [= N revoked, N left[, ...]]`."""
        found = re.fullmatch(
            r"(now ?)?(?:(\S+) later ?)?(?:= (.* left)(.*))?", rest)
        if not found:
            raise ScriptError(f"[calls] sweep {rest}")
        command = [self.lab.command, "sweep", "--realm", self.realm]
        if found[1]:
            command.append("--now")
        if found[2]:
            # The machine has been up for longer; no process has.
            command = ["unshare", "--time", "--fork", "--boottime",
                       f"{seconds(found[2]):.0f}", *command]
        self._wait_for_authapi()
        done = subprocess.run(command, capture_output=True, text=True,
                              check=False)
        if not found[3]:
            return
        expected = f"{found[3]} for the next sweep{found[4]}"
        left = ", 0 left" not in rest
        # Why something is left is told there.
        if done.stdout.strip() != expected or (done.stderr and not left):
            self.found.append(f"sweep: {done.stdout}{done.stderr}".rstrip()
                              + f", expected {expected}")
        if done.returncode != left:
            self.found.append(f"sweep: exit status {done.returncode}")

    def _wait_for_authapi(self):
        """Until nobody is at work for this realm: what a sweep meets there it
        leaves."""
        end = time.monotonic() + PATIENCE
        while self._authapi_runs() and time.monotonic() < end:
            time.sleep(0.02)

    def _authapi_runs(self):
        for path in glob.glob("/proc/[0-9]*/cmdline"):
            try:
                with open(path, "rb") as source:
                    words = source.read().split(b"\0")
            except OSError:
                continue  # it ended while we looked
            if words[0] == self.lab.command.encode() \
                    and self.realm.encode() in words:
                return True
        return False
