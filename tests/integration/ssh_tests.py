# SPDX-License-Identifier: BSD-3-Clause
"""Signing in and out over ssh."""

import os
import signal
import statistics

from machine import METHODS, PORT, PORT_BARE, SSH_FOLDER, run
from tap import check, check_equal, eventually, test


def right_password(method):
    @test(f"{method}: the API's password opens a session that holds her "
          "tokens, and logging out empties the cache and kills both tokens "
          "at the server")
    def _(machine):
        logins = machine.api.logins("alice")
        session = machine.sign_in("alice", method)
        tokens = machine.held("alice")
        check_equal(machine.sessions("alice"), 1, "sessions")
        check_equal(machine.staged(), [], "staged grants after commit")
        check_equal(machine.api.logins("alice") - logins, 1, "sign-ins")
        check_equal([machine.api.active(t) for t in tokens], [True, True],
                    "tokens alive during the session")
        check_equal(machine.leave(session), 0, "ssh's exit status")
        machine.wait_empty()
        machine.wait_revoked(tokens)


def wrong_password(method):
    @test(f"{method}: a wrong password is refused, is posted exactly once, "
          "and leaves nothing behind")
    def _(machine):
        seen = machine.api.refusals("alice")
        refused, _ = machine.refused("alice", "not her password", method)
        check(refused, "ssh let her in")
        check_equal(machine.api.refusals("alice") - seen, 1,
                    "refusals that the API counted")
        check_equal(machine.cached(), [], "run folder")
        machine.log.wait(machine.log_mark, r"pam_authapi.*alice")


for each in METHODS:
    right_password(each)
    wrong_password(each)


@test("keyboard-interactive: the third try of one connection may be the right "
      "one, and each wrong one is posted once")
def three_tries(machine):
    seen = machine.api.refusals("alice")
    session = machine.ssh(
        "alice", "echo READY; read line", "keyboard-interactive",
        options=("-o", "NumberOfPasswordPrompts=3"))
    for password in ("f1rst guess 73", "s3cond guess 37", machine.password("alice")):
        session.expect("Password: ")
        session.type(password)
    session.expect("READY")
    check_equal(machine.api.refusals("alice") - seen, 2, "refusals")
    tokens = machine.held("alice")
    check_equal(machine.leave(session), 0, "ssh's exit status")
    machine.wait_revoked(tokens)


@test("public key: signs in without contacting the API and leaves the cache "
      "as it was, empty or not")
def public_key(machine):
    contacts = machine.api.relay.connections
    session = machine.ssh("alice", "echo READY; read line", "publickey")
    session.expect("READY")
    check_equal(machine.cached(), [], "run folder")
    check_equal(machine.leave(session), 0, "ssh's exit status")
    check_equal(machine.api.relay.connections, contacts, "connections")

    holder = machine.sign_in("alice")
    held = machine.grant("alice")
    contacts = machine.api.relay.connections
    session = machine.ssh("alice", "echo READY; read line", "publickey")
    session.expect("READY")
    check_equal(machine.sessions("alice"), 1, "sessions beside a key login")
    check_equal(machine.leave(session), 0, "ssh's exit status")
    check(machine.grant("alice") == held, "the grant was changed")
    check_equal(machine.sessions("alice"), 1, "sessions after a key login")
    check_equal(machine.api.relay.connections, contacts, "connections")
    machine.leave(holder)


def nothing_sent(user, password, method, port, what):
    @test(f"{method}: {what} is refused and nothing reaches the API")
    def _(machine):
        contacts = machine.api.relay.connections
        refused, _ = machine.refused(user, password, method, port)
        check(refused, "ssh let them in")
        check_equal(machine.api.relay.connections, contacts, "connections")
        check_equal(machine.cached(), [], "run folder")


for each in METHODS:
    nothing_sent("mallory", "any password", each, PORT,
                 "a user whom this machine does not know")
    nothing_sent("root", "any password", each, PORT,
                 "root, who may not log in here,")
    nothing_sent("root", "any password", each, PORT_BARE,
                 "root with a wrong password where root may log in")
    nothing_sent("carol", "not carol's", each, PORT,
                 "a local user whom [users] does not name, with a wrong "
                 "password,")


@test("an unknown user, one not in [users] and a wrong password are refused "
      "after the same time")
def same_time(machine):
    medians = {}
    for user in ("alice", "mallory", "root"):
        times = [machine.refused(user, "not the password", port=PORT_BARE)[1]
                 for _ in range(3)]
        medians[user] = statistics.median(times)
    text = ", ".join(f"{k} {v:.2f} s" for k, v in medians.items())
    check(max(medians.values()) - min(medians.values()) < 0.3, text)
    # The API itself answers in milliseconds: the rest is ours.
    check(min(medians.values()) > 0.5, f"refused before its time: {text}")


def local_user(method):
    @test(f"{method}: a local user whom [users] does not name signs in with "
          "the local password, asked once, and it never reaches the API")
    def _(machine):
        contacts = machine.api.relay.connections
        session = machine.sign_in("carol", method)
        check_equal(len(session.text.lower().split("password:")) - 1, 1,
                    "prompts")
        check_equal(machine.cached(), [], "run folder")
        check_equal(machine.leave(session), 0, "ssh's exit status")
        check_equal(machine.api.relay.connections, contacts, "connections")


for each in METHODS:
    local_user(each)


@test("root signs in with the local password where sshd allows it, and it "
      "never reaches the API")
def local_root(machine):
    contacts = machine.api.relay.connections
    session = machine.sign_in("root", port=PORT_BARE)
    check_equal(machine.leave(session), 0, "ssh's exit status")
    check_equal(machine.api.relay.connections, contacts, "connections")


