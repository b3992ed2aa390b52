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
    "method", "url",     "encoding", "content_type", "pad",  "auth",
    "field",  "header",  "out",      "expires_unit", "ttl",  "account",
    "rule",   "success", "require",  "sessions",     "ends", NULL,
};

static void
report_unknown(struct reading *reading)
{
    const struct ini_entry *entry = reading->entry;
    char *head = strndup(entry->key, strcspn(entry->key, "."));
    const char *nearest = head != NULL ? word_nearest(head, all_keys) : NULL;

    if (nearest != NULL && strcmp(nearest, head) != 0)
        problem(reading->problems, entry->file, entry->line, entry->key,
                "unknown key in [%s]; did you mean %s%s?", entry->section,
                nearest, entry->key + strlen(head));
    else
        problem(reading->problems, entry->file, entry->line, entry->key,
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
        report_unknown(reading);
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
        reading->entry = entry;
        if (strncmp(entry->key, "header.", strlen("header.")) != 0)
            report_unknown(reading);
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
    bool refresh = strcmp(reading->step->name, "refresh") == 0;

    for (size_t i = 0; i < merged->count; i++) {
        const struct ini_entry *entry = merged->items[i];

        if (strcmp(entry->section, reading->step->name) == 0) {
            if (!is_rule(entry))
                read_entry(reading, entry);
        } else if (refresh && strcmp(entry->section, "login") == 0
                   && outcome_inherited(entry->key)
                   && merged_find(merged, "refresh", entry->key) == NULL) {
            read_entry(reading, entry);
        } else if (strcmp(entry->section, "rules") == 0 && !is_rule(entry)) {
            reading->entry = entry;
            report_unknown(reading);
        }
    }
    read_rules(reading, reading->step->name);
    read_rules(reading, "rules");
}

void
step_problem(struct reading *reading, const char *key, const char *text)
{
    const struct ini_entry *url =
        merged_find(reading->merged, reading->step->name, "url");

    problem(reading->problems, url->file, url->line, key, "[%s] %s",
            reading->step->name, text);
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
        for (size_t i = 0; i < merged->count; i++)
            if (strcmp(merged->items[i]->section, step->name) == 0) {
                problem(problems, merged->items[i]->file, 0, "url",
                        "is missing in [%s]", step->name);
                return;
            }
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
