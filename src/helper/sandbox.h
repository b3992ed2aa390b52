/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sandbox.h - what the helper gives up before it touches the network or a
 * password.
 *
 * In this order, each step resting on the one before:
 *
 *     sandbox_limit   as root: limits of our own, whatever was inherited
 *     sandbox_drop    no new privileges, the helper's user, no capabilities
 *     sandbox_hide    not dumpable: no core, no ptrace by the same uid
 *     sandbox_paths   Landlock: files can be read in a few places, no more
 *     sandbox_calls   seccomp: no programs, no signals, no namespaces
 *
 * Nothing here can be taken back.  This file refuses to go on half done:
 * every step but sandbox_paths is mandatory.
 */
#ifndef AUTHAPI_HELPER_SANDBOX_H
#define AUTHAPI_HELPER_SANDBOX_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Whether we were built with AddressSanitizer, which reserves terabytes. */
#if defined(__SANITIZE_ADDRESS__)
#define SANDBOX_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANDBOX_SANITIZED 1
#endif
#endif

/* Sets the resource limits (getrlimit(2)): no core files, nothing written to
 * files, a sane number of processes and descriptors, a cap on memory (not
 * under sanitizers). Best effort where a limit must
 * be raised and root may not. */
void sandbox_limit(void);

/* Becomes UID and GID for good: no new privileges, no supplementary groups,
 * all capability sets empty; then checks each.  STATUS_OK, or STATUS_SYSTEM
 * with *step naming what failed (static text) and errno set. */
enum status sandbox_drop(uid_t uid, gid_t gid, const char **step) MUST_USE;

/* Makes the process not dumpable and reads it back; must come after
 * sandbox_drop, because a change of uid resets it.  Returns as above. */
enum status sandbox_hide(const char **step) MUST_USE;

/* Leaves the file system readable only beneath /etc, /usr, /lib, /lib64 and
 * /run and beneath EXTRA (a file or a folder, whose entries may be links to
 * elsewhere; NULL: none).  STATUS_OK; STATUS_UNSUPPORTED when the kernel has
 * no Landlock: nothing is restricted then; STATUS_SYSTEM. */
enum status sandbox_paths(const char *extra, const char **step) MUST_USE;

/* Installs the system call filter.  Returns as sandbox_drop does. */
enum status sandbox_calls(const char **step) MUST_USE;

#endif
