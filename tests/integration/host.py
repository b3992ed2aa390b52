# SPDX-License-Identifier: BSD-3-Clause
"""PAM hosts by the dozen, for what one sshd cannot show: the script tests'
host, which calls what it is told, against the real APIs of these tests."""

import os
import sys

from machine import SOURCE, write
from tap import check_equal

sys.path.append(f"{SOURCE}/tests/script")
from drive import Host, HostError  # noqa: E402, F401

FOLDER = "/tmp/hosts"
TYPES = ("auth", "account", "session")
PATIENCE = 120  # seconds in which a host must be through


class Service:
    """A PAM service with nothing but our module in it."""

    def __init__(self, machine, realm, **arguments):
        """ARGUMENTS are those of our lines, by type."""
        self.machine, self.realm = machine, realm
        os.makedirs(FOLDER, exist_ok=True)
        # libpam looks for it, and complains.
        write(f"{FOLDER}/other", "auth required pam_deny.so\n")
        write(f"{FOLDER}/{realm}", "".join(
            f"{kind} required pam_authapi.so realm={realm} "
            f"{arguments.get(kind, '')}\n" for kind in TYPES))

    def host(self, user):
        return Visitor(self, user)


class Visitor:
    """One host process, with one transaction for one user."""

    def __init__(self, service, user):
        self.user, self.password = user, service.machine.password(user)
        self.host = Host(service.machine.pamdrive, FOLDER, PATIENCE)
        self.host.step(f"start {service.realm} {user.encode().hex()}")

    @property
    def pid(self):
        return self.host.process.pid

    def call(self, text):
        """Makes a call ("setcred establish"); returns its PAM code."""
        for words in self.host.step(f"call {text}"):
            if words[0] == "result":
                return words[2]
        return None

    def must(self, text):
        check_equal(self.call(text), "PAM_SUCCESS", text)

    def try_to_sign_in(self):
        """With the right password; returns the PAM code."""
        self.host.step(f"answer 0 {self.password.encode().hex()}")
        return self.call("authenticate")

    def sign_in(self):
        check_equal(self.try_to_sign_in(), "PAM_SUCCESS", "authenticate")

    def end(self):
        self.host.step("end")
        complaint = self.host.close()
        check_equal(complaint, "", "what the host complained of")

    def kill(self):
        self.host.kill()
