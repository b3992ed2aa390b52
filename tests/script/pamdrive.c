/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pamdrive.c - a PAM host that does what it is told, under the real libpam.
 *
 *     pamdrive CONFDIR < STEPS
 *
 * One step a line on standard input; byte strings are in hex ("-" is none):
 *
 *     start SERVICE USER       pam_start_confdir
 *     item NAME VALUE          user, rhost, tty or ruser
 *     answer DELAY_MS VALUE    for the next prompt; `cancel` fails the
 *                              conversation, `none` answers without a string
 *     forget                   drops the answers that are left
 *     call VERB [FLAG]         authenticate, acct_mgmt, setcred, ...
 *     child VERB[:FLAG]...     the same in a forked child, as sshd does it:
 *                              its PAM environment comes back, its data does
 *                              not, and nobody calls pam_end there
 *     putenv VALUE             pam_putenv
 *     env                      prints the PAM environment
 *     uid NUMBER               the real uid from now on, as of a set-user-ID
 *                              program that somebody runs
 *     sigchld ignore|reap      what this host does about its children
 *     bare                     calls are no longer looked at from around: what
 *                              this process asks of the kernel between a step
 *                              and its result is libpam's and the module's
 *     end [silent]             pam_end
 *     memory VALUE             counts the string in this process's memory
 *
 * Every step prints what it saw and closes with "ok" or "failed WHY":
 *
 *     result VERB CODE STARTED ENTERED ENDED
 *     prompt KIND VALUE
 *     host VERB CHANGE FACT    the call changed its host
 *     env VALUE
 *     memory COUNT
 *
 * Times are CLOCK_MONOTONIC in ns; ENTERED is when the last prompt was
 * answered, 0 if none.  This host refuses to judge: that is scripts.py's.
 */
#include "bytes.h"
#include "conversation.h"
#include "host.h"

#include <err.h>
#include <poll.h>
#include <security/pam_appl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

static const char *confdir;
static pam_handle_t *pamh;
static int last_result = PAM_SUCCESS;
static const char *running; /* the verb, for reports about the host */
static bool bare;           /* nobody looks at the host around a call */

#define NAME(code) [code] = #code
static const char *const code_names[] = {
    NAME(PAM_SUCCESS),
    NAME(PAM_OPEN_ERR),
    NAME(PAM_SYMBOL_ERR),
    NAME(PAM_SERVICE_ERR),
    NAME(PAM_SYSTEM_ERR),
    NAME(PAM_BUF_ERR),
    NAME(PAM_PERM_DENIED),
    NAME(PAM_AUTH_ERR),
    NAME(PAM_CRED_INSUFFICIENT),
    NAME(PAM_AUTHINFO_UNAVAIL),
    NAME(PAM_USER_UNKNOWN),
    NAME(PAM_MAXTRIES),
    NAME(PAM_NEW_AUTHTOK_REQD),
    NAME(PAM_ACCT_EXPIRED),
    NAME(PAM_SESSION_ERR),
    NAME(PAM_CRED_UNAVAIL),
    NAME(PAM_CRED_EXPIRED),
    NAME(PAM_CRED_ERR),
    NAME(PAM_NO_MODULE_DATA),
    NAME(PAM_CONV_ERR),
    NAME(PAM_AUTHTOK_ERR),
    NAME(PAM_AUTHTOK_RECOVERY_ERR),
    NAME(PAM_AUTHTOK_LOCK_BUSY),
    NAME(PAM_AUTHTOK_DISABLE_AGING),
    NAME(PAM_TRY_AGAIN),
    NAME(PAM_IGNORE),
    NAME(PAM_ABORT),
    NAME(PAM_AUTHTOK_EXPIRED),
    NAME(PAM_MODULE_UNKNOWN),
    NAME(PAM_BAD_ITEM),
    NAME(PAM_CONV_AGAIN),
    NAME(PAM_INCOMPLETE),
};

static const char *
code_name(int code)
{
    if (code < 0 || (size_t)code >= sizeof(code_names) / sizeof(char *))
        return "PAM_BEYOND_THE_TABLE";
    return code_names[code];
}

/* --- the calls -------------------------------------------------------------
 */

