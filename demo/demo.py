# SPDX-License-Identifier: BSD-3-Clause
"""The demo: real parts only, each step checked, exit 1 at the first one that
does not do what it says.

Everything runs inside tests/lab.sh.  Commands are shown as they are run; what
people type at a prompt stands in angle brackets."""

import glob
import os
import re
import subprocess
import sys
import textwrap
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(HERE)
sys.path.insert(0, f"{SOURCE}/tests/integration")
sys.dont_write_bytecode = True  # the source tree may be read-only

from tap import Failure, eventually
from terminal import Terminal

PASSWORD = "her API password"
WRONG = "some other password"
BOLD, DIM, PLAIN = (
    ("\033[1m", "\033[2m", "\033[0m") if sys.stdout.isatty() else ("", "", "")
)
STEPS = 9
SHELL_PROMPT = r"alice\$ $"

CONF = """\
provider      = glewlwyd
base          = {base}
client_id     = {client}
client_secret = @file:/etc/authapi/secret
scope         = linux
ca            = /etc/authapi/ca.pem

[users]
allow         = alice
"""

SSHD_CONFIG = """\
ListenAddress 127.0.0.1
HostKey /tmp/demo/hostkey
PidFile /tmp/demo/sshd.pid
UsePAM yes
PasswordAuthentication no
KbdInteractiveAuthentication yes
PrintMotd no
PrintLastLog no
"""

SSH_CONFIG = """\
Host localhost
    NumberOfPasswordPrompts 1
    UserKnownHostsFile /tmp/demo/known_hosts
    LogLevel ERROR
"""


class Page:
    """What the reader sees."""

    def __init__(self):
        self.number = 0

    def step(self, title, text):
        self.number += 1
        print(f"\n{BOLD}{self.number}/{STEPS}  {title}{PLAIN}")
        print(textwrap.indent(textwrap.fill(text, 72), "     "), flush=True)

    @staticmethod
    def command(text):
        print(f"\n     {BOLD}$ {text}{PLAIN}", flush=True)

    @staticmethod
    def output(text):
        # A terminal's own control sequences are no output.
        text = re.sub(r"\x1b\[[?0-9;]*[A-Za-z]|\x1b\][^\x07]*\x07|\r", "",
                      text)
        for line in text.rstrip("\n").split("\n"):
            print(f"     {line}", flush=True)

    @staticmethod
    def note(text):
        print(f"     {DIM}{text}{PLAIN}", flush=True)


def shell(page, command, shown=None, quiet=False):
    """Runs COMMAND as shown; fails when it fails.  Returns its output."""
    page.command(shown or command)
    done = subprocess.run(command, shell=True, text=True, check=False,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    if done.stdout.strip() and not (quiet and done.returncode == 0):
        page.output(done.stdout)
    if done.returncode != 0:
        raise Failure(f"the command above ended with {done.returncode}")
    return done.stdout


def write(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), mode)
        file.write(text)


def expect(truth, text):
    if not truth:
        raise Failure(text)


def start_api(page):
    page.step("An auth server starts",
              "Debian's glewlwyd, an OAuth 2.0 server, behind TLS with a CA "
              "of its own. It knows alice and her password; this machine will "
              "not: her local account has none.")
    script = f"{SOURCE}/tests/integration/glewlwyd.sh"
    environment = dict(os.environ, ALICE_PASSWORD=PASSWORD,
                       BOB_PASSWORD="not used")
    done = subprocess.run([script, "start", "/tmp/demo/api"], text=True,
                          env=environment, stdout=subprocess.PIPE, check=False)
    expect(done.returncode == 0, "glewlwyd did not start")
    api = dict(line.split("=", 1) for line in done.stdout.splitlines())
    page.note(f"it listens on {api['GLEWLWYD_BASE']}")
    shell(page, "useradd --create-home --shell /bin/bash alice")
    fields = shell(page, "passwd --status alice").split()
    expect(fields[1] == "L", "alice has a local password")
    return api


