# SPDX-License-Identifier: BSD-3-Clause
"""The host is killed at every system call of a PAM call in turn, and so is
the sweep."""

import os
import subprocess

import strike
from realm import LATER_S
from scenes import SCENES, strike_each
from tap import check, check_equal, test

# How often these are called depends on how fast the other side is.
WAITING = ("poll", "recvfrom", "nanosleep", "clock_nanosleep")


def killed_at_every_call(scene):
    @test(f"SIGKILL at each system call of {scene.what}: no lock is held, "
          "every record is whole, no grant is in two places, and after a "
          f"sweep {scene.end}")
    def _(machine):
        machine.learn()
        calls = [call[:2] for call in scene.calls(machine)]
        more = [(name, count + 1) for name, count in dict(calls).items()]
        outcomes = strike_each(
            machine, scene, [[f"{name}:signal=KILL:when={count}"]
                             for name, count in calls + more])
        scene.tell(outcomes)
        missed = [one.inject for one, (name, _) in zip(outcomes, calls)
                  if one.survived and name not in WAITING]
        check(not missed, f"nothing befell at {missed}")


for one in SCENES:
    killed_at_every_call(one)


class Sweep:
    """authapi sweep, with something to do in every place."""

    def __init__(self, realm):
        realm.plant()
        realm.plant(place="outbox")
        host, _ = realm.taker()
        realm.must(host, "open_session")
        host.kill()
        self.realm = realm
        self.trace = os.path.join(realm.folder, "trace")

    def run(self, inject):
        """Runs it under strace; later, so that what is staged is old."""
        words = ["strace", "-o", self.trace, "-e", "trace=all"]
        for name, value in self.realm.machine.shim.environment(
                LATER_S).items():
            words += ["-E", f"{name}={value}"]
        if inject:
            words += ["-e", f"inject={inject}"]
        done = subprocess.run(
            [*words, self.realm.lab.command, "sweep", "--realm",
             self.realm.name], stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=30, check=False)
        return done.returncode

    def calls(self):
        """As strike.calls_of, from where the program is loaded."""
        check_equal(self.run(""), 0, "without a fault, authapi sweep")
        found, counts, begun = [], {}, False
        for text in strike.read_trace(self.trace):
            name = text.partition("(")[0]
            counts[name] = counts.get(name, 0) + 1
            begun = begun or text.startswith('openat(AT_FDCWD, "/", ')
            if begun and name != "exit_group":
                found.append(f"{name}:signal=KILL:when={counts[name]}")
        return found


@test("SIGKILL at system calls of authapi sweep, each or every third: no lock "
      "is held, every record is whole, no grant is in two places, and after "
      "the next sweep nothing is alive or on disk")
def sweep_killed(machine):
    machine.learn()
    first = Sweep(machine.realm)
    calls = first.calls()
    check_equal(machine.realm.unrest(), [], "left without a fault")
    if not machine.thorough:
        calls = calls[::3]

    def one(realm, inject):
        sweep = Sweep(realm)
        code = sweep.run(inject)
        found = [] if code in (-9, 137) or inject.split(":")[0] in WAITING \
            else [f"it ended with {code}"]
        return found + realm.store.problems() + realm.readable() \
            + realm.rest()

    found = machine.each(calls, one, SCENES[0].at_once)
    bad = [f"{inject}\n    " + "\n    ".join(problems)
           for inject, problems in zip(calls, found) if problems]
    check(not bad, "\n".join([f"{len(bad)} of {len(calls)} cases:"] + bad))
