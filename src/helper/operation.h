/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * operation.h - one operation at the API while it runs: what is in hand, and
 * the verbs of the files that share the work.
 */
#ifndef AUTHAPI_HELPER_OPERATION_H
#define AUTHAPI_HELPER_OPERATION_H

#include "base/message.h"
#include "base/status.h"
#include "helper/exchange.h"
#include "helper/keys.h"
#include "helper/report.h"
#include "helper/tokens.h"
#include "provider/conf.h"

#include <jansson.h>
#include <stdbool.h>

struct api {
    struct exchange exchange;
    struct conf *conf;
    const struct request *request;
    struct report *report;
    struct tokens tokens; /* in hand */
    bool traded;          /* they took the place of the caller's own, which
                           * are of no use any more */
    bool kept;            /* the reply hands them on: nobody takes them back */

    struct keys keys; /* of [jwt] */
    bool keys_loaded;
    char keys_problem[256]; /* why the last fetch was no good */
    json_t *claims;         /* of the newest verified token, or NULL */

    bool allowed; /* a rule of [account] allow held */
    bool denied;  /* a rule of [account] deny held */
};

/* Reports STATUS for the operation as a whole, and returns it. */
enum status operation_fail(const struct api *api, enum status status,
                           const char *what);

/* Every function below returns STATUS_OK, or what was decided, which is in
 * the report already. */

/* --- hand.c: the tokens in hand --- */

/* Takes what the answer to STEP brought, if it is about the right account:
 * token verified, account compared, asked about where STEP says so. */
enum status hand_take(struct api *api, const struct step *step) MUST_USE;

/* Takes the outputs of an answer that completes nothing. */
enum status hand_take_partly(struct api *api,
                             const struct step *step) MUST_USE;

/* An answer that is refused may have brought tokens all the same, for another
 * account or before a second factor: takes them, to be taken back. */
void hand_salvage(struct api *api, const struct step *step);

/* Waits for the handover and reads its grant or state; WANTS_GRANT refuses a
 * state. */
enum status hand_read(struct api *api, bool wants_grant) MUST_USE;

/* Makes the tokens variables. */
enum status hand_show(struct api *api) MUST_USE;

/* Puts the tokens into the reply as a grant. */
enum status hand_give(struct api *api) MUST_USE;

/* Takes out of the reply again what hand_give put there. */
void hand_withdraw(struct api *api);

bool hand_expired(const struct api *api) MUST_USE;
bool hand_can_refresh(const struct api *api) MUST_USE;

/* Trades the tokens for new ones, and gives those. */
enum status hand_refresh(struct api *api) MUST_USE;

/* Takes the tokens back at the API; hand_ended tells of what it returned
 * whether they are dead. */
enum status hand_revoke(struct api *api) MUST_USE;
bool hand_ended(enum status status) MUST_USE;

/* --- trust.c: tokens that are JWTs --- */

/* Verifies the token that [jwt] names in the answer to STEP, sets the
 * answer's claims, and compares whom it is about with the token before. */
enum status trust_answer(struct api *api, const struct step *step) MUST_USE;

/* Whether the stored token is still good; its claims are then ->claims.
 * Nothing is reported. */
bool trust_stored(struct api *api) MUST_USE;

void trust_clear(struct api *api);

/* --- account.c: who may come in --- */

/* Looks at the last answer through the rules of [account]. */
void account_weigh(struct api *api);

/* What all answers that were weighed say together. */
bool account_denied(const struct api *api) MUST_USE;

/* Asks [introspect] about the tokens in hand, and weighs its answer. */
enum status account_introspect(struct api *api) MUST_USE;

enum status account_run(struct api *api) MUST_USE;

/* --- factor.c: the second factor --- */

/* Goes on from a login that wants one: STATUS_MFA_REQUIRED with a state in
 * the reply, or without where nobody could bring a code. */
enum status factor_begin(struct api *api) MUST_USE;
/* The same, before anything is sent. */
enum status factor_first(struct api *api) MUST_USE;

enum status factor_run(struct api *api) MUST_USE;

/* --- password.c: another password --- */

enum status password_run(struct api *api) MUST_USE;

/* --- notice.c: words for the user --- */

/* Sets reply->message as STATUS asks for. */
void notice_write(struct api *api, enum status status);

/* Sets reply->prompt from the description. */
void notice_prompt(struct api *api);

#endif
