# SPDX-License-Identifier: BSD-3-Clause
"""sudo inside a session, and login on a console."""

from tap import check, check_equal, eventually, test

# sudo puts its own words in the place of our "Password: ".
SUDO_PROMPT = r"\[sudo\] password for \w+: "


@test("sudo inside her session takes the API's password, and what the API "
      "gave for it is revoked while her session's tokens live on")
def sudo_right(machine):
    session = machine.sign_in("alice", tty=True)
    tokens = machine.held("alice")
    logins = machine.api.logins("alice")
    revoked = machine.api.revocations()
    session.type("sudo sh -c 'echo ROOT=$(id -u); env | grep -c ^PAM_; "
                 "read line'; echo STATUS=$?")
    session.expect(SUDO_PROMPT)
    session.type(machine.password("alice"))
    session.expect("ROOT=0")
    check_equal(session.expect(r"\n(\d+)\n").group(1), "0",
                "our variables in sudo's command")
    check_equal(machine.api.logins("alice") - logins, 1, "sign-ins for sudo")
    check_equal(machine.sessions("alice"), 1, "sessions while sudo runs")
    check_equal(machine.sessions("root"), 0, "root's sessions")
    eventually(lambda: machine.api.revocations() > revoked,
               "sudo's own grant is revoked while its command still runs")
    session.type("")
    session.expect("STATUS=")
    check_equal(machine.held("alice"), tokens, "her session's tokens")
    check_equal([machine.api.active(t) for t in tokens], [True, True],
                "her session's tokens alive")
    machine.leave(session, tty=True)
    machine.wait_revoked(tokens)


@test("sudo with a wrong password is refused three times and runs nothing")
def sudo_wrong(machine):
    session = machine.sign_in("alice", tty=True)
    seen = machine.api.refusals("alice")
    session.type("sudo sh -c 'echo ROOT=$(id -u)'; echo STATUS=$?")
    for guess in ("one", "two", "three"):
        session.expect(SUDO_PROMPT)
        session.type(guess)
    session.expect("STATUS=1")
    check("ROOT=0" not in session.text, "sudo ran the command")
    check_equal(machine.api.refusals("alice") - seen, 3, "refusals")
    check_equal(machine.sessions("alice"), 1, "sessions")
    machine.leave(session, tty=True)


@test("sudo of a local user takes the local password, asked once, and nothing "
      "reaches the API")
def sudo_local(machine):
    contacts = machine.api.relay.connections
    session = machine.sign_in("carol", tty=True)
    session.type("sudo id -u; echo STATUS=$?")
    session.expect(SUDO_PROMPT)
    session.type(machine.password("carol"))
    session.expect("STATUS=0")
    check_equal(machine.api.relay.connections, contacts, "connections")
    machine.leave(session, tty=True)


def console(user, ours):
    who = "alice" if ours else "a local user"
    @test(f"login on a console: {who} signs in, asked once, and logs out")
    def _(machine):
        contacts = machine.api.relay.connections
        session = machine.terminal(["login"])
        session.expect("login: ")
        session.type(user)
        session.expect("Password: ")
        session.type(machine.password(user))
        session.expect(r"\$ ")
        check_equal(session.text.count("Password: "), 1, "prompts")
        check_equal(machine.sessions(user), 1 if ours else 0, "sessions")
        tokens = machine.held(user) if ours else ()
        machine.leave(session, tty=True)
        machine.wait_empty()
        machine.wait_revoked(tokens)
        if not ours:
            check_equal(machine.api.relay.connections, contacts,
                        "connections")


console("alice", True)
console("carol", False)
