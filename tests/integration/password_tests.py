# SPDX-License-Identifier: BSD-3-Clause
"""A real passwd, and sshd's dialogue when a password has expired."""

from machine import LOCAL_PASSWORDS, METHODS, run
from scripted import API
from tap import check, check_equal, test

OLD = "correct horse 42"
NEW = "better h0rse & \"quoted\" ü"

# The API's own words for a refusal reach the user.
CHANGE = """\
[password]
url              = https://127.0.0.1:{port}/password
auth             = bearer %{{access_token?}}
field.name       = %{{user}}
field.old        = %{{password}}
field.new        = %{{new_password}}
rule.1           = password_rejected /code=TOO_WEAK
rule.2           = bad_credentials /code=WRONG
[messages]
server           = /message
"""

SIGN_IN = f"""\
POST /login
    name = alice
    password = {OLD}
-> 200
    {{"token": "first-token-of-alice", "name": "alice"}}
"""
SIGN_OUT = """\
2 times POST /logout
    (whenever)
-> 200
    {}
"""
REFUSED = """\
POST /login
    name = alice
-> 401
    {"code": "WRONG"}
"""
EXPIRED = f"""\
POST /login
    name = alice
    password = {OLD}
-> 401
    {{"code": "EXPIRED"}}
"""
CHANGED = f"""\
POST /password
    name = alice
    old = {OLD}
    new = {NEW}
-> 200
    {{}}
"""
SIGN_IN_ANEW = f"""\
POST /login
    name = alice
    password = {NEW}
-> 200
    {{"token": "second-token-of-alice", "name": "alice"}}
POST /logout
    (whenever)
-> 200
    {{}}
"""
REJECTED = """\
POST /password
    name = alice
    new = weak
-> 422
    {"code": "TOO_WEAK", "message": "Use ten characters or more."}
"""


def passwd(machine, user):
    """passwd as USER types it."""
    return machine.terminal(["runuser", "-u", user, "--", "passwd"])


def change(session, old, *new):
    """Answers passwd's questions."""
    session.expect("Current password: ")
    session.type(old)
    for prompt, text in zip(("New password: ", "New password, again: "), new):
        session.expect(prompt)
        session.type(text)


def local_hash(user):
    return run("getent", "shadow", user).split(":")[1]


@test("passwd: alice changes her password at the API: the old one is proven, "
      "the new one typed twice and posted once, and nothing of this machine "
      "changes")
def passwd_right(machine):
    API.open(machine, SIGN_IN + CHANGED + SIGN_OUT, CHANGE).serve_passwd()
    before = local_hash("alice")
    session = passwd(machine, "alice")
    change(session, OLD, NEW, NEW)
    check_equal(session.finish(), 0, f"passwd's status: {session.text}")
    check(OLD not in session.text and NEW not in session.text,
          "a password was echoed")
    API.check()
    check_equal(local_hash("alice"), before, "her local password")


@test("passwd: with a wrong old password nothing is changed and no new one is "
      "asked for")
def passwd_wrong(machine):
    API.open(machine, REFUSED, CHANGE).serve_passwd()
    session = passwd(machine, "alice")
    change(session, "not her password")
    check(session.finish() != 0, f"passwd succeeded: {session.text}")
    check("New password" not in session.text, session.text)
    API.check()
    machine.log.wait(machine.log_mark, "pam_authapi.*alice.*bad_credentials")


@test("passwd: what the API says of a weak password reaches the user in its "
      "words, and passwd fails")
def passwd_rejected(machine):
    API.open(machine, SIGN_IN + REJECTED + SIGN_OUT, CHANGE).serve_passwd()
    before = local_hash("alice")
    session = passwd(machine, "alice")
    change(session, OLD, "weak", "weak")
    check(session.finish() != 0, f"passwd succeeded: {session.text}")
    check("Use ten characters or more." in session.text, session.text)
    check_equal(local_hash("alice"), before, "her local password")
    API.check()


