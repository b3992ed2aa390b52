# SPDX-License-Identifier: BSD-3-Clause
"""reuse=session: sudo asks nobody who has just typed the password in this very
session; export=file: the token for the programs of that session."""

import os
import pwd
import re
import signal
import time

from machine import PORT, SOURCE, write
from oidc_tests import ID_TOKEN, SITE
from sudo_tests import SUDO_PROMPT
from tap import check, check_equal, eventually, test

SUDOERS = "/etc/sudoers.d/reuse"
# sudo as a person calls it, and what the shell says of it.
SUDO = "sudo sh -c 'echo ROOT=$(id -u)'; echo STATUS=$?"
# The same for a script: no terminal to ask at, nothing to read.
UNATTENDED = "sudo -S id -u < /dev/null"


def arguments(service, without=None, **wanted):
    """Writes the example of SERVICE with these arguments on our lines, and
    WITHOUT those of another module."""
    with open(f"{SOURCE}/pam.d-examples/{service}", encoding="utf-8") as file:
        lines = [line for line in file.read().splitlines()
                 if not without or without not in line]
    for number, line in enumerate(lines):
        if "pam_authapi.so" in line and not line.startswith("#"):
            more = wanted.get(line.split()[0], "")
            lines[number] = f"{line} {more}".rstrip()
    write(f"/etc/pam.d/{service}", "\n".join(lines) + "\n")


class Reuse:
    """While it lasts, sudo remembers nothing by itself, our line for it has
    these arguments, and logins have an AUDIT session of their own or not."""

    def __init__(self, more="", audit=True):
        self.more, self.audit = more, audit

    def __enter__(self):
        write(SUDOERS, "Defaults timestamp_timeout=0\n", 0o440)
        arguments("sudo", auth=f"reuse=session {self.more}")
        if not self.audit:
            arguments("sshd", without="pam_loginuid.so")

    def __exit__(self, *_):
        os.unlink(SUDOERS)
        arguments("sudo")
        arguments("sshd")


def let_in(machine, session, user="alice"):
    """sudo runs the command without a question, and the log says why."""
    mark = machine.log.mark()
    session.type(SUDO)
    seen = session.expect(rf"ROOT=0|{SUDO_PROMPT}").group(0)
    check_equal(seen, "ROOT=0", "what sudo said first")
    session.expect("STATUS=0")
    machine.log.wait(mark, rf"sudo.*pam_authapi.*{user}.*reuse")


def asked(machine, session, typed=None):
    """sudo asks; who does not say it is not let in."""
    mark = machine.log.mark()
    session.type(SUDO)
    session.expect(SUDO_PROMPT)
    if typed is None:
        # sudo throws away what comes while it sets up the terminal.
        time.sleep(0.3)
        os.write(session.descriptor, b"\3")
        session.expect("STATUS=1")
    else:
        session.type(typed)
        session.expect("ROOT=0")
        session.expect("STATUS=0")
    check(not machine.log.find(mark, "pam_authapi.*reuse=session"),
          "the log says that something was reused")


def key_login(machine):
    session = machine.ssh("alice", None, "publickey", options=("-tt",))
    session.expect(r"\$ ")
    return session


def told_by(how, audit):
    @test(f"reuse=session, {how}: after a password login sudo asks nothing, "
          "the API is not asked either, and the log says that it was a reuse")
    def reused(machine):
        with Reuse(audit=audit):
            session = machine.sign_in("alice", tty=True)
            tokens = machine.held("alice")
            logins = machine.api.logins("alice")
            contacts = machine.api.relay.connections
            let_in(machine, session)
            let_in(machine, session)
            check_equal(machine.api.logins("alice"), logins, "sign-ins")
            check_equal(machine.api.relay.connections, contacts, "connections")
            check_equal(machine.sessions("alice"), 1, "sessions")
            check_equal(machine.held("alice"), tokens, "held tokens")
            machine.leave(session, tty=True)

    @test(f"reuse=session, {how}: a key login has proved nothing and is "
          "asked, also beside a password login that is let in")
    def key_is_asked(machine):
        with Reuse(audit=audit):
            key = key_login(machine)
            asked(machine, key)
            session = machine.sign_in("alice", tty=True)
            let_in(machine, session)
            asked(machine, key)
            let_in(machine, session)
            # What a key login types proves it for nobody.
            asked(machine, key, machine.password("alice"))
            asked(machine, key)
            machine.leave(key, tty=True)
            machine.leave(session, tty=True)

    @test(f"reuse=session, {how}: two password logins each have their own "
          "proof, and the end of the one is not the end of the other's")
    def two_logins(machine):
        with Reuse(audit=audit):
            first = machine.sign_in("alice", tty=True)
            second = machine.sign_in("alice", tty=True)
            let_in(machine, first)
            let_in(machine, second)
            machine.leave(first, tty=True)
            eventually(lambda: machine.sessions("alice") == 1, "one is left")
            let_in(machine, second)
            machine.leave(second, tty=True)


