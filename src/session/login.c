/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * login.c - the sign-in: from a name and a password to a staged grant.
 *
 * It refuses to let the cause of a refusal show in its time.
 */
#include "session/login.h"
#include "base/clock.h"
#include "session/account.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

/* How long a helper waits for somebody to type a password. */
#define PROMPT_WAIT_MS (600 * 1000)
/* A logout that would end this sign-in is waited for so long. */
#define LOGOUT_WAIT_MS 2000

/* --- time ---------------------------------------------------------------- */

/* One second, unless the API took longer. */
void
login_wait(const struct login *login)
{
    struct timespec now, until = login->entered;

    clock_gettime(CLOCK_MONOTONIC, &now);
    do
        until.tv_sec++;
    while (until.tv_sec < now.tv_sec
           || (until.tv_sec == now.tv_sec && until.tv_nsec < now.tv_nsec));
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL)
           == EINTR)
        continue;
}

/* --- who and what -------------------------------------------------------- */

void
login_begin(struct login *login, const struct session_call *call)
{
    memset(login, 0, sizeof(*login));
    login->call = call;
    login->slot = login->sign_ins = -1;
    login->password = (struct secret)SECRET_INIT(2 * PASSWORD_MAX);
    reply_init(&login->reply);
    clock_gettime(CLOCK_MONOTONIC, &login->entered);
}

void
login_end(struct login *login)
{
    ask_abandon(login->ask);
    login->ask = NULL;
    ask_settle(&login->pending, false);
    secret_clear(&login->password);
    reply_clear(&login->reply);
    wire_clear(&request_table, &login->request);
    folder_unlock(login->sign_ins);
    login->sign_ins = -1;
    cache_close(login->cache);
    login->cache = NULL;
}

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

bool
login_password_fits(struct login *login)
{
    const struct secret *password = &login->password;

    if (password->length == 0)
        login->why = "the password is empty";
    else if (password->length > PASSWORD_MAX)
        login->why = "the password is longer than 512 bytes";
    else if (is_junk(password))
        login->why = "sshd does not let this user log in";
    else if (!utf8_valid(password->data, password->length))
        login->why = "the password is not UTF-8";
    else
        return true;
    return false;
}

static bool
fill_request(struct login *login, enum operation operation)
{
    const struct session_call *call = login->call;
    struct request *request = &login->request;

    request->operation = operation;
    request->realm = strdup(call->realm);
    request->user = strdup(call->user);
    request->uid = login->uid;
    request->rhost = call->rhost != NULL ? strdup(call->rhost) : NULL;
    request->service = call->service != NULL ? strdup(call->service) : NULL;
    request->idle_ms = call->prompts ? PROMPT_WAIT_MS : call->timeout_ms;
    request->debug = call->log != NULL && call->log->debug;
    return request->realm != NULL && request->user != NULL;
}

enum status
login_identify(struct login *login, enum operation operation)
{
    const struct session_call *call = login->call;
    enum status status = account_find(call->user, &login->uid);

    if (status == STATUS_NO_SUCH_USER) {
        login->why = "this machine does not know the user";
    } else if (status != STATUS_OK) {
        login->why = "the user cannot be looked up";
    } else if (login->uid < call->minimum_uid) {
        login->why = "the uid is below minimum_uid";
        status = STATUS_NOT_OURS;
    } else if (geteuid() != 0) {
        login->why = "the program that asks does not run as root";
        status = STATUS_SYSTEM;
    } else if (!fill_request(login, operation)) {
        status = STATUS_NO_MEMORY;
    } else {
        /* Before a password goes anywhere; what is wrong is logged there. */
        status =
            cache_open(call->rundir, call->realm, call->log, &login->cache);
    }
    return status;
}

/* --- the helper ---------------------------------------------------------- */

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
    if (ask_start(&login->request, login->call->log, &login->ask,
                  &login->reply)
        != STATUS_OK)
        reply_clear(&login->reply);
}

static void
give_slot_back(struct login *login)
{
    if (login->slot >= 0)
        close(login->slot);
    login->slot = -1;
}

enum status
login_ask(struct login *login, struct handover *handover)
{
    struct secret keys = SECRET_INIT(KEYS_MAX);
    enum status status = STATUS_NOT_FOUND;

    cache_load_keys(login->cache, &keys);
    handover->keys = keys;
    handover->timeout_ms = login->call->timeout_ms - DEADLINE_MARGIN_MS;
    reply_clear(&login->reply);
    if (login->ask != NULL)
        status = ask_finish(&login->ask, handover, &login->reply);
    /* None was started, or it was tired of waiting: nothing was posted. */
    if (status == STATUS_NOT_FOUND) {
        reply_clear(&login->reply);
        status = ask_once(&login->request, handover, login->call->log,
                          &login->reply, &login->ask);
    }
    login->pending = login->ask;
    login->ask = NULL;
    cache_store_keys(login->cache, &login->reply.keys);
    secret_clear(&keys);
    return status;
}

