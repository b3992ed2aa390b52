# SPDX-License-Identifier: BSD-3-Clause
"""One test, run: its surroundings and its steps.

It refuses to know what the surroundings should look like afterwards: that is
verdicts.py's.
"""
import os
import re
import shutil
import signal
import threading
import time

from apiscript import Script, ScriptError, seconds
from apiserver import Server
from commands import Commands
from drive import MARKER, Host, HostError
from placeholders import Placeholders
from testfile import STANDARD_CONF
from verdicts import PATIENCE, Verdicts

TOLERANCE = 0.25  # how late a whole second may be
# Where processes have numbers of their own, and the first is not the host.
ELSEWHERE = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc",
             "sh", "-c", '"$@"; exit $?', "sh")
CALLS = ("authenticate", "acct_mgmt", "setcred", "open_session",
         "close_session", "chauthtok")


class Run(Verdicts, Commands):
    """A test with the processes and files it needs."""

    def __init__(self, lab, test):
        self.lab, self.test = lab, test
        self.realm = test.name
        self.folder = os.path.join(lab.folder, test.name)
        self.names = Placeholders(lab, test, self.folder)
        self.secrets, self.found = set(), []
        self.hosts, self.current, self.elsewhere = {}, "a", set()
        self.items, self.seen, self.entered = {}, [], []
        self.theirs = []
        self.prompts = test.prompts()
        self.server, self.port = None, 0

    def problems(self):
        """Runs it all; returns what was wrong."""
        os.makedirs(os.path.join(self.folder, "pam.d"))
        for account in self.test.lines("accounts"):
            self.lab.add_account(account)
        self._collect_secrets()
        with open(os.path.join(os.path.dirname(__file__), "phrases.api"),
                  encoding="utf-8") as source:
            api = self._phrases(self.test.text("api"), source.read())

        def write(port):
            self.port = port
            self.names.set_port(port)
            return Script(self._fill(api))

        self.server = Server(write, self.lab.certificates)
        try:
            self._write_files()
            self._shell("setup")
            self._calls()
            self._finish()
        except HostError as error:
            self.found.append(str(error))
        finally:
            for host in self.hosts.values():
                host.kill()
            self.server.stop()
            self._shell("cleanup")
        self._check_secrets()
        shutil.rmtree(self.folder, ignore_errors=True)
        return self.found

    def _collect_secrets(self):
        for prompt in self.prompts:
            self.secrets.add(prompt.bytes)
        for line in self.test.lines("secrets"):
            self.secrets.add(line.encode())
        self.secrets = {one for one in self.secrets if len(one) >= 5}

    # --- surroundings ---------------------------------------------------

    def _fill(self, text):
        """Replaces @NAMES@."""
        filled = self.names.fill(text)
        self.secrets |= self.names.secrets
        return filled

    @staticmethod
    def _phrases(text, source):
        """Replaces `use NAME` lines by what phrases.api has under [NAME]."""
        known = dict(re.findall(r"^\[([a-z-]+)\]\n(.*?)(?=^\[|\Z)", source,
                                re.M | re.DOTALL))

        def phrase(match):
            if match[1] not in known:
                raise ScriptError(f"use {match[1]}: no such phrase")
            return known[match[1]]

        return re.sub(r"^use ([a-z-]+)$", phrase, text, flags=re.M)

    def _write_files(self):
        with open(os.path.join(self.folder, "pam.d", self.test.name), "w",
                  encoding="utf-8") as out:
            out.write(self._fill(self.test.stack()))
        conf = os.path.join(self.lab.confdir, f"{self.realm}.conf")
        with open(conf, "w", encoding="utf-8") as out:
            out.write(self._fill(self.test.text("conf", STANDARD_CONF)))
        os.chmod(conf, 0o644)
        realm = os.path.join(self.lab.rundir, self.realm)
        for line in self.test.lines("cache before"):
            path, _, content = self._fill(line).partition(" = ")
            path = os.path.join(realm, path)
            os.makedirs(path if path.endswith("/") else os.path.dirname(path),
                        0o700, exist_ok=True)
            if not path.endswith("/"):
                with open(path, "w", encoding="utf-8") as out:
                    out.write(content)
                os.chmod(path, 0o600)
        if os.path.isdir(realm):
            for folder, _, _ in os.walk(realm):
                os.chmod(folder, 0o700)

    # --- steps ----------------------------------------------------------

    def _calls(self):
        for line in self.test.lines("calls"):
            verb, _, rest = self._fill(line).partition(" ")
            step = getattr(self, f"_do_{verb.replace('-', '_')}", None)
            if verb in CALLS:
                self._call(f"{verb} {rest}", "call")
            elif verb.isdigit() and rest.startswith("processes "):
                self._crowd(int(verb), rest[10:])
            elif step:
                step(rest)
            else:
                raise ScriptError(f"[calls] cannot read: {line}")

    def _host(self):
        """The current host, started if it is not."""
        if self.current not in self.hosts:
            self.hosts[self.current] = Host(
                self.lab.drive, os.path.join(self.folder, "pam.d"),
                under=ELSEWHERE if self.current in self.elsewhere else ())
        host = self.hosts[self.current]
        if not host.started:
            user = self.items.get("user", "alice").encode().hex()
            host.step(f"start {self.test.name} {user or '-'}")
            host.started = True
            for name, value in self.items.items():
                if name != "user":
                    host.step(f"item {name} {value.encode().hex()}")
        return host

    def _note(self, events, used=None):
        """Sorts what a step printed; returns its results."""
        results = []
        for words in events:
            if words[0] == "prompt":
                text = bytes.fromhex(words[2].strip("-")).decode()
                # pam_debug, the second line of the standard stack, tells
                # the user what it will answer.
                if not text.endswith("=bad_item"):
                    (self.seen if used is None else used).append(
                        (words[1], text))
            elif words[0] == "host":
                if " ".join(words[3:]).startswith(tuple(self.theirs)):
                    continue
                self.found.append("the host was changed: "
                                  + " ".join(words[1:]))
            elif words[0] == "result":
                started, entered, ended = (int(ns) / 1e9
                                           for ns in words[3:])
                if entered:
                    self.entered.append(entered)
                results.append((words[1], words[2], started,
                                ended - (entered or started)))
        return results

    def _answers(self, host):
        """Hands the host the answers that were not yet used."""
        host.step("forget")
        asked = sum(kind in ("hidden", "shown", "unanswered")
                    for kind, _ in self.seen)
        for prompt in [one for one in self.prompts if one.asks][asked:]:
            host.step(prompt.step)

    @staticmethod
    def _expectations(text):
        """'VERB [FLAG] = CODE [TIME]' lists, as tuples."""
        for one in text.split(", "):
            found = re.fullmatch(
                r"(\w+)(?: (\w+))? = (PAM_\w+)(?: (at|within|after) (\S+))?",
                one)
            if not found or found[1] not in CALLS:
                raise ScriptError(f"[calls] cannot read: {one}")
            yield found.groups()

    def _call(self, text, how):
        expected = list(self._expectations(text))
        host = self._host()
        self._answers(host)
        glue = ":" if how == "child" else " "
        line = " ".join(glue.join(filter(None, one[:2])) for one in expected)
        self._judge(expected, self._note(host.step(f"{how} {line}")))

    def _judge(self, expected, results):
        if len(results) != len(expected):
            self.found.append(f"{len(results)} calls answered, expected "
                              f"{len(expected)}")
        for want, (verb, code, _, took) in zip(expected, results):
            if code == "PAM_BAD_ITEM":
                code = "PAM_IGNORE"
            if code != want[2]:
                self.found.append(f"{verb} = {code}, expected {want[2]}")
            if not want[3]:
                continue
            limit = seconds(want[4])
            fits = {"within": took <= limit, "after": took >= limit,
                    "at": limit - 0.02 <= took <= limit + TOLERANCE}
            if not fits[want[3]]:
                self.found.append(f"{verb} took {took:.3f} s, expected "
                                  f"{want[3]} {want[4]}")

    def _crowd(self, count, text):
        """The same call in COUNT processes at the same time."""
        expected = list(self._expectations(text))
        home, seen, threads, events = self.current, [], [], {}
        for number in range(count):
            self.current = f"crowd {number}"
            self._answers(self._host())
        glued = " ".join(filter(None, expected[0][:2]))

        def one(name):
            try:
                events[name] = self.hosts[name].step(f"call {glued}")
            except HostError as error:
                self.found.append(str(error))

        for number in range(count):
            threads.append(threading.Thread(target=one,
                                            args=(f"crowd {number}",)))
            threads[-1].start()
        for thread in threads:
            thread.join()
        for name, lines in sorted(events.items()):
            seen = []
            self._judge(expected, self._note(lines, seen))
            if (seen or glued in ("authenticate", "chauthtok")) \
                    and not self._prompted(seen):
                self.found.append(f"{name}: prompts {seen}")
        self.seen += seen
        self.current = home

    def _do_child(self, rest):
        self._call(rest, "child")

    def _do_process(self, rest):
        """`process NAME`, which may be `in a container`."""
        self.current = rest.removesuffix(" in a container")
        if self.current != rest:
            self.elsewhere.add(self.current)

    def _do_kill(self, _):
        self.hosts.pop(self.current).kill()

    def _do_killed(self, rest, number=signal.SIGKILL):
        """`killed VERB after TIME`: the host dies in the midst of a call."""
        verb, _, when = rest.partition(" after ")
        if verb not in CALLS:
            raise ScriptError(f"[calls] cannot read: killed {rest}")
        host = self._host()
        self._answers(host)
        threading.Timer(seconds(when), host.process.send_signal,
                        [number]).start()
        try:
            host.step(f"call {verb}")
            self.found.append(f"{verb} was over before the host was killed")
        except HostError as error:
            # The dead host cannot say what it asked.
            self.seen += [(one.kind, one.text) for one in self.prompts]
            if f"({-number:d})" not in str(error):
                self.found.append(str(error))
        self._do_kill("")

    def _do_terminated(self, rest):
        """The same with the signal that asks to go."""
        self._do_killed(rest, signal.SIGTERM)

    def _item(self, name, value):
        self.items[name] = value
        host = self.hosts.get(self.current)
        if host and host.started:
            host.step(f"item {name} {value.encode().hex()}")

    def _do_user(self, rest):
        self._item("user", rest)

    def _do_rhost(self, rest):
        self._item("rhost", rest)

    def _do_tty(self, rest):
        self._item("tty", rest)

    def _do_ruser(self, rest):
        self._item("ruser", rest)

    def _do_uid(self, rest):
        """`uid NUMBER`: the host is set-user-ID and run by that user."""
        self._host().step(f"uid {rest}")

    def _do_others(self, rest):
        """`others change FACT`: modules of others may."""
        how, _, fact = rest.partition(" ")
        if how != "change":
            raise ScriptError(f"[calls] others {rest}")
        self.theirs.append(fact)

    def _do_sigchld(self, rest):
        self._host().step(f"sigchld {rest}")

    def _do_putenv(self, rest):
        self._host().step(f"putenv {rest.encode().hex()}")

    def _do_putenv_file(self, rest):
        """`putenv-file NAME FILE`: the file's text as the value."""
        name, _, path = rest.partition(" ")
        with open(path, encoding="utf-8") as source:
            self._do_putenv(f"{name}={source.read().strip()}")

    def _do_end(self, rest):
        host = self._host()
        self._note(host.step(f"end {rest}".strip()))
        host.started = False

    def _do_sleep(self, rest):
        time.sleep(seconds(rest))

    def _do_wait(self, rest):
        if rest == "for api":
            self.server.wait(PATIENCE)
        elif rest == "for authapi":
            self._wait_for_authapi()
        else:
            raise ScriptError(f"[calls] wait for what: {rest}")

    def _do_look(self, rest):
        if f"cache at {rest}" not in self.test.sections:
            raise ScriptError(f"[calls] look {rest}: no [cache at {rest}]")
        self._check_cache(f"at {rest}")

    def _do_environment(self, rest):
        """`environment has NAME` or `environment lacks NAME`."""
        how, _, name = rest.partition(" ")
        entries = [bytes.fromhex(words[1]).decode()
                   for words in self._host().step("env") if len(words) > 1]
        there = any(entry.startswith(name + "=") for entry in entries)
        if how not in ("has", "lacks"):
            raise ScriptError(f"[calls] environment {rest}")
        if there != (how == "has"):
            self.found.append(f"the PAM environment does not "
                              f"{'have' if how == 'has' else 'lack'} {name}")

    def _do_memory(self, rest):
        """`memory clean`: no secret of this test is left in the host."""
        host = self._host() if self.current not in self.hosts \
            else self.hosts[self.current]
        if rest != "clean":
            raise ScriptError(f"[calls] memory {rest}")
        marker = host.step(f"memory {MARKER.encode().hex()}")
        if marker[0][1] == "0":
            self.found.append("the search of the host's memory finds nothing")
        for secret in sorted(self.secrets):
            count = host.step(f"memory {secret.hex()}")[0][1]
            if count != "0":
                self.found.append(f"the host's memory holds {secret!r} "
                                  f"{count} times")

    def _finish(self):
        for name, host in sorted(self.hosts.items()):
            self.current = name
            if host.started:
                self._do_end("")
            trouble = host.close()
            if trouble:
                self.found.append(trouble)
        self.server.wait(PATIENCE)
        self._check_cache("after")
        self._check_prompts()
        self._check_log()
        self._check_api()
