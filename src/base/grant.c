/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * grant.c - what one sign-in returned, in an envelope of plain fields.
 */
#include "base/grant.h"
#include "base/message.h"

#include <stddef.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define AT(member) offsetof(struct grant, member)

static const struct wire_field grant_fields[] = {
    { 1, WIRE_TEXT, true, REALM_MAX, AT(realm) },
    { 2, WIRE_TEXT, true, USER_MAX, AT(user) },
    { 3, WIRE_NUMBER, false, 0, AT(uid) },
    { 4, WIRE_NUMBER, true, 0, AT(obtained_at) },
    { 5, WIRE_NUMBER, true, 0, AT(checked_at) },
    { 6, WIRE_NUMBER, false, 0, AT(expires_at) },
    { 7, WIRE_NUMBER, false, 0, AT(refresh_at) },
    { 8, WIRE_NUMBER, false, 0, AT(flags) },
    { 9, WIRE_BYTES, true, OPAQUE_MAX, AT(opaque) },
    { 10, WIRE_BYTES, false, ACCESS_MAX, AT(access) },
    { 11, WIRE_NUMBER, false, 0, AT(taken_at) },
    { 12, WIRE_NUMBER, false, 0, AT(taken_boot) },
    { 13, WIRE_NUMBER, false, 0, AT(owed_at) },
    { 14, WIRE_NUMBER, false, 0, AT(tries) },
    { 15, WIRE_NUMBER, false, 0, AT(retry_at) },
    { 16, WIRE_NUMBER, false, 0, AT(signed_in_ms) },
    { 17, WIRE_NUMBER, false, 0, AT(tried_at) },
    { 18, WIRE_NUMBER, false, 0, AT(checked_boot) },
};

#undef AT
#define AT(member) offsetof(struct session_record, member)

static const struct wire_field session_fields[] = {
    { 1, WIRE_NUMBER, true, 0, AT(leader) },
    { 2, WIRE_NUMBER, true, 0, AT(started_at) },
    { 3, WIRE_NUMBER, true, 0, AT(pid_namespace) },
    { 4, WIRE_NUMBER, true, 0, AT(opened_at) },
    { 5, WIRE_NUMBER, false, 0, AT(proved_at) },
    { 6, WIRE_TEXT, true, 64, AT(boot_id) },
    { 7, WIRE_TEXT, false, TEXT_MAX, AT(service) },
    { 8, WIRE_TEXT, false, TEXT_MAX, AT(tty) },
    { 9, WIRE_TEXT, false, TEXT_MAX, AT(rhost) },
    { 10, WIRE_NUMBER, false, 0, AT(audit) },
    { 11, WIRE_NUMBER, false, 0, AT(terminal) },
    { 12, WIRE_NUMBER, false, 0, AT(shell) },
    { 13, WIRE_NUMBER, false, 0, AT(shell_started_at) },
};

const struct wire_table grant_table = { WIRE_GRANT, grant_fields,
                                        COUNT(grant_fields) };
const struct wire_table session_table = { WIRE_SESSION, session_fields,
                                          COUNT(session_fields) };

void
grant_init(struct grant *grant)
{
    memset(grant, 0, sizeof(*grant));
    grant->opaque = (struct secret)SECRET_INIT(OPAQUE_MAX);
    grant->access = (struct secret)SECRET_INIT(ACCESS_MAX);
}

void
grant_clear(struct grant *grant)
{
    if (grant != NULL)
        wire_clear(&grant_table, grant);
}

bool
grant_belongs(const struct grant *grant, const char *realm, const char *user,
              uint32_t uid)
{
    return grant->realm != NULL && strcmp(grant->realm, realm) == 0
           && grant->user != NULL && strcmp(grant->user, user) == 0
           && grant->uid == (int64_t)uid;
}

void
grant_stamp(struct grant *grant, struct moment now)
{
    grant->taken_at = now.wall;
    grant->taken_boot = now.boot;
}

/* A boot that is younger than what was written down is another one; one that
 * is older has lasted less long than it. */
static int64_t
age(int64_t wall, int64_t boot, struct moment now)
{
    return boot > 0 && now.boot >= boot ? now.boot - boot : now.wall - wall;
}

int64_t
grant_age(const struct grant *grant, struct moment now)
{
    return age(grant->taken_at, grant->taken_boot, now);
}

void
grant_vouch(struct grant *grant, struct moment now)
{
    grant->checked_at = now.wall;
    grant->checked_boot = now.boot;
}

int64_t
grant_vouched_age(const struct grant *grant, struct moment now)
{
    return age(grant->checked_at, grant->checked_boot, now);
}

bool
grant_expired(const struct grant *grant, struct moment now)
{
    return grant->expires_at != 0
           && grant_age(grant, now) >= grant->expires_at - grant->taken_at;
}

bool
grant_dead(const struct grant *grant, struct moment now)
{
    return grant_expired(grant, now)
           && (grant->flags & GRANT_REFRESHABLE) == 0;
}

bool
grant_due(const struct grant *grant, struct moment now)
{
    return grant->refresh_at != 0 && (grant->flags & GRANT_REFRESHABLE) != 0
           && grant_age(grant, now) >= grant->refresh_at - grant->taken_at;
}

void
grant_postpone(struct grant *grant, struct moment now, int64_t delay_s)
{
    grant->refresh_at = grant->taken_at + grant_age(grant, now) + delay_s;
}
