# SPDX-License-Identifier: BSD-3-Clause
"""Many processes at once against a server that punishes races: oidc-provider
rotates refresh tokens, and one that is used twice kills all tokens of its
sign-in."""

import collections
import os
import random
import shutil
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from host import HostError, Service
from machine import METHODS, SOURCE, write
from oidc_tests import ID_TOKEN, SITE
from sudo_tests import SUDO_PROMPT
from tap import Failure, check, check_equal, eventually, test

CROWD = 100
MIXED_SECONDS = 60
OUTAGE_SECONDS = 20
DOOMED_SECONDS = 12
WORKERS = 6
PEOPLE = 5
SSH_SECONDS = 20


def service(machine, **arguments):
    """A realm that nobody else uses, whose access tokens are in the server's
    store too: it can say whether one is alive."""
    SITE.open(machine)
    write(f"{machine.conf_folder}/race.conf",
          SITE.conf(ID_TOKEN, scope="openid profile"), 0o600)
    return Service(machine, "race", **(arguments or {"auth": "timeout=60"}))


def at_once(things, act):
    """ACT on all of THINGS at the same time; the first failure is raised."""
    start = threading.Barrier(len(things))

    def one(thing):
        start.wait()
        act(thing)

    with ThreadPoolExecutor(len(things)) as pool:
        list(pool.map(one, things))


def files_below(folder):
    """Every file below FOLDER but what is there for good: locks of slots and
    the keys of the API."""
    found = []
    for path, _, names in os.walk(folder):
        for name in names:
            full = os.path.relpath(f"{path}/{name}", folder)
            if not full.startswith("slots/") and "/keys/" not in full:
                found.append(full)
    return found


def nothing_left(machine):
    """The cache, the server and the run folder are as if nobody had come."""
    check_equal(machine.cached(), [], "cache")
    check_equal(files_below(machine.run_folder), [], "files left")
    check_equal(SITE.api.alive(), [], "what the server still takes")


@test(f"oidc-provider: {CROWD} sessions of one user that open at once beside "
      "a token due for refresh make exactly one refresh request, all succeed, "
      "and after the last has closed the server has nothing that is alive")
def crowd(machine):
    hosts = service(machine)
    refreshed = SITE.api.tally("refresh_token ok")
    refused = SITE.api.tally("refresh_token refused")
    SITE.api.control("lives", access=6)
    try:
        first = hosts.host("alice")
        first.sign_in()
        first.must("open_session")
        due = time.monotonic() + 6
        old = machine.held("alice")
    finally:
        SITE.api.control("lives", access=3600)
    visitors = [hosts.host("alice") for _ in range(CROWD)]
    try:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda visitor: visitor.sign_in(), visitors))
        check_equal(SITE.api.tally("refresh_token ok") - refreshed, 0,
                    "refreshes before anybody opens")
        time.sleep(max(0.0, due - time.monotonic()))
        asked = SITE.mark()
        at_once(visitors, lambda visitor: visitor.must("open_session"))
        check_equal(SITE.api.tally("refresh_token ok") - refreshed, 1,
                    "refreshes")
        check_equal(SITE.api.tally("refresh_token refused") - refused, 0,
                    "refused refreshes")
        check_equal(SITE.asked(asked).count("POST /token 200"), 1,
                    "requests for tokens")
        check_equal(machine.sessions("alice"), CROWD + 1, "sessions")
        new = machine.held("alice")
        check(new != old, "the held tokens are the old ones")
        check_equal([SITE.api.active(token) for token in new], [True, True],
                    "held tokens alive")
        check("RefreshToken alice" in SITE.api.alive(),
              "the server cannot say what is alive")
        at_once([first, *visitors],
                lambda visitor: visitor.must("close_session"))
        for visitor in [first, *visitors]:
            visitor.end()
    finally:
        for visitor in [first, *visitors]:
            visitor.kill()
    eventually(lambda: not machine.running("authapi"),
               "the last closer's try is over", 60)
    nothing_left(machine)


def kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


class Worker:
    """Comes and goes at random until told to stop, as sessions do: most log
    out, some are killed."""

    def __init__(self, hosts, seed, until, outages=False):
        self.hosts, self.until, self.outages = hosts, until, outages
        self.random = random.Random(seed)
        self.opened = self.killed = self.refused = 0

    def work(self):
        while time.monotonic() < self.until:
            self.visit()

    def visit(self):
        visitor = self.hosts.host("alice")
        try:
            code = visitor.try_to_sign_in()
            if code == "PAM_AUTHINFO_UNAVAIL" and self.outages:
                self.refused += 1
                visitor.end()
                return
            check_equal(code, "PAM_SUCCESS", "authenticate")
            visitor.must("open_session")
            self.opened += 1
            time.sleep(self.random.uniform(0, 1.5))
            if self.random.random() < 0.1:
                self.killed += 1
                return
            visitor.must("close_session")
            if self.random.random() < 0.5:
                visitor.must("setcred delete")
            visitor.end()
        finally:
            visitor.kill()