void
login_announce(struct login *login)
{
    if (login->sign_ins < 0)
        login->sign_ins = cache_lock_sign_ins(login->cache, login->uid, true,
                                              LOGOUT_WAIT_MS);
}

/* Hands the password over and hears the decision. */
static enum status
prove(struct login *login)
{
    struct handover handover = { .password = login->password }; /* borrowed */
    enum status status;

    login_announce(login);
    status = login_ask(login, &handover);
    if (status == STATUS_MFA_REQUIRED && login->reply.state.length > 0)
        status = factor_prove(login);
    return status;
}

/* --- the grant ----------------------------------------------------------- */

enum status
login_stage(struct login *login, char handle[ID_SIZE])
{
    const struct session_call *call = login->call;
    struct reply *reply = &login->reply;
    enum status status = STATUS_NO_MEMORY;
    struct moment now = clock_now();
    struct grant grant;

    grant_init(&grant);
    grant.realm = strdup(call->realm);
    grant.user = strdup(call->user);
    grant.uid = login->uid;
    grant.obtained_at = now.wall;
    grant.expires_at = reply->expires_at;
    grant.refresh_at = reply->refresh_at;
    grant.flags = reply->flags;
    grant.opaque = reply->opaque;
    reply->opaque = (struct secret)SECRET_INIT(OPAQUE_MAX);
    grant.access = reply->access;
    reply->access = (struct secret)SECRET_INIT(ACCESS_MAX);
    grant_stamp(&grant, now);
    grant_vouch(&grant, now);
    grant.signed_in_ms = clock_boot_ms();
    if (grant.realm != NULL && grant.user != NULL)
        status = cache_stage(login->cache, &grant, handle);
    ask_settle(&login->pending, status == STATUS_OK);
    grant_clear(&grant);
    return status;
}

/* --- all of it ----------------------------------------------------------- */

/* Whether the helper's words say themselves what was tried and for whom. */
static bool
is_whole(const char *detail)
{
    return strncmp(detail, "login of ", strlen("login of ")) == 0
           || strncmp(detail, "password of ", strlen("password of ")) == 0;
}

/* A refusal is noted, in the helper's words where there are some; what keeps
 * everybody out is an error. */
void
login_refuse(const struct login *login, enum status status)
{
    const struct session_call *call = login->call;
    const char *detail = login->reply.detail;
    bool everybody = status == STATUS_MISCONFIGURED || status == STATUS_SYSTEM
                     || status == STATUS_NO_MEMORY;
    int priority = everybody ? LOG_ERR : LOG_NOTICE;

    if (detail != NULL && is_whole(detail))
        log_line(call->log, priority, "%s", detail);
    else if (detail != NULL || login->why != NULL)
        log_line(call->log, priority, "%s of \"%s\" refused: %s",
                 login->request.operation == OPERATION_PASSWORD
                     ? "password change"
                     : "login",
                 call->user, detail != NULL ? detail : login->why);
    if (status != STATUS_CANCELLED && login->reply.message != NULL)
        call->tell(call->context, login->reply.message);
}

/* An expired password that the API has checked may be let through to the
 * account phase, where the line wants that. */
static bool
may_defer(const struct login *login, enum status status)
{
    return status == STATUS_PASSWORD_EXPIRED && login->reply.proved != 0
           && login->call->defer_expired;
}

/* The decision, the password being asked for on the way. */
static enum status
decide(struct login *login, struct signed_in *out)
{
    const struct session_call *call = login->call;
    enum status asked, status = login_identify(login, OPERATION_LOGIN);

    if (status == STATUS_OK)
        start_early(login);
    asked = call->ask_password(call->context, &login->password);
    clock_gettime(CLOCK_MONOTONIC, &login->entered);
    give_slot_back(login);
    /* Whoever is not ours is not refused for what an earlier module left. */
    if (asked == STATUS_CANCELLED
        || (asked != STATUS_OK && status == STATUS_OK)) {
        login->why = "no password was given";
        return asked;
    }
    if (status != STATUS_OK)
        return status;
    if (!login_password_fits(login))
        return STATUS_BAD_CREDENTIALS;
    status = prove(login);
    /* The account phase will refuse; the words for it are here. */
    if (status == STATUS_OK && login->reply.message != NULL)
        call->tell(call->context, login->reply.message);
    if (status == STATUS_OK)
        return login_stage(login, out->handle);
    if (may_defer(login, status)) {
        out->expired = true;
        return STATUS_OK;
    }
    return status;
}

enum status
session_login(const struct session_call *call, struct signed_in *out)
{
    struct login login;
    enum status status;

    *out = (struct signed_in){ 0 };
    login_begin(&login, call);
    status = decide(&login, out);
    secret_clear(&login.password);
    ask_abandon(login.ask);
    login.ask = NULL;
    if (status != STATUS_OK) {
        login_refuse(&login, status);
        if (status != STATUS_CANCELLED)
            login_wait(&login);
    }
    login_end(&login);
    return status;
}
