/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * loading.h - a conf on its way in: what conf.c shares with the readers of
 * sections that are no steps.
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
    struct ini own; /* the site's conf; its entries' file is own.path */
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

/* --- keyfile.c --- */

/* Reads the file NAME, relative to the conf's folder, into BYTES, which is
 * empty, or reports at the entry why not. */
void keyfile_read(struct loading *loading, const struct ini_entry *entry,
                  enum keys_kind kind, const char *name, struct secret *bytes);

/* --- claims.c: [jwt] --- */

/* Reads it; steps need to know whether it is there. */
void claims_read(struct loading *loading);

/* Looks at what concerns the steps too, and at what is missing. */
void claims_check(struct loading *loading);

void claims_clear(struct jwt_rules *rules);

/* --- admission.c: [account] --- */

void admission_read(struct loading *loading);

void admission_clear(struct account_rules *rules);

/* --- messages.c: [messages], and request_id of [http] --- */

void messages_read(struct loading *loading);

/* --- factor.c --- */

/* Sets the default prompt, and looks at all that has to do with second
 * factors; after the steps were read. */
void factor_check(struct loading *loading);

#endif
