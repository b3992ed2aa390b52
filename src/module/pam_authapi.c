/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pam_authapi.c - the six entries that libpam calls, and nothing else.
 *
 * Each reads its arguments, calls one verb of session/, and turns what was
 * decided into a PAM code.  No entry touches the host: no signal, no
 * environment, no folder, no descriptor is left other than it was.
 */
#include "module/change.h"
#include "module/decision.h"
#include "module/journal.h"
#include "module/options.h"
#include "module/prompt.h"
#include "module/transaction.h"
#include "session/session.h"

#include <security/pam_ext.h>
#include <security/pam_modules.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#define EXPORT __attribute__((visibility("default")))

/* One call: its arguments, its log, and how session/ sees it. */
struct entry {
    pam_handle_t *pamh;
    struct options options;
    struct log log;
    struct session_call call;
    bool silent; /* PAM_SILENT: the user is told nothing */
};

/* What a host says of the user is kept and sent where it fits; one that is
 * absurdly long is left out. */
static const char *
item(pam_handle_t *pamh, int type)
{
    const void *value = NULL;

    if (pam_get_item(pamh, type, &value) != PAM_SUCCESS || value == NULL
        || (type != PAM_USER && strlen(value) > TEXT_MAX))
        return NULL;
    return value;
}

static enum status
ask_password(void *context, struct secret *password)
{
    struct entry *entry = context;

    return prompt_password(entry->pamh, &entry->options, password);
}

static enum status
ask_else(void *context, const char *prompt, bool echo, struct secret *answer)
{
    struct entry *entry = context;

    return prompt_ask(entry->pamh, prompt, echo, answer);
}

static void
tell(void *context, const char *text)
{
    struct entry *entry = context;

    if (!entry->silent)
        pam_error(entry->pamh, "%s", text);
}

/* Reads the arguments and what the host says of the user.  False, logged,
 * when an argument is wrong. */
static bool
enter(pam_handle_t *pamh, int flags, int argc, const char **argv,
      const char *function, struct entry *entry)
{
    *entry = (struct entry){ .pamh = pamh };
    entry->silent = ((unsigned)flags & PAM_SILENT) != 0;
    if (options_parse(pamh, argc, argv, &entry->options) != STATUS_OK)
        return false;
    entry->log = journal_open(pamh, entry->options.debug != 0);
    entry->call = (struct session_call){
        .rundir = RUNDIR,
        .realm = entry->options.realm,
        .user = item(pamh, PAM_USER),
        .service = item(pamh, PAM_SERVICE),
        .tty = item(pamh, PAM_TTY),
        .rhost = item(pamh, PAM_RHOST),
        .minimum_uid = (uint32_t)entry->options.minimum_uid,
        .timeout_ms = (int)entry->options.timeout_s * 1000,
        .log = &entry->log,
        .ask_password = ask_password,
        .ask = ask_else,
        .tell = tell,
        .context = entry,
        .max_age_s = entry->options.max_age_s,
        .offline_allow = entry->options.offline_allow != 0,
        .defer_expired = entry->options.defer_expired != 0,
        .reuse = entry->options.reuse != 0,
        .reuse_max_age_s = entry->options.reuse_max_age_s,
        .export = entry->options.export != 0,
        .expired_deny = entry->options.expired_deny != 0,
        .revoke_wait = entry->options.revoke_wait != 0,
    };
    log_line(&entry->log, LOG_DEBUG, "%s: begin", function);
    return true;
}

static int
leave(const struct entry *entry, const char *function, int code)
{
    log_line(&entry->log, LOG_DEBUG, "%s: %s", function,
             pam_strerror(entry->pamh, code));
    return code;
}

/* Signs in, with a password unless the line lets one do that was typed
 * before. */
static enum status
sign_in(const struct session_call *call, struct signed_in *signed_in)
{
    enum status status = session_reuse(call);

    *signed_in = (struct signed_in){ 0 };
    if (status == STATUS_OK)
        return status;
    status = session_login(call, signed_in);
    if (status == STATUS_OK && !signed_in->expired)
        session_prove(call);
    return status;
}

EXPORT int
pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    struct signed_in signed_in;
    struct entry entry;
    enum status status;
    char *user;

    if (!enter(pamh, flags, argc, argv, "authenticate", &entry))
        return PAM_SERVICE_ERR;
    /* login(1) and display managers leave the name to us. */
    if (pam_get_user(pamh, &entry.call.user, NULL) != PAM_SUCCESS
        || entry.call.user == NULL)
        return leave(&entry, "authenticate", PAM_CONV_ERR);
    /* A conversation may set PAM_USER anew under our hands. */
    user = strdup(entry.call.user);
    if (user == NULL)
        return leave(&entry, "authenticate", PAM_BUF_ERR);
    entry.call.user = user;
    entry.call.prompts = prompt_needed(pamh, &entry.options);
    status = sign_in(&entry.call, &signed_in);
    if (status == STATUS_OK)
        status =
            transaction_sign_in(pamh, entry.options.realm, user, &signed_in);
    free(user);
    return leave(&entry, "authenticate", decision_code(status));
}

/* After our own authenticate this must be SUCCESS: libpam repeats that call's
 * control flow for it, and a PAM_IGNORE would turn into PAM_PERM_DENIED. */
