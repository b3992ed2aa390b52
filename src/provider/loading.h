/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * loading.h - a conf on its way in: what conf.c and settings.c share.
 */
#ifndef AUTHAPI_PROVIDER_LOADING_H
#define AUTHAPI_PROVIDER_LOADING_H

#include "provider/conf.h"
#include "provider/inifile.h"
#include "provider/problems.h"
#include "provider/site.h"
#include "provider/step.h"

/* What loading takes; all of it is gone when conf_load returns. */
struct loading {
    struct conf *conf;
    struct problems problems;
    struct ini own;         /* the site's conf */
    struct ini description; /* empty without a provider */
    struct merged merged;
    struct site site;
};

/* --- settings.c --- */

/* The entry at the top of the site's conf, or NULL; an empty one counts as
 * none. */
const struct ini_entry *setting_find(const struct loading *loading,
                                     const char *key) MUST_USE;

/* Reports TEXT at the entry. */
void setting_problem(struct loading *loading, const struct ini_entry *entry,
                     const char *text);

/* Reads the variables, then the settings that are the site's alone: ca,
 * proxy, allow_http, identity, [users]. */
void settings_read(struct loading *loading);

#endif
