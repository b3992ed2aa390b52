/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * users.c - who is ours: [users] allow.
 *
 * It refuses to take anybody for ours whom the list does not name.
 */
#include "provider/users.h"
#include "base/message.h"
#include "provider/words.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#define NOBODY_UID 65534
#define BUFFER_FIRST 4096
#define BUFFER_MAX (1024 * 1024)
#define GROUPS_MAX 65536 /* NGROUPS_MAX of Linux */

static bool
add(char ***list, size_t *count, const char *name, const char **why)
{
    char **grown = reallocarray(*list, *count + 1, sizeof(*grown));

    if (grown != NULL) {
        *list = grown;
        grown[*count] = strdup(name);
    }
    if (grown == NULL || grown[*count] == NULL) {
        *why = "out of memory";
        return false;
    }
    (*count)++;
    return true;
}

static bool
add_word(struct users *users, const char *word, const char **why)
{
    const char *name = word[0] == '@' ? word + 1 : word;

    if (strcmp(word, "*") == 0) {
        users->everybody = true;
        return true;
    }
    if (strchr(word, ',') != NULL) {
        *why = "a comma: names stand apart by spaces";
        return false;
    }
    if (strchr(word, '*') != NULL) {
        *why = "a * that does not stand alone: there are no patterns";
        return false;
    }
    if (name[0] == '\0' || name[0] == '@' || !user_valid(name)) {
        *why = "a word that is neither a name nor @ and a group's name";
        return false;
    }
    if (name != word)
        return add(&users->groups, &users->group_count, name, why);
    return add(&users->names, &users->name_count, name, why);
}

bool
users_parse(const char *text, struct users *users, const char **why)
{
    size_t count;
    char **words = words_split(text, false, &count, why);
    bool good = words != NULL;

    memset(users, 0, sizeof(*users));
    if (good && count == 0) {
        *why = "nobody is named";
        good = false;
    }
    for (size_t i = 0; good && i < count; i++)
        good = add_word(users, words[i], why);
    words_free(words);
    if (!good)
        users_clear(users);
    return good;
}

/* The user's primary group.  A name that belongs to another uid now is in no
 * group. */
static enum status
primary_group(const char *user, uint32_t uid, gid_t *gid)
{
    enum status status = STATUS_NOT_OURS;
    char *buffer = NULL;

    for (size_t size = BUFFER_FIRST; size <= BUFFER_MAX; size *= 2) {
        struct passwd entry;
        struct passwd *found = NULL;
        int error;

        free(buffer);
        buffer = malloc(size);
        if (buffer == NULL)
            return STATUS_NO_MEMORY;
        error = getpwnam_r(user, &entry, buffer, size, &found);
        if (error == ERANGE)
            continue;
        if (error == 0 && found != NULL && entry.pw_uid == uid
            && strcmp(entry.pw_name, user) == 0) {
            *gid = entry.pw_gid;
            status = STATUS_OK;
        }
        break;
    }
    free(buffer);
    return status;
}

/* STATUS_NOT_OURS when there is no such group. */
static enum status
group_id(const char *name, gid_t *gid)
{
    enum status status = STATUS_NOT_OURS;
    char *buffer = NULL;

    for (size_t size = BUFFER_FIRST; size <= BUFFER_MAX; size *= 2) {
        struct group entry;
        struct group *found = NULL;
        int error;

        free(buffer);
        buffer = malloc(size);
        if (buffer == NULL)
            return STATUS_NO_MEMORY;
        error = getgrnam_r(name, &entry, buffer, size, &found);
        if (error == ERANGE)
            continue;
        if (error == 0 && found != NULL) {
            *gid = entry.gr_gid;
            status = STATUS_OK;
        }
        break;
    }
    free(buffer);
    return status;
}

/* All groups of the user; free *list. */
static enum status
groups_of(const char *user, gid_t primary, gid_t **list, int *count)
{
    int room = 64;

    for (;;) {
        gid_t *grown = reallocarray(*list, (size_t)room, sizeof(**list));

        if (grown == NULL)
            return STATUS_NO_MEMORY;
        *list = grown;
        *count = room;
        if (getgrouplist(user, primary, grown, count) >= 0)
            return STATUS_OK;
        if (room >= GROUPS_MAX)
            return STATUS_NOT_OURS;
        room = *count > room ? *count : 2 * room;
    }
}

static enum status
in_groups(const struct users *users, const char *user, uint32_t uid)
{
    gid_t *list = NULL;
    int count = 0;
    gid_t primary;
    enum status status = primary_group(user, uid, &primary);

    if (status == STATUS_OK)
        status = groups_of(user, primary, &list, &count);
    if (status != STATUS_OK)
        goto out;

    status = STATUS_NOT_OURS;
    for (size_t i = 0; i < users->group_count; i++) {
        gid_t wanted;
        enum status known = group_id(users->groups[i], &wanted);

        if (known == STATUS_NO_MEMORY) {
            status = known;
            break;
        }
        for (int n = 0; known == STATUS_OK && n < count; n++)
            if (list[n] == wanted)
                status = STATUS_OK;
    }

out:
    free(list);
    return status;
}

enum status
users_allow(const struct users *users, const char *user, uint32_t uid)
{
    for (size_t i = 0; i < users->name_count; i++)
        if (strcmp(users->names[i], user) == 0)
            return STATUS_OK;
    if (uid == 0 || uid == NOBODY_UID)
        return STATUS_NOT_OURS;
    if (users->everybody)
        return STATUS_OK;
    if (users->group_count == 0)
        return STATUS_NOT_OURS;
    return in_groups(users, user, uid);
}

void
users_clear(struct users *users)
{
    for (size_t i = 0; i < users->name_count; i++)
        free(users->names[i]);
    for (size_t i = 0; i < users->group_count; i++)
        free(users->groups[i]);
    free(users->names);
    free(users->groups);
    memset(users, 0, sizeof(*users));
}
