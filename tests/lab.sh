#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# lab.sh BUILD COMMAND... - runs COMMAND as root in a throwaway machine.
#
# The lab is a private mount, pid, network and uts namespace.  Its root is an
# overlay over the real one with everything written kept in memory, so users,
# service files, /etc, /run and /tmp can be changed freely and nothing of the
# real machine is touched; its network is a loopback of its own, so every port
# is free; and when COMMAND ends, every process it left behind is killed and
# all of it is gone.  The build in BUILD is installed there with its own
# "make install", and the helper's user is made as the README says.
#
# Inside, the source and build trees are at their real places (writes to them
# are real), HOME is /root, and LAB=1 is set.
set -eu

if [ "${LAB_STAGE-}" = "" ]; then
    [ "$(id -u)" = 0 ] || { echo "lab.sh: must run as root" >&2; exit 77; }
    [ $# -ge 2 ] || { echo "usage: lab.sh BUILD COMMAND..." >&2; exit 2; }
    build=$(cd "$1" && pwd -P)
    source=$(cd "$(dirname "$0")/.." && pwd -P)
    here=$(pwd -P)
    shift
    disk=$(mktemp -d)
    chmod 755 "$disk"
    # In a chroot / is no mount point, and its propagation cannot be changed:
    # then our one mount may be seen outside, and is taken away afterwards.
    propagation=private
    unshare --mount --propagation private true 2>/dev/null ||
        propagation=unchanged
    status=0
    LAB_STAGE=mount LAB_BUILD=$build LAB_SOURCE=$source LAB_DISK=$disk \
        LAB_HERE=$here unshare --mount --propagation $propagation --pid \
        --fork --kill-child --net --uts -- "$0" "$@" || status=$?
    [ $propagation = private ] || umount -l "$disk" 2>/dev/null || :
    rmdir "$disk"
    exit "$status"
fi

if [ "$LAB_STAGE" = mount ]; then
    mount -t tmpfs -o mode=755 lab "$LAB_DISK"
    mount --make-rprivate "$LAB_DISK"
    root=$LAB_DISK/root
    mkdir "$LAB_DISK/up" "$LAB_DISK/work" "$root"
    mount -t overlay lab -o \
        "lowerdir=/,upperdir=$LAB_DISK/up,workdir=$LAB_DISK/work" "$root"
    mount -t tmpfs -o mode=1777 lab "$root/tmp"
    mount -t tmpfs -o mode=755 lab "$root/run"
    mkdir -p "$root/run/lock" "$root/run/sshd"
    mount -t proc proc "$root/proc"
    mount --rbind --make-rslave /sys "$root/sys"
    mount -t tmpfs -o mode=755 lab "$root/dev"
    for node in null zero full random urandom tty; do
        : > "$root/dev/$node"
        mount --bind "/dev/$node" "$root/dev/$node"
    done
    mkdir "$root/dev/pts" "$root/dev/shm"
    mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts \
        "$root/dev/pts"
    mount -t tmpfs -o mode=1777 lab "$root/dev/shm"
    ln -s pts/ptmx "$root/dev/ptmx"
    ln -s /proc/self/fd "$root/dev/fd"
    ln -s /proc/self/fd/0 "$root/dev/stdin"
    ln -s /proc/self/fd/1 "$root/dev/stdout"
    ln -s /proc/self/fd/2 "$root/dev/stderr"
    for tree in "$LAB_SOURCE" "$LAB_BUILD"; do
        mkdir -p "$root$tree"
        mount --bind "$tree" "$root$tree"
    done
    hostname lab
    printf '%s\n' "127.0.0.1 localhost" "::1 localhost" "127.0.1.1 lab" \
        >"$root/etc/hosts"
    ip link set lo up
    LAB_STAGE=install exec chroot "$root" "$LAB_SOURCE/tests/lab.sh" "$@"
fi

unset LAB_STAGE
cd "$LAB_BUILD"
user=$(sed -n 's/^helper_user = //p' Makefile)
getent passwd "$user" >/dev/null || useradd --system --user-group \
    --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin "$user"
make -s install >/tmp/install.log 2>&1 || {
    cat /tmp/install.log >&2
    exit 1
}
# What a boot does with tmpfiles.d/authapi.conf.
install -d -m 711 "$(sed -n 's/^rundir = //p' Makefile)"
cd "$LAB_HERE" 2>/dev/null || cd /
export LAB=1 HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
unset LAB_DISK LAB_HERE
"$@"
