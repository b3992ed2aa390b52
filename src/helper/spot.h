/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * spot.h - a place in a description where a template stands, so that what
 * cannot be filled there is reported by its name.  Values never are.
 */
#ifndef AUTHAPI_HELPER_SPOT_H
#define AUTHAPI_HELPER_SPOT_H

#include "base/secret.h"
#include "base/status.h"
#include "helper/report.h"
#include "provider/conf.h"
#include "provider/template.h"
#include "provider/vars.h"

#include <stdbool.h>

struct spot {
    const struct step *step;
    const char *kind; /* "field." */
    const char *name; /* "email" */
    struct report *report;
};

/* Fills TEMPLATE as template_fill does.  STATUS_OK, or another status that is
 * in the report already. */
enum status spot_fill(const struct spot *spot, const struct template *template,
                      const struct vars *vars, enum template_place place,
                      struct secret *out, bool *present) MUST_USE;

/* Reports STATUS at the spot; CULPRIT is the variable's name, or NULL.  Gives
 * the status that was reported: too long counts as misconfigured. */
enum status spot_refuse(const struct spot *spot, enum status status,
                        const char *culprit) MUST_USE;

#endif
