/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * messages.c - words for the one who signs in, and for the log: [messages],
 * and request_id and retry_after of [http].
 *
 * It refuses to show a secret.
 */
#include "provider/loading.h"

#include <string.h>

/* The classes, and `denied`, which [account] decides. */
static bool
find_status(const char *word, enum status *status)
{
    if (strcmp(word, status_name(STATUS_DENIED)) == 0) {
        *status = STATUS_DENIED;
        return true;
    }
    return status_parse_class(word, status);
}

static const char *
take_source(const char *value, struct source **source)
{
    const char *why = NULL;

    source_free(*source);
    *source = source_parse(value, &why);
    if (*source == NULL)
        return why;
    return source_needs_jwt(*source)
               ? "jwt: what is refused has no verified token"
               : NULL;
}

static const char *
take_message(struct reading *reading, const char *value,
             struct template **message)
{
    const char *why = NULL;

    template_free(*message);
    *message = template_parse(value, &why);
    if (*message == NULL)
        return why;
    trial_words(reading, *message);
    return NULL;
}

static void
take_entry(struct reading *reading, const struct ini_entry *entry)
{
    static const char *const all_keys[] = { "server",
                                            "bad_credentials",
                                            "unknown_user",
                                            "locked",
                                            "disabled",
                                            "password_expired",
                                            "mfa_required",
                                            "mfa_failed",
                                            "rate_limited",
                                            "unavailable",
                                            "session_expired",
                                            "misconfigured",
                                            "password_rejected",
                                            "denied",
                                            NULL };
    struct conf *conf = reading->conf;
    enum status status = STATUS_UNDECIDED;
    const char *why = NULL;

    reading->entry = entry;
    if (strcmp(entry->key, "server") == 0) {
        if (entry->value[0] != '\0')
            why = take_source(entry->value, &conf->server_message);
    } else if (find_status(entry->key, &status)) {
        if (entry->value[0] != '\0')
            why = take_message(reading, entry->value, &conf->messages[status]);
    } else {
        entry_unknown(reading->problems, entry, all_keys);
    }
    if (why != NULL)
        problem(reading->problems, entry->file, entry->line, entry->key, "%s",
                why);
}

/* Reads the source KEY of [http]. */
static void
take_common(struct loading *loading, const char *key, struct source **out)
{
    const struct ini_entry *entry = merged_find(&loading->merged, "http", key);
    const char *why = NULL;

    if (entry != NULL && entry->value[0] != '\0')
        why = take_source(entry->value, out);
    if (why != NULL)
        setting_problem(loading, entry, why);
}

void
messages_read(struct loading *loading)
{
    struct step section = { .name = "messages" };
    const struct merged *merged = &loading->merged;
    struct reading reading = { .conf = loading->conf,
                               .step = &section,
                               .merged = merged,
                               .site = &loading->site,
                               .problems = &loading->problems };

    trial_prepare(&reading);
    for (size_t i = 0; i < merged->count; i++)
        if (strcmp(merged->items[i]->section, "messages") == 0)
            take_entry(&reading, merged->items[i]);
    trial_clear(&reading);
    take_common(loading, "request_id", &loading->conf->request_id);
    take_common(loading, "retry_after", &loading->conf->retry_after);
}