def configure(page, api):
    page.step("The machine is told about it",
              "One conf says where the API is and who may sign in through it; "
              "two PAM files, copied as they are, let ssh and sudo ask it.")
    write("/etc/authapi/default.conf",
          CONF.format(base=api["GLEWLWYD_BASE"],
                      client=api["GLEWLWYD_CLIENT"]), 0o600)
    shell(page, f"install -m 644 {api['GLEWLWYD_CA']} /etc/authapi/ca.pem",
          "install -m 644 ca.pem /etc/authapi/ca.pem")
    shell(page, f"install -m 600 {api['GLEWLWYD_SECRET']} /etc/authapi/secret",
          "install -m 600 secret /etc/authapi/secret")
    shell(page, "cat /etc/authapi/default.conf")
    shell(page, "authapi check")
    shell(page, f"cp {SOURCE}/pam.d-examples/sshd "
          f"{SOURCE}/pam.d-examples/sudo /etc/pam.d/",
          "cp pam.d-examples/sshd pam.d-examples/sudo /etc/pam.d/")
    write("/etc/sudoers.d/alice",
          "Defaults lecture=never\nalice ALL=(ALL:ALL) ALL\n", 0o440)


def start_sshd():
    key = "/tmp/demo/hostkey"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key],
                   check=True)
    with open(f"{key}.pub", encoding="ascii") as file:
        write("/tmp/demo/known_hosts",
              f"localhost {' '.join(file.read().split()[:2])}\n")
    write("/tmp/demo/sshd_config", SSHD_CONFIG)
    write("/root/.ssh/config", SSH_CONFIG, 0o600)
    subprocess.Popen(["/usr/sbin/sshd", "-D", "-f", "/tmp/demo/sshd_config",
                      "-E", "/tmp/demo/sshd.log"],
                     stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                     stderr=subprocess.DEVNULL)
    eventually(lambda: os.path.exists("/tmp/demo/sshd.pid"), "sshd starts")


def refuse(page):
    page.step("A wrong password is refused",
              "A real sshd asks, the API says no. The answer comes at the "
              "next whole second, for whatever reason it is no.")
    page.command("ssh alice@localhost")
    ssh = Terminal(["ssh", "alice@localhost"])
    ssh.expect("Password: ")
    ssh.type(WRONG)
    status = ssh.finish()
    page.output(ssh.text.strip().replace("Password: ",
                                         f"Password: <{WRONG}>"))
    expect(status == 255 and "denied" in ssh.text,
           "ssh did not refuse the wrong password")


def say(ssh, line):
    """Types LINE in her shell and returns it with what it prints, up to the
    next prompt."""
    start = len(ssh.text)
    ssh.type(line)
    ssh.expect(SHELL_PROMPT)
    return ssh.text[start:].removesuffix("alice$ ")


def sign_in(page):
    page.step("alice signs in with her API password",
              "sshd asks pam_authapi, pam_authapi starts its helper, the "
              "helper asks the API. Her tokens are kept while she is here.")
    page.command("ssh alice@localhost")
    ssh = Terminal(["ssh", "-tt", "alice@localhost", "PS1='alice$ ' bash "
                    "--norc --noprofile"])
    prompt = ssh.expect(r".*Password: ").group(0).strip()
    page.output(f"{prompt} <{PASSWORD}>")
    ssh.type(PASSWORD)
    ssh.expect(SHELL_PROMPT)
    told = say(ssh, "id")
    page.output("alice$ " + told)
    expect("(alice)" in told and "uid=0" not in told, "this is not alice")
    return ssh


def tokens():
    """Her tokens, read as root from the cache: only to ask the server about
    them afterwards."""
    found = glob.glob("/run/authapi/default/users/*/grant")
    expect(len(found) == 1, "the cache does not hold exactly one grant")
    with open(found[0], "rb") as file:
        text = file.read().decode("utf-8", "replace")
    pair = [re.search(rf'{kind}_token"\s*:\s*"([^"]+)"', text)
            for kind in ("access", "refresh")]
    expect(all(pair), "the cached grant holds no pair of tokens")
    return [match.group(1) for match in pair]


