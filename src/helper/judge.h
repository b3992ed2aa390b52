/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * judge.h - what an answer means.
 *
 * In this order: the description's rules, on every status; what every API
 * means by 429, 5xx and 3xx; the conditions of a success.  Whatever fits none
 * of these is misconfigured, and denies.  This file refuses to guess from a
 * status alone that something succeeded.
 */
#ifndef AUTHAPI_HELPER_JUDGE_H
#define AUTHAPI_HELPER_JUDGE_H

#include "base/status.h"
#include "helper/http.h"
#include "helper/report.h"
#include "provider/conf.h"
#include "provider/vars.h"

/* Parses the body as JSON into result->answer.json, where it is some. */
void judge_parse(struct http_result *result);

/* Decides about the parsed answer to STEP. STATUS_OK, with nothing reported;
 * or what was decided, with a detail that begins with SUBJECT ("login of ...
 * at ..."). */
enum status judge_answer(const struct step *step,
                         const struct http_result *result,
                         const struct vars *vars, const char *subject,
                         struct report *report) MUST_USE;

/* What the body is, in words: "the body is HTML".  Static text; never a part
 * of the body. */
const char *judge_body(const struct http_result *result);

#endif
