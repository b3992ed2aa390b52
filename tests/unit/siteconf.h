/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * siteconf.h - a site's conf and a description in a throwaway folder, and what
 * loading them reports.
 */
#ifndef AUTHAPI_TESTS_SITECONF_H
#define AUTHAPI_TESTS_SITECONF_H

#include "provider/conf.h"

#include <stdbool.h>
#include <stddef.h>

/* A description that is complete. */
#define LOGIN                                                                 \
    "[login]\n"                                                               \
    "url = %{base}/login\n"                                                   \
    "field.email = %{identity}\n"                                             \
    "field.password = %{password}\n"                                          \
    "out.access_token = /token\n"                                             \
    "account = /email=%{identity}\n"

/* A site's conf that goes with it. */
#define SITE                                                                  \
    "provider = own\n"                                                        \
    "base = https://api.example.com\n"
#define USERS "[users]\nallow = alice\n"

struct site_folder {
    char folder[64];
    char reports[4096]; /* "E own.ini:3:key: text\n", W for a warning */
    struct conf *conf;
};

/* cmocka fixtures: *state is a struct site_folder with a good own.ini. */
int site_setup(void **state);
int site_teardown(void **state);

/* The path of NAME in the folder; good until the next call. */
const char *site_path(const struct site_folder *place, const char *name);

/* Writes a file of mode 0600. */
void site_bytes(const struct site_folder *place, const char *name,
                const char *bytes, size_t length);
void site_text(const struct site_folder *place, const char *name,
               const char *text);

/* A conf_reporter's report; the context is the folder. */
void site_report(void *context, bool warning, const char *file, int line,
                 const char *key, const char *text);

/* Loads the conf at PATH, or one with the text SITE; what was loaded before
 * is freed. */
enum status site_load_path(struct site_folder *place, const char *path);
enum status site_load(struct site_folder *place, const char *site);

/* Loads what must be good and without a warning. */
const struct conf *site_good(void **state, const char *site);

/* Loads what must be refused with a report that begins with BEGINNING. */
void site_bad(void **state, const char *site, const char *beginning);

/* The same for LINES, from line 7 on, in [login] of the description. */
void site_bad_login(void **state, const char *lines, const char *beginning);

#endif
