#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""faults.py --build BUILD [--only WORDS] [--thorough]

A PAM host with the built module is killed, stopped and given errors at every
system call, the API dies at the worst moment, the clock jumps; and then a
ledger says which tokens are still alive.  Prints TAP.  Run it as

    tests/lab.sh BUILD /usr/bin/python3 tests/faults/faults.py --build BUILD

It refuses to run anywhere else: it makes accounts and changes the clock.
"""
import argparse
import concurrent.futures
import importlib
import os
import queue
import shutil
import sys
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
for folder in ("../integration", "../script", ".."):
    sys.path.insert(1, os.path.normpath(os.path.join(HERE, folder)))
import tap  # noqa: E402
from ledger import Ledger  # noqa: E402
from realm import Realm  # noqa: E402
from shim import Shim  # noqa: E402

TESTS = ("kill_tests", "error_tests", "api_tests", "caller_tests",
         "stop_tests", "clock_tests")
REALMS = 8  # as many as there are slots; their names are of the same length
LEARNT_S = 240  # a staged grant has ten minutes


class Machine:
    """The lab, the ledger, and a few realms to work in at the same time."""

    def __init__(self, build, thorough):
        lab = importlib.import_module("lab")
        self.lab = lab.Lab(build)
        self.thorough = thorough
        # Else the first session of all makes more system calls than others.
        os.makedirs(os.path.join(self.lab.rundir, "tokens"), 0o711)
        self.ledger = Ledger(self.lab.certificates)
        self.shim = Shim(build)
        self.realms = [Realm(self, f"fault{number}")
                       for number in range(REALMS)]
        self.realm = self.realms[0]
        self.mark, self.learnt = 0, -LEARNT_S

    def learn(self):
        """Has all realms know grants as they are written now; those must not
        grow old."""
        if time.monotonic() < self.learnt + LEARNT_S:
            return
        own = self.realm.name.encode()
        for kind, record in self.realm.learn().items():
            for realm in self.realms:
                realm.template[kind] = record.replace(own,
                                                      realm.name.encode())
        self.learnt = time.monotonic()

    def each(self, cases, run, at_once):
        """Calls RUN with a realm and each of the cases, some at a time;
        returns what each gave, in the cases' order."""
        free = queue.SimpleQueue()
        for realm in self.realms[:at_once]:
            free.put(realm)

        def one(case):
            realm = free.get()
            try:
                return run(realm, case)
            finally:
                realm.clean_up()
                free.put(realm)

        with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
            return list(pool.map(one, cases))

    # --- around each test ---------------------------------------------------

    def before(self):
        self.mark = len(self.lab.log.all())
        self.ledger.down = self.ledger.refuses_refresh = False
        self.ledger.dies_after_rotation = False
        self.ledger.answers.set()
        for realm in self.realms:
            realm.clean_up()
            realm.configure()

    def after(self):
        for realm in self.realms:
            realm.clean_up()

    def clean_up(self):
        self.ledger.answers.set()
        self.shim.set(0, 0)
        self.after()

    def evidence(self):
        return ["log, its end:"] + self.lab.log.all()[self.mark:][-12:]


def main():
    parser = argparse.ArgumentParser(description="Runs the tests of faults.")
    parser.add_argument("--build", required=True)
    parser.add_argument("--only", help="tests whose sentence has these words")
    parser.add_argument("--thorough", action="store_true",
                        help="every error at every call")
    chosen = parser.parse_args()
    if os.environ.get("LAB") != "1":
        print("1..0 # SKIP not in tests/lab.sh")
        return 77
    if not shutil.which("strace"):
        print("1..0 # SKIP not installed: strace")
        return 77
    machine = Machine(os.path.abspath(chosen.build), chosen.thorough)
    for name in TESTS:
        importlib.import_module(name)
    return 1 if tap.run(machine, chosen.only) else 0


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    # The server's and the log's threads wait for more.
    os._exit(status)
