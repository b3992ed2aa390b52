/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * inifile.h - one INI file as a flat list of section, key, value and line.
 */
#ifndef AUTHAPI_PROVIDER_INIFILE_H
#define AUTHAPI_PROVIDER_INIFILE_H

#include "base/status.h"
#include "provider/problems.h"

#include <stddef.h>

struct ini_entry {
    const char *file; /* the list's path */
    int line;
    char *section; /* "" before the first heading */
    char *key;     /* "": the heading itself, whose value is "" */
    char *value;
};

struct ini {
    char *path;
    struct ini_entry *items;
    size_t count;
};

/* Reads PATH (as trusted_read does).  A line that begins with white space
 * goes on with the value of the line before, behind one space.  Reported, with
 * the line: what is neither heading, entry nor comment; a line longer than
 * libinih can take; a key that comes twice; bytes that are not UTF-8, NUL and
 * control characters.  STATUS_OK, also when lines were reported;
 * STATUS_MISCONFIGURED when nothing could be read; STATUS_NO_MEMORY.  Free
 * with ini_clear in any case. */
enum status ini_read(const char *path, struct problems *problems,
                     struct ini *ini) MUST_USE;

/* The entry, or NULL. */
const struct ini_entry *ini_find(const struct ini *ini, const char *section,
                                 const char *key) MUST_USE;

void ini_clear(struct ini *ini);

#endif
