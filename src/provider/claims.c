/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * claims.c - [jwt]: what makes a token that is a JWT trustworthy.
 *
 * It refuses whatever is left open: algorithms are named, and so are issuer
 * and audience, or it is written that any will do.
 */
#include "provider/loading.h"
#include "provider/url.h"
#include "provider/words.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_LIMIT (8 * 1024)
#define LEEWAY_DEFAULT 60
#define LEEWAY_MAX 300

static const char no_memory[] = "out of memory";

/* A value on its way in. */
struct taking {
    struct loading *loading;
    struct jwt_rules *rules;
    struct reading reading; /* what conditions know */
    const struct ini_entry *entry;
};

/* --- texts of the site --- */

/* Reports what a text of the site cannot be made of. */
static void
check_name(void *context, const char *name, bool optional)
{
    struct taking *taking = context;
    struct loading *loading = taking->loading;

    if (site_is_builtin(name))
        setting_problem(loading, taking->entry,
                        "is made of the site's variables only");
    else if (site_is_secret(&loading->site, name))
        setting_problem(loading, taking->entry, "holds a secret");
    else if (!optional && vars_find(&loading->conf->vars, name) == NULL)
        site_blame(&loading->site, taking->entry, name);
}

/* Fills what is made of the site's variables: a copy, or NULL when it is empty
 * or something was reported. */
static char *
fill_site(struct taking *taking, const char *value, enum template_place place)
{
    struct secret out = SECRET_INIT(TEXT_LIMIT);
    struct loading *loading = taking->loading;
    size_t errors = loading->problems.errors;
    const char *why = NULL;
    struct template *template = template_parse(value, &why);
    enum status status = STATUS_OK;
    const char *culprit;
    char *text = NULL;
    bool present = false;

    if (template == NULL) {
        setting_problem(loading, taking->entry, why);
        return NULL;
    }
    template_names(template, check_name, taking);
    if (errors == loading->problems.errors)
        status = template_fill(template, &loading->conf->vars, place, &out,
                               &present, &culprit);
    if (status != STATUS_OK)
        setting_problem(loading, taking->entry,
                        status == STATUS_MISCONFIGURED
                            ? "has a space or control character"
                            : "the text gets too long");
    if (present && out.length > 0) {
        text = strdup(secret_text(&out));
        if (text == NULL)
            setting_problem(loading, taking->entry, no_memory);
    }
    secret_clear(&out);
    template_free(template);
    return text;
}

/* --- keys --- */

struct keys_word {
    const char *prefix;
    enum keys_kind kind;
};

static const struct keys_word keys_words[] = {
    { "@jwks:", KEYS_JWKS },
    { "@pem:", KEYS_PEM },
    { "@hmac:", KEYS_HMAC },
};

static bool
take_keys_url(struct taking *taking, const char *value)
{
    struct loading *loading = taking->loading;
    struct jwt_rules *rules = taking->rules;
    size_t errors = loading->problems.errors;
    const char *why;

    rules->kind = KEYS_URL;
    rules->url = fill_site(taking, value, PLACE_URL);
    if (rules->url == NULL)
        return errors != loading->problems.errors;
    why = url_problem(rules->url, loading->conf->allow_http);
    if (why != NULL)
        setting_problem(loading, taking->entry, why);
    return true;
}

/* Whether there are keys, be they good or not. */
static bool
take_keys(struct taking *taking)
{
    struct loading *loading = taking->loading;
    const struct ini_entry *entry = taking->entry;

    for (size_t i = 0; i < sizeof(keys_words) / sizeof(*keys_words); i++) {
        size_t length = strlen(keys_words[i].prefix);

        if (strncmp(entry->value, keys_words[i].prefix, length) != 0)
            continue;
        taking->rules->kind = keys_words[i].kind;
        if (entry->file != loading->own.path)
            setting_problem(loading, entry,
                            "only a site's conf may name a file of keys");
        else
            keyfile_read(loading, entry, keys_words[i].kind,
                         entry->value + length, &taking->rules->source);
        return true;
    }
    if (entry->value[0] == '@') {
        setting_problem(loading, entry,
                        "none of https://..., @jwks:PATH, @pem:PATH, "
                        "@hmac:PATH");
        return true;
    }
    return take_keys_url(taking, entry->value);
}

/* --- the other keys: a problem (static text), or NULL --- */

