# SPDX-License-Identifier: BSD-3-Clause
"""Somebody sets the clock, by a day and in either direction."""

import time

from tap import check, check_equal, eventually, test

DAY_S = 24 * 60 * 60
LIFETIME_S = 4


def both_ways(sentence):
    """Declares a test that is run with the clock a day fast, and a day
    slow."""

    def declare(function):
        for day_s, words in ((DAY_S, "forward"), (-DAY_S, "back")):
            @test(sentence.format(f"a clock set {words} by a day"))
            def _(machine, day_s=day_s):
                with machine.shim.everywhere() as shim:
                    function(machine, machine.realm,
                             lambda passed_s=0: shim.set(day_s + passed_s,
                                                         passed_s))
        return function

    return declare


def swept(realm):
    """Whether the sweep left nothing; with the API away it says so."""
    done = realm.command("sweep")
    check(not done.stderr or realm.ledger.down,
          f"authapi sweep: {done.stderr}")
    return done.returncode == 0


@both_ways("{} between password and session: the sweep leaves the sign-in "
           "alone, and the session holds its grant until the logout")
def in_progress(machine, realm, jump):
    host = realm.signed_in()
    jump()
    swept(realm)
    check_equal(len(realm.store.staged()), 1, "staged grants")
    realm.must(host, "open_session")
    swept(realm)
    check(realm.store.held() is not None, "nothing is held")
    check_equal(len(machine.ledger.alive(realm.name)), 1, "living grants")
    realm.must(host, "close_session")
    realm.leave(host)
    check_equal(realm.rest(later_s=0), [], "what is left")


@both_ways("{} does not keep a sign-in that no session has taken: it goes "
           "after its ten minutes")
def never_taken(machine, realm, jump):
    host = realm.signed_in()
    host.kill()
    jump()
    swept(realm)
    check_equal(len(realm.store.staged()), 1, "staged grants at once")
    jump(700)
    check_equal(realm.rest(later_s=0), [], "what is left after 700 s")


@both_ways("{} in the midst of a session: the held grant is not lost, and is "
           "refreshed when it is due")
def due(machine, realm, jump):
    machine.ledger.lifetime = LIFETIME_S
    first = realm.session()
    machine.ledger.lifetime = 3600
    held = realm.store.held()
    grant = machine.ledger.grants[held - 1]
    turn = grant.turn
    began = time.monotonic()
    jump()
    time.sleep(LIFETIME_S + 0.2)
    second = realm.session()
    check_equal(realm.store.held(), held, "the held grant")
    check_equal(realm.ledger.count(realm.name, "refresh", began), 1,
                "refreshes")
    check_equal((grant.alive, grant.turn), (True, turn + 1),
                "the held grant")
    for host in (second, first):
        realm.must(host, "close_session")
        realm.leave(host)
    check_equal(realm.rest(later_s=0), [], "what is left")


@both_ways("{} while a revocation is owed: the next sweep delivers it")
def owed(machine, realm, jump):
    host = realm.session()
    machine.ledger.down, dropped = True, machine.ledger.dropped
    realm.must(host, "close_session")
    realm.leave(host)
    # The try that the logout begins fails before the clock is set.
    eventually(lambda: machine.ledger.dropped > dropped, "it is tried")
    eventually(lambda: not realm.commands(), "the try has ended")
    jump()
    machine.ledger.down = False
    swept(realm)
    check_equal(realm.unrest(), [], "what is left")


@both_ways("{} while a revocation is owed that has failed often: it is tried "
           "again when its pause is over, not a day later")
def owed_for_long(machine, realm, jump):
    host = realm.session()
    machine.ledger.down = True
    realm.must(host, "close_session")
    realm.leave(host)
    eventually(lambda: not realm.commands(), "the logout's try has ended")
    for _ in range(4):
        realm.sweep()  # --now: each of them fails
    machine.ledger.down = False
    check(not swept(realm), "nothing is owed any more")
    check_equal(len(machine.ledger.alive(realm.name)), 1,
                "living grants within the pause")
    jump(3600 + 900)
    swept(realm)
    check_equal(realm.unrest(), [], "what is left after an hour")
