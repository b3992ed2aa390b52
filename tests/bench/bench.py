#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""What the hot paths cost, for people to read: "make bench" runs it.

    tests/lab.sh BUILD python3 tests/bench/bench.py --build BUILD

Real libpam, the built module, the real helper, the scripted API.  Times are
medians of one run and stand beside their ratio to the first line of their
table; system calls, processes and connections are counted with strace.  It
refuses to judge: no time makes it fail.
"""
import argparse
import glob
import os
import re
import statistics
import subprocess
import sys
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)
sys.path[:0] = [TESTS, os.path.join(TESTS, "script")]
from apiscript import Script  # noqa: E402
from apiserver import Server  # noqa: E402
from drive import Host  # noqa: E402
from lab import Lab  # noqa: E402

REALM = "bench"
UID = 2001  # alice
FIRST = 100000  # uid of the first of the others
PASSWORD = b"correct horse 42"
ROUNDS = 15
LIMIT = 300  # seconds that a host may live

CONF = """\
provider = gotrue
base     = https://127.0.0.1:{port}
ca       = {ca}
identity = %{{user}}@example.com
[users]
allow    = *
[login]
account  = login
"""

# Each user gets the same tokens, and nobody looks whose they are; what matters
# is how often the API is asked.
API = """\
1000 times POST /token?grant_type=password
    (whenever)
-> 200
    {"access_token": "bench-access", "refresh_token": "bench-refresh",
     "expires_in": 3600}
1000 times POST /token?grant_type=refresh_token
    (whenever)
-> 200
    {"access_token": "bench-access", "refresh_token": "bench-refresh",
     "expires_in": 3600}
2000 times POST /logout?scope=local
    (whenever)
