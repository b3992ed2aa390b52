# SPDX-License-Identifier: BSD-3-Clause
"""Signing in against oidc-provider: its tokens, verified with its keys or by
introspection, and what happens when the keys change."""

import json
import time

from machine import METHODS
from oidc import CLIENT, ISSUER, RESOURCE, Oidc
from realm import Realm
from tap import check, check_equal, eventually, test

PORT = 2224
KEY_PATIENCE = 61  # seconds after a fetch in which an unknown key is no reason
                   # for another one

# On top of the description that is shipped: what the password grant of
# oidc/server.js says of a disabled account.
CONF = """\
provider      = oidc-provider
base          = {issuer}
client_id     = {client}
client_secret = @file:{secret}
scope         = {scope}
ca            = {ca}
[users]
allow         = alice bob
"""
RULES = """\
rule.1 = disabled "/error_description=Account disabled"
rule.3 = bad_credentials /error=invalid_grant
"""

# An access token that is a JWT, for one resource server.  The server keeps no
# list of these, so there is no use in asking about them.
SIGNED = """\
[introspect]
url            =
[jwt]
keys           = %{{base}}/jwks
algorithms     = RS256 ES256
issuer         = {expected_issuer}
audience       = {expected_audience}
[login]
field.resource = {resource}
account        = jwt:/sub=%{{identity}}
"""

# An opaque access token, and beside it an ID token that is verified.
ID_TOKEN = """\
[jwt]
token          = id_token
keys           = %{{base}}/jwks
algorithms     = RS256 ES256
issuer         = {issuer}
audience       = {client}
[login]
out.id_token   = /id_token
account        = jwt:/preferred_username=%{{identity}}
"""

# An opaque access token and nothing else: the server is asked whose it is.
INTROSPECTED = """\
[login]
"""


class Site:
    """A host that trusts the server; made by the first test that runs."""

    def __init__(self):
        self.api = Oidc()
        self.realm = None
        self.machine = None
        self.fetched_at = 0.0

    def open(self, machine, kind=SIGNED, more="", **changes):
        """The server runs, and the host's conf is of this KIND."""
        self.api.start()
        if self.realm is None:
            self.machine = machine
            self.realm = Realm(machine, "oidc", PORT)
        self.realm.serve()
        self.realm.configure(self.conf(kind, more, **changes))
        return self.realm

    def conf(self, kind, more="", **changes):
        values = {
            "issuer": ISSUER, "client": CLIENT, "resource": RESOURCE,
            "secret": self.realm.secret(self.api.secret),
            "ca": self.realm.ca(self.api.ca), "scope": "linux",
            "expected_issuer": ISSUER, "expected_audience": RESOURCE,
        }
        values.update(changes)
        return (CONF + kind + RULES).format(**values) + more

    def mark(self):
        return len(self.api.requests())

    def asked(self, mark):
        found = self.api.since(mark)
        if "GET /jwks 200" in found:
            self.fetched_at = time.monotonic()
        return found

    def wait_for_patience(self):
        left = self.fetched_at + KEY_PATIENCE - time.monotonic()
        if left > 0:
            time.sleep(left)

    def sign_in_and_out(self):
        """alice comes and goes; what the server was asked for the coming."""
        mark = self.mark()
        session = self.realm.sign_in("alice")
        asked = self.asked(mark)
        check_equal(self.machine.leave(session), 0, "ssh's exit status")
        self.machine.wait_empty()
        return asked

    def try_alice(self, expect=0):
        done = self.machine.authapi(
            "try", "alice", "--conf", self.realm.path, "--json",
            input=self.machine.password("alice") + "\n")
        if expect == 0:
            check_equal(done.returncode, 0,
                        f"exit status ({done.stdout}{done.stderr})")
        else:
            check(done.returncode != 0, f"it succeeded: {done.stdout}")
        return json.loads(done.stdout)

    def refused_with(self, pattern):
        """alice's right password is refused over ssh, for a reason that one
        log line names, and what the API had given is revoked."""
        mark = self.mark()
        text, status = self.realm.attempt(
            "alice", self.machine.password("alice"))
        check(status != 0 and "INSIDE" not in text, "ssh let her in")
        self.machine.log.wait(self.machine.log_mark,
                              f"pam_authapi.*alice.*{pattern}")
        self.machine.wait_empty()
        return mark


SITE = Site()


