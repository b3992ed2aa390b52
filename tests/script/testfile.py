# SPDX-License-Identifier: BSD-3-Clause
"""Reads .test files: sections of lines, as README.md describes them.

It refuses what it does not understand: a misspelled section or step is an
error, never an assertion that silently is not made.
"""
import os
import re

from apiscript import ScriptError, literal, seconds

PLAIN = ("options", "stack", "conf", "accounts", "setup", "cleanup", "api",
         "prompts", "tokens", "calls", "cache before", "cache after", "log",
         "secrets")
TYPES = {"auth": "auth", "account": "account", "session": "session",
         "password": "password"}

REALM_MAX = 32

STANDARD_CONF = """\
provider = gotrue
base     = https://127.0.0.1:@PORT@
ca       = @CA@
identity = %{user}@example.com
[users]
allow    = alice
"""

# libpam makes PERM_DENIED of a lone PAM_IGNORE; the second line makes it a
# code that no module of ours gives, and the runner calls that PAM_IGNORE.
STANDARD_STACK = """\
{type} [success=done ignore=ignore default=die] @MODULE@ realm=@REALM@ {args}
{type} required pam_debug.so {codes}
"""
CODES = {"auth": "auth=bad_item cred=bad_item",
         "account": "acct=bad_item",
         "session": "open_session=bad_item close_session=bad_item",
         "password": "prechauthtok=bad_item chauthtok=bad_item"}


class Prompt:
    """One expected message of the conversation."""

    def __init__(self, line):
        found = re.fullmatch(r'(hidden|shown|info|error) "([^"]*)"'
                             r'(?: after (\S+))?(?: = (.*))?', line)
        if not found:
            raise ScriptError(f"[prompts] cannot read: {line}")
        self.kind, self.text = found[1], found[2]
        self.delay_ms = int(seconds(found[3]) * 1000) if found[3] else 0
        answer = found[4]
        self.asks = self.kind in ("hidden", "shown")
        if self.asks != (answer is not None):
            raise ScriptError(f"[prompts] prompts, and only they, need "
                              f"an answer: {line}")
        self.bytes = b""
        if answer in ("<cancel>", "<none>"):
            self.step = f"answer {self.delay_ms} {answer[1:-1]}"
        elif self.asks:
            self.bytes = b"" if answer == "<empty>" else literal(answer)
            self.step = f"answer {self.delay_ms} {self.bytes.hex() or '-'}"

    def __str__(self):
        return f'{self.kind} "{self.text}"'


class LogLine:
    """One expected line of the system log."""

    PRIORITIES = ("emerg", "alert", "crit", "err", "warning", "notice",
                  "info", "debug")

    def __init__(self, line):
        found = re.fullmatch(r"([a-z]+) ([a-z]+): (.*)", line)
        if not found or found[1] not in self.PRIORITIES:
            raise ScriptError(f"[log] cannot read: {line}")
        self.priority, self.type, self.text = found.groups()


class CacheEntry:
    """One expected leaf of the run folder."""

    def __init__(self, line):
        words = line.split()
        if len(words) not in (1, 3):
            raise ScriptError(f"[cache] PATH or PATH MODE OWNER: {line}")
        self.pattern = re.compile(
            re.escape(words[0]).replace(r"\*", "[^/]+"))
        self.text = words[0]
        self.mode = int(words[1], 8) if len(words) == 3 else None
        self.owner = words[2] if len(words) == 3 else "root"


class TestFile:
    """A test as it stands in its file."""

    def __init__(self, path):
        self.name = os.path.basename(path).removesuffix(".test")
        if len(self.name) > REALM_MAX:
            raise ScriptError("the name is too long for a realm")
        self.sentence, self.sections = "", {}
        with open(path, encoding="utf-8") as source:
            self._read(source.read().split("\n"))
        if "calls" not in self.sections:
            raise ScriptError("no [calls]")

    def _read(self, lines):
        comments, section = [], None
        for line in lines:
            header = re.fullmatch(r"\[([a-z]+(?: [a-z_0-9]+)*)\]", line)
            if header and self._known(header[1]):
                section = header[1]
                if section in self.sections:
                    raise ScriptError(f"[{section}] stands twice")
                self.sections[section] = []
            elif header and section != "conf":
                raise ScriptError(f"no such section: {line}")
            elif section is not None:
                self.sections[section].append(line)
            elif line.startswith("#"):
                comments.append(line[1:].strip())
            elif line.strip():
                raise ScriptError(f"belongs to no section: {line}")
        comments = [line for line in comments
                    if not line.startswith("SPDX-License-Identifier")]
        self.sentence = " ".join(comments).strip()
        if not self.sentence.endswith("."):
            raise ScriptError("does not open with a sentence")

    @staticmethod
    def _known(name):
        return name in PLAIN or re.fullmatch(r"cache at [a-z_0-9]+", name)

    @property
    def alone(self):
        """Whether it changes what other tests stand on."""
        return "setup" in self.sections

    def lines(self, name):
        """The section's lines without comments and blank ones."""
        return [line.strip() for line in self.sections.get(name, [])
                if line.strip() and not line.strip().startswith("#")]

    def joined(self, name):
        """The section's lines; what is indented goes on with the line
        before."""
        return re.sub(r"\n\s+", " ", "\n".join(
            line for line in self.sections.get(name, [])
            if line.strip() and not line.startswith("#"))).splitlines()

    def text(self, name, standard=""):
        """The section as it stands, or STANDARD where it is absent."""
        if name not in self.sections:
            return standard
        return "\n".join(self.sections[name]).strip("\n") + "\n"

    def stack(self):
        """The text of the PAM service file."""
        if "stack" in self.sections:
            if "options" in self.sections:
                raise ScriptError("[options] beside [stack]")
            return self.text("stack")
        args = dict.fromkeys(TYPES, "")
        for line in self.lines("options"):
            kind, _, value = line.partition(" = ")
            if kind not in (*TYPES, "all"):
                raise ScriptError(f"[options] cannot read: {line}")
            for one in TYPES if kind == "all" else [kind]:
                args[one] += " " + value.strip()
        return "".join(STANDARD_STACK.format(type=one, args=args[one].strip(),
                                             codes=CODES[one])
                       for one in TYPES)

    def prompts(self):
        return [Prompt(line) for line in self.lines("prompts")]

    def log(self):
        return [LogLine(line) for line in self.lines("log")]

    def cache(self, name):
        return [CacheEntry(line) for line in self.lines(f"cache {name}")]
