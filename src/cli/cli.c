/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cli.c - what the verbs of the administrator's command share.
 */
#include "cli/cli.h"
#include "base/message.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SUFFIX ".conf"

/* The file's name without ".conf", where that can be a realm; else NULL. */
static char *
realm_of_file(const char *file)
{
    const char *slash = strrchr(file, '/');
    char *name = strdup(slash != NULL ? slash + 1 : file);
    size_t length = name != NULL ? strlen(name) : 0;

    if (length > strlen(SUFFIX)
        && strcmp(name + length - strlen(SUFFIX), SUFFIX) == 0)
        name[length - strlen(SUFFIX)] = '\0';
    if (name != NULL && !realm_valid(name)) {
        free(name);
        name = NULL;
    }
    return name;
}

char *
cli_realm(const struct arguments *arguments)
{
    char *realm = NULL;

    if (arguments->realm != NULL)
        return strdup(arguments->realm);
    if (arguments->conf != NULL)
        realm = realm_of_file(arguments->conf);
    return realm != NULL ? realm : strdup("default");
}

char *
cli_conf(const struct arguments *arguments)
{
    char folder[PATH_MAX], *path = NULL, *realm;

    if (arguments->conf != NULL && arguments->conf[0] == '/')
        return strdup(arguments->conf);
    if (arguments->conf != NULL) {
        if (getcwd(folder, sizeof(folder)) == NULL
            || asprintf(&path, "%s/%s", folder, arguments->conf) < 0)
            return NULL;
        return path;
    }
    realm = cli_realm(arguments);
    if (realm == NULL || asprintf(&path, "%s/%s.conf", CONFDIR, realm) < 0)
        path = NULL;
    free(realm);
    return path;
}

bool
cli_root(const char *verb)
{
    if (geteuid() == 0)
        return true;
    fprintf(stderr, "authapi: %s must be run as root\n", verb);
    return false;
}

struct realm_round {
    const struct arguments *arguments;
    const char *only; /* NULL: every realm */
    void (*visit)(void *context, const char *realm, struct cache *cache);
    void *context;
    int count; /* -1: one could not be opened */
};

static bool
visit_realm(void *context, const char *realm)
{
    struct realm_round *round = context;
    struct cache *cache = NULL;

    if (round->only != NULL && strcmp(round->only, realm) != 0)
        return true;
    if (cache_open(RUNDIR, realm, &round->arguments->log, &cache)
        != STATUS_OK) {
        round->count = -1;
        return false;
    }
    round->visit(round->context, realm, cache);
    cache_close(cache);
    round->count++;
    return true;
}

int
cli_each_realm(const struct arguments *arguments,
               void (*visit)(void *context, const char *realm,
                             struct cache *cache),
               void *context)
{
    struct realm_round round = { arguments, NULL, visit, context, 0 };
    char *only = NULL;

    if (arguments->realm != NULL || arguments->conf != NULL) {
        only = cli_realm(arguments);
        if (only == NULL)
            return -1;
        round.only = only;
    }
    if (cache_each_realm(RUNDIR, &arguments->log, visit_realm, &round)
        != STATUS_OK)
        round.count = -1;
    free(only);
    return round.count;
}

int
cli_exit_code(enum status status)
{
    if (status == STATUS_OK)
        return EXIT_OK;
    if (status == STATUS_MISCONFIGURED)
        return EXIT_MISCONFIGURED;
    if (status == STATUS_UNAVAILABLE || status == STATUS_DEADLINE)
        return EXIT_UNAVAILABLE;
    if (status == STATUS_SYSTEM || status == STATUS_NO_MEMORY)
        return EXIT_SYSTEM;
    return EXIT_REFUSED;
}