def right_password(method):
    @test(f"oidc-provider, {method}: a right password whose JWT is verified "
          "opens a session, and logging out kills the refresh token at the "
          "server")
    def _(machine):
        realm = SITE.open(machine)
        mark = SITE.mark()
        session = realm.sign_in("alice", method)
        asked = SITE.asked(mark)
        check_equal(asked.count("POST /token 200"), 1, f"sign-ins in {asked}")
        access, refresh = machine.held("alice")
        check_equal(access.count("."), 2, "dots in the access token")
        check(SITE.api.active(refresh), "the refresh token is dead at once")
        check_equal(machine.leave(session), 0, "ssh's exit status")
        machine.wait_empty()
        eventually(lambda: not SITE.api.active(refresh),
                   "the server says that the refresh token is dead")


for each in METHODS:
    right_password(each)


def wrong_password(method):
    @test(f"oidc-provider, {method}: a wrong password is posted once and "
          "refused")
    def _(machine):
        realm = SITE.open(machine)
        mark = SITE.mark()
        text, status = realm.attempt("alice", "not her password", method)
        check(status != 0 and "INSIDE" not in text, "ssh let her in")
        check_equal(SITE.asked(mark), ["POST /token 400"], "requests")
        machine.log.wait(machine.log_mark,
                         "pam_authapi.*alice.*bad_credentials")
        check_equal(machine.cached(), [], "run folder")


for each in METHODS:
    wrong_password(each)


@test("oidc-provider: bob, whose account is disabled there, is refused with "
      "his right password")
def disabled(machine):
    realm = SITE.open(machine)
    text, status = realm.attempt("bob", machine.password("bob"))
    check(status != 0 and "INSIDE" not in text, "ssh let him in")
    machine.log.wait(machine.log_mark, "pam_authapi.*bob.*disabled")


@test("oidc-provider: with the keys cached a sign-in is exactly one request, "
      "by a PAM process that never asked before")
def one_request(machine):
    SITE.open(machine)
    SITE.sign_in_and_out()
    check_equal(SITE.sign_in_and_out(), ["POST /token 200"], "requests")


@test("oidc-provider: authapi try signs in, refreshes with rotation, revokes, "
      "and the refresh after that says session_expired")
def try_all(machine):
    SITE.open(machine)
    told = SITE.try_alice()
    for key, value in (("login", "ok"), ("refresh", "ok"), ("rotated", True),
                       ("revoke", "ok"),
                       ("refresh_after_revoke", "session_expired")):
        check_equal(told.get(key), value, f"{key} in {told}")


@test("oidc-provider: authapi try with a wrong password says bad_credentials")
def try_wrong(machine):
    realm = SITE.open(machine)
    done = machine.authapi("try", "alice", "--conf", realm.path, "--json",
                           input="wrong one\n")
    check(done.returncode != 0, "it succeeded")
    check_equal(json.loads(done.stdout).get("login"), "bad_credentials",
                "login")


def wrong_claim(what, name, change):
    @test(f"oidc-provider: a right password is refused when the conf expects "
          f"another {what}, with a log line that names it, and what was given "
          "is revoked")
    def _(machine):
        SITE.open(machine, **change)
        check_equal(SITE.try_alice(expect=1).get("login"), "bad_token",
                    "login")
        mark = SITE.refused_with(name)
        eventually(lambda: "POST /token/revocation 200"
                   in SITE.api.since(mark), "the grant is revoked")


wrong_claim("audience", "aud", {"expected_audience": "https://other.example"})
wrong_claim("issuer", "iss", {"expected_issuer": "https://localhost"})


@test("oidc-provider: a JWT is refused when [jwt] pins other algorithms")
def wrong_algorithm(machine):
    SITE.open(machine, SIGNED.replace("RS256 ES256", "ES384"))
    check_equal(SITE.try_alice(expect=1).get("login"), "bad_token", "login")
    SITE.refused_with("RS256|alg")


@test("oidc-provider: an ID token beside an opaque access token is verified, "
      "and introspection says alive before and dead after the logout, of "
      "both tokens")
def id_token(machine):
    realm = SITE.open(machine, ID_TOKEN, scope="openid profile")
    session = realm.sign_in("alice")
    tokens = machine.held("alice")
    check_equal([SITE.api.active(t) for t in tokens], [True, True],
                "tokens alive during the session")
    machine.leave(session)
    machine.wait_empty()
    for token in tokens:
        eventually(lambda t=token: not SITE.api.active(t),
                   "the server says that the token is dead")
    check_equal(SITE.try_alice().get("refresh"), "ok", "refresh")


