/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ask.h - one exchange with the helper: start it, hand over, hear the reply.
 *
 * The answer is in the helper's reply and never in its exit status.  This
 * file refuses to look at a grant's opaque bytes, and logs what the helper
 * says, since the helper has no log of its own.
 */
#ifndef AUTHAPI_SESSION_ASK_H
#define AUTHAPI_SESSION_ASK_H

#include "base/log.h"
#include "base/message.h"
#include "base/status.h"

#include <stdbool.h>

struct ask; /* a helper that has our request and waits for the handover, or
             * for our word on the tokens that it gave */

/* Starts a helper and sends REQUEST.  STATUS_OK with *ask to be ended by
 * ask_finish or ask_abandon; STATUS_MISCONFIGURED (no helper to start),
 * STATUS_SYSTEM, STATUS_NO_MEMORY: *ask is NULL, and reply->detail says why.
 * LOG is borrowed until the ask ends. */
enum status ask_start(const struct request *request, const struct log *log,
                      struct ask **ask, struct reply *reply) MUST_USE;

/* Sends HANDOVER and waits at most handover->timeout_ms and a little for the
 * reply.  Returns what the reply decides, and REPLY (reply_clear it) tells the
 * rest.  Where the reply brings tokens (opaque or state), *ask stays and must
 * be ended by ask_settle; else it is ended and NULL.  Without a reply:
 * STATUS_DEADLINE when none came in time; STATUS_MISCONFIGURED when the helper
 * ended or said nonsense; STATUS_SYSTEM; reply->detail says why.
 * STATUS_NOT_FOUND when the helper had gone before it took the handover:
 * nothing was posted, and a new helper may be asked.  The reply's notes are
 * logged here; its detail is left to the caller, who knows for whom it was. */
enum status ask_finish(struct ask **ask, const struct handover *handover,
                       struct reply *reply) MUST_USE;

/* Tells the helper what became of the tokens it gave, and ends it.  KEPT: they
 * are where they will be found again, whatever happens to us, or have been
 * superseded.  Else it takes them back at the API, behind our back.  Until
 * then our death takes them back.  *ask is NULL afterwards; it may be
 * before. */
void ask_settle(struct ask **ask, bool kept);

/* Ends the helper without a handover and frees ASK.  Accepts NULL. */
void ask_abandon(struct ask *ask);

/* All of it at once, for what needs no prompt in between.  *ask as of
 * ask_finish. */
enum status ask_once(const struct request *request,
                     const struct handover *handover, const struct log *log,
                     struct reply *reply, struct ask **ask) MUST_USE;

/* Makes an empty reply; wipes and frees one. */
void reply_init(struct reply *reply);
void reply_clear(struct reply *reply);

#endif
