/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * decision.h - the tables that turn decisions into PAM codes.
 */
#ifndef AUTHAPI_MODULE_DECISION_H
#define AUTHAPI_MODULE_DECISION_H

#include "base/status.h"

/* The code that pam_sm_authenticate(3) returns for STATUS. */
int decision_code(enum status status) MUST_USE;

/* The code that pam_sm_acct_mgmt(3) returns for STATUS. */
int decision_account_code(enum status status) MUST_USE;

/* The code that pam_sm_chauthtok(3) returns for STATUS. */
int decision_change_code(enum status status) MUST_USE;

#endif
