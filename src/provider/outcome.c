/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * outcome.c - the half of a step that is made of the answer.
 *
 * It refuses a login that compares nobody with anybody.
 */
#include "provider/step.h"
#include "provider/words.h"

#include <stdlib.h>
#include <string.h>

#define TTL_MAX (10 * 365 * 24 * 3600)
#define RULE_NUMBER_MAX 9999

static const char no_memory[] = "out of memory";
static const char jwt_absent[] =
    "jwt: needs a [jwt] section that says how tokens are verified";
static const char jwt_elsewhere[] =
    "jwt: no token is verified yet here: claims stand in out.NAME, account "
    "and require.NAME of [login], [refresh] and [mfa], and in [account]";

enum where {
    IN_LOGIN = 1,
    IN_REFRESH = 2,
    IN_REVOKE = 4,
    IN_REVOKE_ACCESS = 8,
    IN_MFA_START = 16,
    IN_MFA = 32,
    IN_INTROSPECT = 64,
    IN_PASSWORD = 128,
    IN_TOKENS = IN_LOGIN | IN_REFRESH | IN_MFA,
    IN_ALL = 255,
};

static unsigned
where_is(const struct step *step)
{
    static const char *const names[] = { "login",      "refresh",
                                         "revoke",     "revoke_access",
                                         "mfa_start",  "mfa",
                                         "introspect", "password" };
    unsigned bit = 1;

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++, bit *= 2)
        if (strcmp(step->name, names[i]) == 0)
            return bit;
    return 0;
}

/* Why claims of a verified token cannot be read at this place, or NULL. */
static const char *
jwt_problem(const struct reading *reading, bool place)
{
    if (!place || (where_is(reading->step) & IN_TOKENS) == 0)
        return jwt_elsewhere;
    return reading->conf->jwt.present ? NULL : jwt_absent;
}

static const char *
take_output(struct reading *reading, const char *name, const char *value)
{
    struct outputs *outputs = &reading->step->outputs;
    struct output *grown;
    struct source *source;
    const char *why = NULL;

    if (!word_is_name(name, strlen(name)))
        return "an output's name is made of small letters, digits and _";
    if (site_is_builtin(name) && strcmp(name, "access_token") != 0
        && strcmp(name, "refresh_token") != 0)
        return "an answer must not change what is known before it";
    if (site_find(reading->site, name) != NULL)
        return "is the name of a site's variable";
    source = source_parse(value, &why);
    if (source == NULL)
        return why;
    if (source_needs_jwt(source)) {
        why = jwt_problem(reading, true);
        if (why == NULL && strcmp(name, reading->conf->jwt.token) == 0)
            why = "the token that is verified cannot be one of its claims";
    }
    if (why != NULL) {
        source_free(source);
        return why;
    }
    grown = reallocarray(outputs->items, outputs->count + 1, sizeof(*grown));
    if (grown != NULL) {
        outputs->items = grown;
        grown[outputs->count].name = strdup(name);
        grown[outputs->count].source = source;
    }
    if (grown == NULL || grown[outputs->count].name == NULL) {
        source_free(source);
        return no_memory;
    }
    outputs->count++;
    return NULL;
}

static const char *
take_expires_unit(struct reading *reading, const char *rest, const char *value)
{
    (void)rest;
    if (!expiry_unit_parse(value, &reading->step->expires_unit))
        return "none of s, ms, epoch, epoch_ms, iso8601, jwt";
    return NULL;
}

/* A whole number from 1 to MAX without leading zeros; 0 for anything else. */
static long
read_count(const char *text, long max)
{
    long number = 0;

    if (*text == '0' || *text == '\0')
        return 0;
    for (; *text >= '0' && *text <= '9'; text++) {
        number = number * 10 + (*text - '0');
        if (number > max)
            return 0;
    }
    return *text == '\0' ? number : 0;
}

static const char *
take_ttl(struct reading *reading, const char *rest, const char *value)
{
    (void)rest;
    reading->step->ttl = read_count(value, TTL_MAX);
    return reading->step->ttl == 0 ? "no number of seconds" : NULL;
}

static const char *
parse_conds(struct reading *reading, const char *value, bool claims,
            struct conds *conds)
{
    const char *why = NULL;

    conds_clear(conds);
    if (!conds_parse(value, conds, &why))
        return why;
    if (conds_need_jwt(conds))
        why = jwt_problem(reading, claims);
    if (why == NULL)
        trial_conds(reading, conds);
    return why;
}

static const char *
take_success(struct reading *reading, const char *rest, const char *value)
{
    (void)rest;
    return parse_conds(reading, value, false, &reading->step->success);
}

static const char *
take_requirement(struct reading *reading, const char *name, const char *value)
{
    struct step *step = reading->step;
    struct requirement *requirement;

    if (name[0] == '\0')
        return "a requirement without a name";
    requirement = requirement_add(&step->require, &step->require_count, name);
    if (requirement == NULL)
        return no_memory;
    return parse_conds(reading, value, true, &requirement->conds);
}

static const char *
take_account(struct reading *reading, const char *rest, const char *value)
{
    struct step *step = reading->step;
    const struct ini_entry *entry = reading->entry;
    bool tokens = (where_is(step) & IN_TOKENS) != 0;
    const char *why;

    (void)rest;
    if (tokens && strcmp(value, "introspect") == 0) {
        step->account_introspect = true;
        return NULL;
    }
    if (tokens && strcmp(value, "login") == 0) {
        step->account_login = true;
        problem_warning(reading->problems, entry->file, entry->line,
                        entry->key,
                        "nothing in the answer is compared with the user: "
                        "the API's word for the password is all there is");
        return NULL;
    }
    why = parse_conds(reading, value, true, &step->account);
    if (why == NULL && !conds_compare(&step->account, "identity")
        && !conds_compare(&step->account, "user"))
        why = "compares nothing with %{identity} or %{user} by = or ~=";
    return why;
}

