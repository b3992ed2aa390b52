#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""static.py --build BUILD - what can be said without running anything.

Reads the sources and the built files and keeps what DESIGN promises of them:
who includes whom, what the module exports and needs, which calls it never
makes.  Prints TAP.  It refuses to run a line of the software itself.
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[2]

ENTRIES = {"pam_sm_authenticate", "pam_sm_setcred", "pam_sm_acct_mgmt",
           "pam_sm_open_session", "pam_sm_close_session", "pam_sm_chauthtok"}

# room -> the rooms it may include
ARROWS = {
    "base": {"base"},
    "provider": {"provider", "base"},
    "session": {"session", "base"},
    "helper": {"helper", "provider", "base"},
    "cli": {"cli", "session", "provider", "base"},
    "module": {"module", "session", "base"},
}

# system header -> the files that may include it
KEEPERS = [
    (r"security/.*", r"module/.*"),
    (r"curl/.*", r"helper/http\.[ch]"),
    (r"jwt\.h", r"helper/jwt\.[ch]"),
    (r"seccomp\.h", r"helper/(filter|sandbox)\.[ch]"),
    (r"linux/landlock\.h", r"helper/landlock\.[ch]"),
    (r"ini\.h", r"provider/.*"),
    (r"jansson\.h", r"(provider|helper|cli)/.*"),
]

# The module is a guest: what these change belongs to its host.  fork is not
# safe in a host with threads; a shell is never safe.
BANNED_IN_MODULE = """
    setenv putenv unsetenv clearenv getenv secure_getenv
    signal sigaction sigprocmask alarm setitimer
    chdir fchdir umask chroot
    fork vfork clone execve execv execvp execl execlp execle execvpe fexecve
    pthread_create thrd_create dlopen
    exit _exit abort atexit openlog closelog
    setuid seteuid setreuid setresuid setgid setegid setregid setresgid
    setgroups initgroups setlocale syslog
    """.split()

# Nobody calls these: no bounds, no error, a shell, or a name to guess.
BANNED_EVERYWHERE = """
    strcpy strcat stpcpy sprintf vsprintf gets scanf sscanf fscanf strtok
    atoi atol atoll atof tmpnam tempnam mktemp system popen wordexp alloca
    realpath readdir_r rand random
    """.split()


class Tap:
    """Counts and prints test points."""

    def __init__(self):
        self.count = 0
        self.failed = False

    def point(self, name, problems=(), skip=None):
        """One test point; PROBLEMS, if any, make it fail and are shown."""
        self.count += 1
        problems = list(problems)
        word = "not ok" if problems and not skip else "ok"
        print(f"{word} {self.count} - {name}"
              + (f" # SKIP {skip}" if skip else ""))
        if word != "ok":
            self.failed = True
            for problem in problems:
                print(f"# {problem}")

    def end(self):
        """Prints the plan; the exit status of the whole."""
        print(f"1..{self.count}")
        return 1 if self.failed else 0


def output(*command):
    """What COMMAND prints; an error of its own ends the test."""
    return subprocess.run(command, check=True, stdout=subprocess.PIPE,
                          text=True, env={**os.environ, "LC_ALL": "C"}).stdout


def without_comments(text):
    """C source without its comments; strings stay, lines keep their count."""
    token = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\''
                       r"|/\*.*?\*/|//[^\n]*", re.S)

    def keep(match):
        text = match.group(0)
        return "\n" * text.count("\n") if text.startswith("/") else text

    return token.sub(keep, text)


def sources():
    """Every C file below src/, as (path below src, text)."""
    for path in sorted((SOURCE / "src").rglob("*.[ch]")):
        yield path.relative_to(SOURCE / "src").as_posix(), path.read_text()


def includes():
    """(path, line number, '<' or '\"', header) of every include."""
    for path, text in sources():
        for number, line in enumerate(without_comments(text).split("\n"), 1):
            match = re.match(r'\s*#\s*include\s*([<"])([^>"]*)[>"]', line)
            if match:
                yield path, number, match.group(1), match.group(2)
            elif re.match(r"\s*#\s*include\b", line):
                yield path, number, "?", line.strip()


def wrong_arrows():
    """Includes of our own headers that DESIGN's arrows do not allow."""
    for path, number, kind, header in includes():
        room = path.split("/")[0]
        if room not in ARROWS:
            yield f"src/{path}: no such room in DESIGN"
        elif kind == "?":
            yield f"src/{path}:{number}: cannot be read: {header}"
        elif kind == '"' and not (SOURCE / "src" / header).is_file():
            yield f"src/{path}:{number}: no src/{header}"
        elif kind == '"' and header.split("/")[0] not in ARROWS[room]:
            yield f"src/{path}:{number}: {room} must not include {header}"


