#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# demo.sh - shows one user's way from sign-in to logout.  "make demo" runs it
# as "tests/lab.sh BUILD demo/demo.sh": in a throwaway machine, of which
# nothing is left when it ends.
set -eu

if [ "${LAB-}" != 1 ]; then
    echo "demo.sh rewrites /etc/pam.d: run it with \"make demo\"" >&2
    exit 1
fi
here=$(cd "$(dirname "$0")" && pwd -P)
exec /usr/bin/python3 "$here/demo.py"
