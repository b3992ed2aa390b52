/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_users.c - who is ours, asked of this machine's own users and groups.
 *
 * Users are taken from the machine as it is: some of them are in a group by
 * their passwd entry on every Debian system ("daemon").
 */
#include "provider/users.h"

#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static enum status
ask(const char *allow, const char *user, uint32_t uid)
{
    struct users users;
    const char *why = NULL;
    enum status status;

    if (!users_parse(allow, &users, &why))
        fail_msg("%s: %s", allow, why);
    status = users_allow(&users, user, uid);
    users_clear(&users);
    return status;
}

/* A name in the list is ours byte for byte, and no other name is. */
static void
test_names(void **state)
{
    (void)state;
    assert_int_equal(ask("alice bob", "alice", 1000), STATUS_OK);
    assert_int_equal(ask("alice\tbob", "bob", 1001), STATUS_OK);
    assert_int_equal(ask("alice", "alic", 1000), STATUS_NOT_OURS);
    assert_int_equal(ask("alice", "alicee", 1000), STATUS_NOT_OURS);
    assert_int_equal(ask("alice", "Alice", 1000), STATUS_NOT_OURS);
    assert_int_equal(ask("alice", "", 1000), STATUS_NOT_OURS);
    assert_int_equal(ask("alice", "@alice", 1000), STATUS_NOT_OURS);
}

/* "*" means everybody but root and nobody, whom only their names reach. */
static void
test_everybody(void **state)
{
    (void)state;
    assert_int_equal(ask("*", "alice", 1000), STATUS_OK);
    assert_int_equal(ask("*", "root", 0), STATUS_NOT_OURS);
    assert_int_equal(ask("*", "nobody", 65534), STATUS_NOT_OURS);
    assert_int_equal(ask("* root", "root", 0), STATUS_OK);
    assert_int_equal(ask("* nobody", "nobody", 65534), STATUS_OK);
    assert_int_equal(ask("@root", "root", 0), STATUS_NOT_OURS);
}

/* A group of the list reaches its members: here the one of the primary
 * group. */
static void
test_groups(void **state)
{
    const struct passwd *entry = getpwnam("daemon");
    uint32_t uid;

    (void)state;
    if (entry == NULL) {
        skip();
        return;
    }
    uid = entry->pw_uid;
    assert_int_equal(ask("@daemon", "daemon", uid), STATUS_OK);
    assert_int_equal(ask("alice @nowhere @daemon", "daemon", uid), STATUS_OK);
    assert_int_equal(ask("@bin", "daemon", uid), STATUS_NOT_OURS);
    assert_int_equal(ask("@no-such-group", "daemon", uid), STATUS_NOT_OURS);
    assert_int_equal(ask("@daemon", "no-such-user", 1000), STATUS_NOT_OURS);
    assert_int_equal(ask("daemon2 daemo", "daemon", uid), STATUS_NOT_OURS);
}

/* A name that belongs to another uid now is in no group. */
static void
test_other_uid(void **state)
{
    const struct passwd *entry = getpwnam("daemon");

    (void)state;
    if (entry == NULL) {
        skip();
        return;
    }
    assert_int_equal(ask("@daemon", "daemon", entry->pw_uid + 5000),
                     STATUS_NOT_OURS);
}

/* A list that names nobody, or whose words are no names, is refused. */
static void
test_refused(void **state)
{
    static const char *const bad[] = {
        "",          "  ",        "@",   "alice @", "@@staff",
        "alice,bob", "a*",        "**",  "@*",      "-alice",
        "a/b",       "alice a:b", "@-x", "a\001b",  "\xff\xfe",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct users users;
        const char *why = NULL;

        if (users_parse(bad[i], &users, &why))
            fail_msg("accepted: %s", bad[i]);
        assert_non_null(why);
        assert_int_equal(users.name_count + users.group_count, 0);
        assert_false(users.everybody);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),   cmocka_unit_test(test_everybody),
        cmocka_unit_test(test_groups),  cmocka_unit_test(test_other_uid),
        cmocka_unit_test(test_refused),
    };

    return cmocka_run_group_tests_name("users", tests, NULL, NULL);
}
