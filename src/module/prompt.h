/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * prompt.h - the password, from the user or from the module before us.
 */
#ifndef AUTHAPI_MODULE_PROMPT_H
#define AUTHAPI_MODULE_PROMPT_H

#include "base/secret.h"
#include "base/status.h"
#include "module/options.h"

#include <security/pam_modules.h>
#include <stdbool.h>

/* Whether prompt_password will ask a person. */
bool prompt_needed(pam_handle_t *pamh, const struct options *options) MUST_USE;

/* Gets the password: with our own prompt, or with use_first_pass or
 * try_first_pass the one that an earlier module left (pam_get_authtok(3)
 * would hand that out in any case, and a local password must not reach the
 * API by accident).  What was typed is left in PAM_AUTHTOK, for keyrings and
 * for the modules behind us.  STATUS_OK; STATUS_CANCELLED (the conversation
 * failed or gave nothing); STATUS_BAD_CREDENTIALS (use_first_pass and nothing
 * was left); STATUS_NO_MEMORY.  What is longer than PASSWORD's cap is cut
 * there. */
enum status prompt_password(pam_handle_t *pamh, const struct options *options,
                            struct secret *password) MUST_USE;

/* Asks something with PROMPT, with or without echo.  STATUS_OK;
 * STATUS_CANCELLED; STATUS_NO_MEMORY.  What is longer than ANSWER's cap is cut
 * there. */
enum status prompt_ask(pam_handle_t *pamh, const char *prompt, bool echo,
                       struct secret *answer) MUST_USE;

#endif