struct verb {
    const char *name;
    int (*call)(pam_handle_t *handle, int flags);
};

static const struct verb verbs[] = {
    { "authenticate", pam_authenticate },
    { "acct_mgmt", pam_acct_mgmt },
    { "setcred", pam_setcred },
    { "open_session", pam_open_session },
    { "close_session", pam_close_session },
    { "chauthtok", pam_chauthtok },
};

static const struct {
    const char *name;
    int value;
} flags[] = {
    { "establish", PAM_ESTABLISH_CRED },
    { "delete", PAM_DELETE_CRED },
    { "reinitialize", PAM_REINITIALIZE_CRED },
    { "refresh", PAM_REFRESH_CRED },
    { "expired", PAM_CHANGE_EXPIRED_AUTHTOK },
    { "disallow-null", PAM_DISALLOW_NULL_AUTHTOK },
    { "silent", (int)PAM_SILENT },
};

static int
flag_value(const char *name)
{
    for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
        if (strcmp(name, flags[i].name) == 0)
            return flags[i].value;
    }
    errx(1, "%s: no such flag", name);
}

static void
report_change(const char *change, const char *line)
{
    printf("host %s %s %s\n", running, change, line);
}

static void
call(const char *name, const char *flag)
{
    const struct verb *verb = verbs;
    char *before = NULL, *after = NULL;
    int64_t started_at;

    while (strcmp(name, verb->name) != 0) {
        if (++verb == verbs + sizeof(verbs) / sizeof(*verbs))
            errx(1, "%s: no such call", name);
    }
    running = name;
    conversation_begin();
    if (!bare)
        before = host_state();
    started_at = clock_ns();
    last_result = verb->call(pamh, flag ? flag_value(flag) : 0);
    printf("result %s %s %lld %lld %lld\n", name, code_name(last_result),
           (long long)started_at, (long long)conversation_entered_at(),
           (long long)clock_ns());
    if (before != NULL) {
        after = host_state();
        host_compare(before, after, report_change);
    }
    free(before);
    free(after);
}

/* What the child of sshd sends its parent: its PAM environment. */
static void
send_child(FILE *out)
{
    char **list = pam_getenvlist(pamh);

    for (char **entry = list; entry != NULL && *entry != NULL; entry++) {
        fputs(*entry, out);
        fputc('\0', out);
        free(*entry);
    }
    free(list);
    fclose(out);
}

static void
receive_child(FILE *in)
{
    char *text = NULL;
    size_t size = 0;

    while (getdelim(&text, &size, '\0', in) > 0)
        pam_putenv(pamh, text);
    free(text);
    fclose(in);
}

static void
call_in_child(char *calls)
{
    int ends[2], status;
    pid_t child;

    fflush(stdout);
    if (pipe(ends) != 0 || (child = fork()) < 0)
        err(1, "child");
    if (child == 0) {
        close(ends[0]);
        for (char *one; (one = strsep(&calls, " ")) != NULL;) {
            char *name = strsep(&one, ":");

            call(name, one);
        }
        fflush(stdout);
        send_child(fdopen(ends[1], "w"));
        _exit(0);
    }
    close(ends[1]);
    receive_child(fdopen(ends[0], "r"));
    if (waitpid(child, &status, 0) == child && status != 0)
        printf("host child ended with status %d\n", status);
}

/* --- the steps -------------------------------------------------------------
 */

static const char *
set_item(const char *name, const char *hex)
{
    static const struct {
        const char *name;
        int item;
    } items[] = { { "user", PAM_USER },
                  { "rhost", PAM_RHOST },
                  { "tty", PAM_TTY },
                  { "ruser", PAM_RUSER } };
    char *value = bytes_plain(hex);
    const char *failure = "no such item";

    for (size_t i = 0; i < sizeof(items) / sizeof(*items); i++) {
        if (strcmp(name, items[i].name) == 0)
            failure = pam_set_item(pamh, items[i].item, value) == PAM_SUCCESS
                          ? NULL
                          : "pam_set_item";
    }
    free(value);
    return failure;
}

static void
reap(int number)
{
    (void)number;
    while (waitpid(-1, NULL, WNOHANG) > 0) {
    }
}

