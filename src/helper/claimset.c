/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * claimset.c - whether the claims of a token are for us, by now.
 *
 * It refuses a claim of another type than the RFC gives it.
 */
#include "helper/claimset.h"
#include "provider/rules.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { AHEAD_MAX = 60 }; /* seconds that an issuer's clock may be ahead */

#define TIME_MAX 253402300799.0 /* the end of the year 9999 */

static enum status __attribute__((format(printf, 3, 4)))
refuse(char *why, size_t why_size, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(why, why_size, format, arguments);
    va_end(arguments);
    return STATUS_BAD_TOKEN;
}

/* Whether VALUE is the text, by length and bytes. */
static bool
is_text(const json_t *value, const char *text)
{
    size_t length = strlen(text);

    return json_is_string(value) && json_string_length(value) == length
           && memcmp(json_string_value(value), text, length) == 0;
}

static bool
holds_text(const json_t *value, const char *text)
{
    bool found = is_text(value, text);

    for (size_t i = 0; i < json_array_size(value); i++)
        found = found || is_text(json_array_get(value, i), text);
    return found;
}

/* Reads a NumericDate; a missing one is 0 and *present false. */
static bool
read_date(const json_t *claims, const char *name, double *seconds,
          bool *present)
{
    const json_t *value = json_object_get(claims, name);

    *present = value != NULL;
    *seconds = json_number_value(value);
    return value == NULL
           || (json_is_number(value) && *seconds >= 0 && *seconds <= TIME_MAX);
}

static enum status
check_times(const json_t *claims, int64_t leeway, int64_t now, char *why,
            size_t why_size)
{
    double expires, begins, issued;
    bool has_expires, has_begins, has_issued;
    double earliest = (double)(now - leeway);
    double latest = (double)(now + leeway);

    if (!read_date(claims, "exp", &expires, &has_expires)
        || !read_date(claims, "nbf", &begins, &has_begins)
        || !read_date(claims, "iat", &issued, &has_issued))
        return refuse(why, why_size, "its exp, nbf or iat is no time");
    if (!has_expires)
        return refuse(why, why_size,
                      "it has no exp: it would be good for "
                      "ever");
    if (expires <= earliest)
        return refuse(why, why_size, "it expired %.0f seconds ago",
                      (double)now - expires);
    if (has_begins && begins > latest)
        return refuse(why, why_size,
                      "it is valid in %.0f seconds only (is the clock "
                      "of this machine right?)",
                      begins - (double)now);
    if (has_issued && issued > latest + AHEAD_MAX)
        return refuse(why, why_size,
                      "it was issued %.0f seconds in the future (is the "
                      "clock of this machine right?)",
                      issued - (double)now);
    return STATUS_OK;
}

enum status
claimset_check(json_t *claims, const struct jwt_rules *rules,
               const struct vars *vars, int64_t now, char *why,
               size_t why_size)
{
    /* The conditions may name a claim as "/aal" or as "jwt:/aal". */
    const struct answer shown = { .json = claims, .jwt = claims };
    enum status status;

    if (rules->issuer != NULL
        && !is_text(json_object_get(claims, "iss"), rules->issuer))
        return refuse(why, why_size, "its iss is not the issuer of the conf");
    if (rules->audience != NULL
        && !holds_text(json_object_get(claims, "aud"), rules->audience))
        return refuse(why, why_size,
                      "its aud does not hold the audience of the conf");
    status = check_times(claims, rules->leeway, now, why, why_size);
    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; i < rules->require_count; i++)
        if (!conds_hold(&rules->require[i].conds, &shown, vars))
            return refuse(why, why_size, "require.%s of [jwt] does not hold",
                          rules->require[i].name);
    return STATUS_OK;
}

json_t *
claimset_identity(const json_t *claims, const struct jwt_rules *rules)
{
    static const char *const names[] = { "iss", "aud", "sub" };
    json_t *identity = json_object();

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        json_t *value = json_object_get(claims, names[i]);

        if (strcmp(names[i], "aud") == 0 && rules->audience != NULL)
            value = json_string(rules->audience);
        else
            json_incref(value);
        if (value != NULL
            && json_object_set_new(identity, names[i], value) != 0) {
            json_decref(identity);
            return NULL;
        }
    }
    return identity;
}
