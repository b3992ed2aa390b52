/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * authapi.c - the administrator's command: its words, and which verb they
 * mean.
 */
#include "base/message.h"
#include "cli/cli.h"
#include "session/folder.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#define TIMEOUT_S 10
#define TIMEOUT_MOST_S 300

static const char help[] =
    "Usage: authapi VERB [OPTIONS] [USER]\n"
    "\n"
    "Looks after the sign-ins of pam_authapi.\n"
    "\n"
    "  authapi check              read the conf and report every problem\n"
    "  authapi try USER           sign USER in at the API, refresh, revoke,\n"
    "                             and say what each step gave; the password\n"
    "                             comes from standard input\n"
    "  authapi status             who has tokens, since when, until when\n"
    "  authapi token              print your own access token, where the\n"
    "                             session line says export=file\n"
    "  authapi refresh USER       refresh the tokens of USER at once\n"
    "  authapi revoke USER        take back all tokens of USER at once\n"
    "  authapi sweep              revoke what is owed, refresh what is due;\n"
    "                             for a timer or cron\n"
    "\n"
    "Options\n"
    "  --realm NAME       the realm [default; status and sweep: all]\n"
    "  --conf FILE        a conf file in place of " CONFDIR "/REALM.conf\n"
    "  --json             print JSON (try, status)\n"
    "  --otp              a second line of standard input is the second\n"
    "                     factor (try)\n"
    "  --timeout SECONDS  how long each step may take, 1 to 300 [10]\n"
    "  --now              what is not due yet, too (sweep)\n"
    "  --entry ID         only this entry of the outbox (sweep)\n"
    "  --user NAME        with --entry: and what is due of NAME (sweep)\n"
    "  --detach           do it in the background (sweep)\n"
    "  --debug            say more, on standard error\n"
    "  --help, --version\n"
    "\n"
    "Examples\n"
    "  authapi check --realm default\n"
    "  authapi try alice < password-file\n"
    "  authapi try alice --conf ./new.conf --json\n"
    "  curl -H \"Authorization: Bearer $(authapi token)\" URL\n"
    "\n"
    "Exit codes\n"
    "  0  done, and all went as it should\n"
    "  1  the API refused, something is left for the next sweep, or there\n"
    "     is no token\n"
    "  2  the command line is wrong\n"
    "  3  the conf or the provider description is wrong\n"
    "  4  the API could not be reached in time\n"
    "  5  not root, no usable run folder, or the system refused\n";

struct verb {
    const char *name;
    int (*run)(const struct arguments *arguments);
    bool takes_user;
};

static const struct verb verbs[] = {
    { "check", verb_check, false },   { "try", verb_try, true },
    { "status", verb_status, false }, { "revoke", verb_revoke, true },
    { "sweep", verb_sweep, false },   { "refresh", verb_refresh, true },
    { "token", verb_token, false },
};

enum {
    OPTION_CONF = 256,
    OPTION_REALM,
    OPTION_JSON,
    OPTION_OTP,
    OPTION_TIMEOUT,
    OPTION_ENTRY,
    OPTION_USER,
    OPTION_NOW,
    OPTION_DETACH,
    OPTION_DEBUG,
    OPTION_HELP,
    OPTION_VERSION
};

static const struct option options[] = {
    { "conf", required_argument, NULL, OPTION_CONF },
    { "realm", required_argument, NULL, OPTION_REALM },
    { "json", no_argument, NULL, OPTION_JSON },
    { "otp", no_argument, NULL, OPTION_OTP },
    { "timeout", required_argument, NULL, OPTION_TIMEOUT },
    { "entry", required_argument, NULL, OPTION_ENTRY },
    { "user", required_argument, NULL, OPTION_USER },
    { "now", no_argument, NULL, OPTION_NOW },
    { "detach", no_argument, NULL, OPTION_DETACH },
    { "debug", no_argument, NULL, OPTION_DEBUG },
    { "help", no_argument, NULL, OPTION_HELP },
    { "version", no_argument, NULL, OPTION_VERSION },
    { NULL, 0, NULL, 0 },
};

