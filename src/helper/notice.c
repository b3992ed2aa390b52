/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * notice.c - words for the user.
 *
 * They come from the conf or the description; from the API only where the
 * description says so.  It refuses to tell a wrong password from an unknown
 * name in the API's words, and to pass a control character on.
 */
#include "base/grant.h"
#include "base/log.h"
#include "helper/operation.h"
#include "provider/template.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SERVER_WORDS_MAX = 256,
    PROMPT_MAX = 256,
};

/* Whether the sequence at TEXT is a control character: C0, DEL, C1. */
static bool
is_control(const char *text)
{
    unsigned char first = (unsigned char)text[0];

    return first < ' ' || first == 0x7f
           || (first == 0xc2 && (unsigned char)text[1] >= 0x80
               && (unsigned char)text[1] < 0xa0);
}

/* A copy without control characters, at most MAX bytes of whole characters,
 * or NULL when nothing is left. */
static char *
copy_clean(const struct secret *text, size_t max)
{
    char *copy = calloc(1, max + 1);
    const char *at = secret_text(text);
    size_t length = 0;

    if (copy == NULL)
        return NULL;
    while (*at != '\0' && length < max) {
        if (is_control(at))
            at += (unsigned char)*at == 0xc2 ? 2 : 1;
        else
            copy[length++] = *at++;
    }
    while (length > 0 && length + 4 > max && !utf8_valid(copy, length))
        copy[--length] = '\0';
    log_clean(copy); /* what is not UTF-8 */
    if (length > 0)
        return copy;
    free(copy);
    return NULL;
}

static char *
fill(const struct api *api, const struct template *template, size_t max)
{
    struct secret text = SECRET_INIT(4 * TEXT_MAX);
    const char *culprit = NULL;
    bool present = false;
    char *copy = NULL;

    if (template_fill(template, &api->conf->vars, PLACE_TEXT, &text, &present,
                      &culprit)
            == STATUS_OK
        && present)
        copy = copy_clean(&text, max);
    secret_clear(&text);
    return copy;
}

static char *
server_words(const struct api *api, enum status status)
{
    struct secret text = SECRET_INIT(16 * TEXT_MAX);
    char *copy = NULL;

    if (api->conf->server_message == NULL || status == STATUS_BAD_CREDENTIALS
        || status == STATUS_UNKNOWN_USER)
        return NULL;
    if (source_read(api->conf->server_message, &api->exchange.result.answer,
                    &text)
        == STATUS_OK)
        copy = copy_clean(&text, SERVER_WORDS_MAX);
    secret_clear(&text);
    return copy;
}

/* Ours, where neither the conf nor the description says anything; NULL:
 * there is nothing to say. */
static const char *
own_words(enum status status)
{
    switch ((int)status) {
    case STATUS_LOCKED:
        return "This account is locked. Please ask your administrator.";
    case STATUS_DISABLED:
        return "This account is disabled. Please ask your administrator.";
    case STATUS_PASSWORD_EXPIRED:
        return "The password has expired.";
    case STATUS_PASSWORD_REJECTED:
        return "The new password is not accepted: choose another one.";
    case STATUS_RATE_LIMITED:
        return "Too many attempts. Please try again later.";
    default:
        return NULL;
    }
}

/* A copy of them, or NULL. */
static char *
copy_own_words(enum status status, int64_t retry_after)
{
    const char *words = own_words(status);
    char *text = NULL;

    if (words == NULL)
        return NULL;
    if (status != STATUS_RATE_LIMITED || retry_after == 0)
        return strdup(words);
    if (asprintf(&text,
                 "Too many attempts. Please try again in %" PRId64 " seconds.",
                 retry_after)
        < 0)
        return NULL;
    return text;
}

void
notice_write(struct api *api, enum status status)
{
    struct reply *reply = api->report->reply;
    int64_t retry_after = reply->retry_after;
    const struct template *template = NULL;
    char number[24];

    /* The sign-in is good; the account phase will say no. */
    if (status == STATUS_OK && (reply->flags & GRANT_DENIED) != 0)
        status = STATUS_DENIED;
    if ((unsigned)status >= STATUS_COUNT || status == STATUS_OK)
        return;
    template = api->conf->messages[status];
    snprintf(number, sizeof(number), "%" PRId64, retry_after);
    /* Without it, a text that names it gives way to ours. */
    if (vars_set(&api->conf->vars, "retry_after", number,
                 retry_after > 0 ? strlen(number) : 0, VAR_OUTSIDE)
        != STATUS_OK)
        template = NULL;
    free(reply->message);
    reply->message = NULL;
    if (template != NULL)
        reply->message = fill(api, template, TEXT_MAX);
    if (reply->message == NULL)
        reply->message = server_words(api, status);
    if (reply->message == NULL)
        reply->message = copy_own_words(status, retry_after);
}

void
notice_prompt(struct api *api)
{
    struct reply *reply = api->report->reply;

    free(reply->prompt);
    reply->prompt = api->conf->mfa_prompt != NULL
                        ? fill(api, api->conf->mfa_prompt, PROMPT_MAX)
                        : NULL;
    if (reply->prompt == NULL)
        reply->prompt = strdup("One-time code: ");
}
