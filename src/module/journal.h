/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * journal.h - where the module's log lines go: pam_syslog(3).
 */
#ifndef AUTHAPI_MODULE_JOURNAL_H
#define AUTHAPI_MODULE_JOURNAL_H

#include "base/log.h"

#include <security/pam_modules.h>
#include <stdbool.h>

/* A log whose lines go to pam_syslog of PAMH, as long as PAMH lives. */
struct log journal_open(pam_handle_t *pamh, bool debug);

#endif
