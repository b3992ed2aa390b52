/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * login.c - the sign-in: from a name and a password to a staged grant.
 *
 * It refuses to let the cause of a refusal show in its time.
 */
#include "base/message.h"
#include "session/account.h"
#include "session/ask.h"
#include "session/cache.h"
#include "session/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

/* How long a helper waits for somebody to type a password. */
#define PROMPT_WAIT_MS (600 * 1000)
/* The reply must be here before the line's timeout= is over, so that a
 * refusal at the deadline still returns at a whole second. */
#define DEADLINE_MARGIN_MS 500

struct login {
    const struct session_call *call;
    uint32_t uid;
    struct request request;
    struct ask *ask; /* a helper that waits, or NULL */
    int slot;        /* its place among the early ones, or -1 */
    struct secret password;
    struct timespec entered; /* when the password was given */
    struct reply reply;
};

/* --- time ---------------------------------------------------------------- */

/* Sleeps until a whole number of seconds has passed since the password was
 * given: one, unless the API took longer. */
static void
wait_for_whole_second(const struct timespec *entered)
{
    struct timespec now, until = *entered;

    clock_gettime(CLOCK_MONOTONIC, &now);
    do
        until.tv_sec++;
    while (until.tv_sec < now.tv_sec
           || (until.tv_sec == now.tv_sec && until.tv_nsec < now.tv_nsec));
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL)
           == EINTR)
        continue;
}

/* --- what may go to the API ---------------------------------------------- */

/* OpenSSH gives modules this, repeated or cut to the length typed, in place
 * of the password of a user who may not log in. */
static bool
is_junk(const struct secret *password)
{
    static const char junk[] = "\b\n\r\177INCORRECT";

    for (size_t i = 0; i < password->length; i++)
        if (password->data[i] != junk[i % (sizeof(junk) - 1)])
            return false;
    return password->length > 0;
}

/* Whether the password can be one at all; *why says why not. */
static bool
password_fits(const struct secret *password, const char **why)
{
    if (password->length == 0)
        *why = "the password is empty";
    else if (password->length > PASSWORD_MAX)
        *why = "the password is longer than 512 bytes";
    else if (is_junk(password))
        *why = "sshd does not let this user log in";
    else if (!utf8_valid(password->data, password->length))
        *why = "the password is not UTF-8";
    else
        return true;
    return false;
}

/* Who is at the door.  STATUS_OK, STATUS_NO_SUCH_USER, STATUS_NOT_OURS,
 * STATUS_SYSTEM; *why says why. */
static enum status
identify(struct login *login, const char **why)
{
    const struct session_call *call = login->call;
    enum status status = account_find(call->user, &login->uid);

    if (status == STATUS_NO_SUCH_USER)
        *why = "this machine does not know the user";
    else if (status != STATUS_OK)
        *why = "the user cannot be looked up";
    else if (login->uid < call->minimum_uid) {
        *why = "the uid is below minimum_uid";
        status = STATUS_NOT_OURS;
    }
    return status;
}

/* --- the helper ---------------------------------------------------------- */

static enum status
start_helper(struct login *login)
{
    return ask_start(&login->request, login->call->log, &login->ask,
                     &login->reply);
}

/* Starts the helper while the user types, where a slot is free.  What goes
 * wrong here shows again after the prompt. */
static void
start_early(struct login *login)
{
    if (!login->call->prompts)
        return;
    login->slot = cache_take_slot(login->call->rundir);
    if (login->slot < 0)
        return;
    if (start_helper(login) != STATUS_OK)
        reply_clear(&login->reply);
}

static void
give_slot_back(struct login *login)
{
    if (login->slot >= 0)
        close(login->slot);
    login->slot = -1;
}

/* Hands the password over and hears the decision. */
static enum status
prove(struct login *login)
{
    struct handover handover = { 0 };
    enum status status = STATUS_NOT_FOUND;

    handover.timeout_ms = login->call->timeout_ms - DEADLINE_MARGIN_MS;
    handover.password = login->password; /* borrowed */
    if (login->ask != NULL)
        status = ask_finish(login->ask, &handover, &login->reply);
    /* None was started, or it was tired of waiting: nothing was posted. */
    if (status == STATUS_NOT_FOUND) {
        reply_clear(&login->reply);
        status = ask_once(&login->request, &handover, login->call->log,
                          &login->reply);
    }
    login->ask = NULL;
    return status;
}

/* --- the grant ----------------------------------------------------------- */

/* Takes back a grant that cannot be kept: nothing may be left of a sign-in
 * that is refused. */
static void
take_back(struct login *login, struct grant *grant)
{
    struct handover handover = { .timeout_ms = login->call->timeout_ms };
    struct reply reply;
    enum status status;

    reply_init(&reply);
    login->request.operation = OPERATION_REVOKE;
    handover.opaque = grant->opaque; /* borrowed */
    status = ask_once(&login->request, &handover, login->call->log, &reply);
    if (status != STATUS_OK)
        log_line(login->call->log, LOG_WARNING,
                 "the tokens of %s could not be taken back: %s",
                 login->call->user,
                 reply.detail != NULL ? reply.detail : status_text(status));
    reply_clear(&reply);
}

