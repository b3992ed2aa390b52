/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * body.h - the body of a request: the fields of a step, as JSON or as a form.
 *
 * Values are escaped by the library made for it: JSON by jansson, forms by
 * curl.  This file refuses to put together either by hand.
 */
#ifndef AUTHAPI_HELPER_BODY_H
#define AUTHAPI_HELPER_BODY_H

#include "base/status.h"
#include "helper/http.h"
#include "helper/report.h"
#include "provider/conf.h"
#include "provider/vars.h"

/* Writes the body, and body_size unless it is set: a body that is shorter
 * than body_size is JSON and gets trailing blanks, which JSON allows.
 * STATUS_OK, or another status that is in the report already. */
enum status body_write(struct http_request *request, const struct step *step,
                       const struct vars *vars,
                       struct report *report) MUST_USE;

/* Sets body_size so that the body fits whatever the passwords are: every body
 * has this one length, and none tells theirs.  For a JSON step; leaves
 * %{password} and %{new_password} unset.  Returns as above. */
enum status body_measure(struct http_request *request, const struct step *step,
                         struct vars *vars, struct report *report) MUST_USE;

#endif