@test("passwd: two new passwords that differ are never posted")
def passwd_differ(machine):
    API.open(machine, SIGN_IN + SIGN_OUT, CHANGE).serve_passwd()
    session = passwd(machine, "alice")
    change(session, OLD, NEW, NEW + "x")
    check(session.finish() != 0, f"passwd succeeded: {session.text}")
    check("differ" in session.text, session.text)
    API.check()


@test("passwd: carol, whom [users] does not name, changes her local password "
      "as ever, and the API hears nothing")
def passwd_local(machine):
    API.open(machine, "", CHANGE).serve_passwd()
    before = local_hash("carol")
    session = passwd(machine, "carol")
    try:
        change(session, LOCAL_PASSWORDS["carol"])
        session.expect("New password: ")
        session.type("an0ther of carol's")
        session.expect("Retype new password: ")
        session.type("an0ther of carol's")
        check_equal(session.finish(), 0, f"passwd's status: {session.text}")
        check(local_hash("carol") != before, "nothing was changed")
        check_equal(API.server.connections, [], "connections to the API")
    finally:
        run("chpasswd", input=f"carol:{LOCAL_PASSWORDS['carol']}\n")


@test("passwd: where the conf has no [password] alice's local password is "
      "what passwd is about, and the API hears nothing")
def passwd_elsewhere(machine):
    API.open(machine, "").serve_passwd()
    session = passwd(machine, "alice")
    session.expect("Current password: ")
    session.type("she has none")
    check(session.finish() != 0, f"passwd succeeded: {session.text}")
    check_equal(API.server.connections, [], "connections to the API")


@test("keyboard-interactive: an expired password is changed in sshd's own "
      "dialogue before the session opens")
def expired_dialogue(machine):
    API.open(machine, EXPIRED + EXPIRED + CHANGED + SIGN_IN_ANEW, CHANGE,
             auth="defer_expired")
    session = machine.ssh("alice", "echo INSIDE; read line",
                          "keyboard-interactive", API.realm.port)
    session.expect("Password: ")
    session.type(OLD)
    change(session, OLD, NEW, NEW)
    session.expect("INSIDE")
    check_equal(machine.leave(session), 0, "ssh's exit status")
    API.check()


@test("keyboard-interactive: who does not change an expired password stays "
      "outside")
def expired_kept(machine):
    API.open(machine, EXPIRED + EXPIRED + REJECTED, CHANGE,
             auth="defer_expired")
    session = machine.ssh("alice", "echo INSIDE", "keyboard-interactive",
                          API.realm.port)
    session.expect("Password: ")
    session.type(OLD)
    change(session, OLD, "weak", "weak")
    check(session.finish() != 0, "ssh succeeded")
    check("INSIDE" not in session.text, "ssh let her in")
    # sshd itself keeps the API's words back when the dialogue fails.
    machine.log.wait(machine.log_mark,
                     "pam_authapi.*alice.*password_rejected")
    API.check()


@test("password: an expired password is changed by the passwd that sshd "
      "starts in the place of her shell")
def expired_passwd(machine):
    API.open(machine, EXPIRED + EXPIRED + CHANGED, CHANGE,
             auth="defer_expired").serve_passwd()
    session = machine.ssh("alice", None, "password", API.realm.port,
                          options=("-tt",))
    session.expect("[Pp]assword: ")
    session.type(OLD)
    session.expect("Your password has expired")
    change(session, OLD, NEW, NEW)
    session.finish()
    check("$ " not in session.text, "she has a shell")
    API.check()


def expired_refused(method):
    @test(f"{method}: without defer_expired an expired password is refused")
    def _(machine):
        realm = API.open(machine, EXPIRED, CHANGE)
        text, status = realm.attempt("alice", OLD, method)
        check(status != 0 and "INSIDE" not in text, "ssh let her in")
        machine.log.wait(machine.log_mark,
                         "pam_authapi.*alice.*password_expired")
        API.check()


for each in METHODS:
    expired_refused(each)
