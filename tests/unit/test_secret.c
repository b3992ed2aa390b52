/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_secret.c - buffers that are capped from birth and wiped at death.
 *
 * It refuses to look into freed memory: wiping is watched from inside, through
 * the allocator's own calls.
 */
#include "base/secret.h"

#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The linker sends every free() of this program's own code to __wrap_free;
 * it gives both names. */
/* NOLINTBEGIN(bugprone-reserved-identifier) */
void __real_free(void *memory);
void __wrap_free(void *memory);
/* NOLINTEND(bugprone-reserved-identifier) */

static bool watching;
static size_t freed_blocks;
static size_t freed_bytes_set;

void
__wrap_free(void *memory) /* NOLINT(bugprone-reserved-identifier) */
{
    if (watching && memory != NULL) {
        const unsigned char *at = memory;
        size_t size = malloc_usable_size(memory);

        freed_blocks++;
        for (size_t i = 0; i < size; i++)
            freed_bytes_set += at[i] != 0;
    }
    __real_free(memory);
}

static void
watch(void)
{
    freed_blocks = 0;
    freed_bytes_set = 0;
    watching = true;
}

/* Bytes are appended in order, a NUL always stands behind them, and an empty
 * secret reads as an empty string. */
static void
test_append(void **state)
{
    struct secret secret = SECRET_INIT(4096);

    (void)state;
    assert_string_equal(secret_text(&secret), "");
    for (int i = 0; i < 500; i++) {
        assert_int_equal(secret_append(&secret, "token", 5), STATUS_OK);
        assert_int_equal(secret.data[secret.length], '\0');
    }
    assert_int_equal(secret.length, 2500);
    for (size_t i = 0; i < secret.length; i += 5)
        assert_memory_equal(secret.data + i, "token", 5);
    assert_int_equal(secret_append(&secret, NULL, 0), STATUS_OK);
    assert_int_equal(secret.length, 2500);
    secret_clear(&secret);
    assert_string_equal(secret_text(&secret), "");
    assert_int_equal(secret.limit, 4096);
}

/* The cap is reached exactly and never passed, and a refused append leaves
 * everything as it was. */
static void
test_cap(void **state)
{
    struct secret secret = SECRET_INIT(100);
    char bytes[101];

    (void)state;
    memset(bytes, 'x', sizeof(bytes));
    assert_int_equal(secret_append(&secret, bytes, 101), STATUS_SYSTEM);
    assert_null(secret.data);
    assert_int_equal(secret_append(&secret, bytes, 99), STATUS_OK);
    assert_int_equal(secret_append(&secret, bytes, 2), STATUS_SYSTEM);
    assert_int_equal(secret_append(&secret, bytes, SIZE_MAX), STATUS_SYSTEM);
    assert_int_equal(secret.length, 99);
    assert_int_equal(secret_append(&secret, bytes, 1), STATUS_OK);
    assert_int_equal(secret.length, 100);
    assert_int_equal(secret_append(&secret, bytes, 1), STATUS_SYSTEM);
    assert_true(secret.capacity <= 100);
    assert_int_equal(secret_resize(&secret, 101), STATUS_SYSTEM);
    assert_int_equal(secret.length, 100);
    secret_clear(&secret);
}

/* A secret that may hold nothing holds nothing. */
static void
test_zero_cap(void **state)
{
    struct secret secret = SECRET_INIT(0);

    (void)state;
    assert_int_equal(secret_append(&secret, "a", 1), STATUS_SYSTEM);
    assert_int_equal(secret_append(&secret, "", 0), STATUS_OK);
    assert_int_equal(secret.length, 0);
    assert_string_equal(secret_text(&secret), "");
    secret_clear(&secret);
}

/* Setting replaces, NULL empties, and what is too long leaves nothing of the
 * old value behind. */
static void
test_set(void **state)
{
    struct secret secret = SECRET_INIT(8);

    (void)state;
    assert_int_equal(secret_set(&secret, "first"), STATUS_OK);
    assert_string_equal(secret_text(&secret), "first");
    assert_int_equal(secret_set(&secret, "2"), STATUS_OK);
    assert_int_equal(secret.length, 1);
    assert_string_equal(secret_text(&secret), "2");
    assert_int_equal(secret_set(&secret, "ninechars"), STATUS_SYSTEM);
    assert_int_equal(secret.length, 0);
    assert_string_equal(secret_text(&secret), "");
    assert_int_equal(secret_set(&secret, "again"), STATUS_OK);
    assert_int_equal(secret_set(&secret, NULL), STATUS_OK);
    assert_int_equal(secret.length, 0);
    secret_clear(&secret);
}

/* Growing by resize gives zero bytes, also where old ones stood before a
 * shrink. */
static void
test_resize(void **state)
{
    struct secret secret = SECRET_INIT(64);

    (void)state;
    assert_int_equal(secret_set(&secret, "password"), STATUS_OK);
    assert_int_equal(secret_resize(&secret, 4), STATUS_OK);
    assert_string_equal(secret_text(&secret), "pass");
    assert_memory_equal(secret.data + 4, "\0\0\0\0", 4);
    assert_int_equal(secret_resize(&secret, 8), STATUS_OK);
    assert_memory_equal(secret.data, "pass\0\0\0\0", 9);
    assert_int_equal(secret_resize(&secret, 0), STATUS_OK);
    assert_int_equal(secret.length, 0);
    secret_clear(&secret);
}

/* No block goes back to the allocator with a byte of the secret in it: not
 * the small ones it grew out of, not the last one, not a text. */
static void
test_wiped(void **state)
{
    struct secret secret = SECRET_INIT(65536);
    char bytes[1000];
    char *text = calloc(1, 24);

    (void)state;
    assert_non_null(text);
    memset(text, 'T', 23);
    memset(bytes, 'S', sizeof(bytes));
    watch();
    for (int i = 0; i < 20; i++)
        assert_int_equal(secret_append(&secret, bytes, sizeof(bytes)),
                         STATUS_OK);
    assert_true(freed_blocks >= 4);
    secret_clear(&secret);
    assert_int_equal(secret_set(&secret, "one"), STATUS_OK);
    assert_int_equal(secret_set(&secret, "two"), STATUS_OK);
    secret_clear(&secret);
    secret_free_text(text);
    watching = false;
    assert_true(freed_blocks >= 8);
    assert_int_equal(freed_bytes_set, 0);
}

/* Wiping wipes exactly the bytes it was given, and nothing is a fine thing
 * to wipe or free. */
static void
test_wipe(void **state)
{
    char bytes[8];

    (void)state;
    memset(bytes, 'x', sizeof(bytes));
    secret_wipe(bytes + 2, 4);
    assert_memory_equal(bytes, "xx\0\0\0\0xx", 8);
    secret_wipe(bytes, 0);
    assert_int_equal(bytes[0], 'x');
    secret_wipe(NULL, 8);
    secret_clear(NULL);
    secret_free_text(NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_append),   cmocka_unit_test(test_cap),
        cmocka_unit_test(test_zero_cap), cmocka_unit_test(test_set),
        cmocka_unit_test(test_resize),   cmocka_unit_test(test_wiped),
        cmocka_unit_test(test_wipe),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
