/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * api.c - one operation at the API, from the request to the reply.
 */
#include "helper/api.h"
#include "base/clock.h"
#include "helper/draft.h"
#include "helper/operation.h"
#include "provider/template.h"

#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

enum {
    DELIVERY_MS = 2000,         /* for the caller to take its reply, */
    KEEP_MS = 10 * 1000,        /* to write down what it brought, */
    FACTOR_MS = 15 * 60 * 1000, /* or to find a second factor */
    MARGIN_S = 5                /* of the alarm behind a limit */
};

enum status
operation_fail(const struct api *api, enum status status, const char *what)
{
    static const char *const names[] = {
        [OPERATION_LOGIN] = "login",       [OPERATION_REFRESH] = "refresh",
        [OPERATION_REVOKE] = "revoke",     [OPERATION_ACCOUNT] = "account",
        [OPERATION_PASSWORD] = "password", [OPERATION_FACTOR] = "login",
    };

    return report_end(api->report, status, "%s of \"%s\": %s",
                      names[api->request->operation], api->request->user,
                      what);
}

/* --- variables ----------------------------------------------------------- */

static enum status
set_text(struct api *api, const char *name, const char *value)
{
    enum status status = STATUS_OK;

    if (value != NULL)
        status = vars_set(&api->conf->vars, name, value, strlen(value),
                          VAR_OUTSIDE);
    return status;
}

/* What every template may name, the secrets excepted. */
static enum status
set_variables(struct api *api)
{
    char hostname[256] = "";
    struct secret identity = SECRET_INIT(TEXT_MAX);
    const char *culprit = NULL;
    bool present = true;
    enum status status;

    (void)gethostname(hostname, sizeof(hostname) - 1);
    status = set_text(api, "user", api->request->user);
    if (status == STATUS_OK)
        status = set_text(api, "rhost", api->request->rhost);
    if (status == STATUS_OK)
        status = set_text(api, "service", api->request->service);
    if (status == STATUS_OK)
        status = set_text(api, "hostname", hostname);
    if (status != STATUS_OK)
        return operation_fail(api, status, "no room for variables");
    status = template_fill(api->conf->identity, &api->conf->vars, PLACE_TEXT,
                           &identity, &present, &culprit);
    if (status == STATUS_OK && present && identity.length > 0)
        status = vars_set(&api->conf->vars, "identity", identity.data,
                          identity.length, VAR_OUTSIDE);
    else if (status != STATUS_NO_MEMORY)
        status = STATUS_MISCONFIGURED;
    secret_clear(&identity);
    if (status != STATUS_OK)
        return operation_fail(
            api, status, "`identity` of the conf gives no name for this user");
    return STATUS_OK;
}

/* --- operations ---------------------------------------------------------- */

static enum status
run_login(struct api *api)
{
    const struct step *login = &api->conf->login;
    enum status status;

    if (!login->present)
        return operation_fail(api, STATUS_UNSUPPORTED,
                              "the description has no [login]");
    if (api->conf->mfa_always)
        return factor_first(api);
    api->exchange.precious = true;
    status = exchange_step(&api->exchange, login);
    if (status == STATUS_MFA_REQUIRED)
        return factor_begin(api);
    if (status == STATUS_OK)
        status = hand_take(api, login);
    else
        hand_salvage(api, login);
    return status == STATUS_OK ? hand_give(api) : status;
}

static enum status
run_refresh(struct api *api)
{
    enum status status = hand_read(api, true);

    return status == STATUS_OK ? hand_refresh(api) : status;
}

/* New tokens that a refresh brought on the way stay in the reply only if they
 * are still alive, so that their revocation can be tried again. */
static enum status
run_revoke(struct api *api)
{
    enum status status = hand_read(api, false);

    /* Of a sign-in that got no further: a logout of all sessions of the user
     * is not for its sake. */
    if (status == STATUS_OK && api->tokens.kind == TOKENS_CHALLENGE
        && api->conf->ends_user)
        return STATUS_UNSUPPORTED;
    if (status == STATUS_OK)
        status = hand_revoke(api);
    if (hand_ended(status))
        hand_withdraw(api);
    return status;
}

static enum status
run(struct api *api)
{
    enum status status = set_variables(api);

    if (status != STATUS_OK)
        return status;
    switch ((enum operation)api->request->operation) {
    case OPERATION_LOGIN:
        return run_login(api);
    case OPERATION_REFRESH:
        return run_refresh(api);
    case OPERATION_REVOKE:
        return run_revoke(api);
    case OPERATION_ACCOUNT:
        return account_run(api);
    case OPERATION_PASSWORD:
        return password_run(api);
    case OPERATION_FACTOR:
        return factor_run(api);
    }
    return operation_fail(api, STATUS_SYSTEM,
                          "an operation that nobody knows");
}

/* --- the end ------------------------------------------------------------- */

/* The only words that do not go into a reply: nobody would read it. */
static void
log_lost(const struct api *api, int priority, const char *what)
{
    const char *detail = api->report->reply->detail;

    openlog("authapi-helper", LOG_PID, LOG_AUTHPRIV);
    syslog(priority, "realm %s, user \"%s\": %s%s%s", api->request->realm,
           api->request->user, what, detail != NULL ? ": " : "",
           detail != NULL ? detail : "");
    closelog();
}

