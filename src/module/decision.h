/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * decision.h - the one table that turns decisions into PAM codes.
 */
#ifndef AUTHAPI_MODULE_DECISION_H
#define AUTHAPI_MODULE_DECISION_H

#include "base/status.h"

/* The code that pam_sm_authenticate(3) returns for STATUS. */
int decision_code(enum status status) MUST_USE;

#endif
