# SPDX-License-Identifier: BSD-3-Clause
"""The host is killed at every system call of a PAM call in turn."""

from scenes import SCENES, strike_each
from tap import check, test

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