/* Begins to take back what is in hand.  False where nobody here may: a logout
 * that ends every session of the user is not for the sake of one sign-in, and
 * a refresh that brought no other refresh token left the caller's own grant
 * as good as it was. */
static bool
begin_taking_back(struct api *api)
{
    const struct report *report = api->report;

    if (api->conf->ends_user || !api->conf->revoke.present
        || ((api->request->operation == OPERATION_REFRESH
             || api->request->operation == OPERATION_ACCOUNT)
            && !api->traded))
        return false;
    exchange_orphan(&api->exchange);
    free(report->reply->detail);
    report->reply->detail = NULL;
    return true;
}

/* Takes back tokens that were meant for a caller who is not there, or who
 * waits for nothing but our end. */
static void
take_back_lost(struct api *api)
{
    if (fork() > 0)
        return;
    if (!begin_taking_back(api))
        log_lost(api, LOG_WARNING,
                 "the caller was gone before it kept the tokens; they end "
                 "by themselves");
    else if (hand_ended(hand_revoke(api)))
        log_lost(api, LOG_NOTICE,
                 "the caller was gone before it kept the tokens; they have "
                 "been revoked");
    else
        log_lost(api, LOG_WARNING,
                 "the caller was gone before it kept the tokens, and they "
                 "could not be revoked");
}

/* Takes back tokens that nobody keeps: of a sign-in that was refused, or made
 * to change a password, or that could not be written down.  The caller has
 * its reply and goes on: a child does this, and says no more unless it
 * fails. */
static void
take_back_unkept(struct api *api)
{
    if (!begin_taking_back(api) || fork() > 0)
        return;
    if (!hand_ended(hand_revoke(api)))
        log_lost(api, LOG_WARNING,
                 "tokens that nobody keeps could not be revoked");
}

/* Sends the reply.  False when nobody will ever know it. */
static bool
deliver(struct api *api, enum status status)
{
    struct exchange *exchange = &api->exchange;
    struct reply *reply = api->report->reply;

    reply->status = status;
    if (status == STATUS_OK) {
        free(reply->detail);
        reply->detail = NULL;
    }
    notice_write(api, status);
    return !exchange->orphaned
           && caller_send(exchange->caller, reply, clock_ms() + DELIVERY_MS);
}

/* Hears what becomes of the tokens in the reply; the answer may take as long
 * as a person takes to find a code.  What was secret before is not needed for
 * that.  False when the caller is gone. */
static bool
hear(struct api *api)
{
    struct exchange *exchange = &api->exchange;
    const struct reply *reply = api->report->reply;
    enum fate fate = FATE_KEPT;
    bool state = reply->state.length > 0 && exchange->held && api->kept;
    int64_t wait_ms = state ? FACTOR_MS : KEEP_MS;

    if (!state && reply->opaque.length == 0)
        return true;
    secret_clear(&exchange->handover.password);
    secret_clear(&exchange->handover.new_password);
    http_request_clear(&exchange->draft);
    (void)!vars_set(&api->conf->vars, "password", "", 0, VAR_OUTSIDE);
    (void)!vars_set(&api->conf->vars, "new_password", "", 0, VAR_OUTSIDE);
    alarm((unsigned)(wait_ms / 1000) + MARGIN_S);
    if (!caller_hear(exchange->caller, clock_ms() + wait_ms, &fate))
        return false;
    api->kept = fate == FATE_KEPT;
    return true;
}

/* Letting an expired password in makes sense only where it can be changed,
 * without the tokens that it no longer brings. */
static bool
can_change_expired(const struct conf *conf)
{
    return conf->password.present
           && !draft_needs(&conf->password, "access_token")
           && !draft_needs(&conf->password, "refresh_token");
}

void
api_serve(struct conf *conf, const struct request *request,
          struct caller *caller, struct report *report, int64_t idle_ms)
{
    struct api api = { .conf = conf, .request = request, .report = report };
    bool revoking = request->operation == OPERATION_REVOKE;
    enum status status;

    exchange_init(&api.exchange, conf, request, caller, report, idle_ms);
    tokens_init(&api.tokens);
    status = run(&api);
    if (!can_change_expired(conf))
        report->reply->proved = 0;
    if (status == STATUS_CANCELLED)
        goto out;
    if (deliver(&api, status) && hear(&api)) {
        if (api.exchange.held && !api.kept && !revoking)
            take_back_unkept(&api);
        goto out;
    }
    if (api.exchange.held && !revoking)
        take_back_lost(&api);
    else if (api.exchange.held
                 ? !hand_ended(status)
                 : status == STATUS_DEADLINE || status == STATUS_UNAVAILABLE)
        log_lost(&api, LOG_WARNING,
                 "the caller was gone before the answer came, and tokens of "
                 "it could not be revoked");
out:
    tokens_clear(&api.tokens);
    trust_clear(&api);
    exchange_clear(&api.exchange);
}
