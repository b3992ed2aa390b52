# SPDX-License-Identifier: BSD-3-Clause
"""What the @NAMES@ in a test stand for.

It remembers every secret it hands out; it refuses to leave a name that it
does not know as it is.
"""
import datetime
import re
import secrets
import time

from apiscript import ScriptError
from tokens import Recipe

PATTERN = re.compile(r"@([A-Z]+(?:[+-][0-9]+)?|(?:secret|token):[a-z0-9-]+"
                     r"|keys:[a-z0-9 ,-]+)@")


class Placeholders:
    """The names of one test; `secrets` gathers what no log may hold."""

    def __init__(self, lab, test, folder):
        self.keys, self.test, self.port = lab.keys, test, 0
        self.values = {"REALM": test.name, "DIR": folder,
                       "MODULE": lab.module, "HELPER": lab.helper,
                       "CA": lab.certificates.ca, "KEYS": lab.keys.folder,
                       "RUNDIR": lab.rundir, "CONFDIR": lab.confdir}
        self.made, self.recipes, self.secrets = {}, {}, set()

    def set_port(self, port):
        """From here on @PORT@ and tokens, which name it, may be used."""
        self.port = port
        self.values["PORT"] = str(port)
        for line in self.test.joined("tokens"):
            recipe = Recipe(self.fill(line), f"https://127.0.0.1:{port}")
            self.recipes[recipe.name] = recipe

    def fill(self, text):
        """TEXT with every name replaced."""
        return PATTERN.sub(lambda match: self._value(match[1]), text)

    def _value(self, name):
        moment = re.fullmatch(r"(NOW|MS|ISO)([+-][0-9]+)", name)
        if moment:
            return self._moment(moment[1], time.time() + int(moment[2]))
        kind, _, rest = name.partition(":")
        if kind == "keys":
            return self.keys.key_set(rest)[1:-1]
        if rest:
            if name not in self.made:
                self.made[name] = self._make(kind, rest)
                self.secrets.add(self.made[name].encode())
            return self.made[name]
        if name not in self.values:
            raise ScriptError(f"@{name}@ stands for nothing here")
        return self.values[name]

    @staticmethod
    def _moment(kind, at):
        if kind == "ISO":
            when = datetime.datetime.utcfromtimestamp(at)
            return when.isoformat(timespec="milliseconds") + "Z"
        return str(int(at * 1000 if kind == "MS" else at))

    def _make(self, kind, name):
        if kind == "secret":
            return f"{name}-{secrets.token_hex(12)}"
        if name not in self.recipes:
            raise ScriptError(f"@token:{name}@ has no line in [tokens]")
        return self.keys.mint(self.recipes[name])
