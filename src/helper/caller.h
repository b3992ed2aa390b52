/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * caller.h - the other end of the socket: two messages come, one reply goes,
 * and a word on its tokens comes back.
 *
 * A caller may vanish at any time (a killed sudo, sshd's LoginGraceTime), and
 * what then happens to an answer is not decided here.  This file refuses to
 * wait without a limit.
 */
#ifndef AUTHAPI_HELPER_CALLER_H
#define AUTHAPI_HELPER_CALLER_H

#include "base/message.h"
#include "base/status.h"
#include "base/wire.h"

#include <stdbool.h>
#include <stdint.h>

struct caller {
    int fd;    /* -1 once closed */
    bool gone; /* it hung up, or broke the protocol */
};

/* Reads one message into RECORD (empty, as wire_decode wants it), waiting
 * until BY_MS of clock.h.  STATUS_OK; STATUS_CANCELLED when the caller is
 * gone; STATUS_DEADLINE; STATUS_SYSTEM for a malformed message;
 * STATUS_NO_MEMORY.  Not a byte behind the message is taken. */
enum status caller_receive(struct caller *caller,
                           const struct wire_table *table, void *record,
                           int64_t by_ms) MUST_USE;

/* Looks, without waiting, whether the caller has gone; to be used when no
 * message is expected, so that bytes count as gone too. */
bool caller_gone(struct caller *caller) MUST_USE;

/* Sends the reply, waiting until BY_MS.  Should the texts of the reply not
 * fit, it goes without them.  False when it could not be sent. */
bool caller_send(struct caller *caller, const struct reply *reply,
                 int64_t by_ms) MUST_USE;

/* Waits until BY_MS for the caller's word on the tokens that were sent, and
 * sets *fate.  False when it hung up before, or said nothing in time. */
bool caller_hear(struct caller *caller, int64_t by_ms,
                 enum fate *fate) MUST_USE;

/* Closes the socket. */
void caller_leave(struct caller *caller);

#endif
