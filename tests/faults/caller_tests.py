# SPDX-License-Identifier: BSD-3-Clause
"""The caller goes away after the password was sent: the helper alone hears
the answer."""

import concurrent.futures
import signal
import time

from drive import HostError
from tap import check, check_equal, eventually, test

DEADLINE_S = 2


def sent(machine, host):
    """Begins a sign-in; returns once the API has granted it, with what waits
    for the call's end.  The answer is held back."""
    realm, began = machine.realm, time.monotonic()
    machine.ledger.answers.clear()
    realm.type_password(host)
    pool = concurrent.futures.ThreadPoolExecutor(1)
    future = pool.submit(realm.call, host, "authenticate")
    pool.shutdown(wait=False)
    check(machine.ledger.wait_for(realm.name, "login", began),
          "the password does not come")
    eventually(lambda: machine.ledger.alive(realm.name), "a grant is given")
    return future.result


def all_taken_back(machine):
    realm = machine.realm
    eventually(lambda: not machine.ledger.alive(realm.name),
               "what came is revoked")
    check_equal(realm.unrest(), [], "what is left")


def dies_by(number):
    @test(f"a host that dies by {number.name} after the password was sent: "
          "what the API answers is revoked without anybody's help, and "
          "nothing is on disk")
    def _(machine):
        host = machine.realm.host()
        end = sent(machine, host)
        host.process.send_signal(number)
        host.process.wait(5)
        try:
            end()
            check(False, "the host lives")
        except HostError:
            pass
        machine.ledger.answers.set()
        all_taken_back(machine)


for one in (signal.SIGKILL, signal.SIGTERM, signal.SIGALRM, signal.SIGHUP):
    dies_by(one)


@test("a deadline that passes after the password was sent: the call ends in "
      "time with PAM_AUTHINFO_UNAVAIL, and what the API answers later is "
      "revoked")
def deadline(machine):
    realm = machine.realm
    realm.configure(timeout=DEADLINE_S)
    host = realm.host()
    end = sent(machine, host)
    code, took = end()
    check_equal(code, "PAM_AUTHINFO_UNAVAIL", "authenticate")
    check(took < DEADLINE_S + 1.5, f"it took {took:.1f} s")
    realm.leave(host, ())
    time.sleep(1)
    machine.ledger.answers.set()
    all_taken_back(machine)


@test("a deadline that passes while a grant is refreshed: the session opens, "
      "and the pair that comes too late is revoked or held, never lost")
def refresh_too_late(machine):
    machine.learn()
    realm = machine.realm
    realm.configure(timeout=DEADLINE_S)
    first, grant = realm.holder("due")
    second, _ = realm.taker()
    machine.ledger.answers.clear()
    took = realm.must(second, "open_session")
    check(took < DEADLINE_S + 1.5, f"it took {took:.1f} s")
    check_equal(grant.turn, 2, "turns of the held grant")
    time.sleep(1)
    machine.ledger.answers.set()
    for host in (second, first):
        realm.must(host, "close_session")
        realm.leave(host)
    realm.come_to_rest()