static void
write_line(void *context, int priority, const char *line)
{
    (void)context;
    (void)priority;
    fprintf(stderr, "authapi: %s\n", line);
}

static int
misused(const char *what, const char *which)
{
    fprintf(stderr, "authapi: %s%s%s; see authapi --help\n", what,
            which != NULL ? " " : "", which != NULL ? which : "");
    return EXIT_USAGE;
}

static bool
parse_timeout(const char *text, int *timeout_ms)
{
    char *end;
    long seconds;

    errno = 0;
    seconds = strtol(text, &end, 10);
    if (errno != 0 || *end != '\0' || end == text || seconds < 1
        || seconds > TIMEOUT_MOST_S)
        return false;
    *timeout_ms = (int)seconds * 1000;
    return true;
}

/* Takes one option.  EXIT_OK, or the code to leave with. */
static int
take_option(int option, struct arguments *arguments)
{
    switch (option) {
    case OPTION_CONF:
        arguments->conf = optarg;
        return EXIT_OK;
    case OPTION_REALM:
        arguments->realm = optarg;
        return realm_valid(optarg) ? EXIT_OK
                                   : misused("no name for a realm:", optarg);
    case OPTION_JSON:
        arguments->json = true;
        return EXIT_OK;
    case OPTION_OTP:
        arguments->otp = true;
        return EXIT_OK;
    case OPTION_TIMEOUT:
        return parse_timeout(optarg, &arguments->timeout_ms)
                   ? EXIT_OK
                   : misused("--timeout takes 1 to 300 seconds, not", optarg);
    case OPTION_ENTRY:
        arguments->entry = optarg;
        return folder_id_valid(optarg)
                   ? EXIT_OK
                   : misused("no name for an outbox entry:", optarg);
    case OPTION_USER:
        arguments->owner = optarg;
        return user_valid(optarg) ? EXIT_OK
                                  : misused("no name for a user:", optarg);
    case OPTION_NOW:
        arguments->now = true;
        return EXIT_OK;
    case OPTION_DETACH:
        arguments->detach = true;
        return EXIT_OK;
    case OPTION_DEBUG:
        arguments->log.debug = true;
        return EXIT_OK;
    default:
        return misused("the options are wrong", NULL);
    }
}

static const struct verb *
find_verb(const char *name)
{
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    return NULL;
}

int
main(int argc, char **argv)
{
    struct arguments arguments = {
        .timeout_ms = TIMEOUT_S * 1000,
        .log = { .write = write_line },
    };
    const struct verb *verb;
    int option, code;

    /* Started from inside somebody's sudo, it is not theirs to stop. */
    if (geteuid() == 0 && (setresgid(0, 0, 0) != 0 || setresuid(0, 0, 0) != 0))
        return EXIT_SYSTEM;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == OPTION_HELP) {
            fputs(help, stdout);
            return EXIT_OK;
        }
        if (option == OPTION_VERSION) {
            puts("authapi " VERSION);
            return EXIT_OK;
        }
        code = take_option(option, &arguments);
        if (code != EXIT_OK)
            return code;
    }
    if (optind == argc)
        return misused("no verb was given", NULL);
    verb = find_verb(argv[optind]);
    if (verb == NULL)
        return misused("there is no verb", argv[optind]);
    optind++;
    if (verb->takes_user && optind < argc)
        arguments.user = argv[optind++];
    if (optind < argc)
        return misused("too many words:", argv[optind]);
    if (verb->takes_user && arguments.user == NULL)
        return misused("a USER is missing after", verb->name);
    if (arguments.user != NULL && !user_valid(arguments.user))
        return misused("no name for a user:", arguments.user);
    if (arguments.owner != NULL && arguments.entry == NULL)
        return misused("--user wants --entry", NULL);
    return verb->run(&arguments);
}
