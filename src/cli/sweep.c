/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sweep.c - authapi sweep: revoke what is owed to the API, refresh what is
 * due.
 */
#include "session/sweep.h"
#include "base/clock.h"
#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>
#include <unistd.h>

/* A run ends before too many others wait behind it. */
#define RUN_MS (4 * 60 * 1000)

struct sweeping {
    const struct arguments *arguments;
    char *conf;
    int64_t by_ms; /* nothing is begun after that */
    struct delivered total;
    bool failed;
};

/* One entry, and then its user's others. */
static enum status
sweep_entry(const struct channel *channel, const struct arguments *arguments,
            struct delivered *delivered)
{
    enum status status =
        deliver_entry(channel, arguments->entry, true, delivered);

    if (arguments->owner == NULL || deliver_hopeless(status))
        return STATUS_OK;
    return deliver_owed(channel, arguments->owner, delivered);
}

static void
sweep_one(void *context, const char *realm, struct cache *cache)
{
    struct sweeping *sweeping = context;
    const struct arguments *arguments = sweeping->arguments;
    struct delivered delivered = { 0 };
    const struct channel channel = { .cache = cache,
                                     .conf = sweeping->conf,
                                     .timeout_ms = arguments->timeout_ms,
                                     .log = &arguments->log };
    enum status status;

    (void)realm;
    status = arguments->entry != NULL
                 ? sweep_entry(&channel, arguments, &delivered)
                 : sweep_realm(&channel, arguments->now, sweeping->by_ms,
                               &delivered);
    if (status != STATUS_OK)
        sweeping->failed = true;
    sweeping->total.revoked += delivered.revoked;
    sweeping->total.kept += delivered.kept;
    sweeping->total.given_up += delivered.given_up;
    sweeping->total.refreshed += delivered.refreshed;
}

static void
write_syslog(void *context, int priority, const char *line)
{
    (void)context;
    syslog(LOG_AUTHPRIV | priority, "%s", line);
}

/* Lets whoever started us go on; from here on lines go to the log.  False in
 * the process that is to leave. */
static bool
go_behind(struct arguments *arguments, int *code)
{
    pid_t pid = fork();

    if (pid != 0) {
        *code = pid > 0 ? EXIT_OK : EXIT_SYSTEM;
        return false;
    }
    openlog("authapi", LOG_PID, LOG_AUTHPRIV);
    arguments->log.write = write_syslog;
    return true;
}

int
verb_sweep(const struct arguments *given)
{
    struct arguments own = *given, *arguments = &own;
    struct sweeping sweeping = { .arguments = arguments };
    int realms, code = EXIT_OK;

    if (!cli_root("sweep"))
        return EXIT_SYSTEM;
    if (arguments->detach && !go_behind(arguments, &code))
        return code;
    if (arguments->conf != NULL) {
        sweeping.conf = cli_conf(arguments);
        if (sweeping.conf == NULL)
            return EXIT_SYSTEM;
    }
    sweeping.by_ms = clock_ms() + RUN_MS;
    realms = cli_each_realm(arguments, sweep_one, &sweeping);
    free(sweeping.conf);
    if (realms < 0 || sweeping.failed)
        return EXIT_SYSTEM;
    if (!arguments->detach) {
        printf("%zu revoked, %zu left for the next sweep",
               sweeping.total.revoked, sweeping.total.kept);
        if (sweeping.total.refreshed > 0)
            printf(", %zu refreshed", sweeping.total.refreshed);
        if (sweeping.total.given_up > 0)
            printf(", %zu given up", sweeping.total.given_up);
        putchar('\n');
    }
    return sweeping.total.kept > 0 ? EXIT_REFUSED : EXIT_OK;
}