told_by("by audit session", True)
told_by("by terminal", False)


@test("reuse=session: after keyboard-interactive it is the same")
def reused_interactive(machine):
    with Reuse():
        session = machine.sign_in("alice", "keyboard-interactive", tty=True)
        let_in(machine, session)
        machine.leave(session, tty=True)


@test("without reuse=session sudo asks after a password login")
def not_wanted(machine):
    with Reuse():
        arguments("sudo")
        session = machine.sign_in("alice", tty=True)
        asked(machine, session)
        machine.leave(session, tty=True)


@test("reuse=session: when reuse_max_age is over sudo asks, and what is typed "
      "then counts anew")
def too_old(machine):
    with Reuse("reuse_max_age=1"):
        session = machine.sign_in("alice", tty=True)
        time.sleep(2.1)
        asked(machine, session)
        machine.leave(session, tty=True)
    with Reuse("reuse_max_age=4"):
        session = machine.sign_in("alice", tty=True)
        time.sleep(4.1)
        asked(machine, session, machine.password("alice"))
        let_in(machine, session)
        time.sleep(4.1)
        asked(machine, session)
        machine.leave(session, tty=True)


@test("reuse=session: a password that was wrong proves nothing")
def wrong_proves_nothing(machine):
    with Reuse("reuse_max_age=2"):
        session = machine.sign_in("alice", tty=True)
        time.sleep(2.1)
        session.type(SUDO)
        session.expect(SUDO_PROMPT)
        session.type("not her password")
        session.expect(SUDO_PROMPT)
        time.sleep(0.3)
        os.write(session.descriptor, b"\3")
        session.expect("STATUS=1")
        asked(machine, session)
        machine.leave(session, tty=True)


def left_behind(how, command, audit, killed=False):
    @test(f"reuse=session, {'by audit session' if audit else 'by terminal'}: "
          f"a process that {how} is asked once its session "
          f"{'was killed' if killed else 'has ended'}, although another "
          "session of hers is open")
    def _(machine):
        home = pwd.getpwnam("alice").pw_dir
        for name in ("go", "said"):
            if os.path.exists(f"{home}/{name}"):
                os.unlink(f"{home}/{name}")
        write(f"{home}/later.sh",
              "#!/bin/sh\ntrap '' HUP\n"
              "until [ -e go ]; do sleep 0.1; done\n"
              f"{UNATTENDED} > saying 2>&1\n"
              "echo STATUS=$? >> saying\nmv saying said\n", 0o755)
        with Reuse(audit=audit):
            other = machine.sign_in("alice", tty=True)
            mark = machine.log.mark()
            ended = machine.sign_in("alice", tty=True)
            let_in(machine, ended)
            ended.type(command)
            ended.expect(r"\$ ")
            time.sleep(0.5)
            if killed:
                _, line = machine.log.wait(mark, "Accepted password for alice")
                os.kill(int(re.search(r"sshd\[(\d+)\]", line).group(1)),
                        signal.SIGKILL)
                ended.kill()
            else:
                machine.leave(ended, tty=True)
                eventually(lambda: machine.sessions("alice") == 1,
                           "one is left")
            write(f"{home}/go", "")
            eventually(lambda: os.path.exists(f"{home}/said"), "sudo is over")
            with open(f"{home}/said", encoding="utf-8") as file:
                said = file.read()
            check("STATUS=1" in said and not re.search("^0$", said, re.M),
                  f"sudo ran the command: {said}")
            let_in(machine, other)
            machine.leave(other, tty=True)