def introspect(page, api, token, name):
    """Asks the server about a token (RFC 7662)."""
    with open(api["GLEWLWYD_SECRET"], encoding="ascii") as file:
        secret = file.read().strip()
    return shell(
        page,
        f"curl -sS --cacert /etc/authapi/ca.pem -u pam:{secret} "
        f"-d token={token} {api['GLEWLWYD_BASE']}/introspect",
        f"curl -sS --cacert ca.pem -u pam:$SECRET -d token=${name} "
        f"{api['GLEWLWYD_BASE']}/introspect")


def show_status(page, api, access):
    page.step("Who has tokens?",
              "authapi status names users, times and sessions, and never a "
              "token. The server, asked about her access token, says that it "
              "is good.")
    told = shell(page, "authapi status")
    expect("alice" in told, "authapi status does not name alice")
    expect(access not in told, "authapi status shows a token")
    told = introspect(page, api, access, "ACCESS_TOKEN")
    expect('"active":true' in told.replace(" ", ""),
           "the server does not know the token")


def use_sudo(page, ssh, held):
    page.step("sudo inside her session, against the API",
              "sudo asks for the same password and the API decides. What it "
              "gives for this is sent back at once: the tokens of her session "
              "are not touched.")
    start = len(ssh.text)
    ssh.type("sudo id")
    ssh.expect(r"password for alice: |Password: ")
    ssh.type(PASSWORD)
    ssh.expect(SHELL_PROMPT + "|try again|incorrect")
    told = ssh.text[start:].removesuffix("alice$ ")
    page.output("alice$ " + re.sub(r"(assword.*: )", rf"\1<{PASSWORD}>", told))
    expect("uid=0(root)" in told, "sudo did not run the command")
    expect(tokens() == held, "sudo changed the tokens of her session")


def log_out(page, ssh):
    page.step("She logs out",
              "The last session closes: the cache is emptied first, and then "
              "the tokens are revoked.")
    page.output("alice$ exit")
    ssh.type("exit")
    expect(ssh.finish() == 0, "ssh did not end well")


def show_empty(page):
    page.step("The cache is empty", "Nothing is held for anybody any more.")
    left = ("/run/authapi/default/users/*/grant",
            "/run/authapi/default/outbox/*/grant",
            "/run/authapi/default/staged/*/grant")
    # The revocation runs on its own, so that no logout waits for it.
    eventually(lambda: not [f for p in left for f in glob.glob(p)],
               "the cache is empty")
    found = shell(page, "find /run/authapi -name grant")
    expect(found == "", "the cache still holds a grant")
    page.note("(no output: there is none)")
    told = shell(page, "authapi status")
    expect("alice" not in told, "authapi status still names alice")


def show_dead(page, api, held):
    page.step("The server itself says so",
              "Asked again about both of her tokens, it knows neither.")
    for token, name in zip(held, ("ACCESS_TOKEN", "REFRESH_TOKEN")):
        told = introspect(page, api, token, name)
        expect('"active":false' in told.replace(" ", ""),
               f"the server still accepts ${name}")


def main():
    page = Page()
    started = time.monotonic()
    print(f"{BOLD}pam_authapi: a Linux login against an HTTP auth API{PLAIN}")
    print("Real parts, on loopback, in a throwaway machine of their own.")
    try:
        os.mkdir("/tmp/demo", 0o700)
        api = start_api(page)
        configure(page, api)
        start_sshd()
        refuse(page)
        ssh = sign_in(page)
        held = tokens()
        show_status(page, api, held[0])
        use_sudo(page, ssh, held)
        log_out(page, ssh)
        show_empty(page)
        show_dead(page, api, held)
    except Failure as failure:
        print(f"\n{BOLD}The demo failed in step {page.number}:{PLAIN} "
              f"{failure}", flush=True)
        return 1
    took = time.monotonic() - started
    print(f"\n{BOLD}Done{PLAIN} in {took:.0f} s; every step was checked, and "
          "all of it is gone now.")
    print("Next: \"Install it\" and \"The conf\" in README.md, for "
          "your own API;\n      authapi try USER tells whether it works "
          "before anybody's login depends on it.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
