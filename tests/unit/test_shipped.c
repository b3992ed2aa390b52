/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_shipped.c - every shipped description loads with the conf that its own
 * head shows, and warns of what it cannot do and of nothing else.
 */
#include "siteconf.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define EXAMPLE_LINES 6

enum steps {
    REFRESH = 1,
    REVOKE = 2,
    MFA = 4,        /* a second factor, in line or as a step of its own */
    INTROSPECT = 8, /* and the account comes from there */
    JWT = 16,
    PASSWORD = 32,
};

struct shipped {
    const char *name;
    unsigned steps;
    const char *warning; /* a part of the only one; NULL: silence */
};

static const struct shipped all[] = {
    { "auth0", REFRESH | REVOKE | MFA | JWT, NULL },
    { "better-auth", REVOKE | MFA | PASSWORD, NULL },
    { "cognito", REFRESH | REVOKE | MFA | INTROSPECT | JWT | PASSWORD, NULL },
    { "directus", REFRESH | REVOKE | MFA | PASSWORD, "nothing in the answer" },
    { "django-oauth-toolkit", REFRESH | REVOKE | INTROSPECT, NULL },
    { "firebase", REFRESH | MFA | PASSWORD, "publishes its keys" },
    { "glewlwyd", REFRESH | REVOKE | INTROSPECT, "publishes its keys" },
    { "gotrue", REFRESH | REVOKE | MFA | PASSWORD, "publishes its keys" },
    { "keycloak", REFRESH | REVOKE | JWT, NULL },
    { "lemonldap", REFRESH | INTROSPECT, NULL },
    { "nhost", REFRESH | REVOKE | MFA | PASSWORD, NULL },
    { "oauth2", REFRESH | REVOKE, "nothing in the answer" },
    { "oidc-provider", REFRESH | REVOKE | INTROSPECT, NULL },
    { "okta", MFA, NULL },
    { "parse-server", REVOKE | MFA | PASSWORD, NULL },
    { "pocketbase", REFRESH | MFA | PASSWORD, NULL },
    { "strapi", REFRESH | REVOKE | PASSWORD, NULL },
    { "xano", INTROSPECT, NULL },
};

/* The folder of the shipped descriptions, beside this source. */
static void
find_descriptions(char *path, size_t size)
{
    const char *slash = strrchr(__FILE__, '/');
    int length = slash != NULL ? (int)(slash - __FILE__) : 1;

    snprintf(path, size, "%.*s/../../providers", length,
             slash != NULL ? __FILE__ : ".");
}

/* Appends a line of a head's example, its secrets' files being the one that
 * the test has. */
static void
add_line(char *conf, size_t size, const char *line)
{
    static const char folder[] = "@file:/etc/authapi/";
    const char *file = strstr(line, folder);
    size_t used = strlen(conf);

    if (file != NULL)
        snprintf(conf + used, size - used, "%.*s@file:key\n",
                 (int)(file - line), line);
    else
        snprintf(conf + used, size - used, "%s", line);
}

/* The first indented lines of a head, as a conf. */
static void
read_example(const char *path, char *conf, size_t size)
{
    char line[256];
    size_t count = 0;
    FILE *file = fopen(path, "r");

    assert_non_null(file);
    conf[0] = '\0';
    while (fgets(line, sizeof(line), file) != NULL) {
        bool indented = strncmp(line, "#   ", 4) == 0;

        if (!indented && count > 0)
            break;
        assert_int_equal(line[0], '#');
        if (!indented)
            continue;
        add_line(conf, size, line + 4);
        count++;
    }
    fclose(file);
    assert_in_range(count, 1, EXAMPLE_LINES);
    add_line(conf, size, USERS);
    assert_true(strlen(conf) + 1 < size);
}

static bool
asks_for_factor(const struct conf *conf)
{
    for (size_t i = 0; i < conf->login.rules.count; i++)
        if (conf->login.rules.items[i].class == STATUS_MFA_REQUIRED)
            return true;
    return false;
}

static unsigned
steps_of(const struct conf *conf)
{
    return (conf->refresh.present ? REFRESH : 0U)
           | (conf->revoke.present ? REVOKE : 0U)
           | (asks_for_factor(conf) ? MFA : 0U)
           | (conf->login.account_introspect ? INTROSPECT : 0U)
           | (conf->jwt.present ? JWT : 0U)
           | (conf->password.present ? PASSWORD : 0U);
}

static void
check_reports(const char *reports, const struct shipped *shipped)
{
    const char *end = strchr(reports, '\n');

    if (shipped->warning == NULL) {
        assert_string_equal(reports, "");
        return;
    }
    assert_int_equal(reports[0], 'W');
    assert_non_null(strstr(reports, shipped->warning));
    assert_non_null(end);
    assert_string_equal(end, "\n");
}