-> 204
"""

# What starts a process, and what reaches the network.
STARTS = re.compile(r"^(fork|vfork|clone|clone3|execve|execveat)\(")
CONNECTS = re.compile(r"^connect\(.*sa_family=AF_INET")


class Table:
    """Lines of a time and other cells, with its ratio to the first."""

    def __init__(self, title, *columns):
        self.title, self.columns, self.rows = title, columns, []

    def add(self, time_us, *cells):
        self.rows.append((time_us, cells))

    def show(self):
        print(f"\n{self.title}\n")
        shown = [(*self.columns[:2], "time", "ratio", *self.columns[2:])]
        for time_us, cells in self.rows:
            ratio = time_us / self.rows[0][0]
            shown.append((*cells[:2], f"{time_us / 1000:.2f} ms",
                          f"{ratio:.2f} x", *cells[2:]))
        for row in shown:
            print("".join(f"{cell!s:>14}" for cell in row))
        sys.stdout.flush()


class Bench:
    """The lab, its API, and the processes that hold sessions open."""

    def __init__(self, build):
        self.lab = Lab(build)
        self.populate = os.path.join(build, "tests/bench/populate")
        self.folder = os.path.join(self.lab.folder, "bench")
        self.services = os.path.join(self.folder, "pam.d")
        os.makedirs(self.services)
        self.server = Server(lambda port: Script(API),
                             self.lab.certificates)
        with open(f"{self.lab.confdir}/{REALM}.conf", "w",
                  encoding="utf-8") as out:
            out.write(CONF.format(port=self.server.port,
                                  ca=self.lab.certificates.ca))
        for name, module in (("bench", f"{self.lab.module} realm={REALM}"),
                             ("nothing", "pam_permit.so")):
            with open(f"{self.services}/{name}", "w",
                      encoding="utf-8") as out:
                for kind in ("auth", "account", "session"):
                    out.write(f"{kind} required {module}\n")
        self.hosts, self.holders = [], []
        self.others = 0

    # --- hosts ----------------------------------------------------------

    def host(self, service="bench"):
        """A host that has begun a transaction of alice."""
        host = Host(self.lab.drive, self.services, LIMIT)
        self.hosts.append(host)
        host.step(f"start {service} {b'alice'.hex()}")
        return host

    def give_up(self, why):
        """What the log says is what an administrator would read."""
        sys.exit("\n".join([f"bench: {why}", *self.lab.log.all()[-5:]]))

    def call(self, host, verb):
        """Calls; returns how long it took, in microseconds."""
        if verb == "authenticate":
            host.step("forget")
            host.step(f"answer 0 {PASSWORD.hex()}")
        for words in host.step(f"call {verb}"):
            if words[0] == "result":
                if words[2] != "PAM_SUCCESS":
                    self.give_up(f"{verb} = {words[2]}")
                return (int(words[5]) - int(words[3])) / 1000
        return self.give_up(f"{verb} gave no result")

    def visits(self, rounds=ROUNDS):
        """Sign-ins beside a live session; medians of open_session and
        close_session."""
        opened, closed = [], []
        for _ in range(rounds):
            host = self.host()
            self.call(host, "authenticate")
            opened.append(self.call(host, "open_session"))
            closed.append(self.call(host, "close_session"))
            host.step("end")
            host.close()
        return statistics.median(opened), statistics.median(closed)

    def traced_visit(self):
        """One such visit under strace: verb -> (system calls, processes,
        connections)."""
        trace = os.path.join(self.folder, "trace")
        os.environ["PAMDRIVE_UNDER"] = f"strace -ff -qq -s 64 -o {trace}"
        try:
            self.visits(1)
        finally:
            del os.environ["PAMDRIVE_UNDER"]
        for path in glob.glob(f"{trace}.*"):
            with open(path, encoding="utf-8", errors="replace") as source:
                calls = list(source)
            os.unlink(path)
            if any('"result open_session' in line for line in calls):
                found = {verb: self._between(calls, verb)
                         for verb in ("open_session", "close_session")}
        return found

    @staticmethod
    def _between(calls, verb):
        """What the host did between looking at itself, which ends with the
        folder /proc closed, and printing the result."""
        end = next(at for at, text in enumerate(calls)
                   if text.startswith(f'write(1, "result {verb} '))
        looked = max(at for at in range(end)
                     if calls[at].startswith('openat(AT_FDCWD, "/proc", '))
        descriptor = calls[looked].split()[-1]
        begin = next(at for at in range(looked, end)
                     if calls[at].startswith(f"close({descriptor})"))
        part = calls[begin + 1:end]
        return (len(part), sum(bool(STARTS.match(one)) for one in part),
                sum(bool(CONNECTS.match(one)) for one in part))

    # --- what is in the cache -------------------------------------------

    def hold(self, *what):
        """Starts populate; returns the process that is the leader of what it
        made."""
        holder = subprocess.Popen(
            [self.populate, self.lab.rundir, REALM, str(UID),
             *map(str, what)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if holder.stdout.readline() != b"ready\n":
            self.give_up("populate failed")
        self.holders.append(holder)
        return holder

    def let_go(self, holder):
        self.holders.remove(holder)
        holder.stdin.close()
        holder.wait()

    def grow(self, users):
        """Lets others sign in until USERS are cached, alice among them."""
        count = users - 1 - self.others
        first = FIRST + self.others
        with open("/etc/passwd", "a", encoding="utf-8") as out:
            for uid in range(first, first + count):
                out.write(f"bench{uid}:x:{uid}:{uid}::/nonexistent:/bin/sh\n")
        self.hold("users", first, count, 0)
        self.others += count

    # --- sweeps ---------------------------------------------------------

    def sweep(self, *under):
        """One sweep; returns its time in microseconds and what it said."""
        started = time.monotonic()
        done = subprocess.run(
            [*under, self.lab.command, "sweep", "--realm", REALM],
            capture_output=True, text=True, check=False)
        took = (time.monotonic() - started) * 1e6
        if done.returncode not in (0, 1):
            self.give_up(f"sweep: {done.returncode} {done.stderr}")
        return took, done.stdout.strip()

    def settle(self):
        """Sweeps until nothing is left to do."""
        for _ in range(20):
            if self.sweep()[1].startswith("0 revoked, 0 left"):
                return
        self.give_up("the sweep does not come to rest")

    def sweep_calls(self):
        """How many system calls a sweep makes, its children's included."""
        trace = os.path.join(self.folder, "sweep")
        self.sweep("strace", "-f", "-c", "-o", trace)
        with open(trace, encoding="utf-8") as source:
            return int(re.search(r"(\d+)(?:\s+\d+)?\s+total$", source.read(),
                                 re.M)[1])

    def asked(self):
        return len(self.server.requests)

    # --- what is printed ------------------------------------------------

    def sessions(self, users, opens, closes):
        """Lines for 1, 10 and 100 live sessions of alice."""
        for live in (1, 10, 100):
            holder = self.hold("sessions", live - 1)
            self.visits(2)
            opened, closed = self.visits()
            counts = self.traced_visit()
            opens.add(opened, users, live, *counts["open_session"])
            closes.add(closed, users, live, *counts["close_session"])
            self.let_go(holder)
            self.settle()

    def swept(self, table, users):
        """A sweep with nothing to do."""
        self.settle()
        before = len(self.server.requests)
        took = statistics.median(self.sweep()[0] for _ in range(ROUNDS))
        asked = len(self.server.requests) - before
        table.add(took, users, "nothing", self.sweep_calls(), asked)

    def swept_due(self, table, users, due):
        """A sweep that finds DUE refreshes."""
        times, asked = [], []
        for _ in range(3):
            holder = self.hold("users", FIRST, due, due)
            before = len(self.server.requests)
            times.append(self.sweep()[0])
            asked.append(len(self.server.requests) - before)
            self.let_go(holder)
        table.add(statistics.median(times), users, f"{due} refreshes", "-",
                  "/".join(map(str, sorted(set(asked)))))

    def memory(self):
        """What the module adds to its host."""
        plain, host = self.host("nothing"), self.host()
        for one in (plain, host):
            self.call(one, "authenticate")
            self.call(one, "open_session")
        theirs, ours = memory_of(plain), memory_of(host)
        print("What the module adds to its host, beside one with pam_permit "
              "alone, in KiB\n")
        for path in sorted(ours.keys() - theirs.keys()):
            size, resident, _ = ours[path]
            print(f"    {path}: {size} mapped, {resident} resident")
        private = (sum(one[2] for one in found.values())
                   for found in (ours, theirs))
        print(f"    memory of the host's own: {next(private)}, "
              f"without us {next(private)}")
        self.call(host, "close_session")
        for one in (host, plain):
            one.step("end")
            one.close()

    def run(self):
        keeper = self.host()
        self.call(keeper, "authenticate")
        self.call(keeper, "open_session")
        self.memory()
        seen = ("cached users", "live sessions", "system calls", "processes",
                "connections")
        opens = Table("open_session of a sign-in beside a live session of "
                      "the same user", *seen)
        closes = Table("close_session of a session that is not the last",
                       *seen)
        sweeps = Table("authapi sweep", "cached users", "due",
                       "system calls", "requests")
        self.sessions(1, opens, closes)
        for users in (10, 1000, 10000):
            self.grow(users)
            self.swept(sweeps, users)
        self.swept_due(sweeps, users, 10)
        self.sessions(users, opens, closes)
        for table in (opens, closes, sweeps):
            table.show()

    def stop(self):
        """Nothing keeps this process from ending."""
        for host in self.hosts:
            host.kill()
        for holder in list(self.holders):
            self.let_go(holder)
        self.server.stop()


def memory_of(host):
    """What is mapped in a host: path -> KiB mapped, resident, and resident
    and its own."""
    found, path = {}, ""
    with open(f"/proc/{host.process.pid}/smaps", encoding="utf-8") as source:
        for line in source:
            words = line.split()
            if not words[0].endswith(":"):
                path = words[5] if len(words) > 5 else ""
                found.setdefault(path, [0, 0, 0])
            for place, name in enumerate(("Size:", "Rss:", "Private_Dirty:")):
                if words[0] == name:
                    found[path][place] += int(words[1])
    return found


def main():
    parser = argparse.ArgumentParser(description="What the hot paths cost.")
    parser.add_argument("--build", required=True)
    options = parser.parse_args()
    bench = Bench(os.path.abspath(options.build))
    try:
        bench.run()
    finally:
        bench.stop()


if __name__ == "__main__":
    main()
