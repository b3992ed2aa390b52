/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hand.c - the tokens in hand: taken, shown, given, traded, taken back.
 *
 * It refuses to give tokens of an account that nobody has compared.
 */
#include "base/clock.h"
#include "base/grant.h"
#include "helper/draft.h"
#include "helper/judge.h"
#include "helper/operation.h"
#include "provider/expiry.h"
#include "provider/rules.h"

#include <string.h>
#include <sys/random.h>
#include <time.h>

/* --- from an answer ------------------------------------------------------ */

static enum status
take(struct api *api, const struct step *step, bool partly)
{
    struct exchange *exchange = &api->exchange;
    const struct answer *answer = &exchange->result.answer;
    const char *why = NULL;
    const char *doubt = NULL;
    enum status status = tokens_take(
        &api->tokens, step, answer, (int64_t)time(NULL), partly, &why, &doubt);

    if (status == STATUS_BAD_TOKEN)
        return report_end(api->report, status, "%s: HTTP %d, but %s; %s",
                          exchange->subject, answer->status,
                          why != NULL ? why : "no token is usable",
                          judge_body(&exchange->result));
    if (status != STATUS_OK)
        return operation_fail(api, status, status_text(status));
    /* Where an expiry is a claim, there is none before it is verified. */
    if (doubt != NULL && (answer->jwt != NULL || !api->conf->jwt.present))
        report_warning(api->report, "%s: %s", exchange->subject, doubt);
    return STATUS_OK;
}

static enum status
compare_account(struct api *api, const struct step *step)
{
    const struct exchange *exchange = &api->exchange;
    const struct answer *answer = &exchange->result.answer;

    /* No condition at all would hold for anybody. */
    if (step->account_login || step->account_introspect
        || (step->account.count > 0
            && conds_hold(&step->account, answer, &api->conf->vars)))
        return STATUS_OK;
    return report_end(api->report, STATUS_WRONG_ACCOUNT,
                      "%s: HTTP %d, but the answer is not about this account "
                      "(`account` in [%s])",
                      exchange->subject, answer->status, step->name);
}

/* The requirements on claims, which could not be looked at before. */
static enum status
require_claims(struct api *api, const struct step *step)
{
    const struct answer *answer = &api->exchange.result.answer;

    for (size_t i = 0; i < step->require_count; i++) {
        const struct conds *conds = &step->require[i].conds;

        if (conds_need_jwt(conds)
            && (answer->jwt == NULL
                || !conds_hold(conds, answer, &api->conf->vars)))
            return report_end(api->report, STATUS_BAD_TOKEN,
                              "%s: HTTP %d, but require.%s of [%s] does not "
                              "hold",
                              api->exchange.subject, answer->status,
                              step->require[i].name, step->name);
    }
    return STATUS_OK;
}

enum status
hand_take(struct api *api, const struct step *step)
{
    enum status status = take(api, step, false);

    if (status != STATUS_OK)
        return status;
    /* From here on the tokens are known to nobody else. */
    api->exchange.held = true;
    if (api->conf->jwt.present) {
        status = trust_answer(api, step);
        /* Outputs may be claims. */
        if (status == STATUS_OK)
            status = take(api, step, false);
    }
    if (status == STATUS_OK)
        status = require_claims(api, step);
    if (status == STATUS_OK)
        status = compare_account(api, step);
    if (status != STATUS_OK)
        return status;
    account_weigh(api);
    return step->account_introspect ? account_introspect(api) : STATUS_OK;
}

enum status
hand_take_partly(struct api *api, const struct step *step)
{
    enum status status = take(api, step, true);

    if (status == STATUS_OK && tokens_any(&api->tokens)
        && api->request->operation == OPERATION_LOGIN)
        api->exchange.held = true;
    return status;
}

void
hand_salvage(struct api *api, const struct step *step)
{
    struct exchange *exchange = &api->exchange;
    const struct answer *answer = &exchange->result.answer;
    const char *why = NULL, *doubt = NULL;

    if (!exchange->held && answer->status >= 200 && answer->status < 300
        && tokens_take(&api->tokens, step, answer, (int64_t)time(NULL), false,
                       &why, &doubt)
               == STATUS_OK)
        exchange->held = true;
}

/* --- from the caller, and back ------------------------------------------- */

enum status
hand_read(struct api *api, bool wants_grant)
{
    enum status status = exchange_wait(&api->exchange);

    if (status != STATUS_OK)
        return status;
    status = tokens_read(&api->tokens, &api->exchange.handover.opaque);
    if (status == STATUS_OK && wants_grant && api->tokens.kind != TOKENS_GRANT)
        status = STATUS_BAD_TOKEN;
    if (status != STATUS_OK)
        return operation_fail(api, status, "the stored grant cannot be read");
    /* What denied once is not unsaid by an answer that does not repeat it. */
    api->denied = api->tokens.denied;
    return STATUS_OK;
}

enum status
hand_show(struct api *api)
{
    enum status status = tokens_show(&api->tokens, &api->conf->vars);

    return status == STATUS_OK
               ? status
               : operation_fail(api, status, "no room for variables");
}

