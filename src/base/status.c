/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * status.c - the names and words of the decisions.
 */
#include "base/status.h"

#include <stddef.h>
#include <string.h>

struct status_words {
    const char *name;
    const char *text;
    bool class; /* may stand in a rule */
};

static const struct status_words words[STATUS_COUNT] = {
    [STATUS_UNDECIDED] = { "undecided", "nothing was decided", false },
    [STATUS_OK] = { "ok", "the API accepted it", false },
    [STATUS_BAD_CREDENTIALS] = { "bad_credentials",
                                 "the API refused the name or password",
                                 true },
    [STATUS_UNKNOWN_USER] = { "unknown_user",
                              "the API does not know this user", true },
    [STATUS_LOCKED] = { "locked", "the account is locked at the API", true },
    [STATUS_DISABLED] = { "disabled", "the account is disabled at the API",
                          true },
    [STATUS_PASSWORD_EXPIRED] = { "password_expired",
                                  "the password has expired at the API",
                                  true },
    [STATUS_MFA_REQUIRED] = { "mfa_required",
                              "the API asks for a second factor", true },
    [STATUS_MFA_FAILED] = { "mfa_failed", "the API refused the second factor",
                            true },
    [STATUS_RATE_LIMITED] = { "rate_limited",
                              "the API takes no more attempts for now", true },
    [STATUS_UNAVAILABLE] = { "unavailable",
                             "the API could not be reached or is down", true },
    [STATUS_SESSION_EXPIRED] = { "session_expired",
                                 "the API no longer honours the tokens",
                                 true },
    [STATUS_MISCONFIGURED] = { "misconfigured",
                               "the setup and the API do not fit", true },
    [STATUS_WRONG_ACCOUNT] = { "wrong_account",
                               "the answer is about another account", false },
    [STATUS_BAD_TOKEN] = { "bad_token", "the answer holds no usable token",
                           false },
    [STATUS_NOT_OURS] = { "not_ours", "the conf does not name this user",
                          false },
    [STATUS_NO_SUCH_USER] = { "no_such_user",
                              "this machine does not know the user", false },
    [STATUS_DEADLINE] = { "deadline", "the API did not answer in time",
                          false },
    [STATUS_CANCELLED] = { "cancelled", "the prompt was cancelled", false },
    [STATUS_NO_MEMORY] = { "no_memory", "out of memory", false },
    [STATUS_SYSTEM] = { "system", "the system refused", false },
    [STATUS_NOT_FOUND] = { "not_found", "there is no such record", false },
    [STATUS_BUSY] = { "busy", "somebody else holds the lock", false },
    [STATUS_UNSUPPORTED] = { "unsupported", "the API offers no such step",
                             false },
    [STATUS_DENIED] = { "denied", "the conf does not let this user in",
                        false },
    [STATUS_PASSWORD_REJECTED] = { "password_rejected",
                                   "the API does not take the new password",
                                   true },
};

const char *
status_name(enum status status)
{
    if ((unsigned)status >= STATUS_COUNT)
        return "unknown";
    return words[status].name;
}

const char *
status_text(enum status status)
{
    if ((unsigned)status >= STATUS_COUNT)
        return "an unknown decision";
    return words[status].text;
}

bool
status_parse_class(const char *word, enum status *status)
{
    for (size_t i = 0; i < STATUS_COUNT; i++) {
        if (words[i].class && strcmp(words[i].name, word) == 0) {
            *status = (enum status)i;
            return true;
        }
    }
    return false;
}
