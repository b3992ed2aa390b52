#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""A scripted HTTP API behind TLS, for tests and for playing.

It answers exactly the requests that its script expects, in that order, and
records what came and when.  It refuses to know any provider: what an API
says stands in the script.
"""
import argparse
import json
import select
import socket
import sys
import tempfile
import threading
import time
import urllib.parse

from apiscript import Script, ScriptError, like, seconds
from certificates import Certificates

EXAMPLE = """\
# Two users may sign in as often as they like until the server is stopped.
5 times POST /token?grant_type=password
    password = correct horse 42
-> 200
    {"access_token": "example-access", "refresh_token": "example-refresh",
     "expires_in": 3600, "user": {"email": "alice@example.com"}}
"""


# --- what came --------------------------------------------------------------

class Connection:
    """One TCP connection; times are of CLOCK_MONOTONIC, in seconds."""

    def __init__(self):
        self.connected_at = time.monotonic()
        self.secured_at = 0.0
        self.trouble = ""
        self.sent = 0


class Request:
    """One request as it arrived."""

    def __init__(self, connection, method, target, headers, body):
        self.connection, self.at = connection, time.monotonic()
        self.method, self.target = method, target
        self.headers, self.body = headers, body
        self.exchange = None

    def __str__(self):
        return f"{self.method} {self.target}"

    def field(self, name):
        """The field's bytes in a JSON or form body, or None."""
        if "json" in self.headers.get("content-type", ""):
            value = json.loads(self.body)
            for part in name.strip("/").split("/"):
                if not isinstance(value, dict) or part not in value:
                    return None
                value = value[part]
            if isinstance(value, str):
                return value.encode("utf-8", "surrogatepass")
            return json.dumps(value).encode()
        form = urllib.parse.parse_qs(
            self.body.decode("ascii"), keep_blank_values=True,
            errors="surrogateescape")
        values = form.get(name, [])
        if len(values) != 1:
            return None
        return values[0].encode("utf-8", "surrogateescape")

    def is_for(self, exchange):
        return (self.method, self.target) == (exchange.method,
                                              exchange.target)

    def choose(self, pending):
        """Takes the exchange that this request is out of PENDING: the next,
        or one that may come whenever it likes."""
        for expected in pending:
            free = "whenever" in expected.facts
            if self.is_for(expected) \
                    and not (free and self.problems(expected)):
                return pending.pop(pending.index(expected))
            if not free:
                break
        free = [one for one in pending
                if "whenever" in one.facts and self.is_for(one)]
        for expected in sorted(free, key=lambda one:
                               bool(self.problems(one)))[:1]:
            return pending.pop(pending.index(expected))
        return None

    def problems(self, expected=None):
        """How the request differs from what was expected."""
        expected = expected or self.exchange
        if expected is None:
            return [f"unexpected request {self}"]
        found = []
        for name, value in expected.headers:
            got = self.headers.get(name.lower())
            if value == "(absent)" and got is None:
                continue
            if got is None or not like(value, got):
                found.append(f"{self}: header {name} is {got!r}, "
                             f"expected {value!r}")
        for name, value in expected.fields:
            try:
                got = self.field(name)
            except ValueError as error:
                got = f"unreadable ({error})"
            if got != value and not (got is None and value == b"(absent)"):
                found.append(f"{self}: field {name} is {got!r}, "
                             f"expected {value!r}")
        return found


# --- the server -------------------------------------------------------------

