/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * try.c - authapi try: the whole life of a token, against the real API, in
 * words a person understands.
 *
 * It uses the same helper as a sign-in does and leaves nothing in the cache.
 */
#include "base/grant.h"
#include "base/message.h"
#include "cli/cli.h"
#include "provider/conf.h"
#include "session/account.h"
#include "session/ask.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

struct trial {
    const struct arguments *arguments;
    struct request request;
    struct secret opaque; /* the grant, as of the last step */
    struct secret otp;    /* empty: none was given */
    struct secret keys;   /* the key set that the last reply gave */
    json_t *result;
    int code; /* of the first step that did not go as it should */
};

/* --- what is typed ------------------------------------------------------- */

/* Reads one line from standard input; on a terminal after PROMPT and without
 * echo. */
static enum status
read_line(const char *prompt, struct secret *line)
{
    struct termios before, silent;
    bool terminal = tcgetattr(STDIN_FILENO, &before) == 0;
    enum status status = STATUS_OK;
    char byte = '\0';

    if (terminal) {
        silent = before;
        /* Ctrl-C comes as a byte, so that it leaves the terminal as it was. */
        silent.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
        fputs(prompt, stderr);
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
    }
    while (status == STATUS_OK && read(STDIN_FILENO, &byte, 1) == 1
           && byte != '\n')
        status = terminal && (cc_t)byte == before.c_cc[VINTR]
                     ? STATUS_CANCELLED
                     : secret_append(line, &byte, 1);
    if (terminal) {
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
        fputc('\n', stderr);
    }
    return status;
}

static bool
take_line(const char *prompt, const char *what, struct secret *line)
{
    enum status status = read_line(prompt, line);

    if (status == STATUS_CANCELLED)
        fprintf(stderr, "authapi: cancelled: nothing was sent\n");
    else if (status != STATUS_OK)
        fprintf(stderr, "authapi: the %s is longer than %zu bytes\n", what,
                line->limit);
    else if (line->length == 0)
        fprintf(stderr, "authapi: standard input holds no %s\n", what);
    else if (!utf8_valid(line->data, line->length)
             || memchr(line->data, '\0', line->length) != NULL)
        fprintf(stderr, "authapi: the %s is not UTF-8 text\n", what);
    else
        return true;
    return false;
}

/* --- one step ------------------------------------------------------------ */

static void
say(const struct trial *trial, const char *step, enum status status,
    const char *text)
{
    if (!trial->arguments->json)
        printf("%-22s %-16s %s\n", step, status_name(status), text);
}

static void
note(struct trial *trial, const char *key, json_t *value)
{
    if (json_object_set_new(trial->result, key, value) != 0)
        trial->code = EXIT_SYSTEM;
}

static void
fail(struct trial *trial, enum status status)
{
    if (trial->code == EXIT_OK)
        trial->code = cli_exit_code(status);
}

/* Moves what FROM holds into INTO, unless it is empty. */
static void
move(struct secret *into, struct secret *from)
{
    if (from->length == 0)
        return;
    secret_clear(into);
    *into = *from;
    *from = (struct secret)SECRET_INIT(from->limit);
}

/* Runs one operation with what is in HANDOVER; keeps a new grant. */
static enum status
ask(struct trial *trial, enum operation operation, struct handover *handover,
    struct reply *reply)
{
    struct ask *pending = NULL;
    enum status status;

    reply_init(reply);
    trial->request.operation = operation;
    handover->timeout_ms = trial->arguments->timeout_ms;
    handover->keys = trial->keys; /* borrowed */
    status = ask_once(&trial->request, handover, &trial->arguments->log, reply,
                      &pending);
    /* From here on they are ours to take back. */
    ask_settle(&pending, true);
    move(&trial->keys, &reply->keys);
    if (status == STATUS_OK)
        move(&trial->opaque, &reply->opaque);
    return status;
}

static enum status
ask_with_grant(struct trial *trial, enum operation operation,
               struct reply *reply)
{
    struct handover handover = { 0 };
    struct secret opaque = SECRET_INIT(OPAQUE_MAX);
    enum status status =
        secret_append(&opaque, trial->opaque.data, trial->opaque.length);

    /* A copy: a new grant replaces the one that is handed over. */
    handover.opaque = opaque;
    if (status == STATUS_OK)
        status = ask(trial, operation, &handover, reply);
    else
        reply_init(reply);
    secret_clear(&opaque);
    return status;
}

static const char *
why(const struct reply *reply, enum status status)
{
    return reply->detail != NULL ? reply->detail : status_text(status);
}

/* --- the steps ----------------------------------------------------------- */

/* Brings the second factor, or takes back what the first step left. */
static enum status
try_factor(struct trial *trial, const struct secret *password,
           struct reply *reply)
{
    struct secret state = reply->state;
    struct handover handover = { .password = *password, .opaque = state };
    enum status status = STATUS_MFA_REQUIRED;
    struct reply taken_back;

