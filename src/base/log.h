/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * log.h - one line for the administrator, where the fact is known.
 *
 * A line is formatted from a literal, freed of control characters, capped and
 * handed to a sink: pam_syslog in the module, standard error in the command.
 * This file refuses to know where lines go.
 */
#ifndef AUTHAPI_BASE_LOG_H
#define AUTHAPI_BASE_LOG_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#define LOG_LINE_MAX 1024

struct log {
    /* PRIORITY as in syslog(3): LOG_ERR, LOG_WARNING, LOG_NOTICE, LOG_INFO,
     * LOG_DEBUG. */
    void (*write)(void *context, int priority, const char *line);
    void *context;
    bool debug; /* false: LOG_DEBUG lines are dropped */
};

/* Logs one line.  LOG may be NULL: nothing happens. */
void log_line(const struct log *log, int priority, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Logs every '\n'-separated line of a helper's notes: "warning: ..." as
 * LOG_WARNING, all others as LOG_DEBUG.  NOTES may be NULL. */
void log_notes(const struct log *log, const char *notes);

/* Replaces control characters (C0, DEL, C1 as UTF-8) in TEXT by '?', in
 * place; bytes that are not UTF-8 too. */
void log_clean(char *text);

#endif
