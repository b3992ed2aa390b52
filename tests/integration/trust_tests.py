# SPDX-License-Identifier: BSD-3-Clause
"""Whom glewlwyd's tokens belong to: it signs them (ES256) but names nobody in
them, and says so when it is asked (RFC 7662)."""

import json

from realm import Realm
from tap import check, check_equal, eventually, test

PORT = 2226

# On top of the description that is shipped, which has introspection.
CONF = """\
provider      = glewlwyd
base          = {base}
client_id     = pam
client_secret = @file:{secret}
scope         = {scope}
ca            = {ca}
[introspect]
account       = /username={name}
[jwt]
keys          = %{{jwks_url}}
algorithms    = {algorithms}
issuer        = {issuer}
audience      = {audience}
require.type  = jwt:/type=access_token
[users]
allow         = alice bob
"""


class Site:
    def __init__(self):
        self.realm = None

    def open(self, machine, **changes):
        if self.realm is None:
            self.realm = Realm(machine, "trust", PORT)
        values = {
            "base": machine.api.base, "scope": "linux",
            "secret": self.realm.secret(machine.api.secret),
            "ca": self.realm.ca(machine.api.settings["GLEWLWYD_CA"]),
            "name": "%{identity}", "algorithms": "ES256",
            "issuer": machine.api.settings["GLEWLWYD_BASE"],
            "audience": "linux",
        }
        values.update(changes)
        self.realm.configure(CONF.format(**values))
        return self.realm


SITE = Site()


def tried(machine, realm, user="alice"):
    done = machine.authapi("try", user, "--conf", realm.path, "--json",
                           input=machine.password(user) + "\n")
    return json.loads(done.stdout)


@test("glewlwyd: its signed token is verified with its key set and "
      "introspection names the user: she signs in, and out")
def verified(machine):
    realm = SITE.open(machine)
    session = realm.sign_in("alice")
    tokens = machine.held("alice")
    check_equal([machine.api.active(t) for t in tokens], [True, True],
                "tokens alive during the session")
    check_equal(machine.leave(session), 0, "ssh's exit status")
    machine.wait_empty()
    machine.wait_revoked(tokens)
    told = tried(machine, realm)
    for key, value in (("login", "ok"), ("refresh", "ok"), ("revoke", "ok"),
                       ("refresh_after_revoke", "session_expired")):
        check_equal(told.get(key), value, f"{key} in {told}")


def refused(what, status, pattern, **changes):
    @test(f"glewlwyd: {what} refuses alice with a log line that says why, and "
          "the tokens she was given are dead")
    def _(machine):
        realm = SITE.open(machine, **changes)
        logins = machine.api.logins("alice")
        revoked = machine.api.revocations()
        check_equal(tried(machine, realm).get("login"), status, "login")
        text, result = realm.attempt("alice", machine.password("alice"))
        check(result != 0 and "INSIDE" not in text, "ssh let her in")
        machine.log.wait(machine.log_mark, f"pam_authapi.*alice.*{pattern}")
        given = machine.api.logins("alice") - logins
        eventually(lambda: machine.api.revocations() - revoked == given,
                   f"{given} revocations")


refused("an account rule that names another user", "wrong_account", "account",
        name="%{identity}s")
refused("another audience in the conf", "bad_token", "aud", audience="linu")
refused("another issuer in the conf", "bad_token", "iss",
        issuer="https://localhost/api/oidc")
refused("another algorithm in the conf", "bad_token", "ES256|alg",
        algorithms="RS256")
refused("a scope that she may not have", "bad_credentials", "bad_credentials",
        scope="g_admin")


@test("glewlwyd: bob is refused while his account is disabled there, and "
      "comes in again when it is not")
def disabled(machine):
    realm = SITE.open(machine)
    machine.api.disable_bob()
    try:
        text, status = realm.attempt("bob", machine.password("bob"))
        check(status != 0 and "INSIDE" not in text, "ssh let him in")
        machine.log.wait(machine.log_mark, "pam_authapi.*bob.*HTTP 403")
    finally:
        machine.api.enable_bob()
    machine.leave(realm.sign_in("bob"))