@test("oidc-provider: [account] lets in who has a role in the verified token, "
      "by its whole name, and nobody else")
def roles(machine):
    def only(rule):
        SITE.open(machine, ID_TOKEN, scope="openid profile",
                  more=f"[account]\n{rule}\n")

    only("allow.1 = jwt:/roles@=ops")
    SITE.sign_in_and_out()
    for rule in ("allow.1 = jwt:/roles@=op", "deny.1 = jwt:/roles@=ops"):
        only(rule)
        mark = SITE.refused_with(r"\[account\]")
        check("POST /token/revocation 200" in SITE.asked(mark),
              "what was given is not revoked")


@test("oidc-provider: account = introspect asks the server whose an opaque "
      "token is; with max_age=0 the account phase asks again")
def introspected(machine):
    realm = SITE.open(machine, INTROSPECTED, scope="openid")
    check_equal(SITE.sign_in_and_out(),
                ["POST /token 200", "POST /token/introspection 200"],
                "requests of a sign-in")
    realm.serve(account="max_age=0")
    check_equal(SITE.sign_in_and_out(),
                ["POST /token 200", "POST /token/introspection 200",
                 "POST /token/introspection 200"],
                "requests of a sign-in with max_age=0")
    told = SITE.try_alice()
    check_equal(told.get("refresh_after_revoke"), "session_expired",
                "refresh_after_revoke")


@test("oidc-provider: with max_age=0 and nothing to introspect the account "
      "phase refreshes, and the session holds what that gave")
def refreshed(machine):
    realm = SITE.open(machine)
    realm.serve(account="max_age=0")
    mark = SITE.mark()
    session = realm.sign_in("alice")
    check_equal(SITE.asked(mark), ["POST /token 200", "POST /token 200"],
                "a sign-in and a refresh")
    _, token = machine.held("alice")
    check(SITE.api.active(token), "the session holds a used refresh token")
    machine.leave(session)
    machine.wait_empty()
    eventually(lambda: not SITE.api.active(token),
               "the server says that the refresh token is dead")


@test("oidc-provider: a token of somebody else's is refused: the account rule "
      "compares whole names")
def other_account(machine):
    SITE.open(machine, INTROSPECTED, scope="openid",
              more="[introspect]\naccount = /sub=%{identity}x\n")
    check_equal(SITE.try_alice(expect=1).get("login"), "wrong_account",
                "login")
    SITE.refused_with("account")


@test("oidc-provider: a second session refreshes tokens that have grown old, "
      "and the server takes the old refresh token for used")
def refresh(machine):
    realm = SITE.open(machine)
    SITE.api.control("lives", access=4)
    try:
        first = realm.sign_in("alice")
        old = machine.held("alice")
        time.sleep(5)
        mark = SITE.mark()
        second = realm.sign_in("alice", "keyboard-interactive")
        eventually(lambda: machine.held("alice") != old,
                   "the held tokens are new")
        new = machine.held("alice")
        check_equal(SITE.asked(mark).count("POST /token 200"), 2,
                    "a sign-in and a refresh")
        check(not SITE.api.active(old[1]), "the old refresh token lives on")
        check(SITE.api.active(new[1]), "the new refresh token is dead")
    finally:
        SITE.api.control("lives", access=3600)
    machine.leave(first)
    machine.leave(second)
    machine.wait_empty()
    eventually(lambda: not SITE.api.active(new[1]),
               "the server says that the refresh token is dead")


@test("oidc-provider: its key is changed, from RSA to EC: the next sign-in "
      "fetches the keys once and succeeds, the one after that fetches nothing")
def rotation(machine):
    SITE.open(machine)
    SITE.sign_in_and_out()
    SITE.wait_for_patience()
    SITE.api.rotate("ES256")
    asked = SITE.sign_in_and_out()
    check_equal(sorted(asked), ["GET /jwks 200", "POST /token 200"],
                "requests")
    check_equal(SITE.sign_in_and_out(), ["POST /token 200"], "requests")


@test("oidc-provider: a token of a key that has left the key set is refused, "
      "and within a minute of the last fetch the keys are not asked for "
      "again")
def removed_key(machine):
    SITE.open(machine)
    SITE.api.sign_with("key-1")
    mark = SITE.refused_with("kid|key")
    check("GET /jwks 200" not in SITE.asked(mark), "it asked for keys")
    SITE.api.sign_with("key-2")
    check_equal(SITE.sign_in_and_out(), ["POST /token 200"], "requests")
