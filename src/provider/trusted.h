/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * trusted.h - files that only root may have written.
 */
#ifndef AUTHAPI_PROVIDER_TRUSTED_H
#define AUTHAPI_PROVIDER_TRUSTED_H

#include "base/secret.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

/* Why a file or folder with these permissions is not to be trusted (static
 * text), or NULL when it is: its owner is root, or whoever runs this without
 * being root, and nobody else may write to it.  A SECRET may be read by
 * nobody but its owner and the group 0 either. */
const char *trusted_problem(const struct stat *status, bool secret) MUST_USE;

/* Reads the regular file PATH, which must be trusted and no symbolic link,
 * whole into OUT, whose cap is the longest it may be.  STATUS_OK;
 * STATUS_MISCONFIGURED with a clause for people in WHY; STATUS_NO_MEMORY.  On
 * failure OUT is empty. */
enum status trusted_read(const char *path, bool secret, struct secret *out,
                         char *why, size_t why_size) MUST_USE;

/* The longest secret that is one line, and what its file may hold: the line's
 * end is not of the secret. */
#define TRUSTED_LINE_MAX (8 * 1024)
#define TRUSTED_FILE_MAX (TRUSTED_LINE_MAX + 2)

/* Where the file NAME is that the conf at CONF names: below the conf's folder,
 * unless NAME is absolute.  Free it; NULL without memory. */
char *trusted_path(const char *conf, const char *name) MUST_USE;

/* Takes the line's end off what was read: NULL when a single line is left,
 * else why not (static text). */
const char *trusted_trim(struct secret *bytes) MUST_USE;

#endif
