/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_grant.c - whose grant it is, and whether it lives.
 *
 * It refuses to look inside the opaque bytes, as the code it tests does.
 */
#include "base/grant.h"
#include "base/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { NOW = 1700000000 };

static void
make_grant(struct grant *grant)
{
    grant_init(grant);
    grant->realm = strdup("default");
    grant->user = strdup("alice");
    grant->uid = 1000;
    assert_non_null(grant->realm);
    assert_non_null(grant->user);
}

/* A grant is for one realm, name and uid; a prefix, a longer name, another
 * case, an empty name or another uid is somebody else. */
static void
test_belongs(void **state)
{
    static const char *const others[] = { "",      "alic",   "alicea",
                                          "Alice", "alice ", "bob" };
    struct grant grant;

    (void)state;
    make_grant(&grant);
    assert_true(grant_belongs(&grant, "default", "alice", 1000));
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_false(grant_belongs(&grant, "default", others[i], 1000));
    assert_false(grant_belongs(&grant, "default", "alice", 1001));
    assert_false(grant_belongs(&grant, "default", "alice", 0));
    assert_false(grant_belongs(&grant, "defaul", "alice", 1000));
    assert_false(grant_belongs(&grant, "Default", "alice", 1000));
    assert_false(grant_belongs(&grant, "", "alice", 1000));
    grant_clear(&grant);
}

/* An empty grant is nobody's, not even an empty name's or root's. */
static void
test_empty_belongs_to_nobody(void **state)
{
    struct grant grant;

    (void)state;
    grant_init(&grant);
    assert_false(grant_belongs(&grant, "", "", 0));
    assert_false(grant_belongs(&grant, "default", "root", 0));
    grant.realm = strdup("default");
    assert_false(grant_belongs(&grant, "default", "", 0));
    grant_clear(&grant);
}

/* A uid that only agrees in its lower 32 bits is another uid. */
static void
test_wide_uid(void **state)
{
    struct grant grant;

    (void)state;
    make_grant(&grant);
    grant.uid = INT64_C(0x100000000) + 1000;
    assert_false(grant_belongs(&grant, "default", "alice", 1000));
    grant.uid = -1;
    assert_false(grant_belongs(&grant, "default", "alice", UINT32_MAX));
    grant_clear(&grant);
}

/* A grant dies with its access token, at the very second it expires, unless
 * it can be refreshed or nobody knows when it expires. */
static void
test_dead(void **state)
{
    const struct moment now = { NOW, 1000 };
    struct grant grant;

    (void)state;
    grant_init(&grant);
    assert_false(grant_dead(&grant, now));
    grant.expires_at = NOW + 1;
    assert_false(grant_dead(&grant, now));
    grant.expires_at = NOW;
    assert_true(grant_dead(&grant, now));
    grant.expires_at = -1;
    assert_true(grant_dead(&grant, now));
    grant.flags = GRANT_ENDS_USER | GRANT_SESSIONS_ONE;
    assert_true(grant_dead(&grant, now));
    grant.flags |= GRANT_REFRESHABLE;
    assert_false(grant_dead(&grant, now));
}

/* A refresh is due from its second on, and never for a grant that cannot be
 * refreshed or that names no time. */
static void
test_due(void **state)
{
    const struct moment now = { NOW, 1000 };
    struct grant grant;

    (void)state;
    grant_init(&grant);
    grant.flags = GRANT_REFRESHABLE;
    assert_false(grant_due(&grant, now));
    grant.refresh_at = NOW + 1;
    assert_false(grant_due(&grant, now));
    grant.refresh_at = NOW;
    assert_true(grant_due(&grant, now));
    grant.flags = 0;
    assert_false(grant_due(&grant, now));
}

/* What is written of the tokens' life holds from when they came, whichever
 * way the time of day is set meanwhile. */
