# SPDX-License-Identifier: BSD-3-Clause
"""A person at a terminal: starts a program on a pty of its own, reads what
it prints, and types."""

import os
import pty
import re
import select
import signal
import time

from tap import Failure


class Terminal:
    """One program on one pty."""

    def __init__(self, argv, environment=None):
        self.argv = argv
        self.text = ""  # everything it printed
        self.seen = 0  # how much of it expect() has passed
        self.status = None
        self.pid, self.descriptor = pty.fork()
        if self.pid == 0:
            try:
                os.execvpe(argv[0], argv, environment or os.environ)
            finally:
                os._exit(127)

    def _read(self, seconds):
        """Takes what comes within SECONDS; False at the end of the pty."""
        if self.descriptor is None:
            return False
        ready, _, _ = select.select([self.descriptor], [], [], seconds)
        if not ready:
            return True
        try:
            data = os.read(self.descriptor, 65536)
        except OSError:
            data = b""
        if not data:
            os.close(self.descriptor)
            self.descriptor = None
            return False
        self.text += data.decode("utf-8", "replace").replace("\r\n", "\n")
        return True

    def expect(self, pattern, seconds=20.0):
        """Waits until PATTERN comes, and returns the match."""
        end = time.monotonic() + seconds
        alive = True
        while True:
            match = re.compile(pattern).search(self.text, self.seen)
            if match:
                self.seen = match.end()
                return match
            left = end - time.monotonic()
            if left <= 0 or not alive:
                why = "it ended" if not alive else f"{seconds:g} s passed"
                raise Failure(
                    f"{' '.join(self.argv)}: expected /{pattern}/, but {why}; "
                    f"it printed:\n{self.text}"
                )
            alive = self._read(left)

    def type(self, line):
        """Types LINE and Enter; returns the moment of Enter."""
        os.write(self.descriptor, (line + "\n").encode("utf-8"))
        return time.monotonic()

    def finish(self, seconds=20.0):
        """Waits for the end; returns the exit status (as the shell's $?)."""
        end = time.monotonic() + seconds
        while self._read(max(0.0, end - time.monotonic())):
            if time.monotonic() > end:
                raise Failure(
                    f"{' '.join(self.argv)} did not end in {seconds:g} s; "
                    f"it printed:\n{self.text}"
                )
        return self.reap()

    def reap(self):
        if self.status is None:
            _, status = os.waitpid(self.pid, 0)
            self.status = os.waitstatus_to_exitcode(status)
        return self.status

    def kill(self):
        """Ends it at once, whatever state it is in."""
        if self.status is None:
            try:
                os.kill(self.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            self.reap()
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None
