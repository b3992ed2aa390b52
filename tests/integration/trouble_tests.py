# SPDX-License-Identifier: BSD-3-Clause
"""An API that is away or too slow, the helper looked at while it waits, and
secrets looked for everywhere.  The last test of all is here."""

import pwd

import factor_tests
import password_tests
from machine import PORT_BARE
from tap import check, check_equal, eventually, test


def no_answer(method):
    @test(f"{method}: with the API stopped a login is refused with a log line "
          "that says so")
    def _(machine):
        machine.api.stop()
        try:
            refused, _ = machine.refused(
                "alice", machine.password("alice"), method)
            check(refused, "ssh let her in")
            machine.log.wait(machine.log_mark, r"pam_authapi.*alice")
            check_equal(machine.cached(), [], "run folder")
        finally:
            machine.api.resume()


no_answer("password")
no_answer("keyboard-interactive")


@test("with the API stopped an open session goes on, logging out empties the "
      "cache, the grant waits in the outbox, and authapi sweep revokes it "
      "once the API is back")
def outbox(machine):
    session = machine.sign_in("alice", tty=True)
    tokens = machine.held("alice")
    machine.api.stop()
    try:
        session.type("echo STILL-$((40 + 2))")
        session.expect("STILL-42")
        check_equal(machine.leave(session, tty=True), 0, "ssh's exit status")
        eventually(lambda: machine.grant("alice") is None, "nothing is held")
        check_equal(machine.sessions("alice"), 0, "sessions")
        check_equal(len(machine.outbox()), 1, "grants in the outbox")
    finally:
        machine.api.resume()
    check_equal([machine.api.active(t) for t in tokens], [True, True],
                "tokens that nobody has revoked yet")

    def swept():
        done = machine.authapi("sweep")
        check_equal(done.returncode, 0, f"exit status ({done.stderr})")
        return not machine.outbox()

    eventually(swept, "authapi sweep empties the outbox", 30)
    machine.wait_revoked(tokens)


@test("while the helper waits for the API it is nobody: its own user, no "
      "capability, no way to gain one, a filter on its system calls, and no "
      "secret on its command line or in its environment")
def helper(machine):
    machine.api.freeze()
    try:
        session = machine.ssh("alice", "echo READY; read line")
        session.expect("[Pp]assword: ")
        session.type(machine.password("alice"))
        pid = eventually(machine.helper, "a helper runs")
        status = eventually(lambda: confined(pid), "it has confined itself")
        owner = str(pwd.getpwnam("_authapi").pw_uid)
        check_equal(set(status["Uid"].split()), {owner}, "its uids")
        check_equal(status["Groups"].strip(), "", "its further groups")
        for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            check_equal(int(status[name], 16), 0, name)
        check_equal(status["NoNewPrivs"].strip(), "1", "NoNewPrivs")
        for name in ("cmdline", "environ"):
            with open(f"/proc/{pid}/{name}", "rb") as file:
                text = file.read().decode("utf-8", "replace")
            check(machine.password("alice") not in text, f"{name}: {text}")
        check_equal(text, "", "its environment")
    finally:
        machine.api.thaw()
    session.expect("READY")
    machine.leave(session)


def confined(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        status = dict(line.split(":", 1) for line in file)
    return status if status["Seccomp"].strip() == "2" else None


@test("an API whose answer is late: the login is refused at the deadline "
      "with a log line, and the tokens that come too late are revoked")
def too_late(machine):
    logins = machine.api.logins("alice")
    revoked = machine.api.revocations()
    machine.api.relay.answers.clear()
    try:
        refused, seconds = machine.refused("alice", machine.password("alice"),
                                           port=PORT_BARE)
        check(refused, "ssh let her in")
        check(9 < seconds < 13, f"it took {seconds:.1f} s, not 10")
        machine.log.wait(machine.log_mark, r"pam_authapi.*alice")
        check_equal(machine.api.logins("alice") - logins, 1,
                    "sign-ins that the API has granted")
        check_equal(machine.api.revocations(), revoked, "revocations so far")
    finally:
        machine.api.relay.answers.set()
    eventually(lambda: machine.api.revocations() > revoked,
               "what came too late is revoked")


@test("no password and no token of this whole run stands in the system log, "
      "in what sshd printed, or in any file but the API's own")
def secrets(machine):
    check(machine.tokens, "no test has seen a token: run them all")
    secret = {f"the password of {user}": machine.password(user)
              for user in ("alice", "bob", "carol", "root")}
    for guess in ("not her password", "not the password", "f1rst guess 73"):
        secret[f"the wrong password {guess!r}"] = guess
    for what, value in (("old", password_tests.OLD),
                        ("new", password_tests.NEW)):
        secret[f"the {what} password of a change"] = value
    secret["a one-time code"] = factor_tests.CODE
    for token in machine.tokens:
        secret[f"the token {token[:8]}..."] = token
    log = "\n".join(machine.log.since(0))
    check("pam_authapi" in log, "this is not the log we write to")
    for what, value in secret.items():
        check(value not in log, f"the system log: {what}")
    files = 0
    for path, data in machine.written():
        files += 1
        for what, value in secret.items():
            check(value.encode("utf-8") not in data, f"{path}: {what}")
    check(files > 10, "no files were searched")
