# SPDX-License-Identifier: BSD-3-Clause
"""The machine under test: users, service files, sshd, the system log, and
what can be seen of the run folder from outside.

Must run in tests/lab.sh: it writes to /etc and listens on /dev/log."""

import glob
import os
import pwd
import re
import shutil
import socket
import stat
import subprocess
import threading
import time

from api import FOLDER, PASSWORDS, Api
from tap import Failure, check_equal, eventually
from terminal import Terminal

SOURCE = os.path.dirname(
    os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
)
SSH_FOLDER = "/tmp/ssh"
PORT = 2222  # the example as it is; root may not log in
PORT_BARE = 2223  # without delays of others, and root may log in
LOCAL_PASSWORDS = {"carol": "carol's own l0cal one", "root": "t00r of the lab"}
API_FOLDERS = (FOLDER, "/tmp/oidc")
METHODS = ("password", "keyboard-interactive")

SSHD_CONFIG = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host
PidFile {folder}/sshd-{port}.pid
UsePAM yes
PasswordAuthentication yes
KbdInteractiveAuthentication yes
PubkeyAuthentication yes
PermitRootLogin {root}
UseDNS no
PrintMotd no
PrintLastLog no
LogLevel VERBOSE
SyslogFacility AUTHPRIV
Subsystem sftp internal-sftp
"""


class SystemLog:
    """Listens on /dev/log, as syslogd would."""

    def __init__(self):
        self.lines = []  # (time.monotonic(), text)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("/dev/log")
        os.chmod("/dev/log", 0o666)
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        while True:
            data = self.socket.recv(65536)
            text = data.decode("utf-8", "replace").rstrip("\0\n")
            text = re.sub(r"^<\d+>(\w{3} [ \d]\d [\d:]{8} )?", "", text)
            self.lines.append((time.monotonic(), text))

    def mark(self):
        return len(self.lines)

    def since(self, mark):
        return [text for _, text in self.lines[mark:]]

    def find(self, mark, pattern):
        """The first line since MARK that PATTERN fits, with its moment."""
        for moment, text in self.lines[mark:]:
            if re.search(pattern, text):
                return moment, text
        return None

    def wait(self, mark, pattern, seconds=10.0):
        return eventually(
            lambda: self.find(mark, pattern),
            f"a log line like /{pattern}/",
            seconds,
        )


class Machine:
    def __init__(self, run_folder, conf_folder):
        self.run_folder = run_folder
        self.conf_folder = conf_folder
        self.log = SystemLog()
        self.api = Api()
        self.terminals = []
        self.tokens = set()  # every token seen, for the last test
        self.sshd_output = f"{SSH_FOLDER}/output"
        self.log_mark = 0
        self.started = time.time()
        self.pamdrive = None  # the script tests' PAM host

    # --- making it ----------------------------------------------------------

    def build(self):
        self.api.start()
        for user in ("alice", "bob", "carol"):
            run("useradd", "--create-home", "--shell", "/bin/bash", user)
        for user, password in LOCAL_PASSWORDS.items():
            run("chpasswd", input=f"{user}:{password}\n")
        self._write_conf()
        for service in ("sshd", "sudo", "login", "greetd", "passwd"):
            shutil.copy(
                f"{SOURCE}/pam.d-examples/{service}", f"/etc/pam.d/{service}"
            )
        write(
            "/etc/sudoers.d/lab",
            "Defaults lecture=never\n"
            "alice ALL=(ALL:ALL) ALL\ncarol ALL=(ALL:ALL) ALL\n",
            0o440,
        )
        os.mkdir(SSH_FOLDER)
        for key in ("host", "alice"):
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f",
                f"{SSH_FOLDER}/{key}")
        self._authorize("alice")
        with open(f"{SSH_FOLDER}/host.pub", encoding="ascii") as file:
            key = " ".join(file.read().split()[:2])
        write(
            f"{SSH_FOLDER}/known_hosts",
            f"[127.0.0.1]:{PORT} {key}\n[127.0.0.1]:{PORT_BARE} {key}\n",
        )
        self.start_sshd("sshd", PORT, "no")
        self._make_bare_service()
        self.start_sshd("sshd-bare", PORT_BARE, "yes")

    def _write_conf(self):
        """The conf that a site would write, as the README says."""
        os.makedirs(self.conf_folder, exist_ok=True)
        shutil.copy(self.api.settings["GLEWLWYD_CA"],
                    f"{self.conf_folder}/ca.pem")
        write(f"{self.conf_folder}/secret", self.api.secret + "\n", 0o600)
        write(
            f"{self.conf_folder}/default.conf",
            "provider      = glewlwyd\n"
            f"base          = {self.api.base}\n"
            f"client_id     = {self.api.settings['GLEWLWYD_CLIENT']}\n"
            f"client_secret = @file:{self.conf_folder}/secret\n"
            "scope         = linux\n"
            f"ca            = {self.conf_folder}/ca.pem\n"
            "[users]\n"
            "allow         = alice bob\n",
            0o600,
        )

    @staticmethod
    def _authorize(user):
        entry = pwd.getpwnam(user)
        folder = f"{entry.pw_dir}/.ssh"
        os.mkdir(folder, 0o700)
        shutil.copy(f"{SSH_FOLDER}/{user}.pub", f"{folder}/authorized_keys")
        for path in (folder, f"{folder}/authorized_keys"):
            os.chown(path, entry.pw_uid, entry.pw_gid)

    @staticmethod
    def _make_bare_service():
        """The example without what others add: the pause that pam_unix makes
        at random, and pam_faillock."""
        with open(f"{SOURCE}/pam.d-examples/sshd", encoding="utf-8") as file:
            lines = file.read().splitlines()
        bare = []
        for line in lines:
            # Two lines fewer to jump over, then one.
            line = line.replace("[success=2 ", "[success=1 ")
            line = line.replace("[success=3 ", "[success=2 ")
            line = line.replace("try_first_pass", "try_first_pass nodelay")
            if "pam_faillock.so" not in line:
                bare.append(line)
        write("/etc/pam.d/sshd-bare", "\n".join(bare) + "\n")

    def start_sshd(self, name, port, root):
        """sshd takes the name of its PAM service from its own."""
        program = f"{SSH_FOLDER}/{name}"
        os.symlink("/usr/sbin/sshd", program)
        config = f"{SSH_FOLDER}/{name}_config"
        write(config, SSHD_CONFIG.format(port=port, root=root,
                                         folder=SSH_FOLDER))
        with open(self.sshd_output, "ab") as output:
            subprocess.Popen(
                [program, "-D", "-f", config],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True,
            )
        eventually(lambda: answers(port), f"sshd listens on {port}")

    # --- using it -----------------------------------------------------------

    def ssh(self, user, command, method="password", port=PORT, options=()):
        """A terminal with ssh in it; types nothing yet."""
        key = method == "publickey"
        argv = [
            "ssh", "-F", "none", "-p", str(port),
            "-o", f"UserKnownHostsFile={SSH_FOLDER}/known_hosts",
            "-o", "StrictHostKeyChecking=yes",
            "-o", "LogLevel=ERROR",
            "-o", f"PreferredAuthentications={method}",
            "-o", f"PubkeyAuthentication={'yes' if key else 'no'}",
            "-o", "IdentitiesOnly=yes",
        ]
        if key:
            argv += ["-i", f"{SSH_FOLDER}/{user}"]
        # ssh keeps the first of two values.
        argv += [*options, "-o", "NumberOfPasswordPrompts=1",
                 f"{user}@127.0.0.1"]
        if command is not None:
            argv.append(command)
        return self.terminal(argv)

    def terminal(self, argv):
        made = Terminal(argv)
        self.terminals.append(made)
        return made

    def sign_in(self, user, method="password", tty=False, **more):
        """Signs USER in with the right password; the session stays open until
        leave()."""
        options = ("-tt",) if tty else ()
        command = None if tty else "echo READY; read line; echo GONE"
        session = self.ssh(user, command, method, options=options, **more)
        session.expect("[Pp]assword: ")
        session.type(self.password(user))
        session.expect(r"\$ " if tty else "READY")
        return session

    @staticmethod
    def leave(session, tty=False):
        session.type("exit" if tty else "")
        return session.finish()

    def refused(self, user, password, method="password", port=PORT):
        """Whether ssh turns USER away; with the seconds from Enter to the
        line in sshd's log."""
        mark = self.log.mark()
        session = self.ssh(user, "echo INSIDE", method, port)
        session.expect("[Pp]assword: ")
        entered = session.type(password)
        status = session.finish()
        moment, _ = self.log.wait(mark, f"Failed {method}.* for .*{user}")
        return status == 255 and "INSIDE" not in session.text, moment - entered

    @staticmethod
    def password(user):
        return PASSWORDS.get(user) or LOCAL_PASSWORDS[user]

    def authapi(self, *arguments, **more):
        return subprocess.run(
            ["authapi", *arguments], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, timeout=60, **more
        )

    @staticmethod
    def after_seconds(seconds, *argv):
        """Runs ARGV on a machine that has been up for SECONDS longer: in a
        time namespace.  There no process started when it did, so sessions
        that are open must not be looked at."""
        return run("unshare", "--time", "--boottime", str(seconds), "--fork",
                   *argv)

    # --- looking at it ------------------------------------------------------

    @staticmethod
    def running(name):
        """The process ids of programs of that NAME (15 letters at most)."""
        found = []
        for path in glob.glob("/proc/[0-9]*/comm"):
            try:
                with open(path, encoding="utf-8") as file:
                    if file.read() == f"{name}\n":
                        found.append(int(path.split("/")[2]))
            except OSError:
                continue  # it ended while we looked
        return found

    def helper(self):
        """The process id of a running helper, or None."""
        return next(iter(self.running("authapi-helper")), None)

    def written(self):
        """The bytes of every file that this run has written, but for those
        of the APIs."""
        for top in ("/etc", "/home", "/root", "/run", "/tmp", "/var"):
            for folder, folders, files in os.walk(top):
                if folder in API_FOLDERS:
                    folders.clear()
                    continue
                for name in files:
                    path = f"{folder}/{name}"
                    status = os.lstat(path)
                    if (stat.S_ISREG(status.st_mode)
                            and status.st_mtime >= self.started):
                        with open(path, "rb") as file:
                            yield path, file.read()

    def _realm(self, pattern):
        """In any realm: no user here has grants in two."""
        return sorted(glob.glob(f"{self.run_folder}/*/{pattern}"))

    def _grants(self, user):
        uid = pwd.getpwnam(user).pw_uid
        return self._realm(f"users/{uid}/grant")

    def grant(self, user):
        """The bytes of the held grant, or None."""
        found = self._grants(user)
        if not found:
            return None
        with open(found[0], "rb") as file:
            return file.read()

    def sessions(self, user):
        uid = pwd.getpwnam(user).pw_uid
        return len(self._realm(f"users/{uid}/sessions/*"))

    def held(self, user):
        """The tokens of the held grant: (access, refresh)."""
        data = self.grant(user)
        if data is None:
            raise Failure(f"nothing is held for {user}")
        return self.tokens_in(data)

    def tokens_in(self, data):
        text = data.decode("utf-8", "replace")
        access = re.search(r'access_token"\s*:\s*"([^"]+)"', text)
        refresh = re.search(r'refresh_token"\s*:\s*"([^"]+)"', text)
        if not access or not refresh:
            raise Failure("the grant holds no pair of tokens")
        pair = (access.group(1), refresh.group(1))
        self.tokens.update(pair)
        return pair

    def staged(self):
        return self._realm("staged/*/grant")

    def outbox(self):
        return self._realm("outbox/*/grant")

    def cached(self):
        """Every grant anywhere below the run folder."""
        return (self._realm("users/*/grant")
                + self._realm("users/*/sessions/*")
                + self.staged() + self.outbox())

    def wait_empty(self):
        eventually(lambda: not self.cached(),
                   "the run folder holds no grant and no session")

    def wait_revoked(self, tokens):
        """The server itself says that they are dead."""
        for token, kind in zip(tokens, ("access", "refresh")):
            eventually(lambda t=token: not self.api.active(t),
                       f"the server says that the {kind} token is dead")

    # --- around each test ---------------------------------------------------

    def before(self):
        self.log_mark = self.log.mark()
        for user in ("alice", "bob", "carol", "root"):
            run("faillock", "--user", user, "--reset")
        check_equal(self.cached(), [], "left by an earlier test")

    def after(self):
        for terminal in self.terminals:
            terminal.kill()
        self.terminals.clear()
        self.wait_empty()

    def clean_up(self):
        """After a failed test: makes the next one possible."""
        for terminal in self.terminals:
            terminal.kill()
        self.terminals.clear()
        time.sleep(1)
        for left in self._realm("users") + self._realm("staged") + \
                self._realm("outbox"):
            shutil.rmtree(left, ignore_errors=True)

    def evidence(self):
        return ["log:"] + [f"  {x}" for x in self.log.since(self.log_mark)] + [
            "run folder:"] + [f"  {x}" for x in self.cached()]


def run(*argv, **more):
    done = subprocess.run(
        argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        check=False, **more
    )
    if done.returncode:
        raise Failure(
            f"{' '.join(argv)} gave {done.returncode}: {done.stdout}")
    return done.stdout


def write(path, text, mode=0o644):
    with open(path, "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), mode)
        file.write(text)


def answers(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
