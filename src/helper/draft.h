/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * draft.h - the head of a step's request: method, URL, headers.
 *
 * It can be written before there is a password, unless it names it.  A draft
 * refuses a variable that is not set instead of sending an empty one.
 */
#ifndef AUTHAPI_HELPER_DRAFT_H
#define AUTHAPI_HELPER_DRAFT_H

#include "base/status.h"
#include "helper/http.h"
#include "helper/report.h"
#include "provider/conf.h"
#include "provider/vars.h"

#include <stdbool.h>

/* Makes an empty request.  Free with http_request_clear. */
void draft_init(struct http_request *request);

/* Writes method, URL and headers, and whether there is a body.  STATUS_OK, or
 * another status that is in the report already, with the culprit's name. */
enum status draft_head(struct http_request *request, const struct step *step,
                       const struct vars *vars,
                       struct report *report) MUST_USE;

/* Whether URL, headers or authentication of the step name %{NAME}. */
bool draft_head_uses(const struct step *step, const char *name) MUST_USE;

/* Whether any part of the step names %{NAME}. */
bool draft_uses(const struct step *step, const char *name) MUST_USE;

/* Whether any part of the step needs %{NAME}, with no other in its stead. */
bool draft_needs(const struct step *step, const char *name) MUST_USE;

#endif
