/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * api.c - one operation at the API: login, refresh or revoke.
 */
#include "helper/api.h"
#include "base/grant.h"
#include "helper/clock.h"
#include "helper/draft.h"
#include "helper/exchange.h"
#include "helper/judge.h"
#include "helper/tokens.h"
#include "provider/expiry.h"
#include "provider/rules.h"
#include "provider/template.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

enum { DELIVERY_MS = 2000 }; /* for the caller to take its reply */

struct api {
    struct exchange exchange;
    struct conf *conf;
    const struct request *request;
    struct report *report;
    struct tokens tokens; /* in hand */
};

static enum status
fail(struct api *api, enum status status, const char *what)
{
    return report_end(api->report, status, "%s of \"%s\": %s",
                      api->request->operation == OPERATION_LOGIN ? "login"
                      : api->request->operation == OPERATION_REFRESH
                          ? "refresh"
                          : "revoke",
                      api->request->user, what);
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
        return fail(api, status, "no room for variables");
    status = template_fill(api->conf->identity, &api->conf->vars, PLACE_TEXT,
                           &identity, &present, &culprit);
    if (status == STATUS_OK && present && identity.length > 0)
        status = vars_set(&api->conf->vars, "identity", identity.data,
                          identity.length, VAR_OUTSIDE);
    else if (status != STATUS_NO_MEMORY)
        status = STATUS_MISCONFIGURED;
    secret_clear(&identity);
    if (status != STATUS_OK)
        return fail(api, status,
                    "`identity` of the conf gives no name for this user");
    return STATUS_OK;
}

/* --- tokens -------------------------------------------------------------- */

static bool
can_refresh(const struct api *api)
{
    const struct step *refresh = &api->conf->refresh;

    return refresh->present
           && (api->tokens.refresh.length > 0
               || !draft_needs(refresh, "refresh_token"));
}

/* Takes what the answer to STEP brought, if it is about the right account. */
static enum status
take_tokens(struct api *api, const struct step *step)
{
    struct exchange *exchange = &api->exchange;
    const struct answer *answer = &exchange->result.answer;
    const char *why = NULL;
    const char *doubt = NULL;
    enum status status;

    status = tokens_take(&api->tokens, step, answer, (int64_t)time(NULL), &why,
                         &doubt);
    if (status == STATUS_BAD_TOKEN)
        return report_end(api->report, status, "%s: HTTP %d, but %s; %s",
                          exchange->subject, answer->status,
                          why != NULL ? why : "no token is usable",
                          judge_body(&exchange->result));
    if (status != STATUS_OK)
        return fail(api, status, status_text(status));
    if (doubt != NULL)
        report_warning(api->report, "%s: %s", exchange->subject, doubt);
    /* From here on the tokens are known to nobody else. */
    exchange->held = true;
    /* No condition at all would hold for anybody. */
    if (!step->account_login
        && (step->account.count == 0
            || !conds_hold(&step->account, answer, &api->conf->vars)))
        return report_end(api->report, STATUS_WRONG_ACCOUNT,
                          "%s: HTTP %d, but the answer is not about this "
                          "account (`account` in [%s])",
                          exchange->subject, answer->status, step->name);
    return STATUS_OK;
}

/* Puts the tokens in hand into the reply. */
static enum status
fill_reply(struct api *api)
{
    struct reply *reply = api->report->reply;
    uint32_t random = 0;
    enum status status = tokens_write(&api->tokens, &reply->opaque);

    if (status != STATUS_OK)
        return fail(api, status, "the tokens are too long to be kept");
    if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
        random = (uint32_t)clock_ms(); /* it only spreads refreshes */
    reply->expires_at = api->tokens.expires_at;
    if (api->tokens.expires_at > api->tokens.taken_at)
        reply->expires_in = api->tokens.expires_at - api->tokens.taken_at;
    if (can_refresh(api)) {
        reply->flags |= GRANT_REFRESHABLE;
        reply->refresh_at = expiry_refresh_at((int64_t)time(NULL),
                                              api->tokens.expires_at, random);
    }
    if (api->conf->ends_user)
        reply->flags |= GRANT_ENDS_USER;
    if (api->conf->sessions_one)
        reply->flags |= GRANT_SESSIONS_ONE;
    return STATUS_OK;
}

/* Waits for the grant and reads it. */
static enum status
take_grant(struct api *api)
{
    enum status status = exchange_wait(&api->exchange);

    if (status != STATUS_OK)
        return status;
    status = tokens_read(&api->tokens, &api->exchange.handover.opaque);
    if (status != STATUS_OK)
        return fail(api, status, "the stored grant cannot be read");
    return STATUS_OK;
}

static enum status
show_tokens(struct api *api)
{
    enum status status = tokens_show(&api->tokens, &api->conf->vars);

    return status == STATUS_OK ? status
                               : fail(api, status, "no room for variables");
}

/* An answer that is refused may have brought tokens all the same, for another
 * account or before a second factor: they are not ours to keep. */
static void
salvage(struct api *api, const struct step *step)
{
    struct exchange *exchange = &api->exchange;
    const struct answer *answer = &exchange->result.answer;
    const char *why = NULL, *doubt = NULL;

    if (!exchange->held && answer->status >= 200 && answer->status < 300
        && tokens_take(&api->tokens, step, answer, (int64_t)time(NULL), &why,
                       &doubt)
               == STATUS_OK)
        exchange->held = true;
}

/* --- operations ---------------------------------------------------------- */

static enum status
run_login(struct api *api)
{
    enum status status;

    if (!api->conf->login.present)
        return fail(api, STATUS_UNSUPPORTED, "the description has no [login]");
    api->exchange.precious = true;
    status = exchange_step(&api->exchange, &api->conf->login);
    if (status == STATUS_OK)
        status = take_tokens(api, &api->conf->login);
    else
        salvage(api, &api->conf->login);
    return status == STATUS_OK ? fill_reply(api) : status;
}

