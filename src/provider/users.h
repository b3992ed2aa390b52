/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * users.h - who is ours: [users] allow.
 *
 *     allow = @linux-users alice       local groups and names
 *     allow = *                        everybody (must be written to mean it)
 *
 * uid 0 and uid 65534 are ours only when named themselves: neither a group
 * nor "*" reaches them.
 */
#ifndef AUTHAPI_PROVIDER_USERS_H
#define AUTHAPI_PROVIDER_USERS_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct users {
    char **names;
    size_t name_count;
    char **groups; /* without the '@' */
    size_t group_count;
    bool everybody;
};

/* Parses the value of `allow`.  False and *why (static text) for an empty
 * list, a word that is no name, or a stray '@'; USERS is then empty. */
bool users_parse(const char *text, struct users *users,
                 const char **why) MUST_USE;

/* STATUS_OK when USER (as NSS names it) with UID is ours, else
 * STATUS_NOT_OURS.  Groups are asked of NSS (getgrouplist(3)); a group of the
 * list that does not exist matches nobody.  STATUS_NO_MEMORY. */
enum status users_allow(const struct users *users, const char *user,
                        uint32_t uid) MUST_USE;

void users_clear(struct users *users);

#endif
