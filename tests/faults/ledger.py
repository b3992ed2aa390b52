# SPDX-License-Identifier: BSD-3-Clause
"""An auth API that keeps a ledger: which of the grants that it gave are alive.

Each realm has its own path below the server's root, and its own page of the
ledger.  A grant is a family of tokens: a refresh gives the next pair and the
old refresh token is void; who brings a void one to /refresh kills the family,
as the servers do that take it for stolen; who brings a void one to /revoke
ends nothing, as from servers that forgot it.  So a token that somebody lost
stays alive, and shows.

It refuses to know anything of the module.
"""
import http.server
import json
import os
import re
import socketserver
import threading
import time

LIFETIME = 3600
PASSWORD = "correct horse 42"
TOKEN = re.compile(rb"[AR]-([0-9a-f]{8})-([0-9a-f]{8})-[0-9a-f]{16}")

CONF = """\
ca       = {ca}
[users]
allow    = alice bob
[login]
url               = {base}/login
field.name        = %{{user}}
field.password    = %{{password}}
out.access_token  = /access
out.refresh_token = /refresh
out.expires       = /expires_in
account           = /name=%{{user}}
rule.1            = bad_credentials /code=WRONG
[refresh]
url               = {base}/refresh
field.refresh     = %{{refresh_token}}
rule.1            = session_expired /code=GONE
[revoke]
url               = {base}/revoke
field.refresh     = %{{refresh_token}}
ends              = grant
rule.1            = session_expired /code=GONE
"""


class Grant:
    """A family of tokens; ends when it is revoked or abused."""

    def __init__(self, number, realm, user):
        self.number, self.realm, self.user = number, realm, user
        self.turn = 0  # of its present pair
        self.alive, self.end = True, ""
        self.turn_over()

    def turn_over(self):
        self.turn += 1
        self.access, self.refresh = (
            f"{kind}-{self.number:08x}-{self.turn:08x}-{os.urandom(8).hex()}"
            for kind in "AR")

    def finish(self, why):
        self.alive, self.end = False, why

    def __str__(self):
        state = "alive" if self.alive else self.end
        return f"grant {self.number:08x} turn {self.turn} ({state})"


class Ledger:
    """The server, and what may be asked of it and told to it."""

    def __init__(self, certificates):
        self.lock = threading.RLock()
        self.grants, self.requests = [], []
        self.lifetime = LIFETIME
        self.down = False  # drops every connection,
        self.dropped = 0  # so many
        self.refuses_refresh = False  # answers 401, and means it
        self.dies_after_rotation = False  # next pair made, no answer
        self.answers = threading.Event()  # cleared: done, but nobody hears it
        self.answers.set()
        self.context = certificates.context("good")
        ledger = self

        class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, request, client_address):
                """Callers die here; that is no error."""

        self.server = Server(("127.0.0.1", 0),
                             lambda *given: Handler(ledger, *given))
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever,
                         kwargs={"poll_interval": 0.05}, daemon=True).start()

    def base(self, realm):
        return f"https://127.0.0.1:{self.port}/{realm}"

    def conf(self, realm, certificate):
        return CONF.format(ca=certificate, base=self.base(realm))

    # --- asked afterwards -----------------------------------------------

    def of(self, realm):
        with self.lock:
            return [one for one in self.grants if one.realm == realm]

    def alive(self, realm):
        return [one for one in self.of(realm) if one.alive]

    def count(self, realm, verb, since=0.0):
        """How many requests of a kind came."""
        with self.lock:
            return sum(one[1:] == (realm, verb) and one[0] >= since
                       for one in self.requests)

    def wait_for(self, realm, verb, since, seconds=5.0):
        """Whether such a request comes in time."""
        end = time.monotonic() + seconds
        while not self.count(realm, verb, since):
            if time.monotonic() > end:
                return False
            time.sleep(0.01)
        return True

    # --- what it does ---------------------------------------------------

    def issue(self, realm, user):
        """Gives a grant; /login does that, and a test may."""
        with self.lock:
            grant = Grant(len(self.grants) + 1, realm, user)
            self.grants.append(grant)
            return grant

    def forget(self, realm):
        """What an earlier test has left, after it failed."""
        for one in self.alive(realm):
            one.finish("forgotten by the tests")

    def _find(self, realm, token):
        found = TOKEN.fullmatch(str(token).encode())
        number = int(found[1], 16) if found else 0
        if not 0 < number <= len(self.grants):
            return None
        grant = self.grants[number - 1]
        return grant if grant.realm == realm else None

    def _pair(self, grant):
        return 200, {"access": grant.access, "refresh": grant.refresh,
                     "expires_in": self.lifetime, "name": grant.user}

    def login(self, realm, body):
        if body.get("password") != PASSWORD:
            return 401, {"code": "WRONG"}
        return self._pair(self.issue(realm, str(body.get("name"))))

    def refresh(self, realm, body):
        grant = self._find(realm, body.get("refresh"))
        if grant is None or not grant.alive:
            return 401, {"code": "GONE"}
        if self.refuses_refresh:
            grant.finish("refused")
            return 401, {"code": "GONE"}
        if grant.refresh != body["refresh"]:
            grant.finish("an old refresh token came back")
            return 401, {"code": "GONE"}
        grant.turn_over()
        return (0, {}) if self.dies_after_rotation else self._pair(grant)

    def revoke(self, realm, body):
        grant = self._find(realm, body.get("refresh"))
        if grant is None or not grant.alive \
                or grant.refresh != body["refresh"]:
            return 404, {"code": "GONE"}
        grant.finish("revoked")
        return 200, {}

    def answer(self, target, body):
        """The status and body for a request; status 0 is none at all."""
        verbs = {"login": self.login, "refresh": self.refresh,
                 "revoke": self.revoke}
        _, realm, verb = (target.split("/") + ["", ""])[:3]
        with self.lock:
            self.requests.append((time.monotonic(), realm, verb))
            if verb not in verbs:
                return 404, {}
            return verbs[verb](realm, body)


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    timeout = 30

    def __init__(self, ledger, request, *rest):
        self.ledger = ledger
        if ledger.down:
            ledger.dropped += 1
            return
        secured = ledger.context.wrap_socket(request, server_side=True)
        try:
            super().__init__(secured, *rest)
        finally:
            secured.close()

    def do_POST(self):
        size = int(self.headers.get("Content-Length", 0))
        body = json.loads(self.rfile.read(size))
        status, answer = self.ledger.answer(self.path, body)
        self.ledger.answers.wait()
        if status == 0 or self.ledger.down:
            self.close_connection = True
            return
        text = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        """The ledger is the log."""
