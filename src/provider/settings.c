/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * settings.c - what a site's conf says for itself: variables, trust, users.
 *
 * It refuses keys that nothing would read.
 */
#include "provider/loading.h"
#include "provider/trusted.h"
#include "provider/words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

const struct ini_entry *
setting_find(const struct loading *loading, const char *key)
{
    const struct ini_entry *entry = ini_find(&loading->own, "", key);

    return entry != NULL && entry->value[0] != '\0' ? entry : NULL;
}

void
setting_problem(struct loading *loading, const struct ini_entry *entry,
                const char *text)
{
    problem(&loading->problems, entry->file, entry->line, entry->key, "%s",
            text);
}

static bool
copy(struct loading *loading, const char *text, char **to)
{
    *to = strdup(text);
    if (*to == NULL)
        problem(&loading->problems, loading->conf->path, 0, "",
                "out of memory");
    return *to != NULL;
}

static const char *const settings[] = { "provider",   "ca",       "proxy",
                                        "allow_http", "identity", NULL };

/* Looks for a word among names, and for the name nearest to it. */
struct search {
    const char *word;
    bool found;
    char nearest[64]; /* "" when none is near */
};

static void
look(void *context, const char *name, bool optional)
{
    struct search *search = context;
    const char *candidates[3] = { search->nearest, name, NULL };
    const char *nearest;

    (void)optional;
    if (strcmp(name, search->word) == 0)
        search->found = true;
    if (site_is_builtin(name) || strlen(name) >= sizeof(search->nearest))
        return;
    nearest = word_nearest(search->word, candidates);
    if (nearest == name)
        memcpy(search->nearest, name, strlen(name) + 1);
}

/* Looks at every variable that a value of the file names.  Conditions hold
 * templates in the same spelling, so any value reads as one. */
static void
look_through(const struct ini *ini, struct search *search)
{
    for (size_t i = 0; i < ini->count; i++) {
        const char *why;
        struct template *value = template_parse(ini->items[i].value, &why);

        if (value != NULL)
            template_names(value, look, search);
        template_free(value);
    }
}

/* A key at the top of the conf: a variable that somebody uses, or a mistake.
 */
static void
read_variable(struct loading *loading, const struct ini_entry *entry)
{
    struct search search = { .word = entry->key };
    struct site *site = &loading->site;

    look_through(&loading->description, &search);
    look_through(&loading->own, &search);
    if (search.found || site_is_builtin(entry->key)
        || site_find(site, entry->key) != NULL) {
        site_define(site, entry, true);
        return;
    }
    for (size_t i = 0; settings[i] != NULL; i++)
        look(&search, settings[i], false);
    for (size_t i = 0; i < site->count; i++)
        look(&search, site->items[i].entry->key, false);
    if (search.nearest[0] != '\0')
        problem(&loading->problems, entry->file, entry->line, entry->key,
                "unknown key; did you mean %s?", search.nearest);
    else
        setting_problem(loading, entry,
                        "unknown key: the description names no such variable");
}

static void
read_variables(struct loading *loading)
{
    const struct ini *own = &loading->own;
    const struct ini *description = &loading->description;
    struct site *site = &loading->site;

    site->conf = loading->conf->path;
    site->vars = &loading->conf->vars;
    site->problems = &loading->problems;
    for (size_t i = 0; i < description->count; i++)
        if (strcmp(description->items[i].section, "provider") == 0
            && description->items[i].key[0] != '\0')
            site_define(site, &description->items[i], false);
    for (size_t i = 0; i < own->count; i++)
        if (strcmp(own->items[i].section, "provider") == 0
            && own->items[i].key[0] != '\0')
            site_define(site, &own->items[i], true);
    for (size_t i = 0; i < own->count; i++) {
        const struct ini_entry *entry = &own->items[i];

        if (entry->section[0] == '\0' && !word_is_among(entry->key, settings))
            read_variable(loading, entry);
    }
    site_resolve(site);
}