    reply->state = (struct secret)SECRET_INIT(OPAQUE_MAX);
    if (trial->otp.length > 0) {
        handover.otp = trial->otp;
        reply_clear(reply);
        status = ask(trial, OPERATION_FACTOR, &handover, reply);
        if (reply->state.length > 0)
            move(&state, &reply->state);
    }
    if (status != STATUS_OK) {
        handover = (struct handover){ .opaque = state };
        (void)!ask(trial, OPERATION_REVOKE, &handover, &taken_back);
        reply_clear(&taken_back);
    }
    secret_clear(&state);
    return status;
}

static enum status
try_login(struct trial *trial, const struct secret *password)
{
    struct handover handover = { .password = *password }; /* borrowed */
    struct reply reply;
    enum status status;
    char text[USER_MAX + 160];

    status = ask(trial, OPERATION_LOGIN, &handover, &reply);
    if (status == STATUS_MFA_REQUIRED && reply.state.length > 0)
        status = try_factor(trial, password, &reply);
    note(trial, "login", json_string(status_name(status)));
    if (status == STATUS_MFA_REQUIRED) {
        say(trial, "login", status,
            "the API wants a second factor: try again with --otp");
        fail(trial, status);
    } else if (status != STATUS_OK) {
        say(trial, "login", status, why(&reply, status));
        fail(trial, status);
    } else if (reply.expires_in > 0) {
        note(trial, "expires_in", json_integer(reply.expires_in));
        snprintf(text, sizeof(text),
                 "the API accepted %s; the access token is good for %" PRId64
                 " s",
                 trial->arguments->user, reply.expires_in);
        say(trial, "login", status, text);
    } else {
        snprintf(text, sizeof(text),
                 "the API accepted %s and does not say how long the access "
                 "token is good",
                 trial->arguments->user);
        say(trial, "login", status, text);
    }
    if (reply.message != NULL && status != STATUS_OK)
        say(trial, "", status, reply.message);
    if (status == STATUS_OK && (reply.flags & GRANT_DENIED) != 0) {
        note(trial, "account", json_string(status_name(STATUS_DENIED)));
        say(trial, "account", STATUS_DENIED,
            "[account] of the conf does NOT let this user in");
    }
    reply_clear(&reply);
    return status;
}

static void
try_refresh(struct trial *trial)
{
    struct reply reply;
    enum status status = ask_with_grant(trial, OPERATION_REFRESH, &reply);

    note(trial, "refresh", json_string(status_name(status)));
    if (status == STATUS_OK) {
        note(trial, "rotated", json_boolean(reply.rotated != 0));
        say(trial, "refresh", status,
            reply.rotated != 0
                ? "a new access token, and a new refresh token with it"
                : "a new access token; the refresh token stays the same");
    } else {
        say(trial, "refresh", status, why(&reply, status));
        if (status != STATUS_UNSUPPORTED)
            fail(trial, status);
    }
    reply_clear(&reply);
}

static enum status
try_revoke(struct trial *trial)
{
    struct reply reply;
    enum status status = ask_with_grant(trial, OPERATION_REVOKE, &reply);

    note(trial, "revoke", json_string(status_name(status)));
    if (status == STATUS_OK) {
        say(trial, "revoke", status, "the API confirmed that the tokens end");
    } else {
        say(trial, "revoke", status, why(&reply, status));
        if (status != STATUS_UNSUPPORTED)
            fail(trial, status);
    }
    reply_clear(&reply);
    return status;
}

/* Where nothing can be refreshed, the API is asked about the account instead,
 * if it can be. */
static void
try_account_after_revoke(struct trial *trial)
{
    struct reply reply;
    enum status status = ask_with_grant(trial, OPERATION_ACCOUNT, &reply);

    if (status != STATUS_UNSUPPORTED)
        note(trial, "account_after_revoke", json_string(status_name(status)));
    if (status == STATUS_SESSION_EXPIRED) {
        say(trial, "account after revoke", status,
            "as it should be: the token is dead");
    } else if (status == STATUS_OK || status == STATUS_DENIED) {
        say(trial, "account after revoke", status,
            "WRONG: the API still honours the access token");
        fail(trial, STATUS_BAD_TOKEN);
    } else if (status != STATUS_UNSUPPORTED) {
        say(trial, "account after revoke", status, why(&reply, status));
        fail(trial, status);
    }
    reply_clear(&reply);
}