static void
print_environment(void)
{
    char **list = pam_getenvlist(pamh);

    for (char **entry = list; entry != NULL && *entry != NULL; entry++) {
        bytes_print("env", *entry);
        free(*entry);
    }
    free(list);
}

static void
end(const char *flag)
{
    char *before = host_state(), *after;

    running = "end";
    pam_end(pamh, last_result | (flag ? (int)PAM_DATA_SILENT : 0));
    pamh = NULL;
    after = host_state();
    host_compare(before, after, report_change);
    free(before);
    free(after);
}

static const char *
start(const char *service, const char *hex)
{
    static const struct pam_conv conversation = { conversation_hold, NULL };
    char *user = strcmp(hex, "-") ? bytes_plain(hex) : NULL;
    int result =
        pam_start_confdir(service, user, &conversation, confdir, &pamh);

    free(user);
    return result == PAM_SUCCESS ? NULL : "pam_start_confdir";
}

static bool
needs_start(const char *verb)
{
    static const char *const verbs_of_handle[] = { "item", "call",   "child",
                                                   "env",  "putenv", "end" };
    bool needs = false;

    for (size_t i = 0; i < sizeof(verbs_of_handle) / sizeof(char *); i++)
        needs = needs || strcmp(verb, verbs_of_handle[i]) == 0;
    return needs;
}

static const char *
step(char *line)
{
    char *rest = line, *verb = strsep(&rest, " ");
    char *first =
        rest && strcmp(verb, "child") != 0 ? strsep(&rest, " ") : rest;
    struct veiled needle;

    if (pamh == NULL && needs_start(verb))
        return "not started";
    if (strcmp(verb, "call") == 0 && first)
        call(first, rest);
    else if (strcmp(verb, "child") == 0 && first)
        call_in_child(first);
    else if (strcmp(verb, "forget") == 0)
        conversation_forget();
    else if (strcmp(verb, "bare") == 0)
        bare = true;
    else if (strcmp(verb, "env") == 0)
        print_environment();
    else if (strcmp(verb, "end") == 0)
        end(first);
    else if (strcmp(verb, "start") == 0 && rest)
        return start(first, rest);
    else if (strcmp(verb, "item") == 0 && rest)
        return set_item(first, rest);
    else if (strcmp(verb, "answer") == 0 && rest)
        return conversation_answer(first, rest) ? NULL : "too many answers";
    else if (strcmp(verb, "putenv") == 0 && first) {
        char *text = bytes_plain(first);
        int result = pam_putenv(pamh, text);

        free(text);
        return result == PAM_SUCCESS ? NULL : "pam_putenv";
    } else if (strcmp(verb, "sigchld") == 0 && first) {
        signal(SIGCHLD, strcmp(first, "reap") == 0 ? reap : SIG_IGN);
    } else if (strcmp(verb, "uid") == 0 && first) {
        return setresuid((uid_t)atoi(first), 0, 0) == 0 ? NULL : "setresuid";
    } else if (strcmp(verb, "memory") == 0 && first) {
        needle = bytes_veil(first);
        printf("memory %d\n", host_remembers(&needle));
        free(needle.bytes);
    } else {
        return "no such step";
    }
    return NULL;
}

/* Who begins to watch a bare host interrupts the call that it waits in; that
 * must be none that the watcher counts. */
static void
wait_for_step(void)
{
    struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };

    if (bare)
        (void)poll(&input, 1, -1);
}

int
main(int argc, char **argv)
{
    char *line = NULL;
    size_t size = 0;

    if (argc != 2)
        errx(2, "usage: pamdrive CONFDIR < STEPS");
    confdir = argv[1];
    setvbuf(stdout, NULL, _IOLBF, 0);
    /* Open now, so that the first line logged opens no descriptor. */
    openlog("pamdrive", LOG_NDELAY | LOG_PID, LOG_AUTHPRIV);
    while (wait_for_step(), getline(&line, &size, stdin) > 0) {
        const char *failure;

        line[strcspn(line, "\n")] = '\0';
        failure = step(line);
        printf(failure ? "failed %s\n" : "ok\n", failure);
    }
    free(line);
    conversation_forget();
    return 0;
}