static const char *
take_sessions(struct reading *reading, const char *rest, const char *value)
{
    (void)rest;
    reading->conf->sessions_one = strcmp(value, "one") == 0;
    if (!reading->conf->sessions_one && strcmp(value, "many") != 0)
        return "neither many nor one";
    return NULL;
}

static const char *
take_ends(struct reading *reading, const char *rest, const char *value)
{
    (void)rest;
    reading->conf->ends_user = strcmp(value, "user") == 0;
    if (!reading->conf->ends_user && strcmp(value, "grant") != 0)
        return "neither grant nor user";
    return NULL;
}

long
outcome_rule_number(const char *text)
{
    return read_count(text, RULE_NUMBER_MAX);
}

static const char *
take_rule(struct reading *reading, const char *number, const char *value)
{
    struct rules *rules = &reading->step->rules;
    const char *why = NULL;
    struct rule *grown;
    struct rule rule;

    if (outcome_rule_number(number) == 0)
        return "rules are numbered: rule.1, rule.2, up to rule.9999";
    if (!rule_parse(value, &rule, &why))
        return why;
    grown = conds_need_jwt(&rule.conds)
                ? NULL
                : reallocarray(rules->items, rules->count + 1, sizeof(*grown));
    if (grown == NULL) {
        why = conds_need_jwt(&rule.conds) ? jwt_elsewhere : no_memory;
        rule_clear(&rule);
        return why;
    }
    rule.line = reading->entry->line;
    rules->items = grown;
    rules->items[rules->count++] = rule;
    trial_conds(reading, &rule.conds);
    return NULL;
}

struct outcome_key {
    const char *name; /* with a dot at its end: a prefix */
    unsigned where;   /* enum where */
    bool inherited;   /* [refresh] and [mfa] take it from [login] */
    const char *(*take)(struct reading *reading, const char *rest,
                        const char *value);
};

static const struct outcome_key keys[] = {
    { "out.", IN_TOKENS | IN_MFA_START, true, take_output },
    { "expires_unit", IN_TOKENS, true, take_expires_unit },
    { "ttl", IN_TOKENS, true, take_ttl },
    { "account", IN_TOKENS | IN_INTROSPECT, true, take_account },
    { "success", IN_ALL, false, take_success },
    { "require.", IN_ALL, false, take_requirement },
    { "rule.", IN_ALL, false, take_rule },
    { "sessions", IN_LOGIN, false, take_sessions },
    { "ends", IN_REVOKE, false, take_ends },
    { "prompt", IN_MFA, false, factor_prompt },
    { "restart", IN_MFA, false, factor_restart },
    { "always", IN_MFA, false, factor_always },
};

static bool
key_matches(const char *name, const char *key)
{
    size_t length = strlen(name);

    return name[length - 1] == '.' ? strncmp(name, key, length) == 0
                                   : strcmp(name, key) == 0;
}

static const struct outcome_key *
find_key(const char *key)
{
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
        if (key_matches(keys[i].name, key))
            return &keys[i];
    return NULL;
}

bool
outcome_inherited(const char *key)
{
    const struct outcome_key *found = find_key(key);

    return found != NULL && found->inherited;
}

const char *
outcome_take(struct reading *reading, const char *key, const char *value,
             bool *known)
{
    const struct outcome_key *found = find_key(key);

    *known = found != NULL && (found->where & where_is(reading->step)) != 0;
    if (!*known || value[0] == '\0')
        return NULL;
    return found->take(reading, key + strlen(found->name), value);
}

static void
check_tokens(struct reading *reading)
{
    struct step *step = reading->step;
    const struct ini_entry *unit =
        merged_find(reading->merged, step->name, "expires_unit");
    const struct ini_entry *account =
        merged_find(reading->merged, step->name, "account");

    if (account == NULL)
        account = merged_find(reading->merged, "login", "account");
    if (!step_has_output(step, "access_token"))
        step_problem(reading, "out.access_token",
                     "does not say where the access token is");
    if (account == NULL || account->value[0] == '\0')
        step_problem(reading, "account",
                     "needs account = COND ..., which compares the account "
                     "in the answer with %{identity} or %{user}, or "
                     "account = introspect, or account = login where the API "
                     "names none");
    if (unit != NULL && unit->value[0] != '\0'
        && step->expires_unit != EXPIRY_JWT
        && !step_has_output(step, "expires"))
        problem(reading->problems, unit->file, unit->line, unit->key,
                "without out.expires there is nothing to read");
}

void
outcome_finish(struct reading *reading)
{
    struct step *step = reading->step;
    const char *why = NULL;

    if (step->success.count == 0
        && !conds_parse("status=2xx", &step->success, &why))
        step_problem(reading, "success", why);
    if ((where_is(step) & IN_TOKENS) != 0)
        check_tokens(reading);
}

void
outcome_clear(struct step *step)
{
    for (size_t i = 0; i < step->outputs.count; i++) {
        free(step->outputs.items[i].name);
        source_free(step->outputs.items[i].source);
    }
    free(step->outputs.items);
    requirements_clear(&step->require, &step->require_count);
    conds_clear(&step->success);
    conds_clear(&step->account);
    rules_clear(&step->rules);
}
