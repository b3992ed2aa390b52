/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * prompt.c - the password, from the user or from the module before us.
 */
#include "module/prompt.h"

#include <security/pam_ext.h>
#include <stdlib.h>
#include <string.h>

#define PROMPT "Password: "

/* What an earlier module left, where the PAM line lets us have it. */
static const char *
left_password(pam_handle_t *pamh, const struct options *options)
{
    const void *item = NULL;

    if (options->use_first_pass == 0 && options->try_first_pass == 0)
        return NULL;
    if (pam_get_item(pamh, PAM_AUTHTOK, &item) != PAM_SUCCESS)
        return NULL;
    return item;
}

/* An over-long password is cut to the secret's cap, which is still too long
 * to be taken for a password. */
static enum status
keep(struct secret *password, const char *text)
{
    size_t length = strlen(text);

    secret_clear(password);
    return secret_append(password, text,
                         length < password->limit ? length : password->limit);
}

bool
prompt_needed(pam_handle_t *pamh, const struct options *options)
{
    return options->use_first_pass == 0
           && left_password(pamh, options) == NULL;
}

enum status
prompt_ask(pam_handle_t *pamh, const char *prompt, bool echo,
           struct secret *answer)
{
    char *typed = NULL;
    enum status status = STATUS_CANCELLED;

    if (pam_prompt(pamh, echo ? PAM_PROMPT_ECHO_ON : PAM_PROMPT_ECHO_OFF,
                   &typed, "%s", prompt)
            == PAM_SUCCESS
        && typed != NULL)
        status = keep(answer, typed);
    secret_free_text(typed);
    return status;
}

enum status
prompt_password(pam_handle_t *pamh, const struct options *options,
                struct secret *password)
{
    const char *left = left_password(pamh, options);
    enum status status;

    if (left != NULL)
        return keep(password, left);
    if (options->use_first_pass != 0)
        return STATUS_BAD_CREDENTIALS;
    status = prompt_ask(pamh, PROMPT, false, password);
    if (status == STATUS_OK
        && pam_set_item(pamh, PAM_AUTHTOK, secret_text(password))
               != PAM_SUCCESS)
        status = STATUS_NO_MEMORY;
    return status;
}
