# SPDX-License-Identifier: BSD-3-Clause
"""A realm's folder below the run folder, looked at from outside.

It reads records by the codec that src/base/wire.h describes, written anew
here; it refuses to take a lock for longer than it takes to see that it is
free.
"""
import fcntl
import os
import re

from ledger import TOKEN

MAGIC = b"AAPI\x01"
TYPES = {"grant": 4, "session": 5}
ID = re.compile(r"[0-9a-f]{32}")


def decode(data, kind):
    """The fields of a record as {tag: bytes}; ValueError for any other
    bytes."""
    if data[:5] != MAGIC or data[6:8] != b"\0\0" \
            or int.from_bytes(data[8:12], "big") != len(data) - 12:
        raise ValueError("no whole record")
    if data[5] != TYPES[kind]:
        raise ValueError(f"a record of type {data[5]}, not a {kind}")
    fields, at = {}, 12
    while at < len(data):
        tag = int.from_bytes(data[at:at + 2], "big")
        size = int.from_bytes(data[at + 2:at + 6], "big")
        value = data[at + 6:at + 6 + size]
        if len(value) != size or not size or tag in fields:
            raise ValueError(f"field {tag} is damaged")
        fields[tag] = value
        at += 6 + size
    return fields


class Store:
    """RUNDIR/REALM, and the user's folder UID in it."""

    def __init__(self, rundir, realm, uid):
        self.path, self.uid = os.path.join(rundir, realm), uid
        self.user = os.path.join(self.path, "users", str(uid))
        self.export = os.path.join(rundir, "tokens", f"{uid}.{realm}")

    def files(self):
        """All files but the API's keys, as paths below the realm."""
        found = []
        for folder, folders, names in os.walk(self.path):
            if folder == self.path and "keys" in folders:
                folders.remove("keys")
            found += [os.path.relpath(os.path.join(folder, name), self.path)
                      for name in names]
        return sorted(found)

    def tree(self):
        """The same with folders, for people."""
        return [os.path.relpath(folder, self.path)
                for folder, folders, names in os.walk(self.path)
                if not folders and not names] + self.files()

    def _read(self, path):
        """The bytes, or None when it is gone: what runs in the background may
        still be at work."""
        try:
            with open(os.path.join(self.path, path), "rb") as source:
                return source.read()
        except FileNotFoundError:
            return None

    @staticmethod
    def _kind(path):
        """What a file's final name says it is; None for a name that is not
        final."""
        name = os.path.basename(path)
        if name == "grant":
            return "grant"
        if os.path.basename(os.path.dirname(path)) == "sessions" \
                and ID.fullmatch(name):
            return "session"
        return None if name.startswith(".new-") else "stranger"

    def grants(self):
        """{path: number of the ledger's grant} of every record of one."""
        found = {}
        for path in self.files():
            data = self._read(path) if self._kind(path) == "grant" else None
            tokens = TOKEN.search(data) if data else None
            if tokens:
                found[path] = int(tokens[1], 16)
        return found

    def held(self):
        """The number of the held grant, or None."""
        return self.grants().get(f"users/{self.uid}/grant")

    def exported(self):
        """The access token that the user's programs find, or None."""
        try:
            with open(self.export, "rb") as source:
                return source.read().strip()
        except FileNotFoundError:
            return None

    def sessions(self):
        return [path for path in self.files()
                if path.startswith(f"users/{self.uid}/sessions/")
                and self._kind(path) == "session"]

    def staged(self):
        return [path for path in self.grants() if path.startswith("staged/")]

    def outbox(self):
        return [path for path in self.grants() if path.startswith("outbox/")]

    def problems(self):
        """What no fault may leave behind, not even for a moment: a record
        that does not decode, a grant in two places, a lock."""
        found = []
        for path in self.files():
            kind, data = self._kind(path), self._read(path)
            if kind is None or data is None:
                continue
            try:
                decode(data, kind)
            except (KeyError, ValueError) as error:
                found.append(f"{path}: {error}")
        places = {}
        for path, number in self.grants().items():
            places.setdefault(number, []).append(path)
        # A file that is renamed while we walk is seen at both ends.
        found += [f"grant {number:08x} is in several places: "
                  f"{', '.join(paths)}"
                  for number, paths in places.items() if len(
                      [one for one in paths if os.path.exists(
                          os.path.join(self.path, one))]) > 1]
        if self.locked():
            found.append(f"users/{self.uid} is locked")
        return found

    def locked(self):
        """Whether somebody has the user's lock."""
        try:
            folder = os.open(self.user, os.O_RDONLY | os.O_DIRECTORY)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return False
        except BlockingIOError:
            return True
        finally:
            os.close(folder)
