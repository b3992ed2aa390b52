/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cli.h - what the verbs of the administrator's command share.
 */
#ifndef AUTHAPI_CLI_CLI_H
#define AUTHAPI_CLI_CLI_H

#include "base/log.h"
#include "base/status.h"
#include "session/cache.h"

#include <stdbool.h>
#include <stddef.h>

/* Exit codes; authapi(8) and --help say the same. */
enum exit_code {
    EXIT_OK = 0,
    EXIT_REFUSED = 1,       /* the API refused, something was kept back, or
                             * there is no token */
    EXIT_USAGE = 2,         /* the command line is wrong */
    EXIT_MISCONFIGURED = 3, /* the conf or the description is wrong */
    EXIT_UNAVAILABLE = 4,   /* the API could not be reached in time */
    EXIT_SYSTEM = 5,        /* not root, no run folder, out of memory */
};

/* The command line. */
struct arguments {
    const char *conf;  /* --conf FILE; NULL: the realm's own */
    const char *realm; /* --realm NAME; NULL: not given */
    const char *user;  /* USER, for the verbs that take one; else NULL */
    const char *entry; /* --entry ID */
    const char *owner; /* --user NAME: whose entries beside that */
    bool now;          /* sweep: what is not due too */
    bool json;
    bool otp; /* try: a second line of standard input is the second factor */
    bool detach;
    int timeout_ms;
    struct log log; /* standard error */
};

/* The verbs.  Each returns an exit code. */
int verb_check(const struct arguments *arguments);
int verb_try(const struct arguments *arguments);
int verb_status(const struct arguments *arguments);
int verb_revoke(const struct arguments *arguments);
int verb_sweep(const struct arguments *arguments);
int verb_refresh(const struct arguments *arguments);
int verb_token(const struct arguments *arguments);

/* The realm that is meant: --realm, else the name of the --conf file without
 * ".conf" where that can be a realm, else "default". Owned by the caller;
 * NULL: out of memory. */
char *cli_realm(const struct arguments *arguments) MUST_USE;

/* The conf file that is meant: --conf made absolute, else the realm's own.
 * Owned by the caller; NULL: out of memory. */
char *cli_conf(const struct arguments *arguments) MUST_USE;

/* Whether we are root; if not, says that VERB needs it. */
bool cli_root(const char *verb) MUST_USE;

/* Calls VISIT with every realm that is meant and has a folder: the one that
 * --realm or --conf name, else all.  Returns how many there were; -1 when the
 * run folder cannot be used (said). */
int cli_each_realm(const struct arguments *arguments,
                   void (*visit)(void *context, const char *realm,
                                 struct cache *cache),
                   void *context);

/* The exit code for what was decided. */
int cli_exit_code(enum status status) MUST_USE;

#endif