EXPORT int
pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    char handle[ID_SIZE];
    struct entry entry;
    enum status status;

    if (!enter(pamh, flags, argc, argv, "setcred", &entry))
        return PAM_CRED_ERR;
    /* A screen was unlocked, or sudo changes to its target. */
    if (((unsigned)flags & (PAM_REINITIALIZE_CRED | PAM_REFRESH_CRED)) != 0
        && transaction_handle(pamh, entry.options.realm, handle)) {
        status = session_renew(&entry.call, handle);
        if (status == STATUS_OK || status == STATUS_NOT_OURS)
            transaction_forget_handle(pamh, entry.options.realm);
    }
    return leave(&entry, "setcred", PAM_SUCCESS);
}

/* Who did not sign in through us is not ours to judge. */
EXPORT int
pam_sm_acct_mgmt(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    const struct transaction *transaction;
    char handle[ID_SIZE] = "";
    struct entry entry;
    enum status status;

    if (!enter(pamh, flags, argc, argv, "acct_mgmt", &entry))
        return PAM_SERVICE_ERR;
    transaction = transaction_find(pamh, entry.options.realm);
    if (transaction == NULL || !transaction->signed_in
        || entry.call.user == NULL
        || strcmp(transaction->user, entry.call.user) != 0)
        return leave(&entry, "acct_mgmt", PAM_IGNORE);
    /* The user may hold another grant: it does not answer for this one. */
    if (transaction->refused != STATUS_UNDECIDED)
        return leave(&entry, "acct_mgmt",
                     decision_account_code(transaction->refused));
    if (transaction->expired)
        return leave(&entry, "acct_mgmt", PAM_NEW_AUTHTOK_REQD);
    if (!transaction_handle(pamh, entry.options.realm, handle))
        handle[0] = '\0';
    status = session_judge(&entry.call, handle);
    if (status != STATUS_OK)
        transaction_refuse(pamh, entry.options.realm, status);
    /* sshd's keyboard-interactive child ends without any cleanup. */
    if (status != STATUS_OK && handle[0] != '\0') {
        session_discard(&entry.call, handle);
        transaction_forget_handle(pamh, entry.options.realm);
    }
    return leave(&entry, "acct_mgmt", decision_account_code(status));
}

/* Tells the session's programs where their token is.  Frees PATH. */
static void
show_token(const struct entry *entry, char *path)
{
    char *variable = NULL;

    if (path != NULL
        && (asprintf(&variable, "AUTHAPI_TOKEN_FILE=%s", path) < 0
            || pam_putenv(entry->pamh, variable) != PAM_SUCCESS))
        log_line(&entry->log, LOG_ERR,
                 "AUTHAPI_TOKEN_FILE cannot be set: out of memory");
    free(variable);
    free(path);
}

EXPORT int
pam_sm_open_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    struct transaction *transaction;
    struct open_session open = { 0 };
    enum status status = STATUS_OK;
    char handle[ID_SIZE];
    struct entry entry;

    if (!enter(pamh, flags, argc, argv, "open_session", &entry))
        return PAM_SESSION_ERR;
    /* No handle: a public key, cron, a fresh sudo: nothing here is ours. */
    if (!transaction_handle(pamh, entry.options.realm, handle)) {
        transaction_forget_handle(pamh, entry.options.realm);
        return leave(&entry, "open_session", PAM_SUCCESS);
    }
    transaction = transaction_take(pamh, entry.options.realm);
    if (transaction == NULL)
        return leave(&entry, "open_session", PAM_SESSION_ERR);
    status = session_open(&entry.call, handle, &open);
    transaction_forget_handle(pamh, entry.options.realm);
    if (status == STATUS_OK) {
        show_token(&entry, open.token_path);
        open.token_path = NULL;
        transaction->session = open;
    }
    return leave(&entry, "open_session",
                 status == STATUS_SYSTEM || status == STATUS_NO_MEMORY
                         || status == STATUS_SESSION_EXPIRED
                     ? PAM_SESSION_ERR
                     : PAM_SUCCESS);
}

EXPORT int
pam_sm_close_session(pam_handle_t *pamh, int flags, int argc,
                     const char **argv)
{
    struct transaction *transaction;
    enum status status = STATUS_OK;
    struct entry entry;

    if (!enter(pamh, flags, argc, argv, "close_session", &entry))
        return PAM_SESSION_ERR;
    transaction = transaction_find(pamh, entry.options.realm);
    if (transaction != NULL) {
        status = session_close(&entry.call, &transaction->session);
        transaction->session = (struct open_session){ 0 };
    }
    return leave(&entry, "close_session",
                 status == STATUS_OK ? PAM_SUCCESS : PAM_SESSION_ERR);
}

EXPORT int
pam_sm_chauthtok(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    struct entry entry;
    enum status status;

    if (!enter(pamh, flags, argc, argv, "chauthtok", &entry))
        return PAM_SERVICE_ERR;
    if (pam_get_user(pamh, &entry.call.user, NULL) != PAM_SUCCESS
        || entry.call.user == NULL)
        return leave(&entry, "chauthtok", PAM_CONV_ERR);
    if (((unsigned)flags & PAM_PRELIM_CHECK) != 0)
        status = change_begin(pamh, &entry.options, &entry.call);
    else
        status = change_finish(pamh, &entry.options, &entry.call);
    return leave(&entry, "chauthtok", decision_change_code(status));
}