/* Trades the tokens in hand for new ones. */
static enum status
refresh_tokens(struct api *api)
{
    struct secret old = SECRET_INIT(TOKEN_MAX);
    enum status status;

    if (!api->conf->refresh.present)
        return fail(api, STATUS_UNSUPPORTED,
                    "the description has no [refresh]");
    if (!can_refresh(api))
        return fail(api, STATUS_UNSUPPORTED,
                    "the grant holds no refresh token");
    status = show_tokens(api);
    if (status == STATUS_OK && api->tokens.refresh.length > 0)
        status = secret_append(&old, api->tokens.refresh.data,
                               api->tokens.refresh.length);
    if (status != STATUS_OK)
        return status;
    api->exchange.precious = true;
    status = exchange_step(&api->exchange, &api->conf->refresh);
    if (status == STATUS_OK)
        status = take_tokens(api, &api->conf->refresh);
    if (status == STATUS_OK)
        status = fill_reply(api);
    if (status == STATUS_OK
        && (old.length != api->tokens.refresh.length
            || memcmp(secret_text(&old), secret_text(&api->tokens.refresh),
                      old.length)
                   != 0))
        api->report->reply->rotated = 1;
    secret_clear(&old);
    return status;
}

static enum status
run_refresh(struct api *api)
{
    enum status status = take_grant(api);

    return status == STATUS_OK ? refresh_tokens(api) : status;
}

static bool
is_ended(enum status status)
{
    return status == STATUS_OK || status == STATUS_SESSION_EXPIRED;
}

/* Takes the tokens in hand back at the API. */
static enum status
revoke_tokens(struct api *api)
{
    const struct step *revocation = &api->conf->revoke;
    enum status status, second;

    if (!revocation->present)
        return fail(api, STATUS_UNSUPPORTED,
                    "the description has no [revoke]");
    /* A revocation that takes the access token for its own authentication
     * needs a living one. */
    if (api->tokens.expires_at != 0
        && api->tokens.expires_at <= (int64_t)time(NULL)
        && draft_needs(revocation, "access_token") && can_refresh(api)) {
        status = refresh_tokens(api);
        if (status != STATUS_OK)
            return status;
    }
    status = show_tokens(api);
    if (status != STATUS_OK)
        return status;
    status = exchange_step(&api->exchange, revocation);
    /* Without a refresh token, [revoke] took the access token already. */
    if (!is_ended(status) || !api->conf->revoke_access.present
        || api->tokens.refresh.length == 0)
        return status;
    second = exchange_step(&api->exchange, &api->conf->revoke_access);
    return is_ended(second) && status == STATUS_OK ? STATUS_OK : second;
}

/* New tokens that a refresh brought on the way stay in the reply only if they
 * are still alive, so that their revocation can be tried again. */
static void
empty_reply(struct reply *reply)
{
    secret_clear(&reply->opaque);
    reply->expires_at = 0;
    reply->expires_in = 0;
    reply->refresh_at = 0;
    reply->rotated = 0;
    reply->flags = 0;
}

static enum status
run_revoke(struct api *api)
{
    enum status status = take_grant(api);

    if (status == STATUS_OK)
        status = revoke_tokens(api);
    if (is_ended(status))
        empty_reply(api->report->reply);
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
    }
    return fail(api, STATUS_SYSTEM, "an operation that nobody knows");
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

/* Takes back tokens that were meant for a caller who is not there. */
static void
take_back(struct api *api)
{
    exchange_orphan(&api->exchange);
    free(api->report->reply->detail);
    api->report->reply->detail = NULL;
    if (is_ended(revoke_tokens(api)))
        log_lost(api, LOG_NOTICE,
                 "the caller was gone before the tokens came; they have been "
                 "revoked");
    else
        log_lost(api, LOG_WARNING,
                 "the caller was gone before the tokens came, and they could "
                 "not be revoked");
}

/* Takes back tokens of a sign-in that was refused.  The caller has its reply
 * and goes on: a child does this, and says no more unless it fails.  Where a
 * logout ends every session of the user, it is not ours to cause. */
static void
take_back_refused(struct api *api)
{
    if (!api->conf->revoke.present || api->conf->ends_user || fork() > 0)
        return;
    exchange_orphan(&api->exchange);
    free(api->report->reply->detail);
    api->report->reply->detail = NULL;
    if (!is_ended(revoke_tokens(api)))
        log_lost(api, LOG_WARNING,
                 "the tokens of a refused sign-in could not be revoked");
}

/* Sends the reply.  False when nobody will ever know it. */
static bool
deliver(struct api *api, enum status status)
{
    struct exchange *exchange = &api->exchange;
    struct reply *reply = api->report->reply;

    reply->status = status;
    return !exchange->orphaned
           && caller_send(exchange->caller, reply, clock_ms() + DELIVERY_MS)
           && (reply->opaque.length == 0
               || caller_took(exchange->caller, clock_ms() + DELIVERY_MS));
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
    if (status == STATUS_CANCELLED)
        goto out;
    if (deliver(&api, status)) {
        if (status != STATUS_OK && api.exchange.held && !revoking)
            take_back_refused(&api);
        goto out;
    }
    if (api.exchange.held && !revoking)
        take_back(&api);
    else if (api.exchange.held
                 ? !is_ended(status)
                 : status == STATUS_DEADLINE || status == STATUS_UNAVAILABLE)
        log_lost(&api, LOG_WARNING,
                 "the caller was gone before the answer came, and tokens of "
                 "it could not be revoked");
out:
    tokens_clear(&api.tokens);
    exchange_clear(&api.exchange);
}
