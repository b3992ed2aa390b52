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

bool
grant_dead(const struct grant *grant, int64_t now)
{
    return grant->expires_at != 0 && grant->expires_at <= now
           && (grant->flags & GRANT_REFRESHABLE) == 0;
}

bool
grant_due(const struct grant *grant, int64_t now)
{
    return grant->refresh_at != 0 && grant->refresh_at <= now
           && (grant->flags & GRANT_REFRESHABLE) != 0;
}
