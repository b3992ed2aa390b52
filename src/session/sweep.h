/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sweep.h - bringing a realm to rest: what nobody is there for any more.
 */
#ifndef AUTHAPI_SESSION_SWEEP_H
#define AUTHAPI_SESSION_SWEEP_H

#include "session/deliver.h"

#include <stdbool.h>
#include <stdint.h>

/* Moves staged grants past their time and held grants without a live session
 * to the outbox, refreshes held grants that are due, and tries the entries of
 * the outbox that are (EAGER: all), the longest due first.  Any number of
 * sweeps may run at once.  Of an API that does not answer it asks no more
 * than a few times, and after BY_MS (of clock.h) nothing at all.  STATUS_OK,
 * also when entries stay; STATUS_SYSTEM, STATUS_NO_MEMORY. */
enum status sweep_realm(const struct channel *channel, bool eager,
                        int64_t by_ms, struct delivered *delivered) MUST_USE;

#endif
