/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * password.c - changing the password at the API.
 *
 * The old one is proven first, and the change is posted once.
 */
#include "session/login.h"

#include <string.h>
#include <syslog.h>

/* Takes CURRENT, or asks the user where it is NULL. */
static enum status
ask_current(struct login *login, const char *current)
{
    const struct session_call *call = login->call;
    size_t length = current != NULL ? strlen(current) : 0;
    enum status status;

    if (current != NULL)
        return secret_append(
            &login->password, current,
            length < login->password.limit ? length : login->password.limit);
    status = call->ask(call->context, "Current password: ", false,
                       &login->password);
    clock_gettime(CLOCK_MONOTONIC, &login->entered);
    return status;
}

/* Whether there is anything to change, before anybody types.  An empty
 * handover asks a helper for what it can say without any password: that the
 * user is not ours, or that the API has no way to change one. */
static enum status
can_change(struct login *login)
{
    struct handover handover = { 0 };

    return login_ask(login, &handover);
}

static enum status
prove_old(struct login *login, const char *current, struct old_password *old)
{
    struct handover handover = { 0 };
    enum status status = login_identify(login, OPERATION_PASSWORD);

    if (status == STATUS_OK)
        status = can_change(login);
    if (status == STATUS_OK)
        status = ask_current(login, current);
    if (status != STATUS_OK)
        return status;
    if (!login_password_fits(login))
        return STATUS_BAD_CREDENTIALS;
    handover.password = login->password; /* borrowed */
    login->request.operation = OPERATION_LOGIN;
    login_announce(login);
    status = login_ask(login, &handover);
    if (status == STATUS_MFA_REQUIRED && login->reply.state.length > 0)
        status = factor_prove(login);
    if (status == STATUS_OK)
        status = login_stage(login, old->handle);
    /* That it has expired is why it is changed; the change proves it again. */
    if (status == STATUS_PASSWORD_EXPIRED)
        status = STATUS_OK;
    if (status == STATUS_OK) {
        old->password = login->password;
        login->password = (struct secret)SECRET_INIT(PASSWORD_MAX);
    }
    return status;
}

/* Whether the call has nothing to do with us, which is no refusal. */
static bool
is_elsewhere(enum status status)
{
    return status == STATUS_UNSUPPORTED || status == STATUS_NOT_OURS
           || status == STATUS_NO_SUCH_USER;
}

enum status
session_prove_old(const struct session_call *call, const char *current,
                  struct old_password *old)
{
    struct login login;
    enum status status;

    *old = (struct old_password){ .password = SECRET_INIT(PASSWORD_MAX) };
    login_begin(&login, call);
    status = prove_old(&login, current, old);
    if (status != STATUS_OK && !is_elsewhere(status)) {
        login_refuse(&login, status);
        login_wait(&login);
    }
    login_end(&login);
    return status;
}

enum status
session_change_password(const struct session_call *call,
                        const struct old_password *old,
                        const struct secret *fresh)
{
    struct handover handover = { 0 };
    struct login login;
    struct grant grant;
    enum status status;

    grant_init(&grant);
    login_begin(&login, call);
    status = login_identify(&login, OPERATION_PASSWORD);
    if (status == STATUS_OK && old->handle[0] != '\0')
        status = cache_load_staged(login.cache, old->handle, &grant);
    if (status == STATUS_OK && old->handle[0] != '\0'
        && !grant_belongs(&grant, call->realm, call->user, login.uid))
        status = STATUS_WRONG_ACCOUNT;
    if (status == STATUS_OK) {
        handover.password = old->password; /* borrowed, like the others */
        handover.new_password = *fresh;
        handover.opaque = grant.opaque;
        status = login_ask(&login, &handover);
    }
    if (status != STATUS_OK)
        login_refuse(&login, status);
    grant_clear(&grant);
    login_end(&login);
    return status;
}

void
old_password_clear(const struct session_call *call, struct old_password *old)
{
    if (old->handle[0] != '\0')
        session_discard(call, old->handle);
    old->handle[0] = '\0';
    secret_clear(&old->password);
}