static void
test_examples(void **state)
{
    struct site_folder *place = *state;
    const struct conf_reporter reporter = { site_report, place };
    char folder[512];
    char path[1024];
    char conf[2048];

    find_descriptions(folder, sizeof(folder));
    site_text(place, "key", "k\n");
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
        struct conf *loaded = NULL;

        snprintf(path, sizeof(path), "%s/%s.ini", folder, all[i].name);
        read_example(path, conf, sizeof(conf));
        site_text(place, "site.conf", conf);
        snprintf(path, sizeof(path), "%s", site_path(place, "site.conf"));
        place->reports[0] = '\0';
        if (conf_load(path, folder, &reporter, &loaded) != STATUS_OK)
            fail_msg("%s:\n%s%s", all[i].name, conf, place->reports);
        if (steps_of(loaded) != all[i].steps)
            fail_msg("%s: has steps %u", all[i].name, steps_of(loaded));
        check_reports(place->reports, &all[i]);
        conf_free(loaded);
    }
}

/* No file in the folder is missing in the table above. */
static void
test_all_there(void **state)
{
    char folder[512];
    size_t count = 0;
    DIR *listing;

    (void)state;
    find_descriptions(folder, sizeof(folder));
    listing = opendir(folder);
    assert_non_null(listing);
    for (;;) {
        const struct dirent *entry = readdir(listing);
        const char *dot;

        if (entry == NULL)
            break;
        dot = strrchr(entry->d_name, '.');
        if (dot != NULL && strcmp(dot, ".ini") == 0)
            count++;
    }
    closedir(listing);
    assert_int_equal(count, sizeof(all) / sizeof(*all));
}

#define KEYCLOAK                                                              \
    "provider = keycloak\nbase = https://x/realms/a\nclient_id = "            \
    "linux\n" USERS

/* What the heads tell a site to write loads too. */
static void
test_variants(void **state)
{
    static const char *const sites[] = {
        "provider = gotrue\nbase = https://x/auth/v1\njwks_url =\n" USERS,
        "provider = gotrue\nbase = https://x/auth/v1\n" USERS
        "[jwt]\nkeys = %{jwks_url}\nalgorithms = ES256 RS256\n"
        "issuer = %{base}\naudience = authenticated\n",
        "provider = oauth2\ntoken_url = https://x/token\nrevoke_url =\n"
        "client_id = linux\nclient_secret = @file:key\nscope = openid\n"
        "introspect_url = https://x/introspect\n" USERS
        "[login]\naccount = introspect\n",
        "provider = oauth2\nbase = https://x\nclient_id = linux\n" USERS
        "[login]\nout.id_token = /id_token\n"
        "account = jwt:/preferred_username=%{identity}\n"
        "[jwt]\nkeys = https://x/jwks\ntoken = id_token\n"
        "algorithms = RS256\nissuer = https://x\naudience = %{client_id}\n",
        "provider = directus\nbase = https://x\n" USERS
        "[login]\naccount = introspect\n"
        "[introspect]\nurl = %{base}/users/me?fields=email\nmethod = GET\n"
        "auth = bearer %{access_token}\naccount = /data/email~=%{identity}\n",
        "provider = cognito\nbase = https://x\nclient_id = a\n" USERS,
        "provider = firebase\napi_key = a\njwks_url =\n" USERS,
        KEYCLOAK "[login]\nrule.3 = mfa_required /error=invalid_grant\n",
        KEYCLOAK "[mfa]\nalways = yes\n",
        KEYCLOAK "[account]\nallow.1 = jwt:/realm_access/roles@=linux\n",
        KEYCLOAK "[login]\naccount = jwt:/email=%{identity}\n"
                 "[introspect]\naccount = /email=%{identity}\n",
        "provider = lemonldap\nbase = https://x\nclient_id = linux\n"
        "introspect_url =\n" USERS
        "[login]\nout.id_token = /id_token\naccount = jwt:/sub=%{identity}\n"
        "[jwt]\ntoken = id_token\nkeys = %{base}/oauth2/jwks\n"
        "algorithms = RS256\nissuer = %{base}\naudience = %{client_id}\n",
        "provider = pocketbase\nbase = https://x\n" USERS
        "[login]\nrequire.verified = /record/verified=true\n",
    };
    struct site_folder *place = *state;
    const struct conf_reporter reporter = { site_report, place };
    char folder[512];
    char path[128];

    find_descriptions(folder, sizeof(folder));
    site_text(place, "key", "k\n");
    snprintf(path, sizeof(path), "%s", site_path(place, "site.conf"));
    for (size_t i = 0; i < sizeof(sites) / sizeof(*sites); i++) {
        struct conf *loaded = NULL;

        site_text(place, "site.conf", sites[i]);
        place->reports[0] = '\0';
        if (conf_load(path, folder, &reporter, &loaded) != STATUS_OK
            || place->reports[0] != '\0')
            fail_msg("%s%s", sites[i], place->reports);
        conf_free(loaded);
    }
}

#define TEST(function)                                                        \
    cmocka_unit_test_setup_teardown(function, site_setup, site_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_examples),
        TEST(test_all_there),
        TEST(test_variants),
    };

    return cmocka_run_group_tests_name("shipped", tests, NULL, NULL);
}