static const char *
algorithm_problem(const struct jwt_rules *rules, const char *name)
{
    static const char *const known[] = {
        "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "ES256",
        "ES384", "ES512", "PS256", "PS384", "PS512", "EdDSA", NULL,
    };
    bool hmac = strncmp(name, "HS", 2) == 0;

    if (strcasecmp(name, "none") == 0)
        return "a token that nobody signed proves nothing";
    if (!word_is_among(name, known))
        return "none of RS, ES, PS or HS with 256, 384 or 512, or EdDSA";
    if (hmac && rules->kind != KEYS_HMAC)
        return "HS256, HS384 and HS512 need keys = @hmac:PATH: anybody has "
               "the public keys, and could sign with them";
    if (!hmac && rules->kind == KEYS_HMAC)
        return "keys = @hmac:PATH is for HS256, HS384 and HS512 only";
    return NULL;
}

static const char *
take_algorithms(struct taking *taking, const char *rest, const char *value)
{
    struct jwt_rules *rules = taking->rules;
    const char *why = NULL;
    size_t count;
    char **words = words_split(value, false, &count, &why);

    (void)rest;
    if (words == NULL)
        return why;
    rules->algorithms = calloc(count + 1, sizeof(*rules->algorithms));
    if (rules->algorithms == NULL)
        why = no_memory;
    for (size_t i = 0; i < count && why == NULL; i++) {
        char *name = NULL;

        why = algorithm_problem(rules, words[i]);
        for (size_t n = 0; n < i; n++)
            if (strcmp(words[n], words[i]) == 0)
                why = "an algorithm is named twice";
        if (why == NULL)
            name = strdup(words[i]);
        if (name != NULL)
            rules->algorithms[rules->algorithm_count++] = name;
        else if (why == NULL)
            why = no_memory;
    }
    words_free(words);
    return why;
}

/* A text that may be `any`, which leaves *TEXT as it is. */
static const char *
take_named(struct taking *taking, const char *value, char **text,
           const char *danger)
{
    const struct ini_entry *entry = taking->entry;
    struct problems *problems = &taking->loading->problems;
    size_t errors = problems->errors;

    if (strcmp(value, "any") == 0) {
        problem_warning(problems, entry->file, entry->line, entry->key, "%s",
                        danger);
        return NULL;
    }
    *text = fill_site(taking, value, PLACE_TEXT);
    return *text == NULL && errors == problems->errors
               ? "is empty; write any where it does not matter"
               : NULL;
}

static const char *
take_issuer(struct taking *taking, const char *rest, const char *value)
{
    (void)rest;
    return take_named(taking, value, &taking->rules->issuer,
                      "a token of any issuer is taken that has a key in "
                      "this set");
}

static const char *
take_audience(struct taking *taking, const char *rest, const char *value)
{
    (void)rest;
    return take_named(taking, value, &taking->rules->audience,
                      "a token that was made for another service is taken");
}

static const char *
take_leeway(struct taking *taking, const char *rest, const char *value)
{
    int64_t seconds = 0;

    (void)rest;
    for (const char *at = value; *at != '\0'; at++) {
        if (*at < '0' || *at > '9')
            return "no number of seconds";
        seconds = seconds * 10 + (*at - '0');
        if (seconds > LEEWAY_MAX)
            return "more than 300 seconds";
    }
    taking->rules->leeway = seconds;
    return NULL;
}

static const char *
take_token(struct taking *taking, const char *rest, const char *value)
{
    (void)rest;
    if (!word_is_name(value, strlen(value)))
        return "not the NAME of an out.NAME";
    free(taking->rules->token);
    taking->rules->token = strdup(value);
    return taking->rules->token == NULL ? no_memory : NULL;
}

static const char *
take_require(struct taking *taking, const char *name, const char *value)
{
    struct jwt_rules *rules = taking->rules;
    struct requirement *requirement;
    const char *why = NULL;

    if (name[0] == '\0')
        return "a requirement without a name";
    requirement =
        requirement_add(&rules->require, &rules->require_count, name);
    if (requirement == NULL)
        return no_memory;
    if (!conds_parse_claims(value, &requirement->conds, &why))
        return why;
    if (!conds_need_jwt(&requirement->conds))
        return "conditions of [jwt] are on claims";
    taking->reading.entry = taking->entry;
    trial_conds(&taking->reading, &requirement->conds);
    return NULL;
}

struct claims_key {
    const char *name; /* with a dot at its end: a prefix */
    bool mandatory;
    const char *(*take)(struct taking *taking, const char *rest,
                        const char *value);
};

static const struct claims_key keys[] = {
    { "algorithms", true, take_algorithms },
    { "issuer", true, take_issuer },
    { "audience", true, take_audience },
    { "leeway", false, take_leeway },
    { "token", false, take_token },
    { "require.", false, take_require },
};

