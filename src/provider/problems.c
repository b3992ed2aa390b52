/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * problems.c - what is wrong with a conf, told once, and counted.
 *
 * It refuses to decide what a problem means; conf_load does.
 */
#include "provider/problems.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Whether LINE was told before; else it is remembered.  When there is no
 * memory to remember it is told again. */
static bool
told_before(struct problems *problems, const char *line)
{
    char **grown;

    for (size_t i = 0; i < problems->told_count; i++)
        if (strcmp(problems->told[i], line) == 0)
            return true;
    grown =
        reallocarray(problems->told, problems->told_count + 1, sizeof(*grown));
    if (grown == NULL)
        return false;
    problems->told = grown;
    grown[problems->told_count] = strdup(line);
    if (grown[problems->told_count] != NULL)
        problems->told_count++;
    return false;
}

static void tell(struct problems *problems, bool warning, const char *file,
                 int line, const char *key, const char *format,
                 va_list arguments) __attribute__((format(printf, 6, 0)));

static void
tell(struct problems *problems, bool warning, const char *file, int line,
     const char *key, const char *format, va_list arguments)
{
    char text[512];
    char whole[1024];

    vsnprintf(text, sizeof(text), format, arguments);
    snprintf(whole, sizeof(whole), "%s:%d:%.100s:%s", file, line, key, text);
    if (!warning)
        problems->errors++;
    if (strcmp(text, "out of memory") == 0)
        problems->no_memory = true;
    if (told_before(problems, whole) || problems->reporter == NULL)
        return;
    problems->reporter->report(problems->reporter->context, warning, file,
                               line, key, text);
}

void
problem(struct problems *problems, const char *file, int line, const char *key,
        const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    tell(problems, false, file, line, key, format, arguments);
    va_end(arguments);
}

void
problem_missing(struct problems *problems, const char *file, const char *key,
                const char *format, ...)
{
    char mark[256];
    va_list arguments;

    snprintf(mark, sizeof(mark), "missing:%s", key);
    if (told_before(problems, mark)) {
        problems->errors++;
        return;
    }
    va_start(arguments, format);
    tell(problems, false, file, 0, key, format, arguments);
    va_end(arguments);
}

void
problem_warning(struct problems *problems, const char *file, int line,
                const char *key, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    tell(problems, true, file, line, key, format, arguments);
    va_end(arguments);
}

void
problems_clear(struct problems *problems)
{
    for (size_t i = 0; i < problems->told_count; i++)
        free(problems->told[i]);
    free(problems->told);
    problems->told = NULL;
    problems->told_count = 0;
}
