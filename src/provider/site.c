/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * site.c - the variables that a site's conf and a description define.
 *
 * It refuses a secret whose file others can read, and warns of one that stands
 * in the conf itself.
 */
#include "provider/site.h"
#include "provider/trusted.h"
#include "provider/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_PREFIX "@file:"
#define VALUE_LIMIT (64 * 1024)

static const char *const builtins[] = {
    "user",    "identity",     "password",      "new_password",
    "otp",     "access_token", "refresh_token", "rhost",
    "service", "hostname",     "retry_after",
};

bool
site_is_builtin(const char *name)
{
    for (size_t i = 0; i < sizeof(builtins) / sizeof(*builtins); i++)
        if (strcmp(builtins[i], name) == 0)
            return true;
    return false;
}

static void
complain(const struct site *site, struct site_var *var, const char *why)
{
    var->broken = true;
    problem(site->problems, var->entry->file, var->entry->line,
            var->entry->key, "%s", why);
}

static struct site_var *
find(struct site *site, const char *name)
{
    for (size_t i = 0; i < site->count; i++)
        if (strcmp(site->items[i].entry->key, name) == 0)
            return &site->items[i];
    return NULL;
}

const struct site_var *
site_find(const struct site *site, const char *name)
{
    for (size_t i = 0; i < site->count; i++)
        if (strcmp(site->items[i].entry->key, name) == 0)
            return &site->items[i];
    return NULL;
}

static const char *
name_problem(const char *name)
{
    static const char *const settings[] = { "provider", "ca", "proxy",
                                            "allow_http" };

    if (!word_is_name(name, strlen(name)))
        return "a variable's name is made of small letters, digits and _";
    if (site_is_builtin(name))
        return "is filled in at sign-in and cannot be set";
    for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++)
        if (strcmp(settings[i], name) == 0)
            return "belongs at the top of the site's conf";
    return NULL;
}

void
site_define(struct site *site, const struct ini_entry *entry, bool own)
{
    struct site_var *var = find(site, entry->key);
    const char *why = name_problem(entry->key);

    if (why != NULL) {
        problem(site->problems, entry->file, entry->line, entry->key, "%s",
                why);
        return;
    }
    if (var == NULL && site->count == SITE_MAX) {
        problem(site->problems, entry->file, entry->line, entry->key,
                "more than %d variables", SITE_MAX);
        return;
    }
    if (var == NULL)
        var = &site->items[site->count++];
    template_free(var->value);
    memset(var, 0, sizeof(*var));
    var->entry = entry;
    var->own = own;
    if (entry->value[0] == '\0'
        || strncmp(entry->value, FILE_PREFIX, strlen(FILE_PREFIX)) == 0)
        return;
    var->value = template_parse(entry->value, &why);
    if (var->value == NULL)
        complain(site, var, why);
    else if (own && strstr(entry->key, "secret") != NULL)
        problem_warning(site->problems, entry->file, entry->line, entry->key,
                        "a secret in the conf itself, which others may read: "
                        "put it into a file of its own and write @file:PATH");
}

static void
load_secret(struct site *site, struct site_var *var)
{
    struct secret bytes = SECRET_INIT(TRUSTED_FILE_MAX);
    const char *problem_text = NULL;
    char why[160];
    char *path = NULL;
    enum status status;

    var->secret = true;
    if (!var->own) {
        complain(site, var, "only a site's conf may name a secret's file");
        return;
    }
    path = trusted_path(site->conf, var->entry->value + strlen(FILE_PREFIX));
    if (path == NULL) {
        complain(site, var, "out of memory");
        return;
    }
    status = trusted_read(path, true, &bytes, why, sizeof(why));
    if (status == STATUS_MISCONFIGURED) {
        problem(site->problems, var->entry->file, var->entry->line,
                var->entry->key, "%s %s", path, why);
        var->broken = true;
    } else if (status != STATUS_OK)
        problem_text = "out of memory";
    if (status == STATUS_OK)
        problem_text = trusted_trim(&bytes);
    if (status == STATUS_OK && problem_text == NULL
        && vars_set(site->vars, var->entry->key, bytes.data, bytes.length,
                    VAR_SITE)
               != STATUS_OK)
        problem_text = "out of memory";
    if (problem_text != NULL)
        complain(site, var, problem_text);
    secret_clear(&bytes);
    free(path);
}

/* One value on the way to be worked out. */
struct resolving {
    struct site *site;
    struct site_var *var;
    bool failed;
};

static void resolve(struct site *site, struct site_var *var);

static void
need(void *context, const char *name, bool optional)
{
    struct resolving *resolving = context;
    struct site_var *other = find(resolving->site, name);

    (void)optional;
    if (site_is_builtin(name)) {
        complain(resolving->site, resolving->var,
                 "names a variable that is known at sign-in only");
        resolving->failed = true;
        return;
    }
    if (other == NULL)
        return;
    if (other->state == SITE_BUSY) {
        complain(resolving->site, resolving->var,
                 "needs itself to have a value");
        resolving->failed = true;
        return;
    }
    resolve(resolving->site, other);
    if (other->secret)
        resolving->var->secret = true;
}

static void
expand(struct site *site, struct site_var *var)
{
    struct secret text = SECRET_INIT(VALUE_LIMIT);
    struct resolving resolving = { .site = site, .var = var };
    const char *culprit;
    enum status status;
    bool present;

    template_names(var->value, need, &resolving);
    if (resolving.failed)
        return;
    status = template_fill(var->value, site->vars, PLACE_TEXT, &text, &present,
                           &culprit);
    if (status == STATUS_MISCONFIGURED)
        var->missing = culprit;
    else if (status == STATUS_OK && present && text.length > 0)
        status = vars_set(site->vars, var->entry->key, text.data, text.length,
                          VAR_SITE);
    if (status == STATUS_SYSTEM)
        complain(site, var, "the value is too long");
    else if (status == STATUS_NO_MEMORY)
        complain(site, var, "out of memory");
    secret_clear(&text);
}

static void
resolve(struct site *site, struct site_var *var)
{
    if (var->state != SITE_NEW)
        return;
    var->state = SITE_BUSY;
    if (var->value != NULL)
        expand(site, var);
    else if (strncmp(var->entry->value, FILE_PREFIX, strlen(FILE_PREFIX)) == 0)
        load_secret(site, var);
    var->state = SITE_DONE;
}

void
site_resolve(struct site *site)
{
    for (size_t i = 0; i < site->count; i++)
        resolve(site, &site->items[i]);
}

bool
site_is_secret(const struct site *site, const char *name)
{
    const struct site_var *var = site_find(site, name);

    return var != NULL && var->secret;
}

void
site_blame(const struct site *site, const struct ini_entry *entry,
           const char *name)
{
    const struct site_var *var = site_find(site, name);
    const char *slash;
    char section[64] = "";

    /* A value that lacks another one passes the blame on. */
    while (var != NULL && var->missing != NULL) {
        entry = var->entry;
        name = var->missing;
        var = site_find(site, name);
    }
    if (var != NULL && var->broken)
        return;
    slash = strrchr(entry->file, '/');
    if (entry->section[0] != '\0')
        snprintf(section, sizeof(section), " in [%s]", entry->section);
    problem_missing(site->problems, site->conf, name,
                    "is missing: %s%s of %s line %d needs it", entry->key,
                    section, slash != NULL ? slash + 1 : entry->file,
                    entry->line);
}

void
site_clear(struct site *site)
{
    for (size_t i = 0; i < site->count; i++)
        template_free(site->items[i].value);
    memset(site->items, 0, sizeof(site->items));
    site->count = 0;
}
