# SPDX-License-Identifier: BSD-3-Clause
"""Sets other clocks for some programs, or for all that start (clockshim.c).

It refuses to touch the machine's own clock.
"""
import contextlib
import os
import struct

EVERYWHERE = "/run/clockshim"
PRELOAD = "/etc/ld.so.preload"


class Shim:
    def __init__(self, build):
        self.library = os.path.join(build, "tests/faults/.libs/clockshim.so")
        self.set(0, 0)

    def set(self, day_s, boot_s, path=EVERYWHERE):
        """Moves the time of day and the clocks since the boot, from now on
        and in programs that run."""
        file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
        os.pwrite(file, struct.pack("qq", day_s, boot_s), 0)
        os.close(file)

    def environment(self, later_s):
        """For a program to which it is so much later."""
        path = f"{EVERYWHERE}-{later_s}"
        if not os.path.exists(path):
            self.set(later_s, later_s, path)
        return {"LD_PRELOAD": self.library, "CLOCKSHIM": path}

    @contextlib.contextmanager
    def everywhere(self):
        """Within, set() reaches all programs that start."""
        with open(PRELOAD, "w", encoding="utf-8") as out:
            out.write(self.library + "\n")
        try:
            yield self
        finally:
            os.unlink(PRELOAD)
            self.set(0, 0)
