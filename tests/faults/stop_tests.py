# SPDX-License-Identifier: BSD-3-Clause
"""A host is stopped inside open_session while it has the user's lock, as
every user can stop their own sudo: nobody else is delayed."""

import os
import signal
import time
import traceback

import strike
from realm import UID, USER
from scenes import SESSION_CODES, Adopt, Renew
from tap import Failure, check, eventually, test

# No wait for a lock is longer than two seconds; a sign-in is done with TLS.
FEW_S = 5
AT_ONCE = 8
# A helper waits so long to hear that its tokens are written down.
DEAD_S = 35


def locked_calls(calls):
    """Those at which a stop leaves the lock with the host: from the call that
    takes it to the one before it is given back."""
    texts = [text for _, _, text in calls]
    first = next(i for i, text in enumerate(texts)
                 if text.startswith("flock(") and "LOCK_EX" in text)
    last = next(i for i, text in enumerate(texts)
                if text.startswith("flock(") and "LOCK_UN" in text)
    return calls[first:last]


def chosen(calls, patient):
    """A few telling ones: after the lock, at each change on disk, where the
    helper is started, and before the end.  With PATIENT, also where the
    helper's reply has come and nobody tells it what became of it: that takes
    half a minute."""
    telling = ("flock", "renameat", "unlinkat", "clone", "clone3", "vfork")
    found = [call for call in calls[:-1] if call[0] in telling]
    if patient:
        found += [call for call in calls if call[0] == "recvfrom"][-1:]
    return found + calls[-1:]


class Stopped:
    """One stopped host, and what others do meanwhile."""

    def __init__(self, realm, scene, call):
        self.realm = realm
        self.host, self.beside = scene.prepare(realm)
        self.scene = scene
        name, count, _ = call
        blow = strike.Blow(self.host, [f"{name}:signal=STOP:when={count}"],
                           os.path.join(realm.folder, "trace"))
        self.end = blow.begin(f"call {scene.verb}")
        check(blow.wait_stopped(), "the host was not stopped")
        check(realm.store.locked(), f"users/{UID} is not locked")

    @staticmethod
    def _timed(what, function, *arguments):
        began = time.monotonic()
        result = function(*arguments)
        took = time.monotonic() - began
        check(took < FEW_S, f"{what} took {took:.1f} s")
        return result

    def login(self):
        other = self.realm.host()
        self.realm.type_password(other)
        for verb in ("authenticate", "open_session", "close_session"):
            self._timed(f"another login's {verb}", self.realm.must, other,
                        verb)
        self.realm.leave(other)

    def sweep(self):
        done = self._timed("authapi sweep", self.realm.sweep)
        check(not done.stderr, f"authapi sweep: {done.stderr}")

    def revoke(self):
        done = self._timed("authapi revoke", self.realm.command, "revoke",
                           USER)
        check(not done.stderr, f"authapi revoke: {done.stderr}")

    def all_dead(self):
        realm = self.realm
        try:
            eventually(lambda: not realm.ledger.alive(realm.name),
                       "every token is dead while the host is stopped", DEAD_S)
        except Failure as failure:
            raise Failure("\n    ".join(
                [str(failure), *map(str, realm.ledger.alive(realm.name)),
                 *realm.store.tree()])) from None

    def go_on(self):
        """What is wrong after the host has gone on and ended."""
        found = []
        self.host.process.send_signal(signal.SIGCONT)
        for words in self.end() or []:
            if words[0] == "result" and words[2] not in SESSION_CODES:
                found.append(f"{self.scene.verb} = {words[2]}")
        hosts = [self.host] + ([self.beside[0]] if self.beside else [])
        for host in hosts:
            for verb, code, _ in self.realm.leave(host, ("close_session",)):
                if code not in SESSION_CODES:
                    found.append(f"afterwards: {verb} = {code}")
        return found + self.realm.rest()


def others(realm, scene, call, order):
    """The problems of one case; ORDER names what others do, in turn."""
    try:
        stopped = Stopped(realm, scene, call)
        for one in order:
            getattr(stopped, one)()
        stopped.all_dead()
        return stopped.go_on()
    except Failure as failure:
        return [str(failure)]
    except Exception:  # one case must not stop the others
        return [traceback.format_exc()]


def nobody_waits(scene, order, sentence):
    @test(f"a host stopped in {scene.what}, with the user's lock: {sentence} "
          "all end within seconds, every token is dead while it is stopped, "
          "and once it goes on nothing is alive or on disk")
    def _(machine):
        machine.learn()
        calls = locked_calls(scene.calls(machine))
        if not machine.thorough:
            calls = chosen(calls, order[0] == "revoke")
        found = machine.each(
            calls, lambda realm, call: others(realm, scene, call, order),
            AT_ONCE)
        bad = [f"stopped at {call[2][:120]}\n    " + "\n    ".join(problems)
               for call, problems in zip(calls, found) if problems]
        if bad:
            raise Failure("\n".join([f"{len(bad)} of {len(calls)} cases:"]
                                    + bad))


for each in (Adopt(), Renew()):
    nobody_waits(each, ("login", "sweep", "revoke"),
                 "another login, a sweep and a revocation by hand")
    nobody_waits(each, ("revoke", "login", "sweep"),
                 "a revocation by hand, another login and a sweep")
