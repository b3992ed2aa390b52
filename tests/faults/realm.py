# SPDX-License-Identifier: BSD-3-Clause
"""A realm of its own for cases that run side by side: conf, PAM service,
hosts, grants planted as a sign-in leaves them, and the sweep.

It refuses to judge what a case found; it says what it sees.
"""
import os
import subprocess
import time

from drive import Host, HostError
from ledger import PASSWORD, TOKEN
from store import Store
from tap import Failure

USER, UID = "alice", 2001
TIMEOUT_S = 5  # of our PAM lines
# Longer than a staged grant waits for its session.
LATER_S = 700
PATIENCE_S = 10

STACK = """\
auth     required {module} realm={realm} timeout={timeout} {auth}
account  required pam_permit.so
session  required {module} realm={realm} timeout={timeout} {session}
password required pam_deny.so
"""


class Realm:
    """One realm, used by one case at a time."""

    def __init__(self, machine, name):
        self.machine, self.name = machine, name
        self.lab, self.ledger = machine.lab, machine.ledger
        self.store = Store(self.lab.rundir, name, UID)
        self.folder = os.path.join(self.lab.folder, name)
        self.hosts = []
        self.template = {}
        os.makedirs(os.path.join(self.folder, "pam.d"))
        self.configure()
        conf = os.path.join(self.lab.confdir, f"{name}.conf")
        with open(conf, "w", encoding="utf-8") as out:
            out.write(self.ledger.conf(name, self.lab.certificates.ca))
        os.chmod(conf, 0o644)

    def configure(self, timeout=TIMEOUT_S, auth="", session="export=file"):
        """Writes the PAM service; it counts for hosts that start later.  The
        user's programs get a token, so that there is more to go wrong."""
        with open(os.path.join(self.folder, "pam.d", self.name), "w",
                  encoding="utf-8") as out:
            out.write(STACK.format(module=self.lab.module, realm=self.name,
                                   timeout=timeout, auth=auth,
                                   session=session))

    # --- hosts ----------------------------------------------------------

    def host(self):
        """A PAM host for alice; what it asks of the kernel in a call is the
        module's and libpam's."""
        host = Host(self.lab.drive, os.path.join(self.folder, "pam.d"))
        self.hosts.append(host)
        host.step(f"start {self.name} {USER.encode().hex()}")
        host.step("bare")
        host.started = True
        return host

    @staticmethod
    def call(host, verb):
        """Makes a PAM call; returns its code and how long it took."""
        for words in host.step(f"call {verb}"):
            if words[0] == "result":
                return words[2], (int(words[5]) - int(words[3])) / 1e9
        raise HostError(f"{verb} has no result")

    def must(self, host, verb):
        code, took = self.call(host, verb)
        if code != "PAM_SUCCESS":
            raise Failure(f"{verb} = {code}")
        return took

    @staticmethod
    def type_password(host):
        host.step(f"answer 0 {PASSWORD.encode().hex()}")

    def signed_in(self):
        """A host whose user has signed in; no session is open yet."""
        host = self.host()
        self.type_password(host)
        self.must(host, "authenticate")
        return host

    def session(self):
        """A host with an open session, by a sign-in of its own."""
        host = self.signed_in()
        self.must(host, "open_session")
        return host

    @staticmethod
    def leave(host, verbs=("close_session",)):
        """The rest of a host's life, whatever its calls give; their codes and
        times as far as it came."""
        found = []
        try:
            for verb in verbs:
                found.append((verb, *Realm.call(host, verb)))
            host.step("end")
        except HostError as error:
            found.append(("dead", str(error), 0.0))
        host.close()
        return found

    # --- grants ---------------------------------------------------------

    def learn(self):
        """Signs in twice for real, to know how a staged grant is written
        now, fresh and due for refresh; returns the records."""
        found = {}
        for kind, lifetime in (("fresh", 3600), ("due", 1)):
            self.ledger.lifetime = lifetime
            host = self.signed_in()
            self.ledger.lifetime = 3600
            path, = self.store.staged()
            with open(os.path.join(self.store.path, path), "rb") as source:
                found[kind] = source.read()
            host.step("end")
            host.close()
        self.come_to_rest()
        time.sleep(1)  # until the one is due
        return found

    def plant(self, kind="fresh", place="staged"):
        """A grant of the ledger, staged as if its user had just signed in, or
        put into the outbox; returns its handle and the ledger's grant."""
        grant = self.ledger.issue(self.name, USER)
        handle = os.urandom(16).hex()
        folder = os.path.join(self.store.path, place, handle)
        os.mkdir(folder, 0o700)
        self._write(folder, kind, grant)
        return handle, grant

    def _write(self, folder, kind, grant):
        """The record of a grant, with its present tokens."""
        data = TOKEN.sub(lambda found: (grant.access if found[0][:1] == b"A"
                                        else grant.refresh).encode(),
                         self.template[kind])
        fresh = os.path.join(folder, ".new-planted")
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL,
                          0o600), "wb") as out:
            out.write(data)
        os.rename(fresh, os.path.join(folder, "grant"))

    def taker(self, kind="fresh"):
        """A host whose user has signed in, by a planted grant; with the
        ledger's grant."""
        handle, grant = self.plant(kind)
        host = self.host()
        variable = f"PAM_AUTHAPI_STAGED_{self.name}={handle}"
        host.step(f"putenv {variable.encode().hex()}")
        return host, grant

    def holder(self, kind="fresh"):
        """A host with an open session; the grant that it holds is then made
        one of that kind."""
        host, grant = self.taker()
        self.must(host, "open_session")
        if kind != "fresh":
            self._write(self.store.user, kind, grant)
        return host, grant

    def holds_living(self):
        held = self.store.held()
        return held is not None and self.ledger.grants[held - 1].alive

    # --- afterwards -----------------------------------------------------

    def command(self, *arguments, later_s=0, limit=30):
        """authapi VERB --realm REALM ...; LATER_S moves its clocks."""
        environment = {"PATH": os.environ["PATH"]}
        if later_s:
            environment |= self.machine.shim.environment(later_s)
        return subprocess.run(
            [self.lab.command, arguments[0], "--realm", self.name,
             *arguments[1:]], stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=limit, check=False, env=environment)

    def commands(self):
        """The pids of commands that run for this realm in the background."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as source:
                    words = source.read().split(b"\0")
            except OSError:
                continue
            if words[0] == self.lab.command.encode() \
                    and self.name.encode() in words:
                found.append(int(pid))
        return found

    def sweep(self, later_s=0):
        return self.command("sweep", "--now", later_s=later_s)

    def readable(self):
        """What the command says is wrong with the cache."""
        done = self.command("status")
        if done.returncode or done.stderr:
            return [f"authapi status gave {done.returncode}: "
                    f"{done.stderr.strip()}"]
        return []

    def unrest(self, live=0):
        """What is not as it should be in the end: LIVE sessions and their
        grant are held, and nothing else is alive or on disk."""
        held = self.store.held()
        found = [f"the ledger: {one}" for one in self.ledger.alive(self.name)
                 if not live or one.number != held]
        sessions = self.store.sessions()
        if len(sessions) != live:
            found.append(f"{len(sessions)} sessions are noted, not {live}")
        found += self._exported(held if live else None)
        keep = [f"users/{UID}/grant", *sessions] if live else []
        found += [f"on disk: {path}" for path in self.store.tree()
                  if path not in (*keep, "users", "staged", "outbox")]
        return found

    def _exported(self, held):
        """What is wrong with the file of the user's programs."""
        token = self.store.exported()
        if held is None:
            return ["on disk: the user's token"] if token is not None else []
        grant = self.ledger.grants[held - 1]
        if token is None or not grant.alive \
                or token == grant.access.encode():
            return []
        return [f"the user's token is {token!r}, not that of {grant}"]

    def rest(self, live=0, later_s=LATER_S):
        """Sweeps until all is at rest; returns what is not so in the end.
        What a dying host has left in the background may take a moment."""
        end = time.monotonic() + PATIENCE_S
        said = ""
        while True:
            found = self.unrest(live)
            if not found:
                return []
            if time.monotonic() > end:
                return found + [f"the last sweep said: {said}"]
            done = self.sweep(later_s)
            said = (done.stdout + done.stderr).strip()
            if self.unrest(live):
                time.sleep(0.05)

    def come_to_rest(self):
        found = self.rest()
        if found:
            raise Failure("\n".join(found))

    def clean_up(self):
        """After a case, whatever became of it."""
        for host in self.hosts:
            host.kill()
        self.hosts.clear()
        subprocess.run(["rm", "-rf", self.store.path,
                        self.store.export], check=False)
        for name in ("users", "staged", "outbox"):
            os.makedirs(os.path.join(self.store.path, name), 0o700)
        os.chmod(self.store.path, 0o700)
        self.ledger.forget(self.name)
