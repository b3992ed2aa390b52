/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * refresh.c - authapi refresh: new tokens for a user who holds some, now.
 */
#include "base/clock.h"
#include "cli/cli.h"
#include "session/account.h"
#include "session/renewal.h"

#include <stdio.h>
#include <stdlib.h>

/* How long to wait for somebody who is at work on them. */
#define HOLD_WAIT_MS 5000

static enum status
refresh(const struct arguments *arguments, const char *realm,
        const struct channel *channel)
{
    struct holding *holding = NULL;
    struct grant grant;
    uint32_t uid = 0;
    enum status status = account_find(arguments->user, &uid);

    grant_init(&grant);
    if (status == STATUS_OK)
        status =
            cache_hold(channel->cache, uid, false, HOLD_WAIT_MS, &holding);
    if (status == STATUS_OK)
        status = holding_load(holding, &grant);
    if (status == STATUS_OK
        && !grant_belongs(&grant, realm, arguments->user, uid))
        status = STATUS_NOT_FOUND;
    if (status == STATUS_OK)
        status = renewal_refresh(channel, holding, &grant);
    grant_clear(&grant);
    holding_release(holding);
    return status;
}

static void
say(const struct arguments *arguments, const char *realm, enum status status)
{
    if (status == STATUS_OK)
        printf("%s: refreshed\n", arguments->user);
    else if (status == STATUS_NOT_FOUND || status == STATUS_NO_SUCH_USER)
        printf("%s has no tokens in the realm %s\n", arguments->user, realm);
    else if (status == STATUS_BUSY)
        printf("%s: somebody else is at work on the tokens: try again\n",
               arguments->user);
    else
        printf("%s: not refreshed: %s\n", arguments->user,
               status_text(status));
}

int
verb_refresh(const struct arguments *arguments)
{
    struct channel channel = { .timeout_ms = arguments->timeout_ms,
                               .log = &arguments->log };
    char *realm = NULL, *conf = NULL;
    enum status status = STATUS_OK;

    if (!cli_root("refresh"))
        return EXIT_SYSTEM;
    realm = cli_realm(arguments);
    if (arguments->conf != NULL)
        conf = cli_conf(arguments);
    if (realm == NULL || (arguments->conf != NULL && conf == NULL))
        status = STATUS_NO_MEMORY;
    channel.conf = conf;
    if (status == STATUS_OK)
        status = cache_open(RUNDIR, realm, &arguments->log, &channel.cache);
    if (status == STATUS_OK)
        status = refresh(arguments, realm, &channel);
    say(arguments, realm != NULL ? realm : "default", status);
    cache_close(channel.cache);
    free(conf);
    free(realm);
    return cli_exit_code(status);
}
