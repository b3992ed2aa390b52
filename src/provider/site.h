/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * site.h - the variables that a site's conf and a description define.
 *
 * Values may name one another; each is worked out once, when the conf is
 * loaded.  Secrets are read from their files here.
 */
#ifndef AUTHAPI_PROVIDER_SITE_H
#define AUTHAPI_PROVIDER_SITE_H

#include "base/status.h"
#include "provider/inifile.h"
#include "provider/problems.h"
#include "provider/template.h"
#include "provider/vars.h"

#include <stdbool.h>
#include <stddef.h>

/* Fewer than VARS_MAX: a sign-in adds its own. */
#define SITE_MAX 40

enum site_state { SITE_NEW, SITE_BUSY, SITE_DONE };

struct site_var {
    const struct ini_entry *entry; /* whose key is the name */
    bool own;                      /* from the site's conf */
    enum site_state state;
    bool secret;            /* from a file, or made with one that is */
    bool broken;            /* something was reported about it */
    const char *missing;    /* what it lacks to have a value; or NULL */
    struct template *value; /* NULL: empty, a file, or not to be parsed */
};

struct site {
    struct site_var items[SITE_MAX];
    size_t count;
    const char *conf;  /* the conf's path */
    struct vars *vars; /* where values go */
    struct problems *problems;
};

/* Whether NAME is filled in at sign-in, by us. */
bool site_is_builtin(const char *name) MUST_USE;

/* Defines a variable, in place of an older definition. */
void site_define(struct site *site, const struct ini_entry *entry, bool own);

/* The variable, or NULL. */
const struct site_var *site_find(const struct site *site,
                                 const char *name) MUST_USE;

/* Reads the secrets and works out all values. */
void site_resolve(struct site *site);

/* Whether NAME is, or is made with, a secret from a file. */
bool site_is_secret(const struct site *site, const char *name) MUST_USE;

/* Reports that ENTRY needs NAME, which has no value. */
void site_blame(const struct site *site, const struct ini_entry *entry,
                const char *name);

/* Frees what it owns; not the variables' values. */
void site_clear(struct site *site);

#endif
