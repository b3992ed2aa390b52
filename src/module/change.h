/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * change.h - the two calls of a password change, as pam_sm_chauthtok(3) has
 * them.
 */
#ifndef AUTHAPI_MODULE_CHANGE_H
#define AUTHAPI_MODULE_CHANGE_H

#include "base/status.h"
#include "module/options.h"
#include "session/session.h"

#include <security/pam_modules.h>

/* PAM_PRELIM_CHECK: has the current password proven and keeps it for the
 * second call; PAM_OLDAUTHTOK is set.  Returns as session_prove_old. */
enum status change_begin(pam_handle_t *pamh, const struct options *options,
                         const struct session_call *call) MUST_USE;

/* PAM_UPDATE_AUTHTOK: asks for the new password twice, posts the change once
 * and sets PAM_AUTHTOK.  Returns as session_change_password;
 * STATUS_PASSWORD_REJECTED too when the two differ; STATUS_UNSUPPORTED when
 * the first call found nothing to do. */
enum status change_finish(pam_handle_t *pamh, const struct options *options,
                          const struct session_call *call) MUST_USE;

#endif
