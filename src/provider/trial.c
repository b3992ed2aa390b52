/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * trial.c - every template is filled once when the conf is loaded.
 *
 * The site's values are real, what only a sign-in knows is made up; so what
 * would fail at sign-in fails here, with a line number.  It refuses to let a
 * password or token into a URL.
 */
#include "provider/step.h"
#include "provider/url.h"

#include <string.h>

#define TRIAL_LIMIT (64 * 1024)
/* Built-in variables that are not made up for the section at hand. */
#define SOMETIMES_SET 5

static const char *const never_shown[] = {
    "password", "new_password", "otp", "access_token", "refresh_token",
};

static bool
may_be_empty(const char *name)
{
    return strcmp(name, "otp") == 0 || strcmp(name, "rhost") == 0
           || strcmp(name, "service") == 0;
}

static void
too_many(struct reading *reading)
{
    problem(reading->problems, reading->conf->path, 0, "",
            "more variables and outputs than %d", VARS_MAX - SOMETIMES_SET);
}

static void
make_up(struct reading *reading, struct vars *vars, const char *name)
{
    enum status status =
        vars_set(vars, name, URL_UNKNOWN, strlen(URL_UNKNOWN), VAR_OUTSIDE);

    if (status == STATUS_NO_MEMORY)
        problem(reading->problems, reading->conf->path, 0, "",
                "out of memory");
    else if (status != STATUS_OK)
        too_many(reading);
}

static void
copy_site(struct reading *reading, struct vars *vars)
{
    for (size_t i = 0; i < reading->conf->vars.count; i++) {
        const struct var *var = &reading->conf->vars.items[i];

        if (vars_set(vars, var->name, var->value.data, var->value.length,
                     VAR_SITE)
            != STATUS_OK)
            problem(reading->problems, reading->conf->path, 0, "",
                    "out of memory");
    }
}

/* The outputs of SECTION, by name. */
static void
make_up_outputs(struct reading *reading, struct vars *vars,
                const char *section)
{
    static const char prefix[] = "out.";

    for (size_t i = 0; i < reading->merged->count; i++) {
        const struct ini_entry *entry = reading->merged->items[i];

        if (strcmp(entry->section, section) == 0 && entry->value[0] != '\0'
            && strncmp(entry->key, prefix, strlen(prefix)) == 0)
            make_up(reading, vars, entry->key + strlen(prefix));
    }
}

/* What a section knows besides the site's variables, user, identity and
 * hostname. */
struct knowledge {
    const char *section;
    const char *names[5];   /* built-in variables */
    const char *outputs[3]; /* sections whose outputs are known */
};

static const struct knowledge sections[] = {
    { "login", { "password" }, { NULL } },
    { "refresh", { "access_token", "refresh_token" }, { "login" } },
    { "revoke", { "access_token", "refresh_token" }, { "login" } },
    { "revoke_access", { "access_token", "refresh_token" }, { "login" } },
    { "mfa_start",
      { "password", "access_token", "refresh_token" },
      { "login" } },
    { "mfa",
      { "password", "otp", "access_token", "refresh_token" },
      { "login", "mfa_start" } },
    { "introspect", { "access_token", "refresh_token" }, { "login" } },
    { "password",
      { "password", "new_password", "access_token", "refresh_token" },
      { "login" } },
    { "account", { NULL }, { "login" } },
    { "messages", { "retry_after" }, { NULL } },
    { "jwt", { NULL }, { NULL } },
};

static const struct knowledge *
find_knowledge(const char *section)
{
    size_t count = sizeof(sections) / sizeof(*sections);
    size_t i = 0;

    while (i + 1 < count && strcmp(sections[i].section, section) != 0)
        i++;
    return &sections[i];
}

void
trial_prepare(struct reading *reading)
{
    static const char *const always[] = { "user", "identity", "hostname" };
    struct vars *const both[] = { &reading->before, &reading->after };
    const struct knowledge *known = find_knowledge(reading->step->name);

    for (size_t n = 0; n < 2; n++) {
        copy_site(reading, both[n]);
        for (size_t i = 0; i < sizeof(always) / sizeof(*always); i++)
            make_up(reading, both[n], always[i]);
        for (size_t i = 0; known->names[i] != NULL; i++)
            make_up(reading, both[n], known->names[i]);
        for (size_t i = 0; known->outputs[i] != NULL; i++)
            make_up_outputs(reading, both[n], known->outputs[i]);
    }
    make_up_outputs(reading, &reading->after, reading->step->name);
    if (reading->after.count > VARS_MAX - SOMETIMES_SET)
        too_many(reading);
}

