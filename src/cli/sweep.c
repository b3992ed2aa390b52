/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sweep.c - authapi sweep: revoke what is owed to the API.
 */
#include "cli/cli.h"
#include "session/deliver.h"

#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>
#include <unistd.h>

struct sweeping {
    const struct arguments *arguments;
    char *conf;
    struct delivered total;
    bool failed;
};

static void
sweep_realm(void *context, const char *realm, struct cache *cache)
{
    struct sweeping *sweeping = context;
    struct delivered delivered = { 0, 0 };
    struct delivery delivery = {
        .cache = cache,
        .realm = realm,
        .conf = sweeping->conf,
        .timeout_ms = sweeping->arguments->timeout_ms,
        .log = &sweeping->arguments->log,
    };
    enum status status;

    if (sweeping->arguments->entry == NULL) {
        if (deliver_sweep(&delivery, &delivered) != STATUS_OK)
            sweeping->failed = true;
    } else {
        status = deliver_entry(&delivery, sweeping->arguments->entry);
        delivered.revoked = status == STATUS_OK;
        delivered.kept = status != STATUS_OK && status != STATUS_NOT_FOUND;
    }
    sweeping->total.revoked += delivered.revoked;
    sweeping->total.kept += delivered.kept;
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
    realms = cli_each_realm(arguments, sweep_realm, &sweeping);
    free(sweeping.conf);
    if (realms < 0 || sweeping.failed)
        return EXIT_SYSTEM;
    if (!arguments->detach)
        printf("%zu revoked, %zu left for the next sweep\n",
               sweeping.total.revoked, sweeping.total.kept);
    return sweeping.total.kept > 0 ? EXIT_REFUSED : EXIT_OK;
}
