/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * session.h - the policy: what one PAM call does.
 *
 *     authenticate --> session_login    stages a grant under a handle
 *     open_session --> session_open     commits it, notes the session,
 *                                       refreshes what is due
 *     setcred      --> session_renew    commits into a session set that exists
 *     close_session -> session_close    ends the session; the last one clears
 *                                       the cache and sets the revocation off
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
    void *context;
    bool prompts; /* ask_password will wait for a person */
};

/* A session that was noted, to be ended by session_close. */
struct open_session {
    uint32_t uid;
    char id[ID_SIZE]; /* "": none */
};

/* Proves the password at the API.  STATUS_OK: HANDLE names the staged grant.
 * Anything else is a refusal, logged once; all but STATUS_CANCELLED return at
 * the next whole second after the password was given, whatever the cause.  The
 * user is asked first in every case. */
enum status session_login(const struct session_call *call,
                          char handle[ID_SIZE]) MUST_USE;

/* Commits the staged grant HANDLE to the user and notes the session in OPEN;
 * refreshes the held grant when it is due.  STATUS_OK, also when the API
 * cannot be reached; STATUS_NOT_FOUND: no such handle, so the sign-in was not
 * ours; nothing was done; STATUS_NOT_OURS: the grant is another user's (sudo:
 * the invoker's) and is being revoked; STATUS_NO_SUCH_USER, STATUS_SYSTEM
 * (logged), STATUS_NO_MEMORY: the grant is being revoked.  open->id is ""
 * but for STATUS_OK, and there too when the session could not be noted in
 * time. */
enum status session_open(const struct session_call *call, const char *handle,
                         struct open_session *open) MUST_USE;

/* As session_open, but only where the user has a live session already, and
 * without noting one (a screen was unlocked).  STATUS_NOT_FOUND: no such
 * handle, or no live session: the grant stays staged. */
enum status session_renew(const struct session_call *call,
                          const char *handle) MUST_USE;

/* Ends the session that session_open noted.  When no live session is left,
 * the user's folder goes to the outbox and a detached revocation is started.
 * STATUS_OK, also when it had been ended before; STATUS_SYSTEM, logged. */
enum status session_close(const struct session_call *call,
                          const struct open_session *open) MUST_USE;

/* Gives back a staged grant that no session will take: it goes to the outbox
 * and a detached revocation is started.  An unknown handle does nothing. */
void session_discard(const struct session_call *call, const char *handle);

#endif
