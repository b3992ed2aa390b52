# SPDX-License-Identifier: BSD-3-Clause
"""The PAM calls that faults befall: how each is prepared, and what must be
true afterwards.

They refuse to know what befell.
"""
import os
import time
import traceback

import strike
from realm import TIMEOUT_S
from tap import Failure

SESSION_CODES = ("PAM_SUCCESS", "PAM_SESSION_ERR", "PAM_BUF_ERR")
SLACK_S = 1.5  # beyond a line's timeout=


class Outcome:
    """What became of one case."""

    def __init__(self, inject):
        self.inject, self.survived = inject, False
        self.code, self.at = "", ""
        self.problems = []


class Scene:
    """One PAM call and its surroundings."""

    what = end = verb = ""
    codes = SESSION_CODES
    rest_of_life = ()  # what a host that survives calls afterwards
    at_once = 6  # cases; they wait more than they work
    other_s = 0.0  # what it may take beyond timeout=

    def prepare(self, realm):
        """A host that can make the call; and those that stay beside it."""
        raise NotImplementedError

    def afterwards(self, realm, beside):
        """What must come to be true once the host has gone."""
        return realm.rest()

    def undisturbed(self, realm, beside):
        """What is wrong right after the call, where no fault befell."""
        return []

    def calls(self, machine):
        """The system calls that it makes, as strike.calls_of has them."""
        realm = machine.realm
        host, beside = self.prepare(realm)
        found = strike.calls_of(host, f"call {self.verb}",
                                os.path.join(realm.folder, "trace"))
        problems = self.undisturbed(realm, beside)
        realm.leave(host, self.rest_of_life)
        problems += self.afterwards(realm, beside)
        realm.clean_up()
        if problems:
            raise Failure("without any fault:\n" + "\n".join(problems))
        return found

    def run(self, realm, inject):
        """The call under INJECT, and what it leaves."""
        outcome = Outcome(inject)
        host, beside = self.prepare(realm)
        blow = strike.Blow(host, inject, os.path.join(realm.folder, "trace"))
        try:
            lines = blow.step(f"call {self.verb}")
        finally:
            blow.stop()
        outcome.at = blow.struck()
        found = outcome.problems
        found += realm.store.problems()
        found += realm.readable()
        if lines is None:
            host.kill()
        else:
            self._survived(realm, host, lines, outcome)
            found += realm.store.problems()
        found += self.afterwards(realm, beside)
        return outcome

    def _survived(self, realm, host, lines, outcome):
        outcome.survived = True
        for words in lines:
            if words[0] != "result":
                continue
            outcome.code = words[2]
            took = (int(words[5]) - int(words[3])) / 1e9
            if took > TIMEOUT_S + SLACK_S + self.other_s:
                outcome.problems.append(f"it took {took:.1f} s")
        if outcome.code not in self.codes:
            outcome.problems.append(f"{self.verb} = {outcome.code}")
        for verb, code, took in realm.leave(host, self.rest_of_life):
            if verb == "dead":
                outcome.problems.append(f"later: {code}")
            if took > TIMEOUT_S + SLACK_S:
                outcome.problems.append(f"later: {verb} took {took:.1f} s")

    @staticmethod
    def tell(outcomes):
        """Fails with all that was found."""
        bad = [one for one in outcomes if one.problems]
        if bad:
            raise Failure("\n".join(
                [f"{len(bad)} of {len(outcomes)} cases:"]
                + [f"{' '.join(one.inject)} at {one.at}"
                   f"{' = ' + one.code if one.code else ''}\n    "
                   + "\n    ".join(one.problems) for one in bad]))


class Adopt(Scene):
    """The first session of a user who has just signed in."""

    what = "open_session that takes a grant"
    end = "nothing is alive or on disk"
    verb, rest_of_life = "open_session", ("close_session",)

    def prepare(self, realm):
        return realm.taker()[0], None


class Renew(Scene):
    """A second session beside one whose grant is due for refresh."""

    what = "open_session beside a held grant that is due for refresh"
    end = "one grant is held, and after the last logout none is alive"
    verb, rest_of_life = "open_session", ("close_session",)

    def prepare(self, realm):
        began = time.monotonic()
        first, grant = realm.holder("due")
        return realm.taker()[0], (first, grant, began)

    def afterwards(self, realm, beside):
        first, grant, began = beside
        # Only a refresh that was begun may cost the first session its grant;
        # one that could not be read is replaced by that of the sign-in.
        begun = realm.ledger.count(realm.name, "refresh", began)
        found = realm.rest(live=1)
        if not begun and not grant.alive and not realm.holds_living():
            found.append("the held grant was lost without a refresh")
        realm.leave(first)
        return found + realm.rest()

    def undisturbed(self, realm, beside):
        _, grant, began = beside
        if not grant.alive or grant.number != realm.store.held():
            return ["the held grant was not kept"]
        if realm.ledger.count(realm.name, "refresh", began) != 1:
            return ["the grant was not refreshed once"]
        return []


class Close(Scene):
    """The last session ends."""

    what = "close_session of the last session"
    end = "nothing is alive or on disk"
    verb = "close_session"

    def prepare(self, realm):
        host, _ = realm.taker()
        realm.must(host, "open_session")
        return host, None


class SignIn(Scene):
    """The sign-in itself, with the helper started before the password."""

    what = "authenticate"
    end = "nothing is alive or on disk"
    verb = "authenticate"
    codes = ("PAM_SUCCESS", "PAM_AUTH_ERR", "PAM_AUTHINFO_UNAVAIL",
             "PAM_SERVICE_ERR", "PAM_SYSTEM_ERR", "PAM_BUF_ERR",
             "PAM_CONV_ERR", "PAM_USER_UNKNOWN")
    other_s = 1.0  # a refusal waits for the whole second
    at_once = 8

    def prepare(self, realm):
        host = realm.host()
        realm.type_password(host)
        return host, None


def strike_each(machine, scene, injections):
    """Runs a scene under each of the injections; what went wrong is told by
    tell()."""

    def run(realm, inject):
        try:
            return scene.run(realm, inject)
        except Exception:  # one case must not stop the others
            outcome = Outcome(inject)
            outcome.problems.append(traceback.format_exc())
            return outcome

    return machine.each(injections, run, scene.at_once)


SCENES = (Adopt(), Renew(), Close(), SignIn())
