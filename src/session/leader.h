/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * leader.h - the process that opened a session, and whether it still runs.
 *
 * A pid alone is reused; a pid with its start time and the boot is not.  This
 * file refuses to guess: where it cannot look, a session counts as running.
 */
#ifndef AUTHAPI_SESSION_LEADER_H
#define AUTHAPI_SESSION_LEADER_H

#include "base/grant.h"
#include "base/status.h"

#include <stdbool.h>

/* Fills in leader, started_at, pid_namespace and boot_id for this process.
 * STATUS_OK, STATUS_SYSTEM (no /proc), STATUS_NO_MEMORY. */
enum status leader_record_self(struct session_record *record) MUST_USE;

/* Whether the record's leader still runs.  One of another boot never does;
 * one of another pid namespace counts as running. */
bool leader_running(const struct session_record *record) MUST_USE;

#endif