@test("two sessions side by side share one grant: a sweep revokes what the "
      "second sign-in got, the first logout keeps the tokens, the last one "
      "revokes them")
def two_sessions(machine):
    first = machine.sign_in("alice")
    tokens = machine.held("alice")
    second = machine.sign_in("alice", "keyboard-interactive")
    check_equal(machine.held("alice"), tokens, "the held tokens")
    check_equal(machine.sessions("alice"), 2, "sessions")
    check_equal(len(machine.outbox()), 1, "grants owed to the API")
    machine.authapi("sweep")
    check_equal(machine.outbox(), [], "outbox after the sweep")
    machine.leave(first)
    eventually(lambda: machine.sessions("alice") == 1, "one session is left")
    check_equal([machine.api.active(t) for t in tokens], [True, True],
                "tokens alive while one session is left")
    machine.leave(second)
    machine.wait_empty()
    machine.wait_revoked(tokens)


@test("two users side by side have each their own: alice's logout leaves "
      "bob's tokens alone")
def two_users(machine):
    alice = machine.sign_in("alice")
    bob = machine.sign_in("bob", "keyboard-interactive")
    hers, his = machine.held("alice"), machine.held("bob")
    machine.leave(alice)
    machine.wait_revoked(hers)
    check_equal(machine.held("bob"), his, "bob's tokens")
    check_equal([machine.api.active(t) for t in his], [True, True],
                "bob's tokens alive")
    machine.leave(bob)
    machine.wait_revoked(his)


@test("one multiplexed connection is one session, whatever runs in it")
def multiplexed(machine):
    path = f"{SSH_FOLDER}/control"
    logins = machine.api.logins("alice")
    master = machine.ssh("alice", None, options=(
        "-M", "-N", "-S", path, "-o", "ControlPersist=no"))
    master.expect("[Pp]assword: ")
    master.type(machine.password("alice"))
    eventually(lambda: os.path.exists(path), "the connection stands")
    through = ["ssh", "-F", "none", "-S", path, "-p", str(PORT),
               "alice@127.0.0.1"]
    for _ in range(3):
        check_equal(run(*through, "id -un").strip(), "alice", "id -un")
    tokens = machine.held("alice")
    check_equal(machine.sessions("alice"), 1, "sessions")
    check_equal(machine.api.logins("alice") - logins, 1, "sign-ins")
    run(*through[:-1], "-O", "exit", through[-1])
    master.finish()
    machine.wait_empty()
    machine.wait_revoked(tokens)


@test("ten logins and logouts in a row: every single one ends with its tokens "
      "dead at the server")
def many(machine):
    revoked = machine.api.revocations()
    tokens = []
    for _ in range(10):
        session = machine.sign_in("alice")
        tokens += machine.held("alice")
        check_equal(machine.leave(session), 0, "ssh's exit status")
        machine.wait_empty()
    check_equal(len(set(tokens)), 20, "tokens of ten sign-ins")
    check_equal(machine.api.revocations() - revoked, 10, "revocations")
    check_equal([t for t in tokens if machine.api.active(t)], [],
                "tokens still alive")


@test("a client that is killed is a logout too")
def killed_client(machine):
    session = machine.sign_in("alice")
    tokens = machine.held("alice")
    os.kill(session.pid, signal.SIGKILL)
    session.reap()
    machine.wait_empty()
    machine.wait_revoked(tokens)


def environment(method):
    @test(f"{method}: nothing of ours stands in the environment of her shell")
    def _(machine):
        session = machine.ssh("alice", "env; echo DONE", method)
        session.expect("[Pp]assword: ")
        session.type(machine.password("alice"))
        session.expect("DONE")
        check("LOGNAME=alice" in session.text, "this is no environment")
        check("authapi" not in session.text.lower(), session.text)
        session.finish()


for each in METHODS:
    environment(each)


@test("local policy stays in force: an account expired here is refused "
      "although the API accepts its password, and what the API gave is "
      "revoked")
def local_expiry(machine):
    run("chage", "--expiredate", "2001-01-01", "alice")
    try:
        logins = machine.api.logins("alice")
        revoked = machine.api.revocations()
        session = machine.ssh("alice", "echo INSIDE")
        session.expect("[Pp]assword: ")
        session.type(machine.password("alice"))
        check(session.finish() != 0, "ssh succeeded")
        check("INSIDE" not in session.text, "ssh let her in")
        check_equal(machine.api.logins("alice") - logins, 1, "sign-ins")
        eventually(lambda: machine.api.revocations() > revoked,
                   "the grant is revoked")
    finally:
        run("chage", "--expiredate", "-1", "alice")


@test("local policy stays in force: /etc/nologin keeps her out")
def nologin(machine):
    with open("/etc/nologin", "w", encoding="ascii") as file:
        file.write("closed for tests\n")
    try:
        session = machine.ssh("alice", "echo INSIDE")
        session.expect("[Pp]assword: ")
        session.type(machine.password("alice"))
        check(session.finish() != 0, "ssh succeeded")
        check("INSIDE" not in session.text, "ssh let her in")
    finally:
        os.unlink("/etc/nologin")


@test("after five wrong passwords the API is not asked any more, not even "
      "with the right one, until an administrator resets the count")
def guessing(machine):
    for _ in range(5):
        refused, _ = machine.refused("alice", "a guess")
        check(refused, "a guess was right")
    contacts = machine.api.relay.connections
    refused, _ = machine.refused("alice", machine.password("alice"))
    check(refused, "the sixth try was let in")
    check_equal(machine.api.relay.connections, contacts, "connections")
    run("faillock", "--user", "alice", "--reset")
    machine.leave(machine.sign_in("alice"))
