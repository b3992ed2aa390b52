# SPDX-License-Identifier: BSD-3-Clause
"""An API that answers as a test says, for what no real server at hand does:
password changes, expired passwords, second factors.

The format is that of the [api] section of the script tests."""

import os
import sys

from realm import Realm
from tap import Failure, eventually

FOLDER = "/tmp/scripted"
PORT = 2225

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from apiscript import Script  # noqa: E402
from apiserver import Server  # noqa: E402
from certificates import Certificates  # noqa: E402

# Every test's API is one of these: names and passwords in JSON, a code in the
# answer that says what is wrong.
CONF = """\
ca       = {ca}
[users]
allow    = alice bob
[login]
url              = https://127.0.0.1:{port}/login
field.name       = %{{user}}
field.password   = %{{password}}
out.access_token = /token
account          = /name=%{{user}}
rule.1           = password_expired proves_password /code=EXPIRED
rule.2           = mfa_required /code=CODE_WANTED
rule.3           = bad_credentials /code=WRONG
[revoke]
url              = https://127.0.0.1:{port}/logout
auth             = bearer %{{access_token}}
"""


class Scripted:
    def __init__(self):
        self.realm = None
        self.certificates = None
        self.server = None

    def open(self, machine, script, more="", **arguments):
        """Serves SCRIPT; MORE stands behind the conf.  ARGUMENTS are those of
        our PAM lines."""
        if self.realm is None:
            os.mkdir(FOLDER, 0o700)
            self.certificates = Certificates(FOLDER)
            self.realm = Realm(machine, "scripted", PORT)
        if self.server:
            self.server.stop()
        self.server = Server(lambda port: Script(script), self.certificates)
        self.realm.configure(
            (CONF + more).format(ca=self.realm.ca(self.certificates.ca),
                                 port=self.server.port))
        self.realm.serve(**arguments)
        return self.realm

    def check(self):
        """Every expected request has come, as expected, and no other.  Of
        those that may come whenever they like, as revocations do, once is
        enough."""
        server = self.server
        eventually(lambda: all(
            "whenever" in one.facts
            and any(r.exchange is one for r in server.requests)
            for one in server.pending), "every expected request has come")
        problems = [p for r in server.requests for p in r.problems()]
        if problems:
            raise Failure("; ".join(problems))


API = Scripted()