static void
read_allow_http(struct loading *loading)
{
    const struct ini_entry *entry = setting_find(loading, "allow_http");

    if (entry == NULL)
        return;
    loading->conf->allow_http = strcmp(entry->value, "yes") == 0;
    if (loading->conf->allow_http)
        problem_warning(&loading->problems, entry->file, entry->line,
                        entry->key,
                        "passwords go unencrypted, to this machine only");
    else if (strcmp(entry->value, "no") != 0)
        setting_problem(loading, entry, "neither yes nor no");
}

static void
read_ca(struct loading *loading)
{
    const struct ini_entry *entry = setting_find(loading, "ca");
    struct stat file;
    const char *why;

    if (entry == NULL || !copy(loading, entry->value, &loading->conf->ca))
        return;
    if (entry->value[0] != '/') {
        setting_problem(loading, entry, "no absolute path");
        return;
    }
    if (stat(entry->value, &file) != 0) {
        problem(&loading->problems, entry->file, entry->line, entry->key,
                "cannot be read: %s", strerror(errno));
        return;
    }
    loading->conf->ca_is_folder = S_ISDIR(file.st_mode);
    why = trusted_problem(&file, false);
    if (!S_ISDIR(file.st_mode) && !S_ISREG(file.st_mode))
        why = "is neither a file nor a folder";
    if (why != NULL)
        setting_problem(loading, entry, why);
}

static void
read_proxy(struct loading *loading)
{
    static const char *const schemes[] = { "http://", "https://",
                                           "socks5h://" };
    const struct ini_entry *entry = setting_find(loading, "proxy");
    bool good = false;

    if (entry == NULL || !copy(loading, entry->value, &loading->conf->proxy))
        return;
    for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++)
        if (strncmp(entry->value, schemes[i], strlen(schemes[i])) == 0)
            good = entry->value[strlen(schemes[i])] != '\0';
    if (!good)
        setting_problem(loading, entry,
                        "begins with none of http://, https://, socks5h://");
    else if (strchr(entry->value, '@') != NULL)
        setting_problem(loading, entry, "credentials in a proxy's address");
}

/* Reports what an identity is made of besides the user and the site. */
static void
check_identity_name(void *context, const char *name, bool optional)
{
    struct loading *loading = context;
    const struct ini_entry *entry = setting_find(loading, "identity");

    if (strcmp(name, "user") == 0 || strcmp(name, "hostname") == 0)
        return;
    if (site_is_builtin(name))
        setting_problem(
            loading, entry,
            "is made of %{user}, %{hostname} and the site's variables");
    else if (!optional && vars_find(&loading->conf->vars, name) == NULL)
        site_blame(&loading->site, entry, name);
}

static void
read_identity(struct loading *loading)
{
    const struct ini_entry *entry = setting_find(loading, "identity");
    struct conf *conf = loading->conf;
    const char *why = NULL;

    conf->identity =
        template_parse(entry != NULL ? entry->value : "%{user}", &why);
    if (conf->identity == NULL) {
        problem(&loading->problems, conf->path,
                entry != NULL ? entry->line : 0, "identity", "%s", why);
        return;
    }
    if (entry == NULL)
        return;
    template_names(conf->identity, check_identity_name, loading);
    if (!template_uses(conf->identity, "user"))
        setting_problem(loading, entry,
                        "everybody would be the same: it must hold %{user}");
}

static void
read_users(struct loading *loading)
{
    const struct ini_entry *entry = ini_find(&loading->own, "users", "allow");
    struct conf *conf = loading->conf;
    const char *why = NULL;

    if (entry == NULL) {
        problem(&loading->problems, conf->path, 0, "allow",
                "who is ours must be named: [users] allow = ...");
        return;
    }
    if (!users_parse(entry->value, &conf->users, &why))
        setting_problem(loading, entry, why);
    else if (conf->users.everybody)
        problem_warning(&loading->problems, entry->file, entry->line,
                        entry->key,
                        "every user of this machine may sign in whose name "
                        "somebody registers at the API");
}

void
settings_read(struct loading *loading)
{
    read_variables(loading);
    read_allow_http(loading);
    read_ca(loading);
    read_proxy(loading);
    read_identity(loading);
    read_users(loading);
}
