/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * revoke.c - authapi revoke: take back all tokens of a user, now.
 */
#include "cli/cli.h"
#include "session/deliver.h"

#include <stdio.h>
#include <stdlib.h>

int
verb_revoke(const struct arguments *arguments)
{
    struct delivered delivered = { 0 };
    struct channel channel = { 0 };
    struct cache *cache = NULL;
    char *realm = NULL, *conf = NULL;
    enum status status;

    if (!cli_root("revoke"))
        return EXIT_SYSTEM;
    realm = cli_realm(arguments);
    if (arguments->conf != NULL)
        conf = cli_conf(arguments);
    status = realm == NULL || (arguments->conf != NULL && conf == NULL)
                 ? STATUS_NO_MEMORY
                 : cache_open(RUNDIR, realm, &arguments->log, &cache);
    if (status == STATUS_OK) {
        channel.cache = cache;
        channel.conf = conf;
        channel.timeout_ms = arguments->timeout_ms;
        channel.log = &arguments->log;
        status = deliver_user(&channel, arguments->user, &delivered);
    }
    cache_close(cache);
    if (status == STATUS_OK
        && delivered.revoked + delivered.kept + delivered.given_up == 0) {
        printf("%s has no tokens in the realm %s\n", arguments->user, realm);
    } else if (status == STATUS_OK) {
        printf("%s: %zu revoked, %zu left for the next sweep", arguments->user,
               delivered.revoked, delivered.kept);
        if (delivered.given_up > 0)
            printf(", %zu given up", delivered.given_up);
        putchar('\n');
    }
    free(conf);
    free(realm);
    if (status == STATUS_OK && delivered.kept > 0)
        return EXIT_REFUSED;
    return cli_exit_code(status);
}
