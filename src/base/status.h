/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * status.h - what was decided.
 *
 * One small enum is the only result that travels between the parts of this
 * software: from the API's answer in the helper, over the wire, through the
 * policy in session/, to the one table in module/ that turns it into a PAM
 * code.  It refuses to be an error number: errno never travels.
 */
#ifndef AUTHAPI_BASE_STATUS_H
#define AUTHAPI_BASE_STATUS_H

#include <stdbool.h>

/* A result nobody looks at is a decision nobody took. */
#define MUST_USE __attribute__((warn_unused_result))

/* The numbers are part of the wire format: append, never renumber. */
enum status {
    /* Zeroed memory and an absent field decide nothing, and deny. */
    STATUS_UNDECIDED = 0,
    STATUS_OK = 1,

    /* What an API can decide; these are the classes that a provider
     * description may name in a rule. */
    STATUS_BAD_CREDENTIALS = 2,
    STATUS_UNKNOWN_USER = 3,
    STATUS_LOCKED = 4,
    STATUS_DISABLED = 5,
    STATUS_PASSWORD_EXPIRED = 6,
    STATUS_MFA_REQUIRED = 7,
    STATUS_MFA_FAILED = 8,
    STATUS_RATE_LIMITED = 9,
    STATUS_UNAVAILABLE = 10,     /* no answer, or the API says "not now" */
    STATUS_SESSION_EXPIRED = 11, /* the grant is dead at the API */
    STATUS_MISCONFIGURED = 12,   /* conf, description, helper, or an answer
                                  * that no rule expects */

    /* What only we decide. */
    STATUS_WRONG_ACCOUNT = 13, /* the answer is about somebody else */
    STATUS_BAD_TOKEN = 14,     /* missing, empty, not a string, forged */
    STATUS_NOT_OURS = 15,      /* [users] or minimum_uid does not name them */
    STATUS_NO_SUCH_USER = 16,  /* NSS does not know the name */
    STATUS_DEADLINE = 17,      /* no answer within the line's timeout= */
    STATUS_CANCELLED = 18,     /* the conversation failed or was cancelled */
    STATUS_NO_MEMORY = 19,
    STATUS_SYSTEM = 20,            /* the run folder or the kernel says no */
    STATUS_NOT_FOUND = 21,         /* no such record in the cache */
    STATUS_BUSY = 22,              /* a lock was not to be had in time */
    STATUS_UNSUPPORTED = 23,       /* the description has no such step, or the
                                    * grant has not what the step needs */
    STATUS_DENIED = 24,            /* [account] of the conf says no */
    STATUS_PASSWORD_REJECTED = 25, /* a class: the new password is too weak,
                                    * or was used before */
    STATUS_COUNT
};

/* The name of a status, as it stands in provider descriptions, logs and
 * `authapi try --json`: "ok", "bad_credentials", ...  Never NULL; a number
 * that is no status gives "unknown". */
const char *status_name(enum status status);

/* Finds the status that a rule may name (the classes above).  Returns false,
 * and leaves *status alone, for any other word. */
bool status_parse_class(const char *word, enum status *status) MUST_USE;

/* A short clause for people: "the password was refused". Never NULL. */
const char *status_text(enum status status);

#endif
