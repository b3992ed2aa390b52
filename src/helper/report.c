/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * report.c - the words of a reply.
 */
#include "helper/report.h"
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NOTES_MAX = 8 * TEXT_MAX };

/* A new line of at most TEXT_MAX bytes, or NULL without memory. */
static char *__attribute__((format(printf, 2, 0)))
line_new(const char *prefix, const char *format, va_list arguments)
{
    char *line = calloc(1, TEXT_MAX + 1);
    size_t length = strlen(prefix);
    int wanted;

    if (line == NULL)
        return NULL;
    memcpy(line, prefix, length);
    wanted =
        vsnprintf(line + length, TEXT_MAX + 1 - length, format, arguments);
    if (wanted < 0) {
        free(line);
        return NULL;
    }
    /* A cut inside a UTF-8 sequence would make the whole line foreign. */
    length = strlen(line);
    if (length == TEXT_MAX)
        while (length > 0 && !utf8_valid(line, length)
               && length > TEXT_MAX - 4)
            line[--length] = '\0';
    log_clean(line);
    return line;
}

enum status
report_end(struct report *report, enum status status, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    free(report->reply->detail);
    report->reply->detail = line_new("", format, arguments);
    report->reply->status = status;
    va_end(arguments);
    return status;
}

/* Notes are a courtesy: what does not fit any more is left out. */
static void
add_note(struct report *report, char *line)
{
    char *old = report->reply->notes;
    char *joined = NULL;

    if (line == NULL)
        return;
    if (old == NULL) {
        report->reply->notes = line;
        return;
    }
    if (strlen(old) + 1 + strlen(line) <= NOTES_MAX
        && asprintf(&joined, "%s\n%s", old, line) >= 0) {
        free(old);
        report->reply->notes = joined;
    }
    free(line);
}

void
report_warning(struct report *report, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    add_note(report, line_new("warning: ", format, arguments));
    va_end(arguments);
}

void
report_debug(struct report *report, const char *format, ...)
{
    va_list arguments;

    if (!report->debug)
        return;
    va_start(arguments, format);
    add_note(report, line_new("debug: ", format, arguments));
    va_end(arguments);
}
