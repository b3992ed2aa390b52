/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * factor.c - the second factor of a sign-in.
 *
 * What must be remembered between two runs of the helper is a state that it
 * gave us and only it reads.  Nothing is written anywhere before the last
 * step has passed; until then the helper of the first one waits, and takes
 * its tokens back when that is not well, or we are no more.
 */
#include "session/login.h"

#include <stdlib.h>

#define TRIES 3
#define PROMPT "One-time code: "

/* Asks for the code.  STATUS_OK, STATUS_CANCELLED, STATUS_MFA_FAILED (nothing
 * or too much was typed), STATUS_NO_MEMORY. */
static enum status
ask_code(struct login *login, const char *prompt, struct secret *code)
{
    const struct session_call *call = login->call;
    enum status status = call->ask(call->context, prompt, true, code);

    clock_gettime(CLOCK_MONOTONIC, &login->entered);
    /* What the last run said is not why this one ends. */
    reply_clear(&login->reply);
    if (status == STATUS_CANCELLED) {
        login->why = "a second factor is needed and was not given; sshd can "
                     "ask for one with keyboard-interactive only";
        return status;
    }
    if (status == STATUS_OK
        && (code->length == 0 || code->length > OTP_MAX
            || !utf8_valid(code->data, code->length))) {
        login->why = "the second factor is empty or no text";
        return STATUS_MFA_FAILED;
    }
    return status;
}

/* Brings CODE to the API; STATE is used up and replaced by the next one. */
static enum status
bring(struct login *login, struct secret *state, const struct secret *code)
{
    struct handover handover = {
        .password = login->password, /* borrowed, like the others */
        .opaque = *state,
        .otp = *code,
    };
    enum status status;

    login->request.operation = OPERATION_FACTOR;
    login->request.idle_ms = login->call->timeout_ms;
    status = login_ask(login, &handover);
    if (status == STATUS_OK || login->reply.state.length > 0) {
        secret_clear(state);
        *state = login->reply.state;
        login->reply.state = (struct secret)SECRET_INIT(OPAQUE_MAX);
    }
    return status;
}

/* The prompt of the last reply that had one. */
static void
keep_prompt(char **prompt, struct reply *reply)
{
    if (reply->prompt == NULL)
        return;
    free(*prompt);
    *prompt = reply->prompt;
    reply->prompt = NULL;
}

/* Who gave the first state answers for the tokens of that step until the last
 * one is over, even if we are killed meanwhile; LATER gave no others unless it
 * gave a grant. */
static void
settle_later(struct login *login, struct ask *first, enum status status)
{
    if (status != STATUS_OK)
        ask_settle(&login->pending, true);
    ask_settle(&first, status == STATUS_OK);
}

enum status
factor_prove(struct login *login)
{
    struct ask *first = login->pending;
    struct secret state = login->reply.state;
    enum status status = STATUS_MFA_REQUIRED;
    char *prompt = NULL;

    login->reply.state = (struct secret)SECRET_INIT(OPAQUE_MAX);
    login->pending = NULL;
    for (int tries = 0; tries < TRIES; tries++) {
        struct secret code = SECRET_INIT(2 * OTP_MAX);

        keep_prompt(&prompt, &login->reply);
        status = ask_code(login, prompt != NULL ? prompt : PROMPT, &code);
        ask_settle(&login->pending, true);
        if (status == STATUS_OK)
            status = bring(login, &state, &code);
        secret_clear(&code);
        if (status != STATUS_MFA_FAILED && status != STATUS_MFA_REQUIRED)
            break;
    }
    settle_later(login, first, status);
    secret_clear(&state);
    free(prompt);
    return status;
}
