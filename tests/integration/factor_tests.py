# SPDX-License-Identifier: BSD-3-Clause
"""A second factor over ssh."""

from scripted import API
from tap import check, check_equal, test

PASSWORD = "correct horse 42"
CODE = "493 817"

# The code is brought with the password in a repeated login.
IN_LINE = """\
[login]
field.code = %{{otp?}}
rule.4     = mfa_failed /code=CODE_WRONG
"""
# The code answers a challenge that is asked for first.
CHALLENGE = """\
[login]
out.pending = /pending
[mfa_start]
url           = https://127.0.0.1:{port}/challenge
field.pending = %{{pending}}
out.challenge = /challenge
[mfa]
url              = https://127.0.0.1:{port}/verify
field.challenge  = %{{challenge}}
field.code       = %{{otp}}
out.access_token = /token
account          = /name=%{{user}}
prompt           = Code of your token:
rule.1           = mfa_failed /code=CODE_WRONG
"""

WANTED = f"""\
POST /login
    name = alice
    password = {PASSWORD}
-> 401
    {{"code": "CODE_WANTED", "pending": "p-1"}}
"""
SIGNED_IN = f"""\
POST /login
    name = alice
    password = {PASSWORD}
    code = {CODE}
-> 200
    {{"token": "second-token-of-alice", "name": "alice"}}
"""
WRONG_CODE = """\
POST /login
    name = alice
    code = 000000
-> 401
    {"code": "CODE_WRONG"}
"""
CHALLENGED = """\
POST /challenge
    pending = p-1
-> 200
    {"challenge": "c-1"}
"""
VERIFIED = f"""\
POST /verify
    challenge = c-1
    code = {CODE}
-> 200
    {{"token": "third-token-of-alice", "name": "alice"}}
"""
SIGN_OUT = """\
2 times POST /logout
    (whenever)
-> 200
    {}
"""


def sign_in(machine, *codes, prompt="One-time code: "):
    """Types the password, and each code when it is asked for."""
    session = machine.ssh("alice", "echo INSIDE; read line",
                          "keyboard-interactive", API.realm.port)
    session.expect("Password: ")
    session.type(PASSWORD)
    for code in codes:
        session.expect(prompt)
        session.type(code)
    return session


@test("keyboard-interactive: a second factor is asked for with echo, brought "
      "with the password, and opens the session")
def in_line(machine):
    API.open(machine, WANTED + SIGNED_IN + SIGN_OUT, IN_LINE)
    session = sign_in(machine, CODE)
    session.expect("INSIDE")
    check(CODE in session.text, "the code was not echoed")
    check(PASSWORD not in session.text, "the password was echoed")
    check_equal(machine.leave(session), 0, "ssh's exit status")
    API.check()


@test("keyboard-interactive: after a wrong code the right one is taken, and "
      "the password is typed once")
def wrong_then_right(machine):
    API.open(machine, WANTED + WRONG_CODE + SIGNED_IN + SIGN_OUT, IN_LINE)
    session = sign_in(machine, "000000", CODE)
    session.expect("INSIDE")
    check_equal(session.text.count("Password: "), 1, "passwords asked for")
    check_equal(machine.leave(session), 0, "ssh's exit status")
    API.check()


@test("keyboard-interactive: three wrong codes are refused and leave nothing")
def three_wrong(machine):
    API.open(machine, WANTED + 3 * WRONG_CODE, IN_LINE)
    session = sign_in(machine, "000000", "000000", "000000")
    check(session.finish() != 0, "ssh succeeded")
    check("INSIDE" not in session.text, "ssh let her in")
    check_equal(machine.cached(), [], "run folder")
    machine.log.wait(machine.log_mark, "pam_authapi.*alice.*mfa_failed")
    API.check()


@test("keyboard-interactive: a challenge is asked for and answered, with the "
      "prompt of the description")
def challenge(machine):
    API.open(machine, WANTED + CHALLENGED + VERIFIED + SIGN_OUT, CHALLENGE)
    session = sign_in(machine, CODE, prompt="Code of your token: ")
    session.expect("INSIDE")
    check_equal(machine.leave(session), 0, "ssh's exit status")
    API.check()


@test("password: where a second factor is wanted the sign-in is refused, and "
      "the log says that keyboard-interactive can ask for it")
def password_method(machine):
    realm = API.open(machine, WANTED, IN_LINE)
    text, status = realm.attempt("alice", PASSWORD)
    check(status != 0 and "INSIDE" not in text, "ssh let her in")
    machine.log.wait(machine.log_mark,
                     "pam_authapi.*alice.*keyboard-interactive")
    check_equal(machine.cached(), [], "run folder")
    API.check()