@test(f"oidc-provider: opens and closes of one user mixed for {MIXED_SECONDS} "
      "seconds, with refreshes, killed hosts and sweeps between them, leave "
      "after one sweep an empty cache, no live token at the server and no "
      "stale file")
def mixed(machine):
    hosts = service(machine)
    refreshed = SITE.api.tally("refresh_token ok")
    refused = SITE.api.tally("refresh_token refused")
    until = time.monotonic() + MIXED_SECONDS
    workers = [Worker(hosts, seed, until) for seed in range(WORKERS)]
    SITE.api.control("lives", access=3)
    try:
        with ThreadPoolExecutor(WORKERS) as pool:
            running = [pool.submit(worker.work) for worker in workers]
            while time.monotonic() < until:
                time.sleep(10)
                machine.authapi("sweep", "--realm", "race")
            for worker in running:
                worker.result()
    finally:
        SITE.api.control("lives", access=3600)
    eventually(lambda: not machine.running("authapi"),
               "no closer's try is at work any more", 60)
    done = machine.authapi("sweep")
    if done.returncode != 0:
        raise Failure(f"authapi sweep: {done.stdout}{done.stderr}")
    nothing_left(machine)
    check(sum(worker.opened for worker in workers) > MIXED_SECONDS,
          "hardly any session was opened")
    check(any(worker.killed for worker in workers), "no host was killed")
    check(SITE.api.tally("refresh_token ok") > refreshed,
          "nothing was refreshed")
    check_equal(SITE.api.tally("refresh_token refused") - refused, 0,
                "refresh tokens that were used twice")


@test(f"oidc-provider: the same for {OUTAGE_SECONDS} seconds with a server "
      "that stops at any moment, for longer than anybody waits or shorter: "
      "who was let in stays in, and afterwards nothing is alive at the server")
def outages(machine):
    hosts = service(machine, auth="timeout=4", session="timeout=3")
    until = time.monotonic() + OUTAGE_SECONDS
    workers = [Worker(hosts, seed, until, True) for seed in range(WORKERS)]
    choice = random.Random(WORKERS)
    SITE.api.control("lives", access=3)
    try:
        with ThreadPoolExecutor(WORKERS) as pool:
            running = [pool.submit(worker.work) for worker in workers]
            while time.monotonic() < until:
                time.sleep(choice.uniform(0, 3))
                SITE.api.freeze()
                time.sleep(choice.choice((0.2, 1, 6)))
                SITE.api.thaw()
                machine.authapi("sweep", "--realm", "race")
            for worker in running:
                worker.result()
    finally:
        SITE.api.thaw()
        SITE.api.control("lives", access=3600)
    eventually(lambda: not machine.running("authapi"),
               "no closer's try is at work any more", 60)
    eventually(lambda: not machine.helper(), "no helper is at work", 60)
    done = machine.authapi("sweep", "--now")
    if done.returncode != 0:
        raise Failure(f"authapi sweep: {done.stdout}{done.stderr}")
    nothing_left(machine)
    check(any(worker.refused for worker in workers),
          "the server was never away for long")


class Doomed(Worker):
    """Is killed in the midst of one of its calls."""

    def visit(self):
        visitor = self.hosts.host("alice")
        doomed = self.random.choice(("sign_in", "open_session",
                                     "close_session"))
        steps = {"sign_in": visitor.sign_in,
                 "open_session": lambda: visitor.must("open_session"),
                 "close_session": lambda: visitor.must("close_session")}
        try:
            for name, step in steps.items():
                if name == doomed:
                    self.kill_within(visitor, 0.1 if name == "sign_in"
                                     else 0.01)
                step()
        except HostError:
            self.killed += 1
        finally:
            visitor.kill()

    def kill_within(self, visitor, seconds):
        threading.Timer(self.random.uniform(0, seconds),
                        visitor.host.process.kill).start()


@test(f"oidc-provider: hosts that are killed in the midst of their calls for "
      f"{DOOMED_SECONDS} seconds, beside others that are not, leave nothing "
      "alive at the server once what was staged is too old")
