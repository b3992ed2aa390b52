/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * change.c - the two calls of a password change, as pam_sm_chauthtok(3) has
 * them.
 */
#include "module/change.h"
#include "module/prompt.h"
#include "module/transaction.h"

#include <security/pam_ext.h>
#include <string.h>
#include <unistd.h>

/* The current password, where the line wants the one that an earlier module
 * has asked for.  What was typed at sign-in is gone: libpam forgets it. */
static const char *
typed_before(pam_handle_t *pamh, const struct options *options)
{
    const void *item = NULL;

    if ((options->use_first_pass == 0 && options->try_first_pass == 0)
        || pam_get_item(pamh, PAM_OLDAUTHTOK, &item) != PAM_SUCCESS)
        return NULL;
    return item;
}

enum status
change_begin(pam_handle_t *pamh, const struct options *options,
             const struct session_call *call)
{
    struct transaction *transaction = transaction_take(pamh, options->realm);
    struct old_password old;
    enum status status;

    if (transaction == NULL)
        return STATUS_NO_MEMORY;
    old_password_clear(call, &transaction->old);
    status = session_prove_old(call, typed_before(pamh, options), &old);
    if (status == STATUS_OK
        && pam_set_item(pamh, PAM_OLDAUTHTOK, secret_text(&old.password))
               != PAM_SUCCESS)
        status = STATUS_NO_MEMORY;
    if (status == STATUS_OK) {
        transaction->old = old;
        transaction->pid = getpid();
    } else {
        old_password_clear(call, &old);
    }
    return status;
}

/* Asks for the new password twice.  STATUS_OK; STATUS_CANCELLED;
 * STATUS_PASSWORD_REJECTED, told. */
static enum status
ask_fresh(const struct session_call *call, struct secret *fresh)
{
    struct secret again = SECRET_INIT(2 * PASSWORD_MAX);
    const char *why = NULL;
    enum status status =
        call->ask(call->context, "New password: ", false, fresh);

    if (status == STATUS_OK)
        status =
            call->ask(call->context, "New password, again: ", false, &again);
    if (status != STATUS_OK)
        goto out;
    if (fresh->length != again.length
        || memcmp(secret_text(fresh), secret_text(&again), fresh->length) != 0)
        why = "The two passwords differ: nothing was changed.";
    else if (fresh->length == 0)
        why = "No password was typed: nothing was changed.";
    else if (fresh->length > PASSWORD_MAX
             || !utf8_valid(fresh->data, fresh->length))
        why = "A password is UTF-8 and has at most 512 bytes: nothing was "
              "changed.";
    if (why != NULL) {
        call->tell(call->context, why);
        status = STATUS_PASSWORD_REJECTED;
    }
out:
    secret_clear(&again);
    return status;
}

/* The sign-in that an expired password put off: all that it proves beside the
 * password (account, second factor, [account]) has not been looked at. */
struct again {
    const struct session_call *call;
    const struct secret *fresh;
};

static enum status
give_fresh(void *context, struct secret *password)
{
    const struct again *again = context;

    return secret_append(password, secret_text(again->fresh),
                         again->fresh->length);
}

static enum status
pass_ask(void *context, const char *prompt, bool echo, struct secret *answer)
{
    const struct again *again = context;

    return again->call->ask(again->call->context, prompt, echo, answer);
}

static void
pass_tell(void *context, const char *text)
{
    const struct again *again = context;

    again->call->tell(again->call->context, text);
}

static enum status
sign_in_again(pam_handle_t *pamh, const struct options *options,
              const struct session_call *call, const struct secret *fresh)
{
    struct again again = { .call = call, .fresh = fresh };
    struct session_call inner = *call;
    struct signed_in signed_in;
    enum status status;

    inner.ask_password = give_fresh;
    inner.ask = pass_ask;
    inner.tell = pass_tell;
    inner.context = &again;
    inner.prompts = inner.defer_expired = false;
    status = session_login(&inner, &signed_in);
    if (status != STATUS_OK)
        return status;
    status = transaction_sign_in(pamh, options->realm, call->user, &signed_in);
    if (status != STATUS_OK)
        return status;
    status = session_judge(&inner, signed_in.handle);
    if (status != STATUS_OK) {
        session_discard(call, signed_in.handle);
        transaction_forget_handle(pamh, options->realm);
        transaction_refuse(pamh, options->realm, status);
    }
    return status;
}

enum status
change_finish(pam_handle_t *pamh, const struct options *options,
              const struct session_call *call)
{
    struct transaction *transaction = transaction_find(pamh, options->realm);
    struct secret fresh = SECRET_INIT(2 * PASSWORD_MAX);
    enum status status;

    if (transaction == NULL || transaction->old.password.length == 0)
        return STATUS_UNSUPPORTED;
    status = ask_fresh(call, &fresh);
    if (status == STATUS_OK)
        status = session_change_password(call, &transaction->old, &fresh);
    if (status == STATUS_OK) {
        if (pam_set_item(pamh, PAM_AUTHTOK, secret_text(&fresh))
            != PAM_SUCCESS)
            status = STATUS_NO_MEMORY;
    }
    if (status == STATUS_OK && transaction->expired)
        status = sign_in_again(pamh, options, call, &fresh);
    old_password_clear(call, &transaction->old);
    secret_clear(&fresh);
    return status;
}
