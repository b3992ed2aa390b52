/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * template.h - text with %{variables}.
 *
 *     %{name}      the value; it must be set and not empty
 *     %{name?}     the value; when it is not set or empty, the whole template
 *                  counts as absent and what it stands in is left out
 *     %{a|b}       the first of them that is set and not empty ('?' may
 *                  follow the last)
 *     %%           a percent sign
 *
 * A name is [a-z][a-z0-9_]*.  Values are escaped for the place the text goes
 * to; a place that cannot carry a value refuses it.
 */
#ifndef AUTHAPI_PROVIDER_TEMPLATE_H
#define AUTHAPI_PROVIDER_TEMPLATE_H

#include "base/secret.h"
#include "base/status.h"
#include "provider/vars.h"

#include <stdbool.h>
#include <stddef.h>

struct template;

enum template_place {
    PLACE_TEXT,   /* as it is: JSON and form values are escaped as a whole by
                   * the library that writes them; comparisons too */
    PLACE_URL,    /* values from outside are percent-encoded (RFC 3986, all
                   * but unreserved); the site's own stand as they are */
    PLACE_HEADER, /* as it is; control characters are refused (RFC 9110) */
};

/* Parses TEXT.  On failure returns NULL and points *why at a static clause
 * for people ("a %{ without its }"), or at "out of memory". */
struct template *template_parse(const char *text, const char **why) MUST_USE;

/* Fills the template.  STATUS_OK: *present tells whether there is a value
 * (false: a %{x?} was empty) and OUT, emptied first, holds it.
 * STATUS_MISCONFIGURED: a variable that must be set is not, or the place
 * refuses a value: *culprit then points at the variable's name (owned by the
 * template).  STATUS_SYSTEM: longer than OUT's cap.  STATUS_NO_MEMORY.
 * On failure OUT is empty. */
enum status template_fill(const struct template *template,
                          const struct vars *vars, enum template_place place,
                          struct secret *out, bool *present,
                          const char **culprit) MUST_USE;

/* Calls VISIT for every variable the template names; OPTIONAL tells that it
 * may be empty (a '?', or an alternative beside it). */
void template_names(const struct template *template,
                    void (*visit)(void *context, const char *name,
                                  bool optional),
                    void *context);

/* Whether the template names the variable. */
bool template_uses(const struct template *template, const char *name) MUST_USE;

/* The text it was parsed from. */
const char *template_source(const struct template *template);

/* Accepts NULL. */
void template_free(struct template *template);

#endif
