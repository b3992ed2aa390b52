# SPDX-License-Identifier: BSD-3-Clause
"""The administrator's command against a real API."""

import json

from tap import check, check_equal, test


@test("authapi check finds nothing wrong with the site's conf, and does not "
      "ask the API")
def command_check(machine):
    contacts = machine.api.relay.connections
    done = machine.authapi("check")
    check_equal(done.returncode, 0, f"exit status ({done.stderr})")
    check_equal(machine.api.relay.connections, contacts, "connections")


@test("authapi status names who has tokens and how many sessions, and never "
      "a token")
def command_status(machine):
    done = machine.authapi("status")
    check_equal(done.returncode, 0, f"exit status ({done.stderr})")
    check("alice" not in done.stdout, f"alice is not here: {done.stdout}")
    session = machine.sign_in("alice")
    tokens = machine.held("alice")
    done = machine.authapi("status")
    check_equal(done.returncode, 0, f"exit status ({done.stderr})")
    check("alice" in done.stdout, f"alice is here: {done.stdout}")
    as_json = machine.authapi("status", "--json")
    json.loads(as_json.stdout)
    check("alice" in as_json.stdout, as_json.stdout)
    for token in tokens:
        check(token not in done.stdout + as_json.stdout, "it shows a token")
    machine.leave(session)


@test("authapi try alice runs login, refresh and revoke against the API, and "
      "the server forgets it all")
def command_try(machine):
    revoked = machine.api.revocations()
    done = machine.authapi("try", "alice", "--json",
                           input=machine.password("alice") + "\n")
    check_equal(done.returncode, 0, f"exit status ({done.stderr})")
    told = json.loads(done.stdout)
    for key, value in (("login", "ok"), ("expires_in", 3600),
                       ("refresh", "ok"), ("rotated", True),
                       ("revoke", "ok"),
                       ("refresh_after_revoke", "session_expired")):
        check_equal(told.get(key), value, f"{key} in {done.stdout}")
    check(machine.api.revocations() > revoked, "the server revoked nothing")
    check_equal(machine.cached(), [], "run folder")


@test("authapi try with a wrong password says bad_credentials and fails")
def command_try_wrong(machine):
    done = machine.authapi("try", "alice", "--json", input="wrong one\n")
    check(done.returncode != 0, "it succeeded")
    check_equal(json.loads(done.stdout).get("login"), "bad_credentials",
                "login")


@test("authapi revoke alice ends her tokens at the server while her session "
      "goes on")
def command_revoke(machine):
    session = machine.sign_in("alice", tty=True)
    tokens = machine.held("alice")
    done = machine.authapi("revoke", "alice")
    check_equal(done.returncode, 0, f"exit status ({done.stderr})")
    check_equal(machine.grant("alice"), None, "the held grant")
    machine.wait_revoked(tokens)
    session.type("echo STILL-$((40 + 2))")
    session.expect("STILL-42")
    check_equal(machine.leave(session, tty=True), 0, "ssh's exit status")
