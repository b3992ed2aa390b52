/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * login.h - a sign-in on its way; for login.c, factor.c and password.c only.
 */
#ifndef AUTHAPI_SESSION_LOGIN_H
#define AUTHAPI_SESSION_LOGIN_H

#include "base/message.h"
#include "session/ask.h"
#include "session/cache.h"
#include "session/session.h"

#include <stdint.h>
#include <time.h>

/* The reply must be here before the line's timeout= is over, so that a
 * refusal at the deadline still returns at a whole second. */
#define DEADLINE_MARGIN_MS 500

struct login {
    const struct session_call *call;
    uint32_t uid;
    struct cache *cache;
    struct request request;
    struct ask *ask;     /* a helper that waits for the password, or NULL */
    struct ask *pending; /* one that waits to hear that its tokens are kept */
    int slot;            /* its place among the early ones, or -1 */
    int sign_ins;        /* the lock that tells logouts of us, or -1 */
    struct secret password;
    struct timespec entered; /* when the user gave the last answer */
    struct reply reply;
    const char *why; /* where the reply has no detail; static, or NULL */
};

/* Prepares for CALL.  End with login_end. */
void login_begin(struct login *login, const struct session_call *call);

/* Finds the account and opens the cache; makes the request.  STATUS_OK,
 * STATUS_NO_SUCH_USER, STATUS_NOT_OURS, STATUS_SYSTEM, STATUS_NO_MEMORY. */
enum status login_identify(struct login *login,
                           enum operation operation) MUST_USE;

/* Whether the password may go to the API at all. */
bool login_password_fits(struct login *login) MUST_USE;

/* Tells logouts that would end every session of the user that a sign-in is
 * under way; one that runs already is waited for, a little. */
void login_announce(struct login *login);

/* Asks a fresh helper, or the one that waits, lending it the key set and
 * keeping the one it gives back.  HANDOVER's time limit and keys are set
 * here.  The answer is in ->reply, and who gave tokens with it in ->pending;
 * an earlier one there is ended as KEPT says. */
enum status login_ask(struct login *login, struct handover *handover) MUST_USE;

/* Stages the grant in the reply under HANDLE, and tells the helper.
 * STATUS_OK; others, logged, with the grant taken back. */
enum status login_stage(struct login *login, char handle[ID_SIZE]) MUST_USE;

/* Logs a refusal once and, unless it was a cancelled prompt, tells the user
 * what the conf wants told. */
void login_refuse(const struct login *login, enum status status);

/* Sleeps until a whole number of seconds has passed since the user's last
 * answer: the time of a refusal tells nothing about its cause. */
void login_wait(const struct login *login);

/* Wipes and frees. */
void login_end(struct login *login);

/* Asks for the second factor that the reply wants, up to three times, and
 * brings it to the API.  Returns the decision; what was begun and not ended
 * well is taken back. */
enum status factor_prove(struct login *login) MUST_USE;

#endif
