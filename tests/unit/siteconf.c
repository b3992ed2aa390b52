/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * siteconf.c - a site's conf and a description in a throwaway folder.
 */
#include "siteconf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

const char *
site_path(const struct site_folder *place, const char *name)
{
    static char path[128];

    snprintf(path, sizeof(path), "%s/%s", place->folder, name);
    return path;
}

void
site_bytes(const struct site_folder *place, const char *name,
           const char *bytes, size_t length)
{
    FILE *file = fopen(site_path(place, name), "w");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(site_path(place, name), 0600), 0);
}

void
site_text(const struct site_folder *place, const char *name, const char *text)
{
    site_bytes(place, name, text, strlen(text));
}

int
site_setup(void **state)
{
    struct site_folder *place = calloc(1, sizeof(*place));

    assert_non_null(place);
    strcpy(place->folder, "/tmp/authapi-conf-XXXXXX");
    assert_non_null(mkdtemp(place->folder));
    site_text(place, "own.ini", LOGIN);
    *state = place;
    return 0;
}

int
site_teardown(void **state)
{
    static const char *const names[] = { "site.conf", "own.ini", "key", "link",
                                         "loop.conf" };
    struct site_folder *place = *state;

    conf_free(place->conf);
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        (void)unlink(site_path(place, names[i]));
    assert_int_equal(rmdir(place->folder), 0);
    free(place);
    return 0;
}

void
site_report(void *context, bool warning, const char *file, int line,
            const char *key, const char *text)
{
    struct site_folder *place = context;
    const char *slash = strrchr(file, '/');
    size_t length = strlen(place->reports);

    snprintf(place->reports + length, sizeof(place->reports) - length,
             "%c %s:%d:%s: %s\n", warning ? 'W' : 'E',
             slash != NULL ? slash + 1 : file, line, key, text);
}

enum status
site_load_path(struct site_folder *place, const char *path)
{
    const struct conf_reporter reporter = { site_report, place };

    conf_free(place->conf);
    place->conf = NULL;
    place->reports[0] = '\0';
    return conf_load(path, place->folder, &reporter, &place->conf);
}

enum status
site_load(struct site_folder *place, const char *site)
{
    char path[128];

    site_text(place, "site.conf", site);
    snprintf(path, sizeof(path), "%s/site.conf", place->folder);
    return site_load_path(place, path);
}

/* Loads what must be good and without a warning. */
const struct conf *
site_good(void **state, const char *site)
{
    struct site_folder *place = *state;

    if (site_load(place, site) != STATUS_OK)
        fail_msg("%s", place->reports);
    assert_string_equal(place->reports, "");
    assert_non_null(place->conf);
    return place->conf;
}

/* Loads what must be refused with a report that begins with BEGINNING. */
void
site_bad(void **state, const char *site, const char *beginning)
{
    struct site_folder *place = *state;
    size_t length = strlen(beginning);

    assert_int_equal(site_load(place, site), STATUS_MISCONFIGURED);
    assert_null(place->conf);
    for (const char *line = place->reports; *line != '\0'; line++) {
        if (strncmp(line, beginning, length) == 0)
            return;
        line = strchr(line, '\n');
        assert_non_null(line);
    }
    fail_msg("wanted %s\ngot %s", beginning, place->reports);
}

/* The same for one line in the login section of the description. */
void
site_bad_login(void **state, const char *lines, const char *beginning)
{
    char text[2048];

    snprintf(text, sizeof(text), "%s%s", LOGIN, lines);
    site_text(*state, "own.ini", text);
    site_bad(state, SITE USERS, beginning);
}
