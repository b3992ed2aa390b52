/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * account.h - the local account behind a name, as NSS knows it.
 */
#ifndef AUTHAPI_SESSION_ACCOUNT_H
#define AUTHAPI_SESSION_ACCOUNT_H

#include "base/status.h"

#include <stdint.h>

/* Finds the uid of NAME (getpwnam_r(3)).  The name that NSS gives back must
 * equal NAME byte for byte.  STATUS_OK; STATUS_NO_SUCH_USER, also for a name
 * that user_valid refuses; STATUS_SYSTEM when NSS fails (errno);
 * STATUS_NO_MEMORY.  On failure *uid is untouched. */
enum status account_find(const char *name, uint32_t *uid) MUST_USE;

#endif
