# SPDX-License-Identifier: BSD-3-Clause
"""What is held against a test that has run: prompts, cache, log, API, secrets.

Every assertion that fails is a sentence in a list; this file refuses to stop
at the first, and to change anything.
"""
import base64
import json
import os
import re
import time
import urllib.parse

from apiscript import ScriptError, like

PATIENCE = 5.0  # how long to wait for what happens behind the host's back
STRUCTURE = ("users", "staged", "outbox", "keys")


class Verdicts:
    """The assertions of a Run, which is derived from this."""

    def _check_prompts(self):
        expected = [(one.kind, one.text) for one in self.prompts]
        if not self._prompted(self.seen):
            self.found.append(f"prompts: {self.seen}, expected {expected}")

    def _prompted(self, seen):
        """Whether SEEN is what [prompts] expects."""
        return len(seen) == len(self.prompts) and all(
            one.kind == kind and like(one.text, text)
            for one, (kind, text) in zip(self.prompts, seen))

    def _check_log(self):
        expected = self.test.log()
        end = time.monotonic() + PATIENCE
        while True:
            lines, problems = self.lab.log.of(self.test.name, self.port)
            if len(lines) >= len(expected) or time.monotonic() > end:
                break
            time.sleep(0.02)
        self.found += problems
        fits = len(lines) == len(expected) and all(
            (want.priority, want.type) == line[:2]
            and like(self._fill(want.text), line[2])
            for want, line in zip(expected, lines))
        if not fits:
            self.found.append("log:\n" + "\n".join(
                f"  {priority} {kind}: {text}"
                for priority, kind, text in lines) + "\nexpected:\n"
                + "\n".join(f"  {one.priority} {one.type}: {one.text}"
                            for one in expected))

    def _check_api(self):
        settings = self.server.script.settings
        requests, connections = self.server.requests, self.server.connections
        for request in requests:
            self.found += request.problems()
            for secret in self.secrets:
                if urllib.parse.quote_from_bytes(secret) in request.target \
                        or secret.decode("latin1") in request.target:
                    self.found.append(f"a secret in a URL: {request}")
            if request.exchange:
                for fact in request.exchange.facts:
                    if not self._holds(fact, request):
                        self.found.append(f"{request}: not {fact}")
        for missing in self.server.pending:
            self.found.append(f"never came: {missing}")
        if connections and not self.server.script.exchanges \
                and settings["connects"] != "any":
            self.found.append(f"{len(connections)} connections, expected 0")
        if settings["early connections"]:
            early = sum(one.connected_at < min(self.entered)
                        for one in connections)
            if early != int(settings["early connections"]):
                self.found.append(f"{early} early connections, expected "
                                  f"{settings['early connections']}")

    def _holds(self, fact, request):
        entered = [one for one in self.entered if one <= request.at]
        secured = request.connection.secured_at
        same = re.fullmatch(r"body as long as in request ([0-9]+)", fact)
        stopped = re.fullmatch(r"stopped reading before ([0-9]+) MB", fact)
        if fact == "whenever":
            return True
        if fact == "connected before the password":
            return bool(entered) and secured < entered[-1]
        if fact == "connected after the password":
            return bool(entered) and secured > entered[-1]
        if same:
            other = self.server.requests[int(same[1]) - 1]
            return len(request.body) == len(other.body)
        if stopped:
            sent = request.connection.sent
            return 0 < sent < int(stopped[1]) * 1024 * 1024
        raise ScriptError(f"({fact}): no such fact")

    def _listing(self):
        """The leaves of the realm's run folder, and what is wrong with it."""
        top = os.path.join(self.lab.rundir, self.realm)
        leaves = []
        for folder, folders, files in os.walk(top):
            if folder != top and not folders and not files:
                path = os.path.relpath(folder, top)
                if path not in STRUCTURE:
                    leaves.append((path + "/", folder))
            leaves += [(os.path.relpath(os.path.join(folder, name), top),
                        os.path.join(folder, name)) for name in files]
        return sorted(leaves)

    def _differences(self, expected):
        wanted, wrong = list(expected), []
        for path, full in self._listing():
            entry = next((one for one in wanted
                          if one.pattern.fullmatch(path)), None)
            if entry is None:
                wrong.append(f"there is {path}")
                continue
            wanted.remove(entry)
            state = os.lstat(full)
            mode = entry.mode or (0o700 if path.endswith("/") else 0o600)
            if state.st_mode & 0o7777 != mode or state.st_uid or state.st_gid:
                wrong.append(f"{path} is {state.st_mode & 0o7777:o} "
                             f"{state.st_uid}:{state.st_gid}")
        for folder, _, _ in os.walk(os.path.join(self.lab.rundir,
                                                 self.realm)):
            state = os.lstat(folder)
            if state.st_mode & 0o7777 != 0o700 or state.st_uid:
                wrong.append(f"{folder} is {state.st_mode & 0o7777:o} "
                             f"{state.st_uid}:{state.st_gid}")
        return wrong + [f"there is no {one.text}" for one in wanted]

    def _check_cache(self, name):
        expected = self.test.cache(name)
        end = time.monotonic() + PATIENCE
        while True:
            try:
                wrong = self._differences(expected)
            except FileNotFoundError:
                wrong = ["it changes"]
            if not wrong or time.monotonic() > end:
                break
            time.sleep(0.02)
        self.found += [f"cache {name}: {one}" for one in wrong]

    def _check_secrets(self):
        """No secret of this test in any line of any test."""
        for line in self.lab.log.all():
            for secret in self.secrets:
                text = secret.decode("utf-8", "backslashreplace")
                forms = {text, json.dumps(text)[1:-1],
                         urllib.parse.quote_from_bytes(secret),
                         base64.b64encode(secret).decode()}
                if any(form in line for form in forms):
                    self.found.append(f"a secret in the log: {line}")
