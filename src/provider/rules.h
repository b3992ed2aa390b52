/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rules.h - conditions on an answer, and the rules made of them.
 *
 *     COND   status=400   status=4xx
 *            P=v  P^=prefix  P*=substring  P~=v (ASCII case folded)
 *            P@=v (a whole member of an array, or of a string's words)
 *            P?   present (and not null)      !P?  absent
 *     P      a source (answer.h); v may hold %{variables}
 *
 * Scalars compare as strings, by length and bytes; a value that is missing,
 * null, an object or an array equals nothing.  "/a=" compares with the empty
 * string; an empty v behind any other sign is refused at parse time, and one
 * that a %{variable} leaves empty holds never: "/a^=" would match everything.
 *
 * A word of a condition may stand in double quotes, so that v may hold
 * spaces:  "/error/message=Invalid identifier or password".
 */
#ifndef AUTHAPI_PROVIDER_RULES_H
#define AUTHAPI_PROVIDER_RULES_H

#include "base/status.h"
#include "provider/answer.h"
#include "provider/template.h"
#include "provider/vars.h"

#include <stdbool.h>
#include <stddef.h>

struct cond; /* one condition */

/* One or more conditions that must all hold. */
struct conds {
    struct cond **items;
    size_t count;
};

struct rule {
    enum status class;
    bool proves_password; /* password_expired: the API checks the password
                           * before it says so */
    struct conds conds;
    int line; /* in the file it came from */
};

struct rules {
    struct rule *items;
    size_t count;
};

/* Parses "COND COND ...".  False, and *why (static text), on failure; CONDS
 * is then empty. */
bool conds_parse(const char *text, struct conds *conds,
                 const char **why) MUST_USE;

/* The same for a NULL-terminated list of words; none is a failure. */
bool conds_parse_words(char *const *words, struct conds *conds,
                       const char **why) MUST_USE;

/* conds_parse where every P is a claim of a verified token (see
 * source_parse_claim) and there is no status. */
bool conds_parse_claims(const char *text, struct conds *conds,
                        const char **why) MUST_USE;

/* Parses "CLASS COND..." or "password_expired proves_password COND...". */
bool rule_parse(const char *text, struct rule *rule,
                const char **why) MUST_USE;

/* Whether all conditions hold.  A condition whose value cannot be filled
 * (a variable that is not set) does not hold. No conditions: true. */
bool conds_hold(const struct conds *conds, const struct answer *answer,
                const struct vars *vars) MUST_USE;

/* The first rule that matches, or NULL. */
const struct rule *rules_match(const struct rules *rules,
                               const struct answer *answer,
                               const struct vars *vars) MUST_USE;

/* Calls VISIT for the value of every condition that compares with one. */
void conds_templates(const struct conds *conds,
                     void (*visit)(void *context,
                                   const struct template *value),
                     void *context);

/* Whether one of the conditions is P=v or P~=v with the variable NAME in v:
 * only those tie an answer to an account. */
bool conds_compare(const struct conds *conds, const char *name) MUST_USE;

/* Whether a condition reads a claim of a verified token. */
bool conds_need_jwt(const struct conds *conds) MUST_USE;

/* Whether a condition is content with a part of a value: P^=v or P*=v. */
bool conds_partial(const struct conds *conds) MUST_USE;

/* Whether no condition names a value that must be there: all say `!P?`, or
 * something of the status. */
bool conds_vacuous(const struct conds *conds) MUST_USE;

void conds_clear(struct conds *conds);
void rule_clear(struct rule *rule);
void rules_clear(struct rules *rules);

#endif
