/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * password.c - another password: the old one proven, the new one posted once.
 *
 * It refuses to change a password that nobody has shown to know.
 */
#include "helper/draft.h"
#include "helper/operation.h"

#include <string.h>

static enum status
take_new(struct api *api)
{
    const struct secret *fresh = &api->exchange.handover.new_password;

    if (fresh->length == 0 || !utf8_valid(fresh->data, fresh->length)
        || memchr(fresh->data, '\0', fresh->length) != NULL)
        return report_end(api->report, STATUS_PASSWORD_REJECTED,
                          "the new password is empty or no text: nothing was "
                          "sent");
    if (vars_set(&api->conf->vars, "new_password", fresh->data, fresh->length,
                 VAR_OUTSIDE)
        != STATUS_OK)
        return operation_fail(api, STATUS_NO_MEMORY, "no room for a password");
    return STATUS_OK;
}

static bool
needs_tokens(const struct step *step)
{
    return draft_needs(step, "access_token")
           || draft_needs(step, "refresh_token");
}

/* Proves the old password where [password] does not, and brings the tokens
 * that it needs. */
static enum status
sign_in(struct api *api)
{
    const struct step *login = &api->conf->login;
    enum status status;

    api->exchange.precious = true;
    status = exchange_step(&api->exchange, login);
    if (status == STATUS_OK)
        return hand_take(api, login);
    hand_salvage(api, login);
    /* That it has expired is why it is changed. */
    if (status == STATUS_PASSWORD_EXPIRED && api->report->reply->proved == 1
        && !needs_tokens(&api->conf->password)) {
        api->report->reply->proved = 0;
        return STATUS_OK;
    }
    return status;
}

enum status
password_run(struct api *api)
{
    const struct step *step = &api->conf->password;
    const struct handover *handover = &api->exchange.handover;
    enum status status;
    bool proven;

    if (!step->present)
        return operation_fail(api, STATUS_UNSUPPORTED,
                              "the description has no [password]");
    status = exchange_wait(&api->exchange);
    if (status != STATUS_OK)
        return status;
    /* Nothing at all asks no more than whether it could be done. */
    if (handover->password.length == 0 && handover->new_password.length == 0)
        return STATUS_OK;
    if (handover->password.length == 0)
        return report_end(api->report, STATUS_BAD_CREDENTIALS,
                          "the old password is empty: nothing was sent");
    status = take_new(api);
    proven = handover->opaque.length > 0;
    /* A grant is what the old password has just brought.  It stays the
     * caller's; what is brought here goes when this is done. */
    if (status == STATUS_OK && proven)
        status = hand_read(api, true);
    if (status != STATUS_OK)
        return status;
    proven = proven && !hand_expired(api);
    if (!proven && (needs_tokens(step) || !draft_uses(step, "password"))) {
        status = sign_in(api);
        if (status != STATUS_OK)
            return status;
    }
    status = hand_show(api);
    return status == STATUS_OK ? exchange_step(&api->exchange, step) : status;
}
