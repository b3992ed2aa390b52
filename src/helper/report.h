/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * report.h - the words of a reply.
 *
 * Whatever goes into a reply for people is made here: formatted from a
 * literal, freed of control characters and of what is not UTF-8, cut to what
 * a message may carry.  Callers never hand in a secret, a body, a header's
 * value, or a URL with its query.
 */
#ifndef AUTHAPI_HELPER_REPORT_H
#define AUTHAPI_HELPER_REPORT_H

#include "base/message.h"
#include "base/status.h"

#include <stdbool.h>

struct report {
    struct reply *reply;
    bool debug; /* false: report_debug does nothing */
};

/* Sets the reply's status and detail, in place of older ones, and returns
 * STATUS. */
enum status report_end(struct report *report, enum status status,
                       const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Adds a line "warning: ..." to the notes. */
void report_warning(struct report *report, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Adds a line "debug: ..." to the notes when debug lines are wanted. */
void report_debug(struct report *report, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
