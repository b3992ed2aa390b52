/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * populate.c - fills a cache for the benchmark.
 *
 *     populate RUNDIR REALM UID sessions COUNT
 *     populate RUNDIR REALM UID users FIRST COUNT DUE
 *
 * `sessions` notes COUNT more sessions of UID.  `users` gives the grant that
 * UID holds to the users benchN of the uids N from FIRST on, with one session
 * each; the first DUE of them are due for a refresh, the others in half an
 * hour.  This process is the leader of all these sessions: it says "ready",
 * and they live until its standard input ends.  It refuses to invent a grant,
 * and goes through the store's own functions.
 */
#include "session/cache.h"
#include "session/leader.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void
say(void *context, int priority, const char *line)
{
    (void)context;
    (void)priority;
    warnx("%s", line);
}

static uint32_t
number(const char *text)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);

    if (*text == '\0' || *end != '\0' || value > UINT32_MAX)
        errx(2, "%s: not a number", text);
    return (uint32_t)value;
}

static struct holding *
hold(struct cache *cache, uint32_t uid)
{
    struct holding *holding;

    if (cache_hold(cache, uid, true, 2000, &holding) != STATUS_OK)
        errx(1, "the folder of %u cannot be had", (unsigned)uid);
    return holding;
}

static void
add_session(struct holding *holding, const struct session_record *record)
{
    char id[ID_SIZE];

    if (holding_add_session(holding, record, id) != STATUS_OK)
        errx(1, "a session cannot be noted");
}

/* GRANT, which is another's, for benchUID. */
static void
add_user(struct cache *cache, struct grant *grant, uint32_t uid, bool due,
         const struct session_record *record)
{
    struct holding *holding = hold(cache, uid);
    int64_t now = (int64_t)time(NULL);

    free(grant->user);
    if (asprintf(&grant->user, "bench%u", (unsigned)uid) < 0)
        err(1, "asprintf");
    grant->uid = uid;
    grant->expires_at = now + 3600;
    grant->refresh_at = due ? now - 1 : now + 1800;
    add_session(holding, record);
    if (holding_store(holding, grant) != STATUS_OK)
        errx(1, "a grant cannot be written");
    holding_release(holding);
}

int
main(int argc, char **argv)
{
    const struct log log = { .write = say };
    struct session_record record = { .service = NULL };
    struct cache *cache;
    struct holding *holding;
    struct grant grant;
    uint32_t uid;

    if (!(argc == 6 && strcmp(argv[4], "sessions") == 0)
        && !(argc == 8 && strcmp(argv[4], "users") == 0))
        errx(2, "usage: see the head of populate.c");
    uid = number(argv[3]);
    grant_init(&grant);
    if (cache_open(argv[1], argv[2], &log, &cache) != STATUS_OK
        || cache_peek(cache, uid, &grant) != STATUS_OK)
        errx(1, "%s holds no grant", argv[3]);
    if (leader_record_self(&record) != STATUS_OK)
        errx(1, "no /proc");
    record.opened_at = record.proved_at = (int64_t)time(NULL);
    record.service = strdup("bench");
    if (argc == 6) {
        holding = hold(cache, uid);
        for (uint32_t i = 0; i < number(argv[5]); i++)
            add_session(holding, &record);
        holding_release(holding);
    } else {
        for (uint32_t i = 0; i < number(argv[6]); i++)
            add_user(cache, &grant, number(argv[5]) + i, i < number(argv[7]),
                     &record);
    }
    puts("ready");
    fflush(stdout);
    while (getchar() != EOF) {
    }
    wire_clear(&session_table, &record);
    grant_clear(&grant);
    cache_close(cache);
    return 0;
}
