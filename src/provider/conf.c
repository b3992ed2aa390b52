/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * conf.c - a site's conf with its provider description behind it, checked.
 *
 * It refuses to hand out a conf of which anything was not understood.
 */
#include "provider/loading.h"
#include "provider/words.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* --- the two files --- */

/* "gotrue" or "/absolute/path.ini". */
static bool
is_description_name(const char *name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789_-";

    return name[0] == '/' || name[strspn(name, allowed)] == '\0';
}

static enum status
read_description(struct loading *loading, const char *descriptions)
{
    const struct ini_entry *entry = setting_find(loading, "provider");
    struct conf *conf = loading->conf;
    struct stat info;

    if (entry == NULL) {
        if (ini_find(&loading->own, "login", "url") == NULL)
            problem(&loading->problems, conf->path, 0, "provider",
                    "is missing: it names the description of the API, such "
                    "as gotrue or oauth2");
        return STATUS_OK;
    }
    if (!is_description_name(entry->value)) {
        setting_problem(loading, entry, "neither a name nor an absolute path");
        return STATUS_MISCONFIGURED;
    }
    if (entry->value[0] == '/')
        conf->description_path = strdup(entry->value);
    else if (asprintf(&conf->description_path, "%s/%s.ini", descriptions,
                      entry->value)
             < 0)
        conf->description_path = NULL;
    if (conf->description_path == NULL)
        return STATUS_NO_MEMORY;
    if (lstat(conf->description_path, &info) != 0 && errno == ENOENT) {
        problem(&loading->problems, entry->file, entry->line, entry->key,
                "there is no description %s", conf->description_path);
        return STATUS_MISCONFIGURED;
    }
    return ini_read(conf->description_path, &loading->problems,
                    &loading->description);
}

/* --- sections --- */

static const char *const sections[] = {
    "provider",  "http",     "login", "refresh",    "revoke", "revoke_access",
    "mfa_start", "mfa",      "rules", "introspect", "jwt",    "password",
    "account",   "messages", "users", NULL,
};

static void
check_section(struct loading *loading, const struct ini_entry *heading,
              bool own)
{
    const char *name = heading->section;
    const char *nearest = word_nearest(name, sections);
    struct problems *problems = &loading->problems;

    if (strcmp(name, "users") == 0 && !own)
        problem(problems, heading->file, heading->line, "",
                "[users] belongs into the site's conf: only a site knows "
                "who is its own");
    else if (!word_is_among(name, sections) && nearest != NULL)
        problem(problems, heading->file, heading->line, "",
                "unknown section [%.60s]; did you mean [%s]?", name, nearest);
    else if (!word_is_among(name, sections))
        problem(problems, heading->file, heading->line, "",
                "unknown section [%.60s]", name);
}

static void
check_sections(struct loading *loading, const struct ini *ini, bool own)
{
    for (size_t i = 0; i < ini->count; i++) {
        const struct ini_entry *entry = &ini->items[i];

        if (entry->key[0] == '\0')
            check_section(loading, entry, own);
        else if (entry->section[0] == '\0' && !own)
            setting_problem(loading, entry,
                            "a key before the first [section]");
        else if (strcmp(entry->section, "users") == 0
                 && strcmp(entry->key, "allow") != 0)
            setting_problem(loading, entry,
                            "unknown key in [users]; it takes allow");
    }
}

static bool
is_step_entry(const struct ini_entry *entry)
{
    return entry->key[0] != '\0' && entry->section[0] != '\0'
           && strcmp(entry->section, "provider") != 0
           && strcmp(entry->section, "users") != 0;
}

/* The description's entries, each in the site's version where it has one;
 * then what only the site says. */
static enum status
merge(struct loading *loading)
{
    struct merged *merged = &loading->merged;
    const struct ini *own = &loading->own;
    const struct ini *description = &loading->description;

    merged->items = calloc(own->count + description->count + 1,
                           sizeof(struct ini_entry *));
    if (merged->items == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < description->count; i++) {
        const struct ini_entry *entry = &description->items[i];
        const struct ini_entry *other =
            ini_find(own, entry->section, entry->key);

        if (is_step_entry(entry))
            merged->items[merged->count++] = other != NULL ? other : entry;
    }
    for (size_t i = 0; i < own->count; i++) {
        const struct ini_entry *entry = &own->items[i];

        if (is_step_entry(entry)
            && ini_find(description, entry->section, entry->key) == NULL)
            merged->items[merged->count++] = entry;
    }
    return STATUS_OK;
}

#define STEPS 8

