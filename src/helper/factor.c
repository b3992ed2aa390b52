/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * factor.c - the second factor of a sign-in.
 *
 * What must be remembered while a person looks for the code goes out in the
 * reply as a state, and comes back with the code.  It refuses to send a code
 * that nobody typed.
 */
#include "helper/draft.h"
#include "helper/operation.h"

#include <stdlib.h>
#include <string.h>

/* --- a state ------------------------------------------------------------- */

static enum status
give_state(struct api *api, const struct tokens *tokens)
{
    struct reply *reply = api->report->reply;

    if (tokens_write(tokens, &reply->state) != STATUS_OK)
        return operation_fail(api, STATUS_BAD_TOKEN,
                              "the state of the sign-in cannot be kept");
    notice_prompt(api);
    return STATUS_OK;
}

/* The code goes into another [login]: nothing else is to be remembered. */
static enum status
give_otp_state(struct api *api)
{
    struct tokens none;
    enum status status;

    tokens_init(&none);
    none.kind = TOKENS_OTP;
    status = give_state(api, &none);
    tokens_clear(&none);
    return status;
}

/* Asks the API for a challenge, where it wants to be asked, and gives the
 * state that answers it. */
static enum status
give_challenge(struct api *api)
{
    const struct step *start = &api->conf->mfa_start;
    enum status status = STATUS_OK;

    if (start->present) {
        status = hand_show(api);
        if (status == STATUS_OK)
            status = exchange_step(&api->exchange, start);
        if (status == STATUS_OK)
            status = hand_take_partly(api, start);
    }
    /* The prompt may name what the answers said. */
    if (status == STATUS_OK)
        status = hand_show(api);
    if (status == STATUS_OK)
        status = give_state(api, &api->tokens);
    return status;
}

/* --- after a login ------------------------------------------------------- */

enum status
factor_begin(struct api *api)
{
    const struct conf *conf = api->conf;
    enum status status = STATUS_OK;

    if (conf->mfa.present) {
        api->tokens.kind = TOKENS_CHALLENGE;
        status = hand_take_partly(api, &conf->login);
        if (status == STATUS_OK)
            status = give_challenge(api);
        api->kept = status == STATUS_OK;
    } else {
        hand_salvage(api, &conf->login);
        if (draft_uses(&conf->login, "otp"))
            status = give_otp_state(api);
        else
            report_warning(api->report,
                           "neither [mfa] nor %%{otp} in [login]: the "
                           "description has no place for a second factor");
    }
    return status == STATUS_OK ? STATUS_MFA_REQUIRED : status;
}

enum status
factor_first(struct api *api)
{
    enum status status = give_otp_state(api);

    return status == STATUS_OK ? STATUS_MFA_REQUIRED : status;
}

/* --- the code ------------------------------------------------------------ */

static enum status
take_code(struct api *api)
{
    const struct secret *code = &api->exchange.handover.otp;

    if (code->length == 0 || !utf8_valid(code->data, code->length)
        || memchr(code->data, '\0', code->length) != NULL)
        return report_end(api->report, STATUS_MFA_FAILED,
                          "the second factor is empty or no text: nothing "
                          "was sent");
    if (vars_set(&api->conf->vars, "otp", code->data, code->length,
                 VAR_OUTSIDE)
        != STATUS_OK)
        return operation_fail(api, STATUS_NO_MEMORY, "no room for a code");
    return STATUS_OK;
}

/* Sets the words of a refusal aside while something else is tried. */
static void
try_again(struct api *api)
{
    struct reply *reply = api->report->reply;
    char *detail = reply->detail;
    enum status status = STATUS_UNSUPPORTED;

    reply->detail = NULL;
    if (!api->conf->mfa_restart)
        status = give_state(api, &api->tokens);
    else if (api->conf->mfa_start.present)
        status = give_challenge(api);
    if (status != STATUS_OK && reply->detail != NULL)
        report_warning(api->report, "%s", reply->detail);
    free(reply->detail);
    reply->detail = detail;
}

/* Answers the challenge. */
static enum status
answer_challenge(struct api *api)
{
    const struct step *mfa = &api->conf->mfa;
    enum status status;

    if (!mfa->present)
        return operation_fail(api, STATUS_MISCONFIGURED,
                              "the description has no [mfa] any more");
    status = hand_show(api);
    if (status != STATUS_OK)
        return status;
    api->exchange.precious = true;
    status = exchange_step(&api->exchange, mfa);
    switch ((int)status) {
    case STATUS_OK:
        api->tokens.kind = TOKENS_GRANT;
        status = hand_take(api, mfa);
        return status == STATUS_OK ? hand_give(api) : status;
    case STATUS_MFA_FAILED:
    case STATUS_MFA_REQUIRED:
    case STATUS_BAD_CREDENTIALS: /* the code is what [mfa] brings */
        try_again(api);
        return STATUS_MFA_FAILED;
    default:
        hand_salvage(api, mfa);
        return status;
    }
}

/* Signs in again, with the code. */
static enum status
login_with_code(struct api *api)
{
    const struct step *login = &api->conf->login;
    enum status status;

    if (api->exchange.handover.password.length == 0)
        return operation_fail(api, STATUS_SYSTEM,
                              "the password did not come with the code");
    api->exchange.precious = true;
    status = exchange_step(&api->exchange, login);
    api->tokens.kind = TOKENS_GRANT;
    if (status == STATUS_OK) {
        status = hand_take(api, login);
        return status == STATUS_OK ? hand_give(api) : status;
    }
    hand_salvage(api, login);
    if (status != STATUS_MFA_FAILED && status != STATUS_MFA_REQUIRED)
        return status;
    status = give_otp_state(api);
    return status == STATUS_OK ? STATUS_MFA_FAILED : status;
}

enum status
factor_run(struct api *api)
{
    enum status status = hand_read(api, false);

    if (status != STATUS_OK)
        return status;
    status = take_code(api);
    if (status == STATUS_MFA_FAILED
        && give_state(api, &api->tokens) != STATUS_OK)
        return STATUS_BAD_TOKEN;
    if (status != STATUS_OK)
        return status;
    switch (api->tokens.kind) {
    case TOKENS_CHALLENGE:
        return answer_challenge(api);
    case TOKENS_OTP:
        return login_with_code(api);
    case TOKENS_GRANT:
        break;
    }
    return operation_fail(api, STATUS_BAD_TOKEN,
                          "what was handed over waits for no second factor");
}
