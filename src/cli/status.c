/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * status.c - authapi status: who has tokens; never a token.
 */
#include "cli/cli.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct listing {
    json_t *users; /* an array of objects */
    json_t *realms;
    const char *realm;
    struct cache *cache;
    size_t waiting; /* of this realm */
    bool failed;
};

#define STAMP_SIZE 24

static const char *
stamp(int64_t when, char text[STAMP_SIZE])
{
    time_t seconds = (time_t)when;
    struct tm parts;

    if (when == 0 || localtime_r(&seconds, &parts) == NULL
        || strftime(text, STAMP_SIZE, "%Y-%m-%d %H:%M:%S", &parts) == 0)
        return "not known";
    return text;
}

static bool
add_user(void *context, uint32_t uid)
{
    struct listing *listing = context;
    struct grant grant;
    size_t live = 0;
    enum status status = cache_peek(listing->cache, uid, &grant);

    if (status == STATUS_OK
        && cache_count_sessions(listing->cache, uid, &live) == STATUS_OK
        && json_array_append_new(
               listing->users,
               json_pack("{s:s, s:s, s:I, s:I, s:o, s:I}", "realm",
                         listing->realm, "user", grant.user, "uid",
                         (json_int_t)grant.uid, "since",
                         (json_int_t)grant.obtained_at, "expires_at",
                         grant.expires_at != 0 ? json_integer(grant.expires_at)
                                               : json_null(),
                         "sessions", (json_int_t)live))
               != 0)
        listing->failed = true;
    else if (status == STATUS_SYSTEM)
        fprintf(stderr,
                "authapi: the tokens of uid %" PRIu32 " cannot be read: %m\n",
                uid);
    grant_clear(&grant);
    return true;
}

static bool
count_staged(void *context, const char *handle, int64_t age_s)
{
    struct listing *listing = context;

    (void)handle;
    (void)age_s;
    listing->waiting++;
    return true;
}

static bool
count_entry(void *context, const char *id)
{
    return count_staged(context, id, 0);
}

static void
add_realm(void *context, const char *realm, struct cache *cache)
{
    struct listing *listing = context;
    size_t staged, outbox;

    listing->realm = realm;
    listing->cache = cache;
    listing->waiting = 0;
    if (cache_each_user(cache, add_user, listing) != STATUS_OK
        || cache_each_staged(cache, count_staged, listing) != STATUS_OK)
        listing->failed = true;
    staged = listing->waiting;
    listing->waiting = 0;
    if (cache_each_entry(cache, count_entry, listing) != STATUS_OK)
        listing->failed = true;
    outbox = listing->waiting;
    if (json_array_append_new(listing->realms,
                              json_pack("{s:s, s:I, s:I}", "realm", realm,
                                        "staged", (json_int_t)staged, "outbox",
                                        (json_int_t)outbox))
        != 0)
        listing->failed = true;
}

static int64_t
number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static const char *
word(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static void
print_text(const struct listing *listing)
{
    char since[STAMP_SIZE], until[STAMP_SIZE];
    const json_t *row;
    size_t i;

    if (json_array_size(listing->users) == 0)
        puts("nobody has tokens");
    else
        printf("%-16s %-10s %-19s  %-19s  %s\n", "USER", "REALM",
               "SIGNED IN SINCE", "TOKEN GOOD UNTIL", "SESSIONS");
    json_array_foreach(listing->users, i, row)
        printf("%-16s %-10s %-19s  %-19s  %" PRId64 "\n", word(row, "user"),
               word(row, "realm"), stamp(number(row, "since"), since),
               stamp(number(row, "expires_at"), until),
               number(row, "sessions"));
    json_array_foreach(listing->realms, i, row) {
        if (number(row, "staged") > 0)
            printf("%s: %" PRId64 " sign-in%s that no session has taken yet\n",
                   word(row, "realm"), number(row, "staged"),
                   number(row, "staged") == 1 ? "" : "s");
        if (number(row, "outbox") > 0)
            printf("%s: %" PRId64 " revocation%s owed to the API (authapi "
                   "sweep)\n",
                   word(row, "realm"), number(row, "outbox"),
                   number(row, "outbox") == 1 ? "" : "s");
    }
}

static bool
print_json(const struct listing *listing)
{
    json_t *all = json_pack("{s:O, s:O}", "users", listing->users, "realms",
                            listing->realms);
    bool printed = all != NULL && json_dumpf(all, stdout, 0) == 0;

    if (printed)
        putchar('\n');
    json_decref(all);
    return printed;
}

int
verb_status(const struct arguments *arguments)
{
    struct listing listing = { .users = json_array(), .realms = json_array() };
    int realms = -1;

    if (!cli_root("status"))
        listing.failed = true;
    else if (listing.users != NULL && listing.realms != NULL)
        realms = cli_each_realm(arguments, add_realm, &listing);
    if (realms < 0)
        listing.failed = true;
    if (!listing.failed && arguments->json)
        listing.failed = !print_json(&listing);
    else if (!listing.failed)
        print_text(&listing);
    json_decref(listing.users);
    json_decref(listing.realms);
    return listing.failed ? EXIT_SYSTEM : EXIT_OK;
}
