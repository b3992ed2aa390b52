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
    long debug;                /* 1: log what is done */
};

/* Reads ARGV.  STATUS_OK; STATUS_MISCONFIGURED after a log line for each
 * argument that is unknown or malformed. */
enum status options_parse(pam_handle_t *pamh, int argc, const char **argv,
                          struct options *options) MUST_USE;

#endif