static void
test_set_clock(void **state)
{
    const int64_t day = 24 * 3600;
    struct grant grant;

    (void)state;
    grant_init(&grant);
    grant.flags = GRANT_REFRESHABLE;
    grant_stamp(&grant, (struct moment){ NOW, 1000 });
    grant.refresh_at = NOW + 60;
    grant.expires_at = NOW + 90;
    for (int64_t set = -day; set <= day; set += day) {
        struct moment then = { NOW + set + 59, 1059 };

        assert_int_equal(grant_age(&grant, then), 59);
        assert_false(grant_due(&grant, then));
        assert_false(grant_expired(&grant, then));
        then.boot = 1060;
        assert_true(grant_due(&grant, then));
        then.boot = 1090;
        assert_true(grant_expired(&grant, then));
        assert_false(grant_dead(&grant, then));
    }
    grant_postpone(&grant, (struct moment){ NOW - day, 1070 }, 10);
    assert_false(grant_due(&grant, (struct moment){ NOW + day, 1079 }));
    assert_true(grant_due(&grant, (struct moment){ NOW - day, 1080 }));
}

/* Nor does it change how old the API's word is. */
static void
test_vouched(void **state)
{
    const int64_t day = 24 * 60 * 60;
    struct grant grant;

    (void)state;
    grant_init(&grant);
    grant_stamp(&grant, (struct moment){ NOW, 1000 });
    grant_vouch(&grant, (struct moment){ NOW + 50, 1050 });
    for (int64_t set = -day; set <= day; set += day) {
        struct moment then = { NOW + set, 1350 };

        assert_int_equal(grant_vouched_age(&grant, then), 300);
        assert_int_equal(grant_age(&grant, then), 350);
    }
    /* Of an earlier boot. */
    assert_int_equal(
        grant_vouched_age(&grant, (struct moment){ NOW + 60, 20 }), 10);
}

/* A grant of an earlier boot goes by the time of day. */
static void
test_other_boot(void **state)
{
    struct grant grant;

    (void)state;
    grant_init(&grant);
    grant_stamp(&grant, (struct moment){ NOW, 5000 });
    assert_int_equal(grant_age(&grant, (struct moment){ NOW + 70, 20 }), 70);
}

/* Clearing frees everything (the leak checkers see to it), empties the
 * fields, and leaves a grant that can be filled anew up to its cap. */
static void
test_clear(void **state)
{
    struct grant grant;

    (void)state;
    make_grant(&grant);
    assert_int_equal(secret_set(&grant.opaque, "tokens"), STATUS_OK);
    grant_clear(&grant);
    assert_null(grant.realm);
    assert_null(grant.user);
    assert_null(grant.opaque.data);
    assert_int_equal(grant.uid, 0);
    assert_int_equal(secret_resize(&grant.opaque, OPAQUE_MAX), STATUS_OK);
    assert_int_equal(secret_resize(&grant.opaque, OPAQUE_MAX + 1),
                     STATUS_SYSTEM);
    grant_clear(&grant);
    grant_clear(NULL);
}

/* The largest grant that the helper gives fits into one message, so no answer
 * of an API can make a grant that cannot be kept: beside such tokens there is
 * none to export. */
static void
test_largest_fits(void **state)
{
    struct secret out = SECRET_INIT(WIRE_MAX);
    struct grant grant;

    (void)state;
    make_grant(&grant);
    grant.obtained_at = NOW;
    grant.checked_at = NOW;
    free(grant.realm);
    free(grant.user);
    grant.realm = calloc(1, REALM_MAX + 1);
    grant.user = calloc(1, USER_MAX + 1);
    assert_non_null(grant.realm);
    assert_non_null(grant.user);
    memset(grant.realm, 'r', REALM_MAX);
    memset(grant.user, 'u', USER_MAX);
    assert_int_equal(secret_resize(&grant.opaque, OPAQUE_MAX), STATUS_OK);
    memset(grant.opaque.data, 0xee, OPAQUE_MAX);
    assert_int_equal(wire_encode(&grant_table, &grant, &out), STATUS_OK);
    grant_clear(&grant);
    assert_int_equal(wire_decode(&grant_table, out.data, out.length, &grant),
                     STATUS_OK);
    assert_int_equal(grant.opaque.length, OPAQUE_MAX);
    assert_int_equal(strlen(grant.user), USER_MAX);
    grant_clear(&grant);
    secret_clear(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_belongs),
        cmocka_unit_test(test_empty_belongs_to_nobody),
        cmocka_unit_test(test_wide_uid),
        cmocka_unit_test(test_dead),
        cmocka_unit_test(test_due),
        cmocka_unit_test(test_set_clock),
        cmocka_unit_test(test_vouched),
        cmocka_unit_test(test_other_boot),
        cmocka_unit_test(test_clear),
        cmocka_unit_test(test_largest_fits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