static void
list_steps(struct conf *conf, struct step *steps[STEPS])
{
    steps[0] = &conf->login;
    steps[1] = &conf->refresh;
    steps[2] = &conf->revoke;
    steps[3] = &conf->revoke_access;
    steps[4] = &conf->mfa_start;
    steps[5] = &conf->mfa;
    steps[6] = &conf->introspect;
    steps[7] = &conf->password;
}

static void
name_steps(struct conf *conf)
{
    static const char *const names[STEPS] = { "login",      "refresh",
                                              "revoke",     "revoke_access",
                                              "mfa_start",  "mfa",
                                              "introspect", "password" };
    struct step *steps[STEPS];

    list_steps(conf, steps);
    for (size_t i = 0; i < STEPS; i++)
        steps[i]->name = names[i];
}

/* Reports a step that leaves the account to an introspection which compares
 * nobody. */
static void
check_introspect(struct loading *loading, const struct step *step)
{
    const struct ini_entry *entry =
        merged_find(&loading->merged, step->name, "account");
    const struct step *introspect = &loading->conf->introspect;

    if (!step->account_introspect
        || (introspect->present && introspect->account.count > 0))
        return;
    if (entry == NULL) /* inherited */
        entry = merged_find(&loading->merged, "login", "account");
    setting_problem(loading, entry,
                    "introspect needs [introspect] with account = COND");
}

static void
read_steps(struct loading *loading)
{
    struct conf *conf = loading->conf;
    struct step *steps[STEPS];
    size_t errors = loading->problems.errors;

    list_steps(conf, steps);
    for (size_t i = 0; i < STEPS; i++)
        step_read(conf, steps[i], &loading->merged, &loading->site,
                  &loading->problems);
    for (size_t i = 0; i < STEPS; i++)
        check_introspect(loading, steps[i]);
    if (!conf->login.present && errors == loading->problems.errors)
        problem(&loading->problems, conf->path, 0, "url",
                "there is no [login] url");
    if (conf->revoke_access.present && !conf->revoke.present)
        problem(&loading->problems, conf->path, 0, "",
                "[revoke_access] without [revoke]");
    factor_check(loading);
    claims_check(loading);
}

static enum status
load(struct loading *loading, const char *descriptions)
{
    enum status status =
        ini_read(loading->conf->path, &loading->problems, &loading->own);

    if (status == STATUS_OK)
        status = read_description(loading, descriptions);
    if (status == STATUS_OK)
        status = merge(loading);
    if (status != STATUS_OK)
        return status;
    check_sections(loading, &loading->own, true);
    check_sections(loading, &loading->description, false);
    settings_read(loading);
    claims_read(loading);
    admission_read(loading);
    messages_read(loading);
    if (loading->conf->description_path != NULL
        || ini_find(&loading->own, "login", "url") != NULL)
        read_steps(loading);
    return STATUS_OK;
}

enum status
conf_load(const char *path, const char *descriptions,
          const struct conf_reporter *reporter, struct conf **conf)
{
    struct loading loading = { .problems = { .reporter = reporter } };
    enum status status = STATUS_NO_MEMORY;

    *conf = NULL;
    loading.conf = calloc(1, sizeof(*loading.conf));
    if (loading.conf != NULL)
        loading.conf->path = strdup(path);
    if (loading.conf == NULL || loading.conf->path == NULL)
        goto out;
    name_steps(loading.conf);

    status = load(&loading, descriptions);
    if (status == STATUS_OK && loading.problems.no_memory)
        status = STATUS_NO_MEMORY;
    else if (status == STATUS_OK && loading.problems.errors > 0)
        status = STATUS_MISCONFIGURED;
    if (status == STATUS_OK) {
        *conf = loading.conf;
        loading.conf = NULL;
    }

out:
    conf_free(loading.conf);
    site_clear(&loading.site);
    free(loading.merged.items);
    ini_clear(&loading.own);
    ini_clear(&loading.description);
    problems_clear(&loading.problems);
    return status;
}

void
conf_free(struct conf *conf)
{
    struct step *steps[STEPS];

    if (conf == NULL)
        return;
    free(conf->path);
    free(conf->description_path);
    free(conf->ca);
    free(conf->proxy);
    users_clear(&conf->users);
    vars_clear(&conf->vars);
    template_free(conf->identity);
    list_steps(conf, steps);
    for (size_t i = 0; i < STEPS; i++)
        step_clear(steps[i]);
    template_free(conf->mfa_prompt);
    claims_clear(&conf->jwt);
    admission_clear(&conf->account);
    source_free(conf->request_id);
    source_free(conf->retry_after);
    source_free(conf->server_message);
    for (size_t i = 0; i < STATUS_COUNT; i++)
        template_free(conf->messages[i]);
    free(conf);
}
