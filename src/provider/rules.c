/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rules.c - rules: a class, and the conditions that lead to it.
 *
 * It refuses a rule without a condition: that one would match everything.
 */
#include "provider/rules.h"
#include "provider/words.h"

#include <stdlib.h>
#include <string.h>

bool
rule_parse(const char *text, struct rule *rule, const char **why)
{
    size_t count;
    char **words = words_split(text, true, &count, why);
    enum status class = STATUS_UNDECIDED;
    size_t first = 1;
    bool good = false;

    memset(rule, 0, sizeof(*rule));
    if (words == NULL)
        return false;
    if (count == 0 || !status_parse_class(words[0], &class)) {
        *why = "a rule begins with a class, such as bad_credentials";
        goto out;
    }
    if (count > 1 && strcmp(words[1], "proves_password") == 0) {
        if (class != STATUS_PASSWORD_EXPIRED) {
            *why = "proves_password belongs behind password_expired";
            goto out;
        }
        rule->proves_password = true;
        first = 2;
    }
    good = conds_parse_words(words + first, &rule->conds, why);

out:
    words_free(words);
    rule->class = good ? class : STATUS_UNDECIDED;
    rule->proves_password = good && rule->proves_password;
    return good;
}

const struct rule *
rules_match(const struct rules *rules, const struct answer *answer,
            const struct vars *vars)
{
    for (size_t i = 0; i < rules->count; i++)
        if (conds_hold(&rules->items[i].conds, answer, vars))
            return &rules->items[i];
    return NULL;
}

void
rule_clear(struct rule *rule)
{
    conds_clear(&rule->conds);
    memset(rule, 0, sizeof(*rule));
}

void
rules_clear(struct rules *rules)
{
    for (size_t i = 0; i < rules->count; i++)
        rule_clear(&rules->items[i]);
    free(rules->items);
    rules->items = NULL;
    rules->count = 0;
}
