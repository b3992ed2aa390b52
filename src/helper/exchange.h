/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * exchange.h - one step: wait for what it needs, send it, judge the answer.
 *
 * Here the two sides meet: the caller, who hands over a secret at some time
 * and may vanish at any time, and the API, whose connection is made ready
 * beforehand.  What an operation consists of is not known here.
 */
#ifndef AUTHAPI_HELPER_EXCHANGE_H
#define AUTHAPI_HELPER_EXCHANGE_H

#include "base/message.h"
#include "base/status.h"
#include "helper/caller.h"
#include "helper/http.h"
#include "helper/report.h"
#include "provider/conf.h"

#include <stdbool.h>
#include <stdint.h>

/* How long a late answer is still read, and its tokens revoked. */
#define AFTERLIFE_MS 30000

struct exchange {
    struct conf *conf;
    const struct request *request;
    struct caller *caller;
    struct report *report;
    struct handover handover;
    bool handed;   /* the handover has come */
    bool orphaned; /* nobody waits for a reply any more */
    bool precious; /* an answer must not be lost: it may bring tokens, or
                    * tokens are in hand that nobody else has */
    bool held;     /* the latter: so even before anything is sent */
    struct http_hooks hooks;

    /* of the step that runs */
    const struct step *step;
    struct http_request draft;
    struct http_result result; /* its answer, until the next step */
    bool failed;               /* while waiting; the report says how */
    bool early;                /* begun before the handover */
    char *subject;             /* login of "alice" at https://..., and the
                                * API's own name for the request */
};

/* Prepares for a handover until IDLE_MS.  Free with exchange_clear. */
void exchange_init(struct exchange *exchange, struct conf *conf,
                   const struct request *request, struct caller *caller,
                   struct report *report, int64_t idle_ms);

/* Waits for the handover, unless it has come.  STATUS_OK, with the password,
 * if it holds one, as a variable of the conf; STATUS_CANCELLED when the caller
 * has gone or the time is over; others are in the report. */
enum status exchange_wait(struct exchange *exchange) MUST_USE;

/* Runs STEP.  A login may connect before the handover has come, and waits for
 * it; everything else wants exchange_wait first.  STATUS_OK: the answer in
 * ->result is a success, as far as any step's is; STATUS_CANCELLED when
 * nobody waits and nothing was sent; others are in the report. */
enum status exchange_step(struct exchange *exchange,
                          const struct step *step) MUST_USE;

/* Fetches URL, which the conf names, beside the step that runs, whose answer
 * stays.  STATUS_OK with whatever answer in RESULT (free with
 * http_result_clear in any case); STATUS_DEADLINE (in the report) or
 * STATUS_CANCELLED, and the operation ends; any other with result->why. */
enum status exchange_get(struct exchange *exchange, const char *url,
                         struct http_result *result) MUST_USE;

/* From here on nobody waits for a reply; what is still sent has AFTERLIFE_MS
 * of time. */
void exchange_orphan(struct exchange *exchange);

void exchange_clear(struct exchange *exchange);

#endif
