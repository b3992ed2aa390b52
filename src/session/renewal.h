/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * renewal.h - asking the API about a grant that is there already.
 */
#ifndef AUTHAPI_SESSION_RENEWAL_H
#define AUTHAPI_SESSION_RENEWAL_H

#include "base/grant.h"
#include "session/ask.h"
#include "session/cache.h"

#include <stdint.h>

/* How the API is spoken to; all borrowed. */
struct channel {
    struct cache *cache;
    const char *conf; /* a conf file in place of the realm's own, or NULL */
    int timeout_ms;   /* for each exchange */
    const struct log *log;
};

/* Runs OPERATION_REFRESH, _ACCOUNT or _REVOKE for GRANT, lending the helper
 * the key set and keeping the one it gives back.  Returns the decision; REPLY
 * and *ask as of ask_finish. */
enum status renewal_ask(const struct channel *channel,
                        enum operation operation, const struct grant *grant,
                        struct reply *reply, struct ask **ask) MUST_USE;

/* Takes what a good reply brought into GRANT: new tokens, if there are some,
 * and that the API has just vouched for the account. */
void renewal_take(struct grant *grant, struct reply *reply);

/* Takes new tokens only. */
void renewal_take_tokens(struct grant *grant, struct reply *reply);

/* Refreshes GRANT, which HOLDING holds and is locked; GRANT is then the new
 * one.  It is written down before anybody can use it; what was exported is
 * exported anew.  STATUS_OK; STATUS_SESSION_EXPIRED: the API has ended it, and
 * it is not held any more; others: it stays, and the next try waits a while.
 * All but STATUS_OK are logged. */
enum status renewal_refresh(const struct channel *channel,
                            struct holding *holding,
                            struct grant *grant) MUST_USE;

/* How long to wait after the TRIES-th failure: 0 after the first, then a
 * minute, doubled each time up to an hour, give or take a quarter; never less
 * than the API's RETRY_AFTER (0: it named none).  Seconds. */
int64_t renewal_pause(int64_t tries, int64_t retry_after) MUST_USE;

#endif
