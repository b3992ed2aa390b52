# SPDX-License-Identifier: BSD-3-Clause
"""oidc-provider as the auth API: it and its control endpoint.

What it says of one token is asked of it as any client asks; only for the
tokens that nobody here knows of its store is looked at."""

import base64
import json
import os
import secrets
import shutil
import signal
import ssl
import subprocess
import sys
import urllib.parse
import urllib.request

from api import PASSWORDS
from tap import Skip, eventually

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
PACKAGES = f"{SOURCE}/build-oidc/node_modules"
FOLDER = "/tmp/oidc"
PORT = 4610
CONTROL_PORT = 4611
ISSUER = f"https://localhost:{PORT}"
RESOURCE = "https://hosts.example.com"
CLIENT = "linux"

sys.path.insert(0, os.path.dirname(HERE))
from certificates import Certificates  # noqa: E402


class Oidc:
    """The server, with alice, and bob whose account is disabled."""

    def __init__(self):
        self.secret = secrets.token_hex(16)
        self.ca = None
        self.trust = None
        self.process = None

    def start(self):
        """Starts it, once; a test that needs it is skipped without it."""
        if self.process:
            return
        if not shutil.which("node"):
            raise Skip("Node.js is not installed")
        if not os.path.exists(f"{SOURCE}/build-oidc/installed"):
            raise Skip("oidc-provider is not installed: "
                       "./bootstrap --install-deps")
        os.mkdir(FOLDER, 0o700)
        certificates = Certificates(FOLDER)
        self.ca = certificates.ca
        self.trust = ssl.create_default_context(cafile=self.ca)
        # Node looks for packages beside the program.
        shutil.copy(f"{HERE}/oidc/server.js", FOLDER)
        shutil.copy(f"{HERE}/oidc/package.json", FOLDER)
        os.symlink(PACKAGES, f"{FOLDER}/node_modules")
        with open(f"{FOLDER}/settings.json", "w", encoding="utf-8") as file:
            json.dump({
                "port": PORT,
                "control": CONTROL_PORT,
                "certificate": certificates.files["good"],
                "client": CLIENT,
                "secret": self.secret,
                "users": {
                    "alice": {"password": PASSWORDS["alice"],
                              "roles": ["ops", "linux-users"]},
                    "bob": {"password": PASSWORDS["bob"], "disabled": True},
                },
            }, file)
        with open(f"{FOLDER}/console.log", "wb") as console:
            self.process = subprocess.Popen(
                ["node", f"{FOLDER}/server.js", FOLDER],
                stdin=subprocess.DEVNULL, stdout=console, stderr=console,
                start_new_session=True)
        eventually(lambda: os.path.exists(f"{FOLDER}/ready"),
                   "oidc-provider is ready (see its console.log)", 30)

    # --- what it is told ----------------------------------------------------

    @staticmethod
    def control(verb, **wanted):
        with urllib.request.urlopen(
                f"http://127.0.0.1:{CONTROL_PORT}/{verb}",
                json.dumps(wanted).encode("ascii"), timeout=10) as answer:
            return json.load(answer)

    def rotate(self, alg, keep=False):
        """Signs with a new key from now on; returns its kid."""
        return self.control("keys", alg=alg, keep=keep)["kid"]

    def sign_with(self, kid):
        """Signs with that key again, be it in the key set or not."""
        self.control("sign", kid=kid)

    def freeze(self):
        """It takes connections and answers nothing."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    # --- what it says -------------------------------------------------------

    def alive(self):
        """What its store holds that can still be used: ["RefreshToken alice",
        ...].  Access tokens that are JWTs are in no store."""
        return self.control("alive")

    def tally(self, kind):
        """How often tokens were asked for so far: "password ok",
        "refresh_token refused", ..."""
        return self.control("tally").get(kind, 0)

    @staticmethod
    def requests():
        """All that were answered: "POST /token 200", ..."""
        try:
            with open(f"{FOLDER}/requests.log", encoding="ascii") as file:
                return file.read().splitlines()
        except FileNotFoundError:
            return []

    def since(self, mark):
        """Requests behind the first MARK, without those of active()."""
        return [line for line in self.requests()[mark:]
                if "?asked-by-test" not in line]

    def active(self, token):
        """What the server itself says of a token (RFC 7662)."""
        request = urllib.request.Request(
            f"{ISSUER}/token/introspection?asked-by-test",
            urllib.parse.urlencode({"token": token}).encode("ascii"))
        pair = f"{CLIENT}:{self.secret}".encode("ascii")
        request.add_header(
            "Authorization", "Basic " + base64.b64encode(pair).decode("ascii"))
        with urllib.request.urlopen(request, context=self.trust) as answer:
            return json.load(answer)["active"]