for each in (True, False):
    left_behind("stays without a terminal", "./later.sh < /dev/null &", each)
    left_behind("has a terminal of its own",
                "setsid script -qc ./later.sh /dev/null < /dev/null "
                "> /dev/null 2>&1 &", each)
    left_behind("has a terminal of its own",
                "setsid script -qc ./later.sh /dev/null < /dev/null "
                "> /dev/null 2>&1 &", each, killed=True)


@test("reuse=session: tokens that have expired let nobody in, whenever the "
      "password was typed")
def expired(machine):
    realm = SITE.open(machine, ID_TOKEN, scope="openid profile")
    with Reuse():
        realm.write_service("sudo", "sudo", {"auth": "reuse=session"})
        SITE.api.control("lives", access=5)
        try:
            session = realm.sign_in("alice", tty=True)
            signed_in_at = time.monotonic()
            let_in(machine, session)
            time.sleep(max(0.0, signed_in_at + 5.1 - time.monotonic()))
            asked(machine, session)
        finally:
            SITE.api.control("lives", access=3600)
        machine.leave(session, tty=True)


@test("reuse=session: whoever is somebody else in alice's session is asked")
def somebody_else(machine):
    with Reuse():
        write(SUDOERS, "Defaults timestamp_timeout=0\n"
              "bob ALL=(ALL:ALL) ALL\n", 0o440)
        his = machine.sign_in("bob", tty=True)
        let_in(machine, his, "bob")
        session = machine.sign_in("alice", tty=True)
        let_in(machine, session)
        session.type("sudo -u bob bash --norc")
        session.expect(r"bash\S+\$ ")
        asked(machine, session)
        session.type("exit")
        session.expect(r"alice@\S+ ?\$ ")
        let_in(machine, session)
        machine.leave(session, tty=True)
        machine.leave(his, tty=True)


@test("reuse=session on sshd's own line lets nobody in: a new login is asked "
      "beside an open session")
def never_sshd(machine):
    with Reuse():
        arguments("sshd", auth="reuse=session")
        session = machine.sign_in("alice", tty=True)
        logins = machine.api.logins("alice")
        refused, _ = machine.refused("alice", "not her password")
        check(refused, "ssh let her in")
        second = machine.sign_in("alice")
        check_equal(machine.api.logins("alice") - logins, 1, "sign-ins")
        machine.leave(second)
        machine.leave(session, tty=True)


@test("reuse=session: after authapi revoke sudo asks, in a session that goes "
      "on")
def revoked(machine):
    with Reuse():
        session = machine.sign_in("alice", tty=True)
        let_in(machine, session)
        done = machine.authapi("revoke", "alice")
        check_equal(done.returncode, 0, f"exit status ({done.stderr})")
        asked(machine, session)
        machine.leave(session, tty=True)


@test("export=file: in her session the token is in a file of hers, authapi "
      "token prints it, the server takes it, and after the logout it is gone")
def exported(machine):
    arguments("sshd", session="export=file")
    try:
        session = machine.ssh(
            "alice", "echo FILE=$AUTHAPI_TOKEN_FILE; "
            "echo TOKEN=$(authapi token); unset AUTHAPI_TOKEN_FILE; "
            "echo SAME=$(authapi token); echo READY; read line", port=PORT)
        session.expect("[Pp]assword: ")
        session.type(machine.password("alice"))
        path = session.expect(r"FILE=(\S+)").group(1)
        token = session.expect(r"TOKEN=(\S+)").group(1)
        same = session.expect(r"SAME=(\S+)").group(1)
        session.expect("READY")
        check_equal(same, token, "what it says without the variable")
        check_equal(token, machine.held("alice")[0], "what authapi token says")
        check(machine.api.active(token), "the server does not take it")
        state = os.stat(path)
        check_equal((state.st_uid, state.st_mode & 0o7777),
                    (pwd.getpwnam("alice").pw_uid, 0o400), "owner and mode")
        machine.leave(session)
        machine.wait_empty()
        check(not os.path.exists(path), "the file is still there")
    finally:
        arguments("sshd")
