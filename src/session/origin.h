/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * origin.h - which login session a process belongs to.
 *
 * The kernel's audit session names it, where a login has been given one of
 * its own; else the controlling terminal and the process session on it do,
 * and that must descend from the process that opened the login session.  This
 * file refuses to guess: what it cannot read belongs nowhere.
 */
#ifndef AUTHAPI_SESSION_ORIGIN_H
#define AUTHAPI_SESSION_ORIGIN_H

#include "base/grant.h"

#include <stdbool.h>
#include <stdint.h>

struct origin {
    int64_t audit;    /* 0: none */
    int64_t terminal; /* device of the controlling one; 0: none */
    int64_t shell;    /* pid of the leader of the process session */
    int64_t shell_started_at;
};

/* Where this process is. */
struct origin origin_here(void);

/* The audit session of this process, if it was made for it: 0 where there is
 * none, or where it is that of the parent process too (a host that somebody
 * started from a shell, before pam_loginuid has had its turn). */
int64_t origin_audit_opened(void);

/* Whether ORIGIN is in the session of RECORD, whose leader runs: here and
 * now, under this kernel and in this pid namespace. */
bool origin_within(const struct origin *origin,
                   const struct session_record *record) MUST_USE;

#endif
