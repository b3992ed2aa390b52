/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * api.h - one operation at the API, from the request to the reply.
 *
 * Runs the steps that the description names, and sees to it that no answer
 * is lost: tokens that nobody took are taken back.  This file refuses to know
 * how bytes travel (http.h) and where the reply goes (caller.h does).
 */
#ifndef AUTHAPI_HELPER_API_H
#define AUTHAPI_HELPER_API_H

#include "base/message.h"
#include "helper/caller.h"
#include "helper/report.h"
#include "provider/conf.h"

#include <stdint.h>

/* Does what REQUEST asks for, takes the handover when it comes (until IDLE_MS
 * of clock.h), and sends the reply.  May fork: the parent then ends here, its
 * reply sent, and the child goes on reading a late answer.  Returns when
 * nothing is left to do. */
void api_serve(struct conf *conf, const struct request *request,
               struct caller *caller, struct report *report, int64_t idle_ms);

#endif
