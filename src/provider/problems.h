/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * problems.h - what is wrong with a conf, told once, and counted.
 */
#ifndef AUTHAPI_PROVIDER_PROBLEMS_H
#define AUTHAPI_PROVIDER_PROBLEMS_H

#include "provider/conf.h"

#include <stdbool.h>
#include <stddef.h>

struct problems {
    const struct conf_reporter *reporter; /* may be NULL */
    size_t errors;                        /* warnings do not count */
    bool no_memory;                       /* one of them was that */
    char **told; /* what was reported: [http] is read for every step, but its
                  * mistakes are made once */
    size_t told_count;
};

/* Reports an error: FILE, LINE (0: the whole file) and KEY (may be "") as in
 * struct conf_reporter.  No text may hold a value from the conf: somebody may
 * have written a secret there. */
void problem(struct problems *problems, const char *file, int line,
             const char *key, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* The same for KEY of the file as a whole, told once whatever the text. */
void problem_missing(struct problems *problems, const char *file,
                     const char *key, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Reports something that may be meant so. */
void problem_warning(struct problems *problems, const char *file, int line,
                     const char *key, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* Frees what is remembered, not the reporter. */
void problems_clear(struct problems *problems);

#endif
