/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * account.c - who may come in: the API asked about a token, and the rules of
 * [account].
 *
 * It refuses to let a rule hold on an answer that was not accepted.
 */
#include "base/grant.h"
#include "helper/draft.h"
#include "helper/operation.h"
#include "provider/rules.h"

#include <stdlib.h>

/* --- [account] ----------------------------------------------------------- */

static bool
any_holds(const struct api *api, const struct requirement *rules, size_t count)
{
    const struct answer *answer = &api->exchange.result.answer;

    for (size_t i = 0; i < count; i++)
        /* Without a verified token no claim is absent, but unknown. */
        if ((answer->jwt != NULL || !conds_need_jwt(&rules[i].conds))
            && conds_hold(&rules[i].conds, answer, &api->conf->vars))
            return true;
    return false;
}

void
account_weigh(struct api *api)
{
    const struct account_rules *rules = &api->conf->account;

    if (any_holds(api, rules->allow, rules->allow_count))
        api->allowed = true;
    if (any_holds(api, rules->deny, rules->deny_count))
        api->denied = true;
}

bool
account_denied(const struct api *api)
{
    return api->denied
           || (api->conf->account.allow_count > 0 && !api->allowed);
}

/* --- [introspect] -------------------------------------------------------- */

enum status
account_introspect(struct api *api)
{
    const struct step *step = &api->conf->introspect;
    struct exchange *exchange = &api->exchange;
    struct answer *answer;
    enum status status;

    if (!step->present)
        return operation_fail(api, STATUS_MISCONFIGURED,
                              "the description has no [introspect]");
    status = hand_show(api);
    if (status == STATUS_OK)
        status = exchange_step(exchange, step);
    if (status != STATUS_OK)
        return status;
    answer = &exchange->result.answer;
    /* The conditions may name the claims of the token it is about. */
    answer->jwt = json_incref(api->claims);
    if (step->account.count == 0
        || !conds_hold(&step->account, answer, &api->conf->vars))
        return report_end(api->report, STATUS_WRONG_ACCOUNT,
                          "%s: HTTP %d, but the token is not this account's "
                          "(`account` in [introspect])",
                          exchange->subject, answer->status);
    account_weigh(api);
    return STATUS_OK;
}

/* --- the operation ------------------------------------------------------- */

/* Whether the stored tokens must be traded before anything can be said. */
static bool
must_refresh(struct api *api)
{
    const struct account_rules *rules = &api->conf->account;

    if (!api->conf->introspect.present)
        return true;
    if (hand_can_refresh(api) && hand_expired(api)
        && draft_needs(&api->conf->introspect, "access_token"))
        return true;
    /* Rules may want claims, which are those of a token that is good now. */
    return rules->allow_count + rules->deny_count > 0 && api->conf->jwt.present
           && !trust_stored(api) && hand_can_refresh(api);
}

/* The account cannot be asked about once more, but the refresh was an answer
 * too. */
static enum status
second_opinion(struct api *api, bool refreshed)
{
    enum status status = account_introspect(api);

    if (!refreshed
        || (status != STATUS_UNAVAILABLE && status != STATUS_RATE_LIMITED
            && status != STATUS_DEADLINE))
        return status;
    report_warning(api->report, "%s",
                   api->report->reply->detail != NULL
                       ? api->report->reply->detail
                       : status_text(status));
    return STATUS_OK;
}

static enum status
ask(struct api *api)
{
    const struct conf *conf = api->conf;
    bool refreshed = false;
    enum status status = STATUS_OK;

    if (must_refresh(api)) {
        status = hand_refresh(api);
        refreshed = status == STATUS_OK;
    }
    if (status == STATUS_OK && conf->introspect.present
        && !(refreshed && conf->refresh.account_introspect))
        status = second_opinion(api, refreshed);
    /* What the rules of [account] look for may stand in another answer. */
    if (status == STATUS_OK && !api->denied && account_denied(api)
        && !refreshed && hand_can_refresh(api))
        status = hand_refresh(api);
    return status;
}

/* Whether STATUS says something of the account.  Where it does not, tokens
 * that were traded on the way are still the caller's. */
static bool
decides(enum status status)
{
    return status != STATUS_UNAVAILABLE && status != STATUS_RATE_LIMITED
           && status != STATUS_DEADLINE && status != STATUS_MISCONFIGURED;
}

enum status
account_run(struct api *api)
{
    enum status status = hand_read(api, true);

    if (status != STATUS_OK)
        return status;
    if (!api->conf->introspect.present && !hand_can_refresh(api))
        return operation_fail(api, STATUS_UNSUPPORTED,
                              "the description has no [introspect], and the "
                              "grant cannot be refreshed");
    status = ask(api);
    if (status != STATUS_OK) {
        if (decides(status) || !api->traded)
            hand_withdraw(api);
        return status;
    }
    if (api->denied && !api->tokens.denied)
        status = hand_give(api); /* remembers it */
    if (status != STATUS_OK)
        return status;
    if (!account_denied(api)) {
        api->report->reply->flags &= ~(int64_t)GRANT_DENIED;
        return STATUS_OK;
    }
    api->report->reply->flags |= GRANT_DENIED;
    return operation_fail(api, STATUS_DENIED,
                          api->denied ? "a `deny` of [account] holds"
                                      : "no `allow` of [account] holds");
}
