# SPDX-License-Identifier: BSD-3-Clause
"""A realm of its own: a conf, and an sshd whose PAM lines name it.

The service file is the example without the delays of others, so what a test
sees is the example's; only arguments are added."""

import shutil

from machine import SSH_FOLDER, write


class Realm:
    def __init__(self, machine, name, port):
        self.machine, self.name, self.port = machine, name, port
        self.path = f"{machine.conf_folder}/{name}.conf"
        self.serve()
        with open(f"{SSH_FOLDER}/host.pub", encoding="ascii") as file:
            key = " ".join(file.read().split()[:2])
        with open(f"{SSH_FOLDER}/known_hosts", "a", encoding="ascii") as file:
            file.write(f"[127.0.0.1]:{port} {key}\n")
        machine.start_sshd(f"sshd-{name}", port, "no")

    def configure(self, text):
        write(self.path, text, 0o600)

    def serve(self, **arguments):
        """Writes the service file; ARGUMENTS are those of our lines, by
        type: auth="timeout=5"."""
        self.write_service(f"sshd-{self.name}", "sshd-bare", arguments)

    def serve_passwd(self):
        """/etc/pam.d/passwd, as the example has it."""
        self.write_service("passwd", "passwd", {})

    def write_service(self, service, source, arguments):
        with open(f"/etc/pam.d/{source}", encoding="utf-8") as file:
            lines = file.read().splitlines()
        for number, line in enumerate(lines):
            if "pam_authapi.so" in line and not line.startswith("#"):
                line = line.split(" realm=")[0]
                kind = line.split()[0]
                lines[number] = (f"{line} realm={self.name} "
                                 f"{arguments.get(kind, '')}").rstrip()
        write(f"/etc/pam.d/{service}", "\n".join(lines) + "\n")

    def secret(self, value):
        """The path of a secret's file, for @file:."""
        path = f"{self.machine.conf_folder}/{self.name}-secret"
        write(path, value + "\n", 0o600)
        return path

    def ca(self, source):
        """The path of a CA's file, which the helper's user must be able to
        read."""
        path = f"{self.machine.conf_folder}/{self.name}-ca.pem"
        shutil.copy(source, path)
        return path

    def sign_in(self, user, method="password", **more):
        return self.machine.sign_in(user, method, port=self.port, **more)

    def attempt(self, user, password, method="password"):
        """Types PASSWORD once; returns all that ssh printed and its exit
        status."""
        session = self.machine.ssh(user, "echo INSIDE", method, self.port)
        session.expect("[Pp]assword: ")
        session.type(password)
        status = session.finish()
        return session.text, status
