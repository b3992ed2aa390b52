# SPDX-License-Identifier: BSD-3-Clause
"""The auth API of the tests: glewlwyd, seen through a relay that counts.

The relay passes TLS on unread, so the number of its connections is the number
of times anybody talked to the API at all."""

import base64
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import threading
import urllib.parse
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = "/tmp/glewlwyd"
SERVER_PORT = 4593
RELAY_PORT = 4600

PASSWORDS = {
    # What forms, JSON and shells each treat specially.
    "alice": "pa55 wörd & 100% = 'much' +",
    "bob": 'b0b "quoted" \\ back',
}


class Relay:
    """Passes bytes from RELAY_PORT to the server, and counts connections."""

    def __init__(self):
        self.connections = 0
        self.listener = None
        self.answers = threading.Event()  # cleared: no answer gets through
        self.answers.set()

    def open(self):
        self.listener = socket.create_server(("127.0.0.1", RELAY_PORT))
        listener = self.listener
        threading.Thread(
            target=self._accept, args=(listener,), daemon=True
        ).start()

    def close(self):
        # Wakes accept(), which close() alone would not.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def _accept(self, listener):
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            self.connections += 1
            try:
                server = socket.create_connection(("127.0.0.1", SERVER_PORT))
            except OSError:
                client.close()
                continue
            asked = threading.Event()
            for pump in (
                threading.Thread(target=self._ask, daemon=True,
                                 args=(client, server, asked)),
                threading.Thread(target=self._answer, daemon=True,
                                 args=(server, client, asked)),
            ):
                pump.start()

    @staticmethod
    def _ask(client, server, asked):
        """The first piece is the client's part of the handshake; what comes
        later ends it and is the request."""
        pieces = 0
        try:
            while True:
                data = client.recv(65536)
                if not data:
                    break
                pieces += 1
                if pieces > 1:
                    asked.set()
                server.sendall(data)
            server.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def _answer(self, server, client, asked):
        try:
            while True:
                data = server.recv(65536)
                if asked.is_set():
                    self.answers.wait()
                if not data:
                    break
                client.sendall(data)
            client.shutdown(socket.SHUT_WR)
        except OSError:
            pass


class Api:
    """glewlwyd with alice and bob in it."""

    def __init__(self):
        self.relay = Relay()
        self.settings = {}

    @property
    def base(self):
        """Where the module is told to look: the relay."""
        return f"https://localhost:{RELAY_PORT}/api/oidc"

    def start(self):
        environment = dict(
            os.environ,
            GLEWLWYD_PORT=str(SERVER_PORT),
            ALICE_PASSWORD=PASSWORDS["alice"],
            BOB_PASSWORD=PASSWORDS["bob"],
        )
        printed = self._script("start", environment)
        self.settings = dict(
            line.split("=", 1) for line in printed.splitlines()
        )
        with open(self.settings["GLEWLWYD_SECRET"], encoding="ascii") as file:
            self.secret = file.read().strip()
        self.relay.open()

    def stop(self):
        self.relay.close()
        self._script("stop")

    def resume(self):
        self._script("resume")
        self.relay.open()

    def disable_bob(self):
        self._script("disable")

    def enable_bob(self):
        self._script("enable")

    def freeze(self):
        """The server takes connections and answers nothing."""
        self._signal(signal.SIGSTOP)

    def thaw(self):
        self._signal(signal.SIGCONT)

    @staticmethod
    def _signal(number):
        with open(f"{FOLDER}/pid", encoding="ascii") as file:
            os.kill(int(file.read()), number)

    @staticmethod
    def _script(verb, environment=None):
        done = subprocess.run(
            [os.path.join(HERE, "glewlwyd.sh"), verb, FOLDER],
            env=environment,
            stdout=subprocess.PIPE,
            check=True,
            text=True,
        )
        return done.stdout

    def log(self):
        with open(f"{FOLDER}/glewlwyd.log", encoding="utf-8") as file:
            return file.read()

    def count(self, pattern):
        return len(re.findall(pattern, self.log()))

    def refusals(self, user):
        return self.count(f"Authorization invalid for username {user} ")

    def logins(self, user):
        """How often a refresh token was made for USER."""
        return self.count("Refresh token generated for client 'pam' "
                          f"granted by user '{user}'")

    def revocations(self):
        return self.count("Refresh token generated for client 'pam' revoked")

    def active(self, token):
        """What the server itself says of a token (RFC 7662)."""
        request = urllib.request.Request(
            self.settings["GLEWLWYD_BASE"] + "/introspect",
            urllib.parse.urlencode({"token": token}).encode("ascii"),
        )
        pair = f"pam:{self.secret}".encode("ascii")
        request.add_header(
            "Authorization", "Basic " + base64.b64encode(pair).decode("ascii")
        )
        trust = ssl.create_default_context(cafile=self.settings["GLEWLWYD_CA"])
        with urllib.request.urlopen(request, context=trust) as answer:
            return json.load(answer)["active"]
