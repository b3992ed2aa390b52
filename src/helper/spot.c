/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * spot.c - a place in a description where a template stands.
 */
#include "helper/spot.h"

#include <stddef.h>

enum status
spot_refuse(const struct spot *spot, enum status status, const char *culprit)
{
    if (status == STATUS_MISCONFIGURED && culprit != NULL)
        return report_end(spot->report, status,
                          "%s%s in [%s]: %%{%s} is not set, or holds what "
                          "cannot stand there",
                          spot->kind, spot->name, spot->step->name, culprit);
    if (status == STATUS_SYSTEM)
        return report_end(spot->report, STATUS_MISCONFIGURED,
                          "%s%s in [%s] is too long", spot->kind, spot->name,
                          spot->step->name);
    return report_end(spot->report, status, "%s%s in [%s]: %s", spot->kind,
                      spot->name, spot->step->name, status_text(status));
}

enum status
spot_fill(const struct spot *spot, const struct template *template,
          const struct vars *vars, enum template_place place,
          struct secret *out, bool *present)
{
    const char *culprit = NULL;
    enum status status =
        template_fill(template, vars, place, out, present, &culprit);

    return status == STATUS_OK ? status : spot_refuse(spot, status, culprit);
}
