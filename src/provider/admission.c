/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * admission.c - [account]: who may come in, by what the answer or the claims
 * say.
 *
 * It refuses to let anybody in for a part of a role's name.
 */
#include "provider/loading.h"

#include <string.h>

static const char *const all_keys[] = { "allow", "deny", NULL };

/* Takes the N and the value of allow.N or deny.N; a problem (static text), or
 * NULL. */
static const char *
take(struct reading *reading, bool allow, const char *number,
     const char *value)
{
    struct account_rules *rules = &reading->conf->account;
    struct requirement *requirement;
    const char *why = NULL;

    if (outcome_rule_number(number) == 0)
        return "these are numbered: allow.1, deny.1, up to 9999";
    requirement =
        allow ? requirement_add(&rules->allow, &rules->allow_count, number)
              : requirement_add(&rules->deny, &rules->deny_count, number);
    if (requirement == NULL)
        return "out of memory";
    if (!conds_parse(value, &requirement->conds, &why))
        return why;
    if (allow && conds_partial(&requirement->conds))
        return "^= and *= would let in who has something like it: compare "
               "whole values, by =, ~= or @=";
    if (allow && conds_vacuous(&requirement->conds))
        problem_warning(reading->problems, reading->entry->file,
                        reading->entry->line, reading->entry->key,
                        "wants nothing to be there: an answer that says less "
                        "than usual lets everybody in");
    if (conds_need_jwt(&requirement->conds) && !reading->conf->jwt.present)
        return "jwt: needs a [jwt] section that says how tokens are verified";
    trial_conds(reading, &requirement->conds);
    return NULL;
}

static void
take_entry(struct reading *reading, const struct ini_entry *entry)
{
    static const char allow[] = "allow.";
    static const char deny[] = "deny.";
    const char *why = NULL;

    reading->entry = entry;
    if (strncmp(entry->key, allow, strlen(allow)) == 0) {
        if (entry->value[0] != '\0')
            why =
                take(reading, true, entry->key + strlen(allow), entry->value);
    } else if (strncmp(entry->key, deny, strlen(deny)) == 0) {
        if (entry->value[0] != '\0')
            why =
                take(reading, false, entry->key + strlen(deny), entry->value);
    } else {
        entry_unknown(reading->problems, entry, all_keys);
    }
    if (why != NULL)
        problem(reading->problems, entry->file, entry->line, entry->key, "%s",
                why);
}

void
admission_read(struct loading *loading)
{
    struct step section = { .name = "account" };
    const struct merged *merged = &loading->merged;
    struct reading reading = { .conf = loading->conf,
                               .step = &section,
                               .merged = merged,
                               .site = &loading->site,
                               .problems = &loading->problems };

    trial_prepare(&reading);
    for (size_t i = 0; i < merged->count; i++)
        if (strcmp(merged->items[i]->section, "account") == 0)
            take_entry(&reading, merged->items[i]);
    trial_clear(&reading);
}

void
admission_clear(struct account_rules *rules)
{
    requirements_clear(&rules->allow, &rules->allow_count);
    requirements_clear(&rules->deny, &rules->deny_count);
}
