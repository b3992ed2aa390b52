/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * transaction.h - what one PAM transaction remembers between its calls.
 *
 * It is kept twice: in pam_data, and the handle of a staged grant also in the
 * PAM environment, because sshd runs keyboard-interactive authentication in a
 * forked child whose pam_data is lost.  The handle is a name and no secret:
 * users can plant one through pam_env, and win nothing.
 */
#ifndef AUTHAPI_MODULE_TRANSACTION_H
#define AUTHAPI_MODULE_TRANSACTION_H

#include "base/message.h"
#include "base/status.h"
#include "session/session.h"

#include <security/pam_modules.h>
#include <stdbool.h>
#include <sys/types.h>

struct transaction {
    char realm[REALM_MAX + 1];
    char user[USER_MAX + 1]; /* who signed in */
    bool signed_in;          /* here, through us */
    enum status refused;     /* by the account phase; or STATUS_UNDECIDED */
    bool expired;            /* with a password that must be changed */
    char handle[ID_SIZE];    /* of the staged grant; "": none */
    struct open_session session; /* noted by our open_session */
    struct old_password old;     /* between the two calls of a change */
    pid_t pid;                   /* the process that staged */
};

/* The transaction of REALM, or NULL when none of our calls left one in this
 * process.  Owned by pam_data. */
struct transaction *transaction_find(pam_handle_t *pamh, const char *realm);

/* The same, made first where there is none.  NULL: out of memory. */
struct transaction *transaction_take(pam_handle_t *pamh,
                                     const char *realm) MUST_USE;

/* Remembers that USER signed in and what that left; the grant of an earlier
 * sign-in that no session took goes to the outbox.  STATUS_OK,
 * STATUS_NO_MEMORY: then the new one has gone there. */
enum status transaction_sign_in(pam_handle_t *pamh, const char *realm,
                                const char *user,
                                const struct signed_in *signed_in) MUST_USE;

/* Copies the handle of the staged grant, from pam_data or else from the PAM
 * environment, into HANDLE; false when there is none. */
bool transaction_handle(pam_handle_t *pamh, const char *realm,
                        char handle[ID_SIZE]) MUST_USE;

/* Remembers that the account phase refused this sign-in: it stays refused. */
void transaction_refuse(pam_handle_t *pamh, const char *realm,
                        enum status status);

/* Forgets the handle, here and in the PAM environment. */
void transaction_forget_handle(pam_handle_t *pamh, const char *realm);

#endif