static const char *const all_keys[] = { "keys",     "algorithms", "issuer",
                                        "audience", "leeway",     "token",
                                        "require",  NULL };

static void
take_entry(struct taking *taking, const struct ini_entry *entry)
{
    const char *why = NULL;
    size_t i = 0;

    taking->entry = entry;
    for (; i < sizeof(keys) / sizeof(*keys); i++) {
        size_t length = strlen(keys[i].name);

        if (keys[i].name[length - 1] == '.'
                ? strncmp(keys[i].name, entry->key, length) == 0
                : strcmp(keys[i].name, entry->key) == 0) {
            if (entry->value[0] != '\0')
                why = keys[i].take(taking, entry->key + length, entry->value);
            break;
        }
    }
    if (i == sizeof(keys) / sizeof(*keys) && strcmp(entry->key, "keys") != 0)
        entry_unknown(&taking->loading->problems, entry, all_keys);
    if (why != NULL)
        setting_problem(taking->loading, entry, why);
}

static void
check_mandatory(struct loading *loading, const struct ini_entry *keys_entry)
{
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
        const struct ini_entry *entry =
            merged_find(&loading->merged, "jwt", keys[i].name);

        if (keys[i].mandatory && (entry == NULL || entry->value[0] == '\0'))
            problem(&loading->problems, keys_entry->file, keys_entry->line,
                    keys[i].name, "is missing in [jwt]");
    }
}

void
claims_read(struct loading *loading)
{
    struct step section = { .name = "jwt" };
    const struct merged *merged = &loading->merged;
    struct jwt_rules *rules = &loading->conf->jwt;
    const struct ini_entry *entry = merged_find(merged, "jwt", "keys");
    struct taking taking = { .loading = loading, .rules = rules };

    rules->leeway = LEEWAY_DEFAULT;
    rules->token = strdup("access_token");
    if (rules->token == NULL)
        problem(&loading->problems, loading->conf->path, 0, "", no_memory);
    for (size_t i = 0; i < merged->count && entry == NULL; i++)
        if (strcmp(merged->items[i]->section, "jwt") == 0) {
            problem(&loading->problems, merged->items[i]->file, 0, "keys",
                    "is missing in [jwt]");
            return;
        }
    if (entry == NULL || entry->value[0] == '\0')
        return; /* the site's "keys =" takes the section away */
    taking.entry = entry;
    rules->present = take_keys(&taking);
    if (!rules->present)
        return;
    taking.reading = (struct reading){ .conf = loading->conf,
                                       .step = &section,
                                       .merged = merged,
                                       .site = &loading->site,
                                       .problems = &loading->problems };
    trial_prepare(&taking.reading);
    for (size_t i = 0; i < merged->count; i++)
        if (strcmp(merged->items[i]->section, "jwt") == 0)
            take_entry(&taking, merged->items[i]);
    check_mandatory(loading, entry);
    trial_clear(&taking.reading);
}

/* Reports a step whose answer does not hold the token that is verified. */
static void
check_token(struct loading *loading, const struct step *step)
{
    const struct ini_entry *url =
        merged_find(&loading->merged, step->name, "url");
    const char *token = loading->conf->jwt.token;

    if (step->present && token != NULL && !step_has_output(step, token))
        problem(&loading->problems, url->file, url->line, "",
                "[%s] has no out.%s, which [jwt] verifies", step->name, token);
}

void
claims_check(struct loading *loading)
{
    const struct conf *conf = loading->conf;
    const struct site_var *published = site_find(&loading->site, "jwks_url");

    if (conf->jwt.present) {
        check_token(loading, &conf->login);
        check_token(loading, &conf->refresh);
        check_token(loading, &conf->mfa);
    } else if (published != NULL
               && vars_value(&conf->vars, "jwks_url") != NULL) {
        problem_warning(&loading->problems, published->entry->file,
                        published->entry->line, "jwks_url",
                        "the API publishes its keys, but tokens are not "
                        "verified: write [jwt] keys = %%{jwks_url}, or "
                        "jwks_url = where it signs with a shared secret");
    }
}

void
claims_clear(struct jwt_rules *rules)
{
    free(rules->token);
    free(rules->url);
    secret_clear(&rules->source);
    for (size_t i = 0; i < rules->algorithm_count; i++)
        free(rules->algorithms[i]);
    free(rules->algorithms);
    free(rules->issuer);
    free(rules->audience);
    requirements_clear(&rules->require, &rules->require_count);
    memset(rules, 0, sizeof(*rules));
}
