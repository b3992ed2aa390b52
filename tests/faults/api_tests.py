# SPDX-License-Identifier: BSD-3-Clause
"""The API dies, or says no, while a grant is refreshed."""

import time

from realm import LATER_S
from tap import check, check_equal, test


def due_and_then(machine):
    """A realm, and a host whose session holds a grant that is due."""
    machine.learn()
    realm = machine.realm
    host, grant = realm.holder("due")
    return realm, host, grant


@test("an API that dies between a rotation and its answer: the session that "
      "asked opens all the same, the next use of the grant ends it, and its "
      "place is taken by the sign-in of that moment")
def rotation_lost(machine):
    realm, first, grant = due_and_then(machine)
    machine.ledger.dies_after_rotation = True
    second = realm.session()
    machine.ledger.dies_after_rotation = False
    check_equal(grant.turn, 2, "turns of the held grant")
    check(grant.alive, "the ledger ended it too early for this test")
    check_equal(realm.store.held(), grant.number, "the held grant")

    # The old refresh token goes out again once the pause is over, and the API
    # takes that for theft.
    with machine.shim.everywhere() as shim:
        shim.set(LATER_S, LATER_S)
        third = realm.session()
    check_equal(grant.end, "an old refresh token came back", "its end")
    held = realm.store.held()
    check(held is not None and held != grant.number,
          f"the held grant is {held}")
    check(machine.ledger.grants[held - 1].alive, "what is held is dead")
    for host in (third, second, first):
        realm.must(host, "close_session")
        realm.leave(host)
    realm.come_to_rest()


@test("an API that dies between a rotation and its answer, and then the user "
      "leaves: the logout does not fail, and the same user can sign in again "
      "at once")
def rotation_lost_and_logout(machine):
    realm, first, grant = due_and_then(machine)
    machine.ledger.dies_after_rotation = True
    second = realm.session()
    machine.ledger.dies_after_rotation = False
    for host in (second, first):
        realm.must(host, "close_session")
        realm.leave(host)
    third = realm.session()
    check(realm.store.held() not in (None, grant.number),
          "the new sign-in is not held")
    realm.must(third, "close_session")
    realm.leave(third)
    # Nobody was ever told the token that would end it.
    grant.finish("by its own age")
    realm.come_to_rest()


@test("an API that answers a refresh with 401: the dead grant goes, the "
      "session that opens holds its own, and all can be closed")
def refresh_refused(machine):
    realm, first, grant = due_and_then(machine)
    machine.ledger.refuses_refresh = True
    second = realm.session()
    machine.ledger.refuses_refresh = False
    held = realm.store.held()
    check(held is not None and held != grant.number,
          f"the held grant is {held}")
    check(machine.ledger.grants[held - 1].alive, "what is held is dead")
    for host in (second, first):
        realm.must(host, "close_session")
        realm.leave(host)
    realm.come_to_rest()


@test("an API that is away while a refresh is due: the grant stays held, and "
      "is refreshed once it is back")
def away(machine):
    realm, first, grant = due_and_then(machine)
    second, _ = realm.taker()
    machine.ledger.down = True
    realm.must(second, "open_session")
    check_equal(realm.store.held(), grant.number, "the held grant")
    machine.ledger.down = False
    began = time.monotonic()
    with machine.shim.everywhere() as shim:
        shim.set(LATER_S, LATER_S)
        third = realm.session()
    check_equal(realm.ledger.count(realm.name, "refresh", began), 1,
                "refreshes since the API is back")
    check_equal((grant.alive, grant.turn), (True, 2), "the held grant")
    for host in (third, second, first):
        realm.must(host, "close_session")
        realm.leave(host)
    realm.come_to_rest()


@test("an API that is away at the last logout: the logout neither waits nor "
      "fails, and a later sweep ends the grant")
def away_at_logout(machine):
    machine.learn()
    realm = machine.realm
    host = realm.session()
    machine.ledger.down = True
    took = realm.must(host, "close_session")
    realm.leave(host)
    check(took < 1, f"the logout took {took:.1f} s")
    check_equal(len(realm.store.outbox()), 1, "grants in the outbox")
    check_equal(len(machine.ledger.alive(realm.name)), 1, "living grants")
    machine.ledger.down = False
    realm.come_to_rest()
