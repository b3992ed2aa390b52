/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * step.c - one section of the merged description as a struct step.
 *
 * Which entries belong to a step is decided here; request.c and outcome.c
 * read them.  It refuses to know what a key says.
 */
#include "provider/step.h"
#include "provider/words.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define RULE "rule."

static const char *const all_keys[] = {
    "method",  "url",     "encoding", "content_type", "pad",  "auth",
    "field",   "header",  "out",      "expires_unit", "ttl",  "account",
    "rule",    "success", "require",  "sessions",     "ends", "prompt",
    "restart", "always",  NULL,
};

static const char *const http_keys[] = { "header", "request_id", "retry_after",
                                         NULL };

void
entry_unknown(struct problems *problems, const struct ini_entry *entry,
              const char *const *keys)
{
    char *head = strndup(entry->key, strcspn(entry->key, "."));
    const char *nearest = head != NULL ? word_nearest(head, keys) : NULL;

    if (nearest != NULL && strcmp(nearest, head) != 0)
        problem(problems, entry->file, entry->line, entry->key,
                "unknown key in [%s]; did you mean %s%s?", entry->section,
                nearest, entry->key + strlen(head));
    else
        problem(problems, entry->file, entry->line, entry->key,
                "unknown key in [%s]", entry->section);
    free(head);
}

/* Reads one entry; an empty value only keeps others away. */
static void
read_entry(struct reading *reading, const struct ini_entry *entry)
{
    const char *why;
    bool known;

    reading->entry = entry;
    why = outcome_take(reading, entry->key, entry->value, &known);
    if (!known)
        why = request_take(reading, entry->key, entry->value, &known);
    if (!known)
        entry_unknown(reading->problems, entry, all_keys);
    else if (why != NULL)
        problem(reading->problems, entry->file, entry->line, entry->key, "%s",
                why);
}

const struct ini_entry *
merged_find(const struct merged *merged, const char *section, const char *key)
{
    for (size_t i = 0; i < merged->count; i++)
        if (strcmp(merged->items[i]->section, section) == 0
            && strcmp(merged->items[i]->key, key) == 0)
            return merged->items[i];
    return NULL;
}

static bool
is_rule(const struct ini_entry *entry)
{
    return strncmp(entry->key, RULE, strlen(RULE)) == 0;
}

/* Headers of [http] that the section does not set itself, whatever the case
 * of their letters. */
static void
read_common_headers(struct reading *reading)
{
    const struct merged *merged = reading->merged;

    for (size_t i = 0; i < merged->count; i++) {
        const struct ini_entry *entry = merged->items[i];
        bool own = false;

        if (strcmp(entry->section, "http") != 0)
            continue;
        for (size_t n = 0; n < merged->count && !own; n++)
            own = strcmp(merged->items[n]->section, reading->step->name) == 0
                  && strcasecmp(merged->items[n]->key, entry->key) == 0;
        if (strcmp(entry->key, "request_id") == 0
            || strcmp(entry->key, "retry_after") == 0)
            continue; /* read once, with the messages */
        if (strncmp(entry->key, "header.", strlen("header.")) != 0)
            entry_unknown(reading->problems, entry, http_keys);
        else if (!own)
            read_entry(reading, entry);
    }
}

/* The rules of SECTION, in the order of their numbers. */
static void
read_rules(struct reading *reading, const char *section)
{
    const struct merged *merged = reading->merged;
    long done = 0;

    for (;;) {
        const struct ini_entry *next = NULL;
        long least = 0;

        for (size_t i = 0; i < merged->count; i++) {
            const struct ini_entry *entry = merged->items[i];
            long number;

            if (strcmp(entry->section, section) != 0 || !is_rule(entry))
                continue;
            number = outcome_rule_number(entry->key + strlen(RULE));
            if (number == 0 && done == 0)
                read_entry(reading, entry); /* reports the number */
            if (number > done && (least == 0 || number < least)) {
                least = number;
                next = entry;
            }
        }
        if (next == NULL)
            return;
        read_entry(reading, next);
        done = least;
    }
}

