/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * options.h - the arguments of a PAM line: the policy of that line.
 */
#ifndef AUTHAPI_MODULE_OPTIONS_H
#define AUTHAPI_MODULE_OPTIONS_H

#include "base/message.h"
#include "base/status.h"

#include <security/pam_modules.h>
#include <stdbool.h>

struct options {
    char realm[REALM_MAX + 1]; /* realm=NAME, "default" */
    long minimum_uid;          /* minimum_uid=N, 1000 */
    long timeout_s;            /* timeout=SECONDS, 10 */
    long use_first_pass;       /* 1: take the password an earlier module left
                                * and never ask */
    long try_first_pass;       /* 1: take it if there is one, else ask */
    long max_age_s;            /* max_age=SECONDS, 300: how old what the API
                                * said may be in the account phase */
    long offline_allow;        /* offline=allow|deny, deny: that phase without
                                * an API */
    long defer_expired;        /* 1: an expired but proven password goes on to
                                * the account phase */
    long reuse;                /* reuse=off|session, off: a password that was
                                * typed in this very session may do */
    long reuse_max_age_s;      /* reuse_max_age=SECONDS, 900: for so long */
    long export;               /* export=none|file, none: the access token for
                                * programs of the user */
    long expired_deny;         /* expired=allow|deny, allow: a session whose
                                * tokens are dead when it opens */
    long revoke_wait;          /* revoke=later|wait, later: the last close
                                * waits for the revocation */
    long debug;                /* 1: log what is done */
};

/* Reads ARGV.  STATUS_OK; STATUS_MISCONFIGURED after a log line for each
 * argument that is unknown or malformed. */
enum status options_parse(pam_handle_t *pamh, int argc, const char **argv,
                          struct options *options) MUST_USE;

#endif
