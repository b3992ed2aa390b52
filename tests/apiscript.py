# SPDX-License-Identifier: BSD-3-Clause
"""The script of an API: expected requests and what each is answered.

It only reads and compares: it refuses to know sockets and time.
"""
import re


class ScriptError(Exception):
    """A script that cannot be understood."""


SETTINGS = {
    "tls": "good",            # or expired, other name, other ca, public ca,
                              # bundled ca, tls 1.1, none, silent
    "listen": "yes",          # or refused
    "connects": "",           # any: connections without a request are fine
    "early connections": "",  # how many stood before the password was typed
    "idle close": "",         # the first connection is closed after so long
}

TRAITS = re.compile(r"(?P<key>close|chunked|truncated|trickle|after|big)"
                    r"(?: (?P<value>[0-9.]+) ?(?P<unit>s|MB))?")

ESCAPES = {"b": 8, "n": 10, "r": 13, "t": 9, "e": 27, '"': 34, "\\": 92}


def literal(text):
    """The bytes that a value stands for: as it is, or in double quotes with
    the escapes of C; `"ab" to 5 bytes` repeats and cuts."""
    found = re.fullmatch(r'"((?:[^"\\]|\\.)*)"(?: to ([0-9]+) bytes)?', text,
                         re.DOTALL)
    if not found:
        return text.encode()

    def one(match):
        code = match[1]
        if code[:1] == b"x":
            return bytes([int(code[1:], 16)])
        if code[:1].isdigit():
            return bytes([int(code, 8)])
        name = code.decode("latin1")
        if name not in ESCAPES:
            raise ScriptError(f"unknown escape in {text}")
        return bytes([ESCAPES[name]])

    data = re.sub(rb"\\(x[0-9A-Fa-f]{2}|[0-7]{1,3}|.)", one,
                  found[1].encode(), flags=re.DOTALL)
    if found[2]:
        size = int(found[2])
        data = (data * (size // len(data) + 1))[:size]
    return data


def seconds(text):
    """'1.5s' as a number."""
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?) ?s", text)
    if not found:
        raise ScriptError(f"{text}: not a time such as 1.5s")
    return float(found[1])


def like(pattern, text):
    """Whether TEXT is PATTERN, in which `...` stands for anything."""
    parts = [re.escape(part) for part in pattern.split("...")]
    return re.fullmatch(".*".join(parts), text, re.DOTALL) is not None


class Exchange:
    """One expected request and its answer."""

    def __init__(self, method, target):
        self.method, self.target = method, target
        self.headers, self.fields, self.facts = [], [], []
        self.status, self.answer_headers, self.body = 0, [], []
        self.traits = {}

    def __str__(self):
        return f"{self.method} {self.target}"

    def add_expectation(self, line):
        """Takes one indented line below the request."""
        header = re.fullmatch(r"([A-Za-z][A-Za-z0-9-]*): (.*)", line)
        field = re.fullmatch(r"(\S+) = (.*)", line)
        if line.startswith("(") and line.endswith(")"):
            self.facts.append(line[1:-1])
        elif header:
            self.headers.append((header[1], header[2]))
        elif field:
            self.fields.append((field[1], literal(field[2])))
        else:
            raise ScriptError(f"neither header, field nor (fact): {line}")

    def set_answer(self, text):
        """Takes what stands behind the arrow."""
        for word in re.split(r", *", text):
            trait = TRAITS.fullmatch(word)
            if trait:
                self.traits[trait["key"]] = float(trait["value"] or 0)
            elif re.fullmatch(r"[1-5][0-9][0-9]", word):
                self.status = int(word)
            else:
                raise ScriptError(f"-> {word}: neither status nor trait")
        if not self.status and "close" not in self.traits:
            raise ScriptError(f"-> {text}: names no status")

    def add_answer(self, line):
        """Takes one indented line below the answer."""
        header = re.fullmatch(r"([A-Za-z][A-Za-z0-9-]*): (.*)", line)
        if header and not self.body:
            self.answer_headers.append((header[1], header[2]))
        else:
            self.body.append(line)


class Script:
    """The settings and exchanges of an [api] section."""

    def __init__(self, text):
        self.settings, self.exchanges = dict(SETTINGS), []
        times, state = 1, None
        for line in text.split("\n"):
            bare = line.strip()
            request = re.fullmatch(
                r"(?:([0-9]+) times )?([A-Z]+) (/\S*)", line)
            setting = re.fullmatch(r"([a-z][a-z ]*?) *= *(.*)", line)
            if not bare or bare.startswith("#"):
                continue
            if line[0] in " \t":
                if state is None:
                    raise ScriptError(f"belongs to no request: {bare}")
                state(bare)
            elif line.startswith("->"):
                if not self.exchanges:
                    raise ScriptError(f"answers no request: {bare}")
                last = self.exchanges[-1]
                last.set_answer(line[2:].strip())
                state = last.add_answer
                self.exchanges += [last] * (times - 1)
                times = 1
            elif request:
                times = int(request[1] or 1)
                self.exchanges.append(Exchange(request[2], request[3]))
                state = self.exchanges[-1].add_expectation
            elif setting and setting[1] in SETTINGS:
                self.settings[setting[1]] = setting[2]
            else:
                raise ScriptError(f"cannot read: {line}")
        for one in self.exchanges:
            if not one.status and "close" not in one.traits:
                raise ScriptError(f"{one}: has no answer")