class Server:
    """Serves one script on a port of its own until stopped.

    WRITE makes the script once the port is known: a script may name it.
    """

    def __init__(self, write, certificates, port=0):
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", port))
        self.port = self.listener.getsockname()[1]
        self.script = script = write(self.port)
        self.connections, self.requests = [], []
        self.pending = list(script.exchanges)
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        self.tls = script.settings["tls"]
        self.context = certificates.context(self.tls)
        self.thread = None
        if script.settings["listen"] == "yes":
            self.listener.listen(64)
            self.listener.settimeout(0.2)
            self.thread = threading.Thread(target=self._accept, daemon=True)
            self.thread.start()

    def stop(self):
        """Takes no further connections and drops the present ones."""
        self.stopping.set()
        if self.thread:
            self.thread.join()
        self.listener.close()

    def wait(self, limit):
        """Waits until every expected request has come, or LIMIT seconds."""
        end = time.monotonic() + limit
        while self.pending and time.monotonic() < end:
            time.sleep(0.02)

    def _accept(self):
        while not self.stopping.is_set():
            try:
                plain, _ = self.listener.accept()
            except socket.timeout:
                continue
            connection = Connection()
            with self.lock:
                self.connections.append(connection)
                first = len(self.connections) == 1
            threading.Thread(target=self._serve, daemon=True,
                             args=(plain, connection, first)).start()

    def _serve(self, plain, connection, first):
        peer = plain
        try:
            plain.settimeout(30)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.tls == "silent":
                self.stopping.wait(30)
                return
            if self.context:
                peer = self.context.wrap_socket(plain, server_side=True)
            connection.secured_at = time.monotonic()
            idle = self.script.settings["idle close"]
            limit = seconds(idle) if idle and first else 30
            while self._await_bytes(peer, limit):
                if not self._exchange(peer, connection):
                    break
                limit = 30
        except (OSError, ValueError) as error:
            connection.trouble = str(error)
        finally:
            peer.close()

    def _await_bytes(self, peer, limit):
        end = time.monotonic() + limit
        while not self.stopping.is_set() and time.monotonic() < end:
            if getattr(peer, "pending", lambda: 0)():
                return True
            if select.select([peer], [], [], 0.05)[0]:
                return True
        return False

    def _exchange(self, peer, connection):
        """Reads one request and answers it; False: close."""
        request = self._read(peer, connection)
        if request is None:
            return False
        with self.lock:
            self.requests.append(request)
            request.exchange = request.choose(self.pending)
        answer = request.exchange
        if answer is None:
            peer.sendall(b"HTTP/1.1 500 Unexpected\r\n"
                         b"Content-Length: 0\r\n\r\n")
            return True
        if "after" in answer.traits:
            self.stopping.wait(answer.traits["after"])
        if "close" in answer.traits:
            return False
        return self._answer(peer, connection, answer)

    def _read(self, peer, connection):
        data = b""
        while b"\r\n\r\n" not in data:
            more = peer.recv(65536)
            if not data and more[:1] == b"\x16":
                connection.trouble = "TLS came to a port of plain http"
                return None
            if not more:
                return None
            data += more
        head, body = data.split(b"\r\n\r\n", 1)
        lines = head.decode("latin1").split("\r\n")
        method, target, _ = lines[0].split(" ", 2)
        headers = {}
        for line in lines[1:]:
            name, value = line.split(":", 1)
            headers[name.strip().lower()] = value.strip()
        while len(body) < int(headers.get("content-length", "0")):
            more = peer.recv(65536)
            if not more:
                connection.trouble = "the request broke off"
                return None
            body += more
        return Request(connection, method, target, headers, body)

    def _answer(self, peer, connection, answer):
        body = "\n".join(answer.body).encode()
        size = len(body)
        if "big" in answer.traits:
            size = int(answer.traits["big"] * 1024 * 1024)
        if "truncated" in answer.traits:
            size += 100
        headers = list(answer.answer_headers)
        if not any(name.lower() == "content-type" for name, _ in headers):
            headers.append(("Content-Type", "application/json"))
        if "chunked" in answer.traits:
            headers.append(("Transfer-Encoding", "chunked"))
        elif answer.status != 204:
            headers.append(("Content-Length", str(size)))
        head = f"HTTP/1.1 {answer.status} Scripted\r\n" + "".join(
            f"{name}: {value}\r\n" for name, value in headers) + "\r\n"
        peer.sendall(head.encode())
        if "big" in answer.traits:
            self._pour(peer, connection, body, size)
        elif "chunked" in answer.traits:
            for at in range(0, len(body), 7):
                part = body[at:at + 7]
                peer.sendall(b"%x\r\n%s\r\n" % (len(part), part))
            peer.sendall(b"0\r\n\r\n")
        elif "trickle" in answer.traits:
            for at in range(len(body)):
                peer.sendall(body[at:at + 1])
                if self.stopping.wait(0.2):
                    return False
        else:
            peer.sendall(body)
        return "truncated" not in answer.traits

    def _pour(self, peer, connection, body, size):
        """Sends BODY and then filler up to SIZE, counting."""
        filler = b"a" * 65536
        peer.sendall(body)
        connection.sent = len(body)
        while connection.sent < size and not self.stopping.is_set():
            peer.sendall(filler)
            connection.sent += len(filler)


def main():
    parser = argparse.ArgumentParser(
        description="Serves a script of expected requests and answers on "
        "https://127.0.0.1 and prints what comes.",
        epilog="The script's format is that of the [api] section in "
        "tests/script/README.md. Without one, this is served:\n\n" + EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("script", nargs="?", help="a file; - is stdin")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--dir", help="where the certificates are put "
                        "[a new folder below /tmp]")
    options = parser.parse_args()
    text = EXAMPLE
    if options.script == "-":
        text = sys.stdin.read()
    elif options.script:
        with open(options.script, encoding="utf-8") as source:
            text = source.read()
    folder = options.dir or tempfile.mkdtemp(prefix="apiserver.")
    try:
        certificates = Certificates(folder)
        server = Server(lambda port: Script(
            text.replace("@PORT@", str(port))), certificates, options.port)
    except ScriptError as error:
        sys.exit(f"apiserver.py: {error}")
    scheme = "https" if server.context else "http"
    print(f"base = {scheme}://127.0.0.1:{server.port}\n"
          f"ca   = {certificates.ca}", flush=True)
    shown = 0
    try:
        while True:
            time.sleep(0.1)
            for request in server.requests[shown:]:
                shown += 1
                print(f"\n{request}\n{request.body.decode('utf-8', 'replace')}"
                      .rstrip())
                for problem in request.problems():
                    print(f"!! {problem}")
                sys.stdout.flush()
    except KeyboardInterrupt:
        server.stop()


if __name__ == "__main__":
    main()
