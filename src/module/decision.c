/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * decision.c - the tables that turn decisions into PAM codes.
 *
 * PAM_IGNORE is for "not our user" and never for an error; what stands in no
 * row denies.
 */
#include "module/decision.h"

#include <security/pam_modules.h>

int
decision_code(enum status status)
{
    switch (status) {
    case STATUS_OK:
        return PAM_SUCCESS;
    case STATUS_BAD_CREDENTIALS:
    case STATUS_UNKNOWN_USER:
    case STATUS_MFA_REQUIRED:
    case STATUS_MFA_FAILED:
    case STATUS_WRONG_ACCOUNT:
    case STATUS_BAD_TOKEN:
    case STATUS_SESSION_EXPIRED:
    case STATUS_PASSWORD_REJECTED:
    /* An "expired" answer is no proof of the password. */
    case STATUS_PASSWORD_EXPIRED:
        return PAM_AUTH_ERR;
    case STATUS_NO_SUCH_USER:
        return PAM_USER_UNKNOWN;
    case STATUS_NOT_OURS:
        return PAM_IGNORE;
    case STATUS_LOCKED:
    case STATUS_DISABLED:
        return PAM_ACCT_EXPIRED;
    case STATUS_DENIED:
        return PAM_PERM_DENIED;
    case STATUS_RATE_LIMITED:
        return PAM_MAXTRIES;
    case STATUS_UNAVAILABLE:
    case STATUS_DEADLINE:
        return PAM_AUTHINFO_UNAVAIL;
    case STATUS_MISCONFIGURED:
    case STATUS_UNSUPPORTED:
        return PAM_SERVICE_ERR;
    case STATUS_CANCELLED:
        return PAM_CONV_ERR;
    case STATUS_NO_MEMORY:
        return PAM_BUF_ERR;
    case STATUS_SYSTEM:
    case STATUS_NOT_FOUND:
    case STATUS_BUSY:
    case STATUS_UNDECIDED:
    case STATUS_COUNT:
        break;
    }
    return PAM_SYSTEM_ERR;
}

int
decision_account_code(enum status status)
{
    if (status == STATUS_OK)
        return PAM_SUCCESS;
    if (status == STATUS_DENIED)
        return PAM_PERM_DENIED;
    if (status == STATUS_SESSION_EXPIRED || status == STATUS_DISABLED
        || status == STATUS_LOCKED || status == STATUS_UNKNOWN_USER
        || status == STATUS_WRONG_ACCOUNT || status == STATUS_BAD_TOKEN
        || status == STATUS_NOT_OURS || status == STATUS_PASSWORD_EXPIRED)
        return PAM_ACCT_EXPIRED;
    if (status == STATUS_RATE_LIMITED)
        return PAM_AUTHINFO_UNAVAIL;
    return decision_code(status);
}

int
decision_change_code(enum status status)
{
    if (status == STATUS_OK)
        return PAM_SUCCESS;
    if (status == STATUS_UNSUPPORTED || status == STATUS_NOT_OURS
        || status == STATUS_NO_SUCH_USER)
        return PAM_IGNORE;
    if (status == STATUS_PASSWORD_REJECTED)
        return PAM_AUTHTOK_ERR;
    if (status == STATUS_UNAVAILABLE || status == STATUS_DEADLINE
        || status == STATUS_RATE_LIMITED)
        return PAM_TRY_AGAIN;
    return decision_code(status);
}
