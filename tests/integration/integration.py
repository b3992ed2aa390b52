# SPDX-License-Identifier: BSD-3-Clause
"""integration.py --build BUILD [--only WORDS]

A real sshd, sudo, greetd and passwd with the files of pam.d-examples/, against
a real glewlwyd, a real oidc-provider and scripted APIs.  Prints TAP.  Run it as

    tests/lab.sh BUILD /usr/bin/python3 tests/integration/integration.py \\
        --build BUILD

It refuses to run anywhere else: it rewrites /etc/pam.d."""

import argparse
import importlib
import os
import re
import shutil
import sys

sys.dont_write_bytecode = True  # the source tree may be read-only

import tap
from machine import Machine

# Their order is the order of the tests; the last looks back on all of them.
TESTS = ("ssh_tests", "sudo_tests", "greetd_tests", "reuse_tests",
         "command_tests", "trust_tests", "oidc_tests", "password_tests",
         "factor_tests", "race_tests", "trouble_tests")
PROGRAMS = ("sshd", "ssh", "ssh-keygen", "sudo", "glewlwyd", "sqlite3",
            "curl", "openssl", "useradd", "faillock", "passwd", "greetd")


def folders(build):
    """What configure was told: the run folder and the conf folder."""
    with open(os.path.join(build, "Makefile"), encoding="utf-8") as file:
        text = file.read()
    found = []
    for name in ("rundir", "confdir"):
        match = re.search(rf"^{name} = (/\S*)$", text, re.MULTILINE)
        if not match:
            sys.exit(f"integration.py: no {name} in {build}/Makefile")
        found.append(match.group(1))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--build", required=True)
    parser.add_argument("--only", help="tests whose sentence has these words")
    chosen = parser.parse_args()
    if os.environ.get("LAB") != "1":
        print("1..0 # SKIP not in tests/lab.sh")
        return 77
    missing = [p for p in PROGRAMS if not shutil.which(p)]
    if missing:
        print(f"1..0 # SKIP not installed: {' '.join(missing)}")
        return 77
    machine = Machine(*folders(chosen.build))
    machine.pamdrive = os.path.abspath(
        os.path.join(chosen.build, "tests/script/pamdrive"))
    machine.build()
    for name in TESTS:
        importlib.import_module(name)
    return 1 if tap.run(machine, chosen.only) else 0


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    # Threads of the relay and the log may still wait for something.
    os._exit(status)