/* The API must not honour what it has just taken back. */
static void
try_refresh_after_revoke(struct trial *trial)
{
    struct reply reply;
    enum status status = ask_with_grant(trial, OPERATION_REFRESH, &reply);

    note(trial, "refresh_after_revoke", json_string(status_name(status)));
    if (status == STATUS_SESSION_EXPIRED) {
        say(trial, "refresh after revoke", status,
            "as it should be: the tokens are dead");
    } else if (status == STATUS_OK) {
        say(trial, "refresh after revoke", status,
            "WRONG: the API still honours the refresh token");
        fail(trial, STATUS_BAD_TOKEN);
        /* Nothing of a trial may stay alive. */
        reply_clear(&reply);
        (void)!ask_with_grant(trial, OPERATION_REVOKE, &reply);
    } else {
        say(trial, "refresh after revoke", status, why(&reply, status));
        if (status != STATUS_UNSUPPORTED)
            fail(trial, status);
    }
    reply_clear(&reply);
    if (status == STATUS_UNSUPPORTED)
        try_account_after_revoke(trial);
}

/* --- [users] ------------------------------------------------------------- */

static void
ignore_report(void *context, bool warning, const char *file, int line,
              const char *key, const char *text)
{
    (void)context;
    (void)warning;
    (void)file;
    (void)line;
    (void)key;
    (void)text;
}

/* Whether a sign-in on this machine would let the user in.  A conf with
 * problems has been told by the first step. */
static void
tell_users(struct trial *trial)
{
    struct conf_reporter reporter = { ignore_report, NULL };
    const char *user = trial->arguments->user;
    struct conf *conf = NULL;
    char *path = cli_conf(trial->arguments);
    uint32_t uid = 0;
    char text[USER_MAX + 128];
    enum status status = path == NULL
                             ? STATUS_NO_MEMORY
                             : conf_load(path, PROVIDERSDIR, &reporter, &conf);

    if (status == STATUS_OK) {
        status = account_find(user, &uid);
        if (status == STATUS_OK)
            status = users_allow(&conf->users, user, uid);
        if (status == STATUS_OK)
            snprintf(text, sizeof(text),
                     "[users] lets %s (uid %" PRIu32 ") in", user, uid);
        else if (status == STATUS_NOT_OURS)
            snprintf(text, sizeof(text),
                     "[users] does NOT let %s in: a sign-in here would be "
                     "refused",
                     user);
        else
            snprintf(text, sizeof(text),
                     "this machine has no user %s: a sign-in here would be "
                     "refused",
                     user);
        say(trial, "on this machine", status, text);
    }
    conf_free(conf);
    free(path);
}

/* --- all of it ----------------------------------------------------------- */

static bool
fill_request(struct trial *trial)
{
    const struct arguments *arguments = trial->arguments;
    struct request *request = &trial->request;
    uint32_t uid = 0;

    request->realm = cli_realm(arguments);
    request->user = strdup(arguments->user);
    request->probe = 1;
    request->idle_ms = arguments->timeout_ms;
    request->debug = arguments->log.debug;
    if (arguments->conf != NULL)
        request->conf = cli_conf(arguments);
    /* [users] is not enforced here, and a name without an account is 0. */
    if (account_find(arguments->user, &uid) == STATUS_OK)
        request->uid = uid;
    return request->realm != NULL && request->user != NULL
           && (arguments->conf == NULL || request->conf != NULL);
}

static void
run_steps(struct trial *trial, const struct secret *password)
{
    enum status revoked;

    if (try_login(trial, password) == STATUS_OK) {
        try_refresh(trial);
        revoked = try_revoke(trial);
        if (revoked == STATUS_OK || revoked == STATUS_SESSION_EXPIRED)
            try_refresh_after_revoke(trial);
    }
    tell_users(trial);
}

int
verb_try(const struct arguments *arguments)
{
    struct secret password = SECRET_INIT(PASSWORD_MAX);
    struct trial trial = {
        .arguments = arguments,
        .opaque = SECRET_INIT(OPAQUE_MAX),
        .otp = SECRET_INIT(OTP_MAX),
        .keys = SECRET_INIT(KEYS_MAX),
        .result = json_object(),
        .code = EXIT_OK,
    };

    if (!cli_root("try")) {
        trial.code = EXIT_SYSTEM;
    } else if (trial.result == NULL || !fill_request(&trial)) {
        fprintf(stderr, "authapi: out of memory\n");
        trial.code = EXIT_SYSTEM;
    } else if (!take_line("Password: ", "password", &password)
               || (arguments->otp
                   && !take_line("One-time code: ", "second factor",
                                 &trial.otp))) {
        trial.code = EXIT_USAGE;
    } else {
        run_steps(&trial, &password);
        if (arguments->json) {
            json_dumpf(trial.result, stdout, JSON_COMPACT);
            putchar('\n');
        }
    }
    secret_clear(&password);
    secret_clear(&trial.opaque);
    secret_clear(&trial.otp);
    secret_clear(&trial.keys);
    wire_clear(&request_table, &trial.request);
    json_decref(trial.result);
    return trial.code;
}
