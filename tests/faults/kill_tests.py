# SPDX-License-Identifier: BSD-3-Clause
"""The host is killed at every system call of a PAM call in turn."""

from scenes import SCENES, sweep_over
from tap import check, test


def killed_at_every_call(scene):
    @test(f"SIGKILL at each system call of {scene.what}: no lock is held, "
          "every record is whole, no grant is in two places, and after a "
          f"sweep {scene.end}")
    def _(machine):
        machine.learn()
        first, names = scene.calls(machine)
        last = first + len(names) + 4
        struck = sweep_over(
            machine, scene, [["all:signal=KILL:when=%d" % number]
                             for number in range(first, last + 1)])
        check(not struck[0].survived, "the host survived the first call")
        check(struck[-1].survived,
              f"it still makes system calls after {last}")
        scene.tell(struck)


for one in SCENES:
    killed_at_every_call(one)