def wrong_keepers():
    """System headers outside the file that keeps the library."""
    for path, number, kind, header in includes():
        for pattern, keeper in KEEPERS:
            if (kind == "<" and re.fullmatch(pattern, header)
                    and not re.fullmatch(keeper, path)):
                yield f"src/{path}:{number}: <{header}> belongs to {keeper}"


STORE = [f"session/{name}.c" for name in (
    "cache", "export", "folder", "holding", "outbox", "sessions", "staged")]


def run_folder_users():
    """Code that knows a path below the run folder, not just its name."""
    below = re.compile(r'RUNDIR\s*"|"\s*RUNDIR|"/run/authapi'
                       r'|"/?(staged|outbox|sessions|tokens)/'
                       r'|#\s*include\s*"session/store\.h"')
    for path, text in sources():
        if path in STORE:
            continue
        for number, line in enumerate(without_comments(text).split("\n"), 1):
            if below.search(line):
                yield f"src/{path}:{number}: {line.strip()}"


def not_built():
    """C files that the build does not name."""
    makefile = (SOURCE / "Makefile.am").read_text()
    names = [path.relative_to(SOURCE).as_posix()
             for folder in ("src", "tests")
             for path in (SOURCE / folder).rglob("*.[ch]")]
    for name in sorted(names):
        if not re.search(rf"(^|\s){re.escape(name)}(\s|$)", makefile, re.M):
            yield f"{name} is not in Makefile.am"


def not_in_architecture():
    """Files of src/ that ARCHITECTURE.md does not name; names that are no
    file."""
    text = (SOURCE / "ARCHITECTURE.md").read_text()
    named = set(re.findall(r"\b(\w+\.h) is theirs", text))
    stems = {f"{room}/{name}"
             for room, names in re.findall(r"^\| (\w+)/([\w, ]+) \|", text,
                                           re.M)
             for name in names.split(", ")}
    found = set()
    for path, _ in sources():
        stem = path.rsplit(".", 1)[0]
        found.add(stem)
        if stem not in stems and path.split("/")[1] not in named:
            yield f"src/{path} is not in ARCHITECTURE.md"
    for stem in sorted(stems - found):
        yield f"ARCHITECTURE.md names src/{stem}, which is not there"


def not_documented():
    """Arguments of a PAM line, verbs and options that a manual, the README or
    --help does not name."""
    def names(path, table, pattern):
        text = (SOURCE / path).read_text()
        found = re.findall(
            pattern, re.search(table + r"\[\] = \{(.*?)\n\};", text,
                               re.S).group(1))
        if not found:
            raise ValueError(f"{path}: {table} cannot be read")
        return found

    def lacks(path, name):
        text = (SOURCE / path).read_text().replace("\\-", "-")
        return not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text)

    for name in names("src/module/options.c", "table", r'{ "(\w+)"'):
        for path in ("README.md", "doc/pam_authapi.8"):
            if lacks(path, name):
                yield f"{path}: no argument {name}"
    command = "src/cli/authapi.c"
    said = re.search(r"help\[\] =(.*?);\n", (SOURCE / command).read_text(),
                     re.S).group(1)
    for name in [f"authapi {verb}"
                 for verb in names(command, "verbs", r'{ "(\w+)"')] \
            + [f"--{option}"
               for option in names(command, "options", r'{ "([\w-]+)"')]:
        if lacks("doc/authapi.8", name):
            yield f"doc/authapi.8: no {name}"
        if not re.search(rf"{re.escape(name)}(?![\w-])", said):
            yield f"authapi --help: no {name}"