enum status
hand_give(struct api *api)
{
    struct reply *reply = api->report->reply;
    uint32_t random = 0;
    enum status status;

    api->tokens.kind = TOKENS_GRANT;
    api->tokens.denied = api->denied;
    status = tokens_write(&api->tokens, &reply->opaque);
    if (status != STATUS_OK)
        return operation_fail(api, status,
                              "the tokens are too long to be kept");
    secret_clear(&reply->access);
    if (reply->opaque.length + api->tokens.access.length <= OPAQUE_MAX)
        status = secret_append(&reply->access, api->tokens.access.data,
                               api->tokens.access.length);
    if (status != STATUS_OK)
        return operation_fail(api, status, "no room for a token");
    if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
        random = (uint32_t)clock_ms(); /* it only spreads refreshes */
    reply->expires_at = api->tokens.expires_at;
    if (api->tokens.expires_at > api->tokens.taken_at)
        reply->expires_in = api->tokens.expires_at - api->tokens.taken_at;
    if (hand_can_refresh(api)) {
        reply->flags |= GRANT_REFRESHABLE;
        reply->refresh_at = expiry_refresh_at((int64_t)time(NULL),
                                              api->tokens.expires_at, random);
    }
    if (api->conf->ends_user)
        reply->flags |= GRANT_ENDS_USER;
    if (api->conf->sessions_one)
        reply->flags |= GRANT_SESSIONS_ONE;
    if (account_denied(api))
        reply->flags |= GRANT_DENIED;
    api->kept = true;
    return STATUS_OK;
}

void
hand_withdraw(struct api *api)
{
    struct reply *reply = api->report->reply;

    secret_clear(&reply->opaque);
    secret_clear(&reply->access);
    reply->expires_at = 0;
    reply->expires_in = 0;
    reply->refresh_at = 0;
    reply->rotated = 0;
    reply->flags = 0;
    api->kept = false;
}

/* --- at the API ---------------------------------------------------------- */

bool
hand_expired(const struct api *api)
{
    /* Who has kept them knows their age, whatever the time of day says. */
    if (api->tokens.taken_at == 0 && api->exchange.handover.expired == 1)
        return true;
    return api->tokens.expires_at != 0
           && api->tokens.expires_at <= (int64_t)time(NULL);
}

bool
hand_can_refresh(const struct api *api)
{
    const struct step *refresh = &api->conf->refresh;

    return refresh->present
           && (api->tokens.refresh.length > 0
               || !draft_needs(refresh, "refresh_token"));
}

/* An account that cannot be asked about right now is no reason to lose the
 * tokens that have just been traded: the API has vouched for them so far. */
static enum status
forgive(struct api *api, enum status status)
{
    if (api->exchange.step != &api->conf->introspect
        || (status != STATUS_UNAVAILABLE && status != STATUS_RATE_LIMITED
            && status != STATUS_DEADLINE))
        return status;
    report_warning(api->report, "%s",
                   api->report->reply->detail != NULL
                       ? api->report->reply->detail
                       : status_text(status));
    return STATUS_OK;
}

/* Whether the answer to a refresh brings another refresh token than the one
 * that was sent. */
static bool
rotates(const struct api *api, const struct secret *old)
{
    const struct source *source =
        tokens_source(&api->conf->refresh, "refresh_token");
    struct secret fresh = SECRET_INIT(TOKEN_MAX);
    bool other =
        source != NULL
        && source_read_string(source, &api->exchange.result.answer, &fresh)
               == STATUS_OK
        && fresh.length > 0
        && (fresh.length != old->length
            || memcmp(fresh.data, secret_text(old), fresh.length) != 0);

    secret_clear(&fresh);
    return other;
}

/* Trades the tokens in hand, of which OLD is the refresh token. */
static enum status
trade(struct api *api, const struct secret *old)
{
    const struct step *refresh = &api->conf->refresh;
    enum status status;

    api->exchange.precious = true;
    status = exchange_step(&api->exchange, refresh);
    if (status != STATUS_OK)
        return status;
    api->traded = api->traded || rotates(api, old);
    status = forgive(api, hand_take(api, refresh));
    if (status == STATUS_OK)
        status = hand_give(api);
    if (status == STATUS_OK)
        api->report->reply->rotated = api->traded;
    return status;
}

enum status
hand_refresh(struct api *api)
{
    struct secret old = SECRET_INIT(TOKEN_MAX);
    enum status status;

    if (!api->conf->refresh.present)
        return operation_fail(api, STATUS_UNSUPPORTED,
                              "the description has no [refresh]");
    if (!hand_can_refresh(api))
        return operation_fail(api, STATUS_UNSUPPORTED,
                              "the grant holds no refresh token");
    status = hand_show(api);
    if (status == STATUS_OK && api->tokens.refresh.length > 0)
        status = secret_append(&old, api->tokens.refresh.data,
                               api->tokens.refresh.length);
    if (status == STATUS_OK)
        status = trade(api, &old);
    secret_clear(&old);
    return status;
}

bool
hand_ended(enum status status)
{
    return status == STATUS_OK || status == STATUS_SESSION_EXPIRED;
}

enum status
hand_revoke(struct api *api)
{
    const struct step *revocation = &api->conf->revoke;
    enum status status, second;

    /* A sign-in that waits for its second factor may hold none. */
    if (!tokens_any(&api->tokens))
        return STATUS_OK;
    if (!revocation->present)
        return operation_fail(api, STATUS_UNSUPPORTED,
                              "the description has no [revoke]");
    /* A revocation that takes the access token for its own authentication
     * needs a living one. */
    if (hand_expired(api) && draft_needs(revocation, "access_token")
        && hand_can_refresh(api)) {
        status = hand_refresh(api);
        if (status != STATUS_OK)
            return status;
    }
    status = hand_show(api);
    if (status != STATUS_OK)
        return status;
    status = exchange_step(&api->exchange, revocation);
    /* Without a refresh token, [revoke] took the access token already. */
    if (!hand_ended(status) || !api->conf->revoke_access.present
        || api->tokens.refresh.length == 0)
        return status;
    second = exchange_step(&api->exchange, &api->conf->revoke_access);
    return hand_ended(second) && status == STATUS_OK ? STATUS_OK : second;
}
