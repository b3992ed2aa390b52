/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * check.c - authapi check: every problem of a conf, and no network.
 */
#include "cli/cli.h"
#include "provider/conf.h"

#include <stdio.h>
#include <stdlib.h>

struct tally {
    size_t problems;
    size_t warnings;
};

static void
report(void *context, bool warning, const char *file, int line,
       const char *key, const char *text)
{
    struct tally *tally = context;

    if (warning)
        tally->warnings++;
    else
        tally->problems++;
    printf("%s:", file);
    if (line > 0)
        printf("%d:", line);
    printf("%s ", warning ? " warning:" : "");
    if (key != NULL && key[0] != '\0')
        printf("%s: ", key);
    puts(text);
}

static const char *
plural(size_t count)
{
    return count == 1 ? "" : "s";
}

int
verb_check(const struct arguments *arguments)
{
    struct tally tally = { 0, 0 };
    struct conf_reporter reporter = { report, &tally };
    struct conf *conf = NULL;
    char *path = cli_conf(arguments);
    enum status status;

    if (path == NULL) {
        fprintf(stderr, "authapi: out of memory\n");
        return EXIT_SYSTEM;
    }
    status = conf_load(path, PROVIDERSDIR, &reporter, &conf);
    if (status == STATUS_OK)
        printf("%s: ok, with %zu warning%s; the description is %s\n", path,
               tally.warnings, plural(tally.warnings),
               conf->description_path != NULL ? conf->description_path
                                              : "in the conf itself");
    else
        printf("%s: %zu problem%s, %zu warning%s\n", path, tally.problems,
               plural(tally.problems), tally.warnings, plural(tally.warnings));
    conf_free(conf);
    free(path);
    return cli_exit_code(status);
}