/* Reports why NAME, which a template needs, has no value. */
static void
report_missing(struct reading *reading, const struct vars *vars,
               const char *name)
{
    const struct ini_entry *entry = reading->entry;

    if (vars_find(vars, name) != NULL)
        problem(reading->problems, entry->file, entry->line, entry->key,
                "%%{%s} has a space or control character, which cannot "
                "stand here",
                name);
    else if (may_be_empty(name))
        problem(reading->problems, entry->file, entry->line, entry->key,
                "%%{%s} may be empty: write %%{%s?}", name, name);
    else if (site_is_builtin(name))
        problem(reading->problems, entry->file, entry->line, entry->key,
                "%%{%s} is not known in [%s]", name, reading->step->name);
    else
        site_blame(reading->site, entry, name);
}

/* Whether there is text in OUT afterwards. */
static bool
fill(struct reading *reading, const struct vars *vars,
     const struct template *template, enum template_place place,
     struct secret *out)
{
    const char *culprit;
    bool present;
    enum status status =
        template_fill(template, vars, place, out, &present, &culprit);

    if (status == STATUS_MISCONFIGURED)
        report_missing(reading, vars, culprit);
    else if (status != STATUS_OK)
        problem(reading->problems, reading->entry->file, reading->entry->line,
                reading->entry->key, "%s",
                status == STATUS_NO_MEMORY ? "out of memory"
                                           : "the text gets too long");
    return status == STATUS_OK && present;
}

void
trial_template(struct reading *reading, const struct template *template,
               enum template_place place)
{
    struct secret out = SECRET_INIT(TRIAL_LIMIT);

    (void)fill(reading, &reading->before, template, place, &out);
    secret_clear(&out);
}

static bool
names_secret(const struct template *template)
{
    for (size_t i = 0; i < sizeof(never_shown) / sizeof(*never_shown); i++)
        if (template_uses(template, never_shown[i]))
            return true;
    return false;
}

static void
refuse_secret(void *context, const char *name, bool optional)
{
    struct reading *reading = context;

    (void)optional;
    if (site_is_secret(reading->site, name))
        problem(reading->problems, reading->entry->file, reading->entry->line,
                reading->entry->key, "would show the secret %s to the user",
                name);
}

void
trial_words(struct reading *reading, const struct template *template)
{
    if (names_secret(template))
        problem(reading->problems, reading->entry->file, reading->entry->line,
                reading->entry->key,
                "no password, code or token may be shown");
    template_names(template, refuse_secret, reading);
    trial_template(reading, template, PLACE_TEXT);
}

static void
warn_secret(void *context, const char *name, bool optional)
{
    struct reading *reading = context;

    (void)optional;
    if (!site_is_secret(reading->site, name))
        return;
    problem_warning(reading->problems, reading->entry->file,
                    reading->entry->line, reading->entry->key,
                    "the secret %s stands in a URL, which servers log", name);
}

bool
trial_url(struct reading *reading, const struct template *template)
{
    const struct ini_entry *entry = reading->entry;
    struct secret out = SECRET_INIT(TRIAL_LIMIT);
    size_t errors = reading->problems->errors;
    const char *why = NULL;
    bool there = true;

    template_names(template, warn_secret, reading);
    if (names_secret(template))
        why = "no password, code or token may stand in a URL";
    if (template_uses(template, "rhost") || template_uses(template, "service"))
        why = "%{rhost} and %{service} may be empty, a URL may not";
    if (why == NULL) {
        there = fill(reading, &reading->before, template, PLACE_URL, &out);
        if (there)
            why = url_problem(secret_text(&out), reading->conf->allow_http);
    }
    if (why != NULL)
        problem(reading->problems, entry->file, entry->line, entry->key, "%s",
                why);
    secret_clear(&out);
    return there || errors != reading->problems->errors;
}

static void
fill_value(void *context, const struct template *value)
{
    struct reading *reading = context;
    struct secret out = SECRET_INIT(TRIAL_LIMIT);

    (void)fill(reading, &reading->after, value, PLACE_TEXT, &out);
    secret_clear(&out);
}

void
trial_conds(struct reading *reading, const struct conds *conds)
{
    conds_templates(conds, fill_value, reading);
}

void
trial_clear(struct reading *reading)
{
    vars_clear(&reading->before);
    vars_clear(&reading->after);
}
