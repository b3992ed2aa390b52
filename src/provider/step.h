/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * step.h - one section of the merged description as a struct step.
 */
#ifndef AUTHAPI_PROVIDER_STEP_H
#define AUTHAPI_PROVIDER_STEP_H

#include "base/status.h"
#include "provider/conf.h"
#include "provider/inifile.h"
#include "provider/problems.h"
#include "provider/site.h"

#include <stddef.h>

/* The entries of a description with a site's own laid over them. */
struct merged {
    const struct ini_entry **items;
    size_t count;
};

/* What reading a step takes, and where it stands. */
struct reading {
    struct conf *conf;
    struct step *step;
    const struct merged *merged;
    const struct site *site;
    struct problems *problems;
    const struct ini_entry *entry; /* the one being read */
    struct vars before;            /* made-up values: what a request knows */
    struct vars after;             /* and what its answer adds */
};

/* The entry, or NULL. */
const struct ini_entry *merged_find(const struct merged *merged,
                                    const char *section,
                                    const char *key) MUST_USE;

/* Reads the section called like STEP->name, which is empty, with what it
 * takes from [http], [rules] and [login].  Everything wrong is reported. */
void step_read(struct conf *conf, struct step *step,
               const struct merged *merged, const struct site *site,
               struct problems *problems);

/* Whether the step's answer has an output of that name. */
bool step_has_output(const struct step *step, const char *name) MUST_USE;

/* Whether anything that the step sends names the variable. */
bool step_sends(const struct step *step, const char *name) MUST_USE;

/* Reports a key that its section does not have, with the one of the
 * NULL-terminated KEYS that was probably meant. */
void entry_unknown(struct problems *problems, const struct ini_entry *entry,
                   const char *const *keys);

/* Reports TEXT at the step as a whole. */
void step_problem(struct reading *reading, const char *key, const char *text);

void step_clear(struct step *step);

/* --- request.c: the half that is sent --- */

/* Takes one key of a request; an empty value sets nothing.  *known tells
 * whether it is one; the result is a problem (static text) or NULL. */
const char *request_take(struct reading *reading, const char *key,
                         const char *value, bool *known) MUST_USE;

/* Sets what was left open, and looks at the whole: a problem (static text),
 * or NULL. */
const char *request_finish(struct reading *reading) MUST_USE;

void request_clear(struct step *step);

/* --- outcome.c: the half that is made of the answer --- */

/* As request_take. */
const char *outcome_take(struct reading *reading, const char *key,
                         const char *value, bool *known) MUST_USE;

/* Whether [refresh] and [mfa] take KEY from [login] when they do not say
 * otherwise. */
bool outcome_inherited(const char *key) MUST_USE;

/* The N of rule.N; 0 when TEXT is no such number. */
long outcome_rule_number(const char *text) MUST_USE;

/* Sets what was left open, and reports what is wrong with the whole. */
void outcome_finish(struct reading *reading);

void outcome_clear(struct step *step);

/* --- factor.c: the keys that are of [mfa] alone --- */

/* Take a value of [mfa]; a problem (static text), or NULL. */
const char *factor_prompt(struct reading *reading, const char *rest,
                          const char *value) MUST_USE;
const char *factor_restart(struct reading *reading, const char *rest,
                           const char *value) MUST_USE;
const char *factor_always(struct reading *reading, const char *rest,
                          const char *value) MUST_USE;

/* --- requirement.c: conditions with a name --- */

/* Adds one without conditions; NULL without memory. */
struct requirement *requirement_add(struct requirement **items, size_t *count,
                                    const char *name) MUST_USE;

void requirements_clear(struct requirement **items, size_t *count);

/* --- trial.c: every template is filled once when the conf is loaded --- */

/* Makes the values up that are known before and after the step.  A section
 * that is no step ([jwt], [account], [messages]) knows as much before as
 * after. */
void trial_prepare(struct reading *reading);

/* Fills TEMPLATE, and reports at the entry being read what keeps it from
 * being filled at sign-in. */
void trial_template(struct reading *reading, const struct template *template,
                    enum template_place place);

/* As trial_template for a URL, which is checked too.  False when the site
 * left a %{name?} in it empty: the API has no such step. */
bool trial_url(struct reading *reading,
               const struct template *template) MUST_USE;

/* As trial_template for text that people read: no password, code, token or
 * secret may stand in it. */
void trial_words(struct reading *reading, const struct template *template);

/* The same for the values of conditions. */
void trial_conds(struct reading *reading, const struct conds *conds);

void trial_clear(struct reading *reading);

#endif
