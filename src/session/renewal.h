/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * renewal.h - asking the API about a grant that is there already.
 */
#ifndef AUTHAPI_SESSION_RENEWAL_H
#define AUTHAPI_SESSION_RENEWAL_H

#include "base/grant.h"
#include "session/ask.h"
#include "session/cache.h"
#include "session/session.h"

/* Runs OPERATION_REFRESH or OPERATION_ACCOUNT for GRANT within the call's
 * time limit, lending the helper the key set and keeping the one it gives
 * back.  Returns the decision; REPLY as of ask_finish. */
enum status renewal_ask(const struct session_call *call, struct cache *cache,
                        enum operation operation, const struct grant *grant,
                        struct reply *reply) MUST_USE;

/* Takes what a good reply brought into GRANT: new tokens, if there are some,
 * and that the API has just vouched for the account. */
void renewal_take(struct grant *grant, struct reply *reply);

#endif