def project_files():
    """Every file of the project; what git ignores is none."""
    git = subprocess.run(
        ["git", "-c", "safe.directory=*", "-C", str(SOURCE), "ls-files", "-z",
         "--cached", "--others", "--exclude-standard"],
        check=False, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    if git.returncode == 0 and (SOURCE / ".git").exists():
        for name in git.stdout.decode().split("\0"):
            if name and (SOURCE / name).is_file():
                yield SOURCE / name
        return
    # A tarball, perhaps built in: what make made has none of these names.
    kinds = {".c", ".h", ".py", ".sh", ".test", ".api", ".ini", ".md", ".in",
             ".am", ".map", ".5", ".8"}
    for folder in (".", "src", "tests", "providers", "pam.d-examples", "demo",
                   "doc", "data"):
        found = (SOURCE / folder).rglob("*")
        for path in sorted((SOURCE).glob("*") if folder == "." else found):
            if (path.is_file() and path.suffix in kinds
                    and path.name not in ("config.h.in", "Makefile.in",
                                          "config.h")):
                yield path


def without_license():
    """Files whose first lines do not name the license."""
    for path in project_files():
        if path.name == "LICENSE":
            continue
        head = path.read_text(errors="replace")[:1000]
        if "SPDX-License-Identifier: BSD-3-Clause" not in head:
            yield f"{path.relative_to(SOURCE)}: no SPDX line"


def symbols(path, which):
    """The dynamic symbols of PATH, without their versions."""
    lines = output("nm", "-D", which, str(path)).splitlines()
    return {line.split()[-1].split("@")[0] for line in lines}


def wrong_exports(module):
    """Differences between what the module exports and the six entries."""
    found = symbols(module, "--defined-only")
    for name in sorted(found - ENTRIES):
        yield f"exports {name}"
    for name in sorted(ENTRIES - found):
        yield f"does not export {name}"


def wrong_needed(module):
    """Differences between what the module needs and libpam and libc."""
    needed = set(re.findall(r"\(NEEDED\).*\[(.*)\]",
                            output("readelf", "-dW", str(module))))
    for name in sorted(needed ^ {"libpam.so.0", "libc.so.6"}):
        yield f"{'needs' if name in needed else 'does not need'} {name}"


def banned_calls(path, names):
    """Calls of NAMES, in their checked forms too."""
    found = symbols(path, "--undefined-only")
    for name in names:
        if {name, f"__{name}_chk", f"__isoc99_{name}"} & found:
            yield f"{path.name} calls {name}"


def soft_spots(path):
    """What the linker's hardening flags should have left in PATH."""
    dynamic = output("readelf", "-dW", str(path))
    segments = output("readelf", "-lW", str(path))
    kind = output("readelf", "-hW", str(path))
    if "BIND_NOW" not in dynamic:
        yield f"{path.name}: symbols are bound late"
    if "GNU_RELRO" not in segments:
        yield f"{path.name}: no read-only relocations"
    if "TEXTREL" in dynamic:
        yield f"{path.name}: writes to its own text"
    if not re.search(r"Type:\s+DYN", kind):
        yield f"{path.name}: not position independent"
    if not re.search(r"GNU_STACK(\s+0x[0-9a-f]+){5}\s+RW\s", segments):
        yield f"{path.name}: executable stack"
    if re.search(r"RPATH|RUNPATH", dynamic):
        yield f"{path.name}: names a folder to look for libraries in"


def makefile_value(build, name):
    """A variable of BUILD's Makefile, with those it names filled in."""
    values = dict(re.findall(r"^(\w+) = (.*)$",
                             (build / "Makefile").read_text(), re.M))
    text = values[name]
    while "$" in text:
        text = re.sub(r"\$[({](\w+)[)}]", lambda one: values[one[1]], text)
    return text


def wrong_schedules(build):
    """What starts the sweep, if it names another command than ours."""
    command = makefile_value(build, "bindir") + "/authapi sweep"
    for name, line in (("authapi-sweep.service", f"ExecStart={command}\n"),
                       ("authapi.cron", f"|| {command} ")):
        text = (build / "data" / name).read_text()
        if line not in text:
            yield f"data/{name} does not start {command}"
        for left in re.findall(r"@\w+@", text):
            yield f"data/{name}: {left} is not filled in"


def main():
    """Runs all of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True, type=pathlib.Path)
    build = parser.parse_args().build

    module = build / ".libs" / "pam_authapi.so"
    programs = [build / "authapi-helper", build / "authapi"]
    special = None
    flags = re.search(r"^HARDEN_CFLAGS = (.*)$",
                      (build / "Makefile").read_text(), re.M)
    if re.search(r"-fsanitize|--coverage", flags.group(1)):
        special = "an instrumented build"

    tap = Tap()
    tap.point("the rooms include only what stands below them",
              wrong_arrows())
    tap.point("each library is known to its keeper only", wrong_keepers())
    tap.point("only the cache knows paths below the run folder",
              run_folder_users())
    tap.point("every C file is in the build", not_built())
    tap.point("ARCHITECTURE.md names every file of src/ and no other",
              not_in_architecture())
    tap.point("arguments, verbs and options are documented",
              not_documented())
    tap.point("every file names its license", without_license())
    tap.point("the module exports the six entries and nothing else",
              wrong_exports(module))
    tap.point("the module needs libpam and libc and nothing else",
              wrong_needed(module), special)
    tap.point("the module leaves its host alone",
              banned_calls(module, BANNED_IN_MODULE), special)
    tap.point("the timer and cron start the installed command",
              wrong_schedules(build))
    for path in [module, *programs]:
        tap.point(f"{path.name} calls no dangerous function",
                  banned_calls(path, BANNED_EVERYWHERE), special)
        tap.point(f"{path.name} is linked hardened", soft_spots(path),
                  special)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
