# SPDX-License-Identifier: BSD-3-Clause
"""Tests that say in one sentence what they prove, reported as TAP.

Runs the tests in the order they were declared; knows nothing of what they
test."""

import sys
import time
import traceback

TESTS = []


class Failure(Exception):
    """What a test found is not what its sentence says."""


class Skip(Exception):
    """This machine has not what the test needs."""


def test(sentence):
    """Declares a test; its function is called with the machine."""

    def declare(function):
        TESTS.append((sentence, function))
        return function

    return declare


def check(truth, text):
    if not truth:
        raise Failure(text)


def check_equal(seen, expected, what):
    if seen != expected:
        raise Failure(f"{what}: expected {expected!r}, saw {seen!r}")


def eventually(condition, text, seconds=10.0):
    """Waits for CONDITION to be true, and returns what made it so."""
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            raise Failure(f"not within {seconds:g} s: {text}")
        time.sleep(0.05)


def run(machine, only=None):
    """Runs all tests, or those whose sentence contains ONLY."""
    chosen = [t for t in TESTS if not only or only in t[0]]
    print(f"1..{len(chosen)}", flush=True)
    failed = 0
    for number, (sentence, function) in enumerate(chosen, 1):
        started = time.monotonic()
        notes = []
        try:
            machine.before()
            function(machine)
            machine.after()
            result = "ok"
            tail = ""
        except Skip as reason:
            result = "ok"
            tail = f" # SKIP {reason}"
        except Exception as error:  # a test must not stop the others
            failed += 1
            result = "not ok"
            tail = ""
            if isinstance(error, Failure):
                notes.append(str(error))
            else:
                notes += traceback.format_exc().splitlines()
            notes += machine.evidence()
            machine.clean_up()
        took = time.monotonic() - started
        print(f"{result} {number} - {sentence}{tail}")
        print(f"# {took:.1f} s")
        for note in notes:
            for line in note.splitlines() or [""]:
                print(f"#   {line}")
        sys.stdout.flush()
    return failed
