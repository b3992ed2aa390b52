#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Runs the script tests beside it (README.md) and prints TAP.

    tests/lab.sh BUILD python3 tests/script/scripts.py --build BUILD [NAME...]
"""
import argparse
import concurrent.futures
import glob
import os
import sys
import time
import traceback

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from apiscript import ScriptError  # noqa: E402
from lab import Lab  # noqa: E402
from run import Run  # noqa: E402
from testfile import TestFile  # noqa: E402

AT_ONCE = 5  # below the eight slots for early starts


class Report:
    """Prints one TAP line a test, with what went wrong below it."""

    def __init__(self):
        self.count, self.failed = 0, 0

    def add(self, title, problems):
        self.count += 1
        self.failed += bool(problems)
        print(f"{'not ok' if problems else 'ok'} {self.count} - {title}")
        for problem in problems:
            for line in str(problem).split("\n"):
                print(f"# {line}")
        sys.stdout.flush()


def run_one(lab, test):
    """Runs a test; returns the problems found."""
    try:
        return Run(lab, test).problems()
    except ScriptError as error:
        return [f"{test.name}.test: {error}"]
    except Exception:  # a broken runner is a failed test, not a lost one
        return [traceback.format_exc()]


def leftovers(lab):
    """Nothing of ours may outlive the tests for long."""
    end = time.monotonic() + 15
    while lab.left_running() and time.monotonic() < end:
        time.sleep(0.2)
    return [f"authapi-helper still runs: {pid}" for pid in lab.left_running()]


def main():
    parser = argparse.ArgumentParser(description="Runs the script tests.")
    parser.add_argument("--build", required=True)
    parser.add_argument("names", nargs="*", help="tests [all]")
    options = parser.parse_args()
    here = os.path.dirname(os.path.abspath(__file__))
    names = options.names or sorted(
        os.path.basename(path).removesuffix(".test")
        for path in glob.glob(os.path.join(here, "*.test")))
    lab, report, tests = Lab(options.build), Report(), []
    print(f"1..{len(names) + 1}")
    for name in names:
        try:
            tests.append(TestFile(os.path.join(here, f"{name}.test")))
        except (ScriptError, OSError) as error:
            report.add(name, [f"{name}.test: {error}"])
    together = [test for test in tests if not test.alone]
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        runs = {pool.submit(run_one, lab, test): test for test in together}
        for done in concurrent.futures.as_completed(runs):
            test = runs[done]
            report.add(f"{test.name}: {test.sentence}", done.result())
    for test in tests:
        if test.alone:
            report.add(f"{test.name}: {test.sentence}", run_one(lab, test))
    report.add("no helper outlives the tests", leftovers(lab))
    sys.exit(1 if report.failed else 0)


if __name__ == "__main__":
    main()
