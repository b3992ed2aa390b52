/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * session.h - the policy: what one PAM call does.
 *
 *     authenticate --> session_login    stages a grant under a handle
 *                      session_reuse    the password was typed not long ago
 *     acct_mgmt    --> session_judge    is the account still good
 *     open_session --> session_open     commits it, notes the session,
 *                                       refreshes what is due
 *     setcred      --> session_renew    commits into a session set that exists
 *     close_session -> session_close    ends the session; the last one clears
 *                                       the cache and sets the revocation off
 *     chauthtok    --> session_prove_old, session_change_password
 *
 * It reaches the user and the log through the struct below and knows neither
 * PAM nor the network, so that it can one day serve callers that are not root
 * from a process of its own without a line changing here.
 */
#ifndef AUTHAPI_SESSION_SESSION_H
#define AUTHAPI_SESSION_SESSION_H

#include "base/log.h"
#include "base/secret.h"
#include "base/status.h"
#include "session/folder.h"

#include <stdbool.h>
#include <stdint.h>

/* One call, as its host and its PAM line describe it; all borrowed. */
struct session_call {
    const char *rundir;
    const char *realm;
    const char *user;    /* PAM_USER; may be anything */
    const char *service; /* may be NULL, like the next two */
    const char *tty;
    const char *rhost;
    uint32_t minimum_uid;
    int timeout_ms; /* of what may reach the network, from Enter on */
    const struct log *log;

    /* Asks for the password, with echo off, or takes the one that an earlier
     * module left.  STATUS_OK with PASSWORD filled (its cap is larger than
     * PASSWORD_MAX, so that an over-long one is seen); STATUS_CANCELLED;
     * STATUS_NO_MEMORY. */
    enum status (*ask_password)(void *context, struct secret *password);
    /* Asks something else: PROMPT, with or without echo.  As above. */
    enum status (*ask)(void *context, const char *prompt, bool echo,
                       struct secret *answer);
    /* Tells the user why something was refused. */
    void (*tell)(void *context, const char *text);
    void *context;
    bool prompts; /* ask_password will wait for a person */

    int64_t max_age_s;  /* of what the account phase may decide from */
    bool offline_allow; /* the account phase without an API: let in */
    bool defer_expired; /* an expired but proven password: let the account
                         * phase ask for a new one */
    bool reuse;         /* a password typed in this very session may do, */
    int64_t reuse_max_age_s; /* for so long */

    bool export;       /* the session's programs get the access token */
    bool expired_deny; /* tokens that are dead already refuse the session */
    bool revoke_wait;  /* the last close waits for the revocation */
};

/* What a sign-in left. */
struct signed_in {
    char handle[ID_SIZE]; /* of the staged grant; "" with expired */
    bool expired; /* the password was proven and must be changed; there are
                   * no tokens */
};

/* A session that was noted, to be ended by session_close. */
struct open_session {
    uint32_t uid;
    char id[ID_SIZE]; /* "": none */
    char *token_path; /* of the exported token; malloc'd, or NULL */
};

/* Proves the password at the API, and the second factor where the API wants
 * one (three tries).  STATUS_OK: OUT tells what it left.  Anything else is a
 * refusal, logged once; all but STATUS_CANCELLED return a whole number of
 * seconds after the last answer of the user, whatever the cause.  The user is
 * asked first in every case. */
enum status session_login(const struct session_call *call,
                          struct signed_in *out) MUST_USE;

/* Whether USER need not type anything: asked from a process of theirs, in a
 * login session that signed in through us, where the password was typed no
 * longer than reuse_max_age_s ago, while a grant is held that has not expired.
 * STATUS_OK, logged; else STATUS_NOT_FOUND. */
enum status session_reuse(const struct session_call *call) MUST_USE;

/* Notes that USER has typed the password, in that login session if this is
 * one. */
void session_prove(const struct session_call *call);

/* Whether the account behind the grant HANDLE (or, when a session has taken
 * that, behind the user's held grant) may come in: from what the API said no
 * longer than max_age_s ago, else by asking it anew.  STATUS_OK;
 * STATUS_DENIED ([account] of the conf), STATUS_SESSION_EXPIRED (also when
 * there is no grant any more) and the other classes; STATUS_UNAVAILABLE unless
 * offline_allow.  All but STATUS_OK are logged. */
enum status session_judge(const struct session_call *call,
                          const char *handle) MUST_USE;

/* The old password of somebody who is about to change it, proven. */
struct old_password {
    struct secret password;
    char handle[ID_SIZE]; /* the staged grant that the proof brought; "" */
};

/* Asks for the current password (or takes CURRENT, when not NULL) and proves
 * it.  STATUS_OK fills OLD; STATUS_UNSUPPORTED: the API has no way to change
 * it; STATUS_NOT_OURS and STATUS_NO_SUCH_USER: nothing was asked; others are
 * refusals, logged once.  End with old_password_clear in every case. */
enum status session_prove_old(const struct session_call *call,
                              const char *current,
                              struct old_password *old) MUST_USE;

/* Posts the change once.  STATUS_OK; STATUS_PASSWORD_REJECTED (the user has
 * been told why); others; logged once. */
enum status session_change_password(const struct session_call *call,
                                    const struct old_password *old,
                                    const struct secret *fresh) MUST_USE;

/* Wipes OLD; its grant goes to the outbox. */
void old_password_clear(const struct session_call *call,
                        struct old_password *old);

/* Commits the staged grant HANDLE to the user and notes the session in OPEN.
 * Beside a live held grant the staged one goes to the outbox; a held one that
 * is due is refreshed first, and gives way where the API has ended it.
 * STATUS_OK, also when the API cannot be reached; STATUS_NOT_FOUND: no such
 * handle, so the sign-in was not ours; nothing was done; STATUS_NOT_OURS: the
 * grant is another user's (sudo: the invoker's) and is being revoked;
 * STATUS_SESSION_EXPIRED: with expired_deny, when the API has ended the
 * staged grant itself; STATUS_NO_SUCH_USER, STATUS_SYSTEM (logged),
 * STATUS_NO_MEMORY: the grant is being revoked.  open->id is "" but for
 * STATUS_OK, and there too when the session goes on without tokens. */
enum status session_open(const struct session_call *call, const char *handle,
                         struct open_session *open) MUST_USE;

/* As session_open, but only where the user has a live session already, and
 * without noting one (a screen was unlocked).  STATUS_NOT_FOUND: no such
 * handle, or no live session: the grant stays staged. */
enum status session_renew(const struct session_call *call,
                          const char *handle) MUST_USE;

/* Ends the session that session_open noted.  When no live session is left,
 * the user's folder goes to the outbox and a detached revocation is started,
 * or waited for with revoke_wait, at most timeout_ms.  STATUS_OK, also when it
 * had been ended before; STATUS_SYSTEM, logged. */
enum status session_close(const struct session_call *call,
                          const struct open_session *open) MUST_USE;

/* Gives back a staged grant that no session will take: it goes to the outbox
 * and a detached revocation is started.  An unknown handle does nothing. */
void session_discard(const struct session_call *call, const char *handle);

#endif
