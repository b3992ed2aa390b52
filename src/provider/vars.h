/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vars.h - the named values that templates are filled from.
 *
 * A variable has an origin, because a value the site wrote and a value that
 * came from outside are not to be treated alike (a URL may take its base from
 * the site as it is, a user name never), and may be a secret, which must not
 * stand in a URL.
 */
#ifndef AUTHAPI_PROVIDER_VARS_H
#define AUTHAPI_PROVIDER_VARS_H

#include "base/secret.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

#define VARS_MAX 64

enum var_origin {
    VAR_SITE,   /* from the conf or the description */
    VAR_OUTSIDE /* the user, the host, the API's answers */
};

struct var {
    char *name;
    struct secret value;
    enum var_origin origin;
};

struct vars {
    struct var items[VARS_MAX];
    size_t count;
};

/* Sets NAME to LENGTH bytes, replacing an older value.  STATUS_OK,
 * STATUS_NO_MEMORY, or STATUS_SYSTEM for more than VARS_MAX names.  On
 * failure the older value stays. */
enum status vars_set(struct vars *vars, const char *name, const char *value,
                     size_t length, enum var_origin origin) MUST_USE;

/* The variable, or NULL.  Owned by VARS. */
const struct var *vars_find(const struct vars *vars,
                            const char *name) MUST_USE;

/* Its value, or NULL when it is not set or empty. */
const char *vars_value(const struct vars *vars, const char *name) MUST_USE;

/* Wipes and frees all of it; VARS is empty afterwards.  Accepts NULL. */
void vars_clear(struct vars *vars);

#endif