def killed(machine):
    hosts = service(machine)
    until = time.monotonic() + DOOMED_SECONDS
    workers = [(Doomed if seed % 3 else Worker)(hosts, seed, until)
               for seed in range(WORKERS)]
    SITE.api.control("lives", access=3)
    try:
        with ThreadPoolExecutor(WORKERS) as pool:
            for running in [pool.submit(worker.work) for worker in workers]:
                running.result()
    finally:
        SITE.api.control("lives", access=3600)
    eventually(lambda: not machine.running("authapi"),
               "no closer's try is at work any more", 60)
    eventually(lambda: not machine.helper(), "no helper is at work", 60)
    machine.after_seconds(601, "authapi", "sweep", "--now")
    nothing_left(machine)
    check(sum(worker.killed for worker in workers) > DOOMED_SECONDS,
          "hardly any host was killed")


class Person:
    """Comes and goes over ssh, and now and then kills what serves them: the
    client, the process that holds the session, a sudo in the midst of it."""

    def __init__(self, machine, realm, seed, until):
        self.machine, self.realm, self.until = machine, realm, until
        self.random = random.Random(seed)
        self.opened = 0
        self.killed = collections.Counter()

    def live(self):
        while time.monotonic() < self.until:
            session = self.realm.sign_in(
                "alice", self.random.choice(METHODS), tty=True)
            self.opened += 1
            try:
                self.stay(session)
            finally:
                session.kill()

    def stay(self, session):
        session.type("echo MONITOR=$(ps -o ppid= -p $PPID) SHELL=$$")
        found = session.expect(r"MONITOR= *(\d+) SHELL=(\d+)")
        monitor, shell = int(found.group(1)), int(found.group(2))
        if self.random.random() < 0.5:
            self.sudo(session, shell)
        time.sleep(self.random.uniform(0, 1))
        end = self.random.choice(
            ("logout", "logout", "logout", "client", "monitor"))
        if end == "logout":
            self.machine.leave(session, tty=True)
        else:
            self.killed[end] += 1
            kill(session.pid if end == "client" else monitor)

    def sudo(self, session, shell):
        """Types the password, and may kill sudo at any moment after that."""
        session.type("sudo -k sh -c 'sleep 0.3'; echo S=$?")
        session.expect(SUDO_PROMPT)
        session.type(self.machine.password("alice"))
        if self.random.random() < 0.5:
            time.sleep(self.random.uniform(0, 0.4))
            self.killed["sudo"] += 1
            for pid in self.machine.running("sudo"):
                if session_of(pid) == shell:
                    kill(pid)
        session.expect(r"S=\d+")


def session_of(pid):
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return None


@test(f"oidc-provider: {PEOPLE} people who are all alice come and go over ssh "
      f"for {SSH_SECONDS} seconds, use sudo, and kill clients, sshds and sudos "
      "at any moment; after the sweep nothing of hers is alive at the server "
      "and no stale file is left")
def ssh(machine):
    realm = SITE.open(machine, ID_TOKEN, scope="openid profile")
    realm.write_service("sudo", "sudo", {})
    refreshed = SITE.api.tally("refresh_token ok")
    refused = SITE.api.tally("refresh_token refused")
    until = time.monotonic() + SSH_SECONDS
    people = [Person(machine, realm, seed, until) for seed in range(PEOPLE)]
    SITE.api.control("lives", access=5)
    try:
        with ThreadPoolExecutor(PEOPLE) as pool:
            living = [pool.submit(person.live) for person in people]
            while time.monotonic() < until:
                time.sleep(3)
                machine.authapi("sweep", "--realm", "oidc")
            for person in living:
                person.result()
    finally:
        SITE.api.control("lives", access=3600)
        shutil.copy(f"{SOURCE}/pam.d-examples/sudo", "/etc/pam.d/sudo")
    eventually(lambda: not machine.running("authapi"),
               "no closer's try is at work any more", 60)
    eventually(lambda: not machine.helper(), "no helper is at work", 60)
    # A login that was killed on its way is nobody's after 600 seconds.
    machine.after_seconds(601, "authapi", "sweep", "--now")
    nothing_left(machine)
    killed = sum((person.killed for person in people), collections.Counter())
    check(all(killed[what] for what in ("client", "monitor", "sudo")),
          f"killed: {killed}")
    check(SITE.api.tally("refresh_token ok") > refreshed,
          "nothing was refreshed")
    check_equal(SITE.api.tally("refresh_token refused") - refused, 0,
                "refresh tokens that were used twice")