static enum status
stage(struct login *login, char handle[ID_SIZE])
{
    const struct session_call *call = login->call;
    struct cache *cache = NULL;
    struct grant grant;
    enum status status = STATUS_NO_MEMORY;

    grant_init(&grant);
    grant.realm = strdup(call->realm);
    grant.user = strdup(call->user);
    grant.uid = login->uid;
    grant.obtained_at = grant.checked_at = time(NULL);
    grant.expires_at = login->reply.expires_at;
    grant.refresh_at = login->reply.refresh_at;
    grant.flags = login->reply.flags;
    grant.opaque = login->reply.opaque;
    login->reply.opaque = (struct secret)SECRET_INIT(OPAQUE_MAX);
    if (grant.realm != NULL && grant.user != NULL)
        status = cache_open(call->rundir, call->realm, call->log, &cache);
    if (status == STATUS_OK)
        status = cache_stage(cache, &grant, handle);
    if (status != STATUS_OK)
        take_back(login, &grant);
    cache_close(cache);
    grant_clear(&grant);
    return status;
}

/* Says once why, in the helper's words where there are some.  A refusal is
 * noted; what keeps everybody out is an error. */
static void
log_refusal(const struct login *login, enum status status, const char *why)
{
    static const char begin[] = "login of ";
    const char *detail = login->reply.detail;
    bool everybody = status == STATUS_MISCONFIGURED || status == STATUS_SYSTEM
                     || status == STATUS_NO_MEMORY;
    int priority = everybody ? LOG_ERR : LOG_NOTICE;

    if (detail != NULL && strncmp(detail, begin, strlen(begin)) == 0)
        log_line(login->call->log, priority, "%s", detail);
    else if (detail != NULL || why != NULL)
        log_line(login->call->log, priority, "login of \"%s\" refused: %s",
                 login->call->user, detail != NULL ? detail : why);
}

/* --- all of it ----------------------------------------------------------- */

static bool
fill_request(struct login *login)
{
    const struct session_call *call = login->call;
    struct request *request = &login->request;

    request->operation = OPERATION_LOGIN;
    request->realm = strdup(call->realm);
    request->user = strdup(call->user);
    request->uid = login->uid;
    request->rhost = call->rhost != NULL ? strdup(call->rhost) : NULL;
    request->service = call->service != NULL ? strdup(call->service) : NULL;
    request->idle_ms = call->prompts ? PROMPT_WAIT_MS : call->timeout_ms;
    request->debug = call->log != NULL && call->log->debug;
    return request->realm != NULL && request->user != NULL;
}

/* Whether the run folder can be used; if not it is logged now, before a
 * password goes anywhere. */
static enum status
check_cache(const struct session_call *call)
{
    struct cache *cache = NULL;
    enum status status =
        cache_open(call->rundir, call->realm, call->log, &cache);

    cache_close(cache);
    return status;
}

/* The decision, the password being asked for on the way.  *why is set where
 * nothing has been logged yet and the reply has no detail. */
static enum status
decide(struct login *login, char handle[ID_SIZE], const char **why)
{
    const struct session_call *call = login->call;
    enum status asked, status = identify(login, why);

    if (status == STATUS_OK)
        status = fill_request(login) ? check_cache(call) : STATUS_NO_MEMORY;
    if (status == STATUS_OK)
        start_early(login);
    asked = call->ask_password(call->context, &login->password);
    clock_gettime(CLOCK_MONOTONIC, &login->entered);
    give_slot_back(login);
    /* Whoever is not ours is not refused for what an earlier module left. */
    if (asked == STATUS_CANCELLED
        || (asked != STATUS_OK && status == STATUS_OK)) {
        *why = "no password was given";
        return asked;
    }
    if (status != STATUS_OK)
        return status;
    if (!password_fits(&login->password, why))
        return STATUS_BAD_CREDENTIALS;
    status = prove(login);
    if (status == STATUS_OK)
        status = stage(login, handle);
    return status;
}

enum status
session_login(const struct session_call *call, char handle[ID_SIZE])
{
    struct login login = {
        .call = call,
        .slot = -1,
        .password = SECRET_INIT(2 * PASSWORD_MAX),
    };
    const char *why = NULL;
    enum status status;

    handle[0] = '\0';
    reply_init(&login.reply);
    clock_gettime(CLOCK_MONOTONIC, &login.entered);
    status = decide(&login, handle, &why);
    secret_clear(&login.password);
    ask_abandon(login.ask);
    if (status != STATUS_OK) {
        log_refusal(&login, status, why);
        if (status != STATUS_CANCELLED)
            wait_for_whole_second(&login.entered);
    }
    reply_clear(&login.reply);
    wire_clear(&request_table, &login.request);
    return status;
}
