/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * log.c - one line for the administrator, where the fact is known.
 */
#include "base/log.h"
#include "base/message.h"

#include <stdio.h>
#include <string.h>
#include <syslog.h>

void
log_clean(char *text)
{
    unsigned char *at = (unsigned char *)text;

    if (!utf8_valid(text, strlen(text))) {
        for (; *at != '\0'; at++)
            if (*at >= 0x80)
                *at = '?';
        at = (unsigned char *)text;
    }
    for (; *at != '\0'; at++) {
        if (*at < ' ' || *at == 0x7f)
            *at = '?';
        else if (at[0] == 0xc2 && at[1] < 0xa0)
            at[0] = at[1] = '?';
    }
}

/* A cut inside a UTF-8 sequence would make the whole line look foreign. */
static void
trim_sequence(char *line)
{
    size_t length = strlen(line);

    for (int i = 0; i < 3 && length > 0; i++) {
        if (utf8_valid(line, length))
            return;
        line[--length] = '\0';
    }
}

void
log_line(const struct log *log, int priority, const char *format, ...)
{
    char line[LOG_LINE_MAX];
    va_list arguments;
    int length;

    if (log == NULL || log->write == NULL
        || (priority == LOG_DEBUG && !log->debug))
        return;
    va_start(arguments, format);
    length = vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    if (length < 0)
        return;
    if ((size_t)length >= sizeof(line))
        trim_sequence(line);
    log_clean(line);
    log->write(log->context, priority, line);
}

void
log_notes(const struct log *log, const char *notes)
{
    static const char warning[] = "warning: ";
    static const char debug[] = "debug: ";

    while (notes != NULL && *notes != '\0') {
        size_t length = strcspn(notes, "\n");
        const char *text = notes;
        int priority = LOG_DEBUG;
        size_t skip = 0;

        if (strncmp(notes, warning, strlen(warning)) == 0) {
            priority = LOG_WARNING;
            skip = strlen(warning);
        } else if (strncmp(notes, debug, strlen(debug)) == 0) {
            skip = strlen(debug);
        }
        if (length > skip)
            log_line(log, priority, "%.*s", (int)(length - skip), text + skip);
        notes += length;
        if (*notes == '\n')
            notes++;
    }
}
