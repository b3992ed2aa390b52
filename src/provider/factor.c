/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * factor.c - what is asked for as a second factor, and whether a description
 * can ask for one at all.
 *
 * It refuses a second factor that sends no code.
 */
#include "provider/loading.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char default_prompt[] = "One-time code: ";

/* Parses TEXT with the space behind it that an INI file cannot hold. */
static const char *
parse_prompt(struct conf *conf, const char *text)
{
    const char *why = "out of memory";
    size_t length = strlen(text);
    char *whole;

    template_free(conf->mfa_prompt);
    conf->mfa_prompt = NULL;
    if (asprintf(&whole, "%s%s", text,
                 length > 0 && text[length - 1] == ' ' ? "" : " ")
        < 0)
        return why;
    conf->mfa_prompt = template_parse(whole, &why);
    free(whole);
    return conf->mfa_prompt != NULL ? NULL : why;
}

const char *
factor_prompt(struct reading *reading, const char *rest, const char *value)
{
    const char *why = parse_prompt(reading->conf, value);

    (void)rest;
    if (why == NULL)
        trial_words(reading, reading->conf->mfa_prompt);
    return why;
}

static const char *
take_yes(const char *value, bool *yes)
{
    *yes = strcmp(value, "yes") == 0;
    return *yes || strcmp(value, "no") == 0 ? NULL : "neither yes nor no";
}

const char *
factor_restart(struct reading *reading, const char *rest, const char *value)
{
    (void)rest;
    return take_yes(value, &reading->conf->mfa_restart);
}

const char *
factor_always(struct reading *reading, const char *rest, const char *value)
{
    (void)rest;
    return take_yes(value, &reading->conf->mfa_always);
}

/* Whether a rule of [login] asks for a second factor. */
static bool
is_asked_for(const struct conf *conf)
{
    for (size_t i = 0; i < conf->login.rules.count; i++)
        if (conf->login.rules.items[i].class == STATUS_MFA_REQUIRED)
            return true;
    return false;
}

/* The entry that makes the step be there. */
static const struct ini_entry *
url_of(const struct loading *loading, const struct step *step)
{
    return merged_find(&loading->merged, step->name, "url");
}

static void
warn(struct loading *loading, const struct step *step, const char *text)
{
    const struct ini_entry *url = url_of(loading, step);

    problem_warning(&loading->problems, url->file, url->line, "", "[%s] %s",
                    step->name, text);
}

void
factor_check(struct loading *loading)
{
    struct conf *conf = loading->conf;
    bool asked = is_asked_for(conf);

    if (conf->mfa_prompt == NULL && parse_prompt(conf, default_prompt) != NULL)
        problem(&loading->problems, conf->path, 0, "", "out of memory");
    if (conf->mfa_start.present && !conf->mfa.present)
        setting_problem(loading, url_of(loading, &conf->mfa_start),
                        "[mfa_start] without [mfa]");
    if (conf->mfa.present && !step_sends(&conf->mfa, "otp"))
        setting_problem(loading, url_of(loading, &conf->mfa),
                        "[mfa] sends no %{otp}");
    if (conf->mfa_always && conf->mfa.present)
        setting_problem(loading,
                        merged_find(&loading->merged, "mfa", "always"),
                        "not together with a url: it is for a code that goes "
                        "into [login]");
    else if (conf->mfa_always && !step_sends(&conf->login, "otp"))
        setting_problem(loading,
                        merged_find(&loading->merged, "mfa", "always"),
                        "[login] sends no %{otp?}");
    if (conf->mfa.present && conf->login.present && !asked)
        warn(loading, &conf->login,
             "has no rule mfa_required: nobody is ever asked for a second "
             "factor");
    if (conf->login.present && asked && !conf->mfa.present
        && !step_sends(&conf->login, "otp"))
        warn(loading, &conf->login,
             "has a rule mfa_required, but there is neither [mfa] nor a "
             "%{otp?} to send again: whoever has a second factor is refused");
}
