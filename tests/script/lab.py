# SPDX-License-Identifier: BSD-3-Clause
"""The machine that the tests run in: its paths, accounts, CAs and log.

It prepares what all tests share, and refuses to run outside tests/lab.sh.
"""
import os
import re
import shutil
import socket
import subprocess
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from apiscript import ScriptError  # noqa: E402
from certificates import Certificates  # noqa: E402
from tokens import Keys  # noqa: E402

# Present in every test; the group beside a name is a second group of theirs.
ACCOUNTS = ("alice 2001 linux-users", "bob 2002", "robot 200")
PRIORITIES = ("emerg", "alert", "crit", "err", "warning", "notice", "info",
              "debug")
AUTHPRIV = 10


class Lab:
    """What is the same for all tests of one run."""

    def __init__(self, build):
        if os.environ.get("LAB") != "1":
            sys.exit("scripts.py runs inside tests/lab.sh: "
                     "tests/lab.sh BUILD python3 tests/script/scripts.py "
                     "--build BUILD")
        values = self._makefile(os.path.join(build, "Makefile"))
        self.module = os.path.join(values["pamdir"], "pam_authapi.so")
        self.helper = os.path.join(values["helperdir"], "authapi-helper")
        self.command = os.path.join(values["bindir"], "authapi")
        self.rundir, self.confdir = values["rundir"], values["confdir"]
        self.drive = os.path.abspath(
            os.path.join(build, "tests/script/pamdrive"))
        self.folder = "/tmp/script"
        os.mkdir(self.folder)
        os.umask(0o022)
        os.makedirs(self.confdir, 0o755, exist_ok=True)
        os.makedirs(self.rundir, exist_ok=True)
        os.chmod(self.rundir, 0o711)
        # The helper reads a CA file without rights of root.
        os.mkdir("/etc/authapi-test-ca", 0o755)
        self.certificates = Certificates("/etc/authapi-test-ca")
        self.keys = Keys("/etc/authapi-test-keys")
        self._trust()
        self.known = set()
        for account in ACCOUNTS:
            self.add_account(account)
        self.log = Log()

    @staticmethod
    def _makefile(path):
        with open(path, encoding="utf-8") as source:
            values = dict(re.findall(r"^(\w+) = (.*)$", source.read(), re.M))

        def expand(text):
            while "$" in text:
                text = re.sub(r"\$[({](\w+)[)}]",
                              lambda name: values.get(name[1], ""), text)
            return text

        return {name: expand(values[name]) for name in
                ("pamdir", "helperdir", "bindir", "rundir", "confdir")}

    def _trust(self):
        """Makes the machine trust two more CAs: `public` as every machine
        does, in the hashed folder and in the bundle; `bundled` in the bundle
        alone, so that reading the bundle shows."""
        public, bundled = self.certificates.public_ca, \
            self.certificates.bundled_ca
        digest = subprocess.run(
            ["openssl", "x509", "-hash", "-noout", "-in", public],
            check=True, capture_output=True, text=True).stdout.strip()
        shutil.copy(public, f"/etc/ssl/certs/{digest}.0")
        bundle = "/etc/ssl/certs/ca-certificates.crt"
        with open(bundle, "ab") as out:
            for path in (public, bundled):
                with open(path, "rb") as source:
                    out.write(source.read())

    def add_account(self, line):
        """Makes the account `NAME UID [GROUP...]` unless it is there."""
        name, uid, *groups = line.split()
        if line in self.known:
            return
        self.known.add(line)
        with open("/etc/passwd", "a", encoding="utf-8") as out:
            out.write(f"{name}:x:{uid}:{uid}::/nonexistent:/bin/sh\n")
        with open("/etc/group", "a", encoding="utf-8") as out:
            out.write(f"{name}:x:{uid}:\n")
            for number, group in enumerate(groups):
                out.write(f"{group}:x:{int(uid) + 5000 + number}:{name}\n")

    def left_running(self):
        """The helpers that run, as pids."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/comm", encoding="utf-8") as source:
                    if source.read().strip() == "authapi-helper":
                        found.append(pid)
            except OSError:
                pass
        return found


class Log:
    """Listens in the place of the system log."""

    def __init__(self):
        self.lines, self.lock = [], threading.Lock()
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        if os.path.lexists("/dev/log"):
            raise ScriptError("/dev/log is taken")
        self.socket.bind("/dev/log")
        os.chmod("/dev/log", 0o666)
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        while True:
            data = self.socket.recv(65536)
            with self.lock:
                self.lines.append(data.rstrip(b"\0\n")
                                  .decode("utf-8", "backslashreplace"))

    def of(self, service, port):
        """What the module logged under a service: (priority, type, text),
        and lines that are not as a line must be, as problems.  What the
        administrator's command logs behind its back is told by the API's
        port, and has the type "authapi"."""
        found, problems = [], []
        mark = re.compile(r"<(\d+)>.*?pam_authapi\(" + re.escape(service)
                          + r":(\w+)\): (.*)", re.DOTALL)
        behind = re.compile(r"<(\d+)>.*? (authapi)\[\d+\]: (.*:"
                            + str(port) + r"/.*)", re.DOTALL)
        with self.lock:
            lines = list(self.lines)
        for line in lines:
            entry = mark.match(line) or behind.match(line)
            if not entry:
                continue
            if int(entry[1]) >> 3 != AUTHPRIV:
                problems.append(f"not logged to authpriv: {line}")
            found.append((PRIORITIES[int(entry[1]) & 7], entry[2], entry[3]))
        return found, problems

    def all(self):
        with self.lock:
            return list(self.lines)
