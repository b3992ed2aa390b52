# SPDX-License-Identifier: BSD-3-Clause
"""Sessions that greetd starts: a display manager without a display.

The greeter here only tells where greetd listens, and waits; what a greeter
would say is said by the tests, over greetd's own socket (greetd-ipc(7))."""

import json
import os
import pwd
import signal
import socket
import struct
import subprocess

from machine import write
from tap import Failure, check, check_equal, eventually, test

FOLDER = "/tmp/greetd"
GREETER = """\
#!/bin/sh
echo "$$ $GREETD_SOCK" > {folder}/greeter.new
mv {folder}/greeter.new {folder}/greeter
exec sleep 600
"""
CONFIG = """\
[terminal]
vt = "none"
[general]
source_profile = false
runfile = "{folder}/runfile"
[default_session]
command = "{folder}/greeter.sh"
user = "_greetd"
"""
# Says that it is there, and stays until it is told to go.
SESSION = """\
#!/bin/sh
: > inside
read line < leave
"""


class Greetd:
    """A greetd that is started by the first test and runs until the last."""

    def __init__(self):
        self.process = self.home = self.socket = None

    def start(self, machine):
        if self.process is None:
            os.mkdir(FOLDER, 0o711)
            os.chown(FOLDER, pwd.getpwnam("_greetd").pw_uid, -1)
            write(f"{FOLDER}/greeter.sh", GREETER.format(folder=FOLDER), 0o755)
            write(f"{FOLDER}/session.sh", SESSION, 0o755)
            write(f"{FOLDER}/config.toml", CONFIG.format(folder=FOLDER))
            self.home = pwd.getpwnam("alice").pw_dir
            os.mkfifo(f"{self.home}/leave")
            os.chmod(f"{self.home}/leave", 0o644)
            with open(f"{FOLDER}/output", "wb") as output:
                self.process = subprocess.Popen(
                    ["greetd", "-c", f"{FOLDER}/config.toml"],
                    stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                    start_new_session=True)
        self.connect()
        return self

    def connect(self):
        """As the greeter of now, once there is one."""
        def listens():
            try:
                with open(f"{FOLDER}/greeter", encoding="ascii") as file:
                    pid, path = file.read().split()
                os.kill(int(pid), 0)
            except (OSError, ValueError):
                return None
            return int(pid), path

        self.greeter, path = eventually(listens, "greetd has a greeter")
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(30)
        self.socket.connect(path)

    def ask(self, kind, **more):
        """One request; returns the type of the answer, and the answer."""
        text = json.dumps({"type": kind, **more}).encode("utf-8")
        self.socket.sendall(struct.pack("=I", len(text)) + text)
        size, = struct.unpack("=I", self._read(4))
        answer = json.loads(self._read(size))
        return answer["type"], answer

    def _read(self, size):
        data = b""
        while len(data) < size:
            piece = self.socket.recv(size - len(data))
            if not piece:
                raise Failure("greetd hung up")
            data += piece
        return data

    def sign_in(self, user, password):
        """What greetd says after the only question is answered."""
        kind, asked = self.ask("create_session", username=user)
        check_equal((kind, asked.get("auth_message_type")),
                    ("auth_message", "secret"), f"the first answer ({asked})")
        return self.ask("post_auth_message_response", response=password)[0]

    def enter(self):
        """The session starts when its greeter has gone."""
        check_equal(self.ask("start_session", env=[],
                             cmd=[f"{FOLDER}/session.sh"])[0],
                    "success", "start_session")
        os.kill(self.greeter, signal.SIGTERM)
        eventually(lambda: os.path.exists(f"{self.home}/inside"),
                   "the session runs")
        os.unlink(f"{self.home}/inside")

    def leave(self):
        with open(f"{self.home}/leave", "w", encoding="ascii") as fifo:
            fifo.write("\n")


GREETD = Greetd()


@test("greetd: alice signs in, her session holds her tokens, and its end "
      "empties the cache and kills both tokens at the server")
def session(machine):
    greetd = GREETD.start(machine)
    logins = machine.api.logins("alice")
    check_equal(greetd.sign_in("alice", machine.password("alice")), "success",
                "the right password")
    check_equal(len(machine.staged()), 1, "staged grants before the start")
    greetd.enter()
    tokens = machine.held("alice")
    check_equal(machine.sessions("alice"), 1, "sessions")
    check_equal(machine.staged(), [], "staged grants")
    check_equal(machine.api.logins("alice") - logins, 1, "sign-ins")
    check_equal([machine.api.active(t) for t in tokens], [True, True],
                "tokens alive during the session")
    greetd.leave()
    machine.wait_empty()
    machine.wait_revoked(tokens)


@test("greetd: a wrong password is refused and leaves nothing")
def wrong(machine):
    greetd = GREETD.start(machine)
    seen = machine.api.refusals("alice")
    check_equal(greetd.sign_in("alice", "not her password"), "error",
                "a wrong password")
    check_equal(machine.api.refusals("alice") - seen, 1, "refusals")
    check_equal(machine.cached(), [], "run folder")
    greetd.ask("cancel_session")


@test("greetd: a sign-in that is cancelled before its session starts opens "
      "none, its grant is revoked when its 600 seconds are over, and the next "
      "sign-in is like any other")
def cancelled(machine):
    greetd = GREETD.start(machine)
    check_equal(greetd.sign_in("alice", machine.password("alice")), "success",
                "the right password")
    path, = machine.staged()
    with open(path, "rb") as file:
        tokens = machine.tokens_in(file.read())
    check_equal(greetd.ask("cancel_session")[0], "success", "cancel_session")
    check_equal(machine.sessions("alice"), 0, "sessions")
    check_equal(greetd.sign_in("alice", machine.password("alice")), "success",
                "the right password again")
    greetd.enter()
    check(machine.held("alice") != tokens, "the cancelled tokens are held")
    greetd.leave()
    eventually(lambda: machine.sessions("alice") == 0 and not machine.outbox(),
               "the session is over and its grant revoked")
    check_equal(machine.staged(), [path], "what was cancelled waits")
    machine.after_seconds(601, "authapi", "sweep")
    machine.wait_empty()
    machine.wait_revoked(tokens)