static void
read_section(struct reading *reading)
{
    const struct merged *merged = reading->merged;
    const char *name = reading->step->name;
    bool heir = strcmp(name, "refresh") == 0 || strcmp(name, "mfa") == 0;

    for (size_t i = 0; i < merged->count; i++) {
        const struct ini_entry *entry = merged->items[i];

        if (strcmp(entry->section, name) == 0) {
            if (!is_rule(entry))
                read_entry(reading, entry);
        } else if (heir && strcmp(entry->section, "login") == 0
                   && outcome_inherited(entry->key)
                   && merged_find(merged, name, entry->key) == NULL) {
            read_entry(reading, entry);
        } else if (strcmp(entry->section, "rules") == 0 && !is_rule(entry)) {
            entry_unknown(reading->problems, entry, all_keys);
        }
    }
    read_rules(reading, name);
    read_rules(reading, "rules");
}

bool
step_has_output(const struct step *step, const char *name)
{
    for (size_t i = 0; i < step->outputs.count; i++)
        if (strcmp(step->outputs.items[i].name, name) == 0)
            return true;
    return false;
}

static bool
uses(const struct template *template, const char *name)
{
    return template != NULL && template_uses(template, name);
}

static bool
entries_use(const struct entries *entries, const char *name)
{
    for (size_t i = 0; i < entries->count; i++)
        if (uses(entries->items[i].value, name))
            return true;
    return false;
}

bool
step_sends(const struct step *step, const char *name)
{
    return uses(step->url, name) || uses(step->auth_first, name)
           || uses(step->auth_second, name) || entries_use(&step->fields, name)
           || entries_use(&step->headers, name);
}

void
step_problem(struct reading *reading, const char *key, const char *text)
{
    const struct ini_entry *url =
        merged_find(reading->merged, reading->step->name, "url");

    problem(reading->problems, url->file, url->line, key, "[%s] %s",
            reading->step->name, text);
}

/* What [mfa] may hold without a url: of a code that goes into [login]. */
static bool
is_in_line(const char *name, const char *key)
{
    return strcmp(name, "mfa") == 0
           && (strcmp(key, "prompt") == 0 || strcmp(key, "always") == 0);
}

/* A section without a url is no step. */
static void
read_without_url(struct reading *reading)
{
    const struct merged *merged = reading->merged;
    const char *name = reading->step->name;

    for (size_t i = 0; i < merged->count; i++) {
        const struct ini_entry *entry = merged->items[i];

        if (strcmp(entry->section, name) != 0)
            continue;
        if (!is_in_line(name, entry->key)) {
            problem(reading->problems, entry->file, 0, "url",
                    "is missing in [%s]", name);
            return;
        }
        trial_prepare(reading);
        read_entry(reading, entry);
        trial_clear(reading);
    }
}

void
step_read(struct conf *conf, struct step *step, const struct merged *merged,
          const struct site *site, struct problems *problems)
{
    struct reading reading = { .conf = conf,
                               .step = step,
                               .merged = merged,
                               .site = site,
                               .problems = problems };
    const struct ini_entry *url = merged_find(merged, step->name, "url");
    const char *why;

    step->pad = true;
    if (url == NULL) {
        read_without_url(&reading);
        return;
    }
    if (url->value[0] == '\0')
        return; /* the site's "url =" takes the step away */
    step->present = true;
    trial_prepare(&reading);
    read_common_headers(&reading);
    read_section(&reading);
    why = request_finish(&reading);
    if (why != NULL)
        step_problem(&reading, "", why);
    outcome_finish(&reading);
    trial_clear(&reading);
}

void
step_clear(struct step *step)
{
    request_clear(step);
    outcome_clear(step);
    memset(step, 0, sizeof(*step));
}
