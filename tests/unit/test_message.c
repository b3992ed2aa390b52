/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_message.c - the names that may come in, and the tables themselves.
 *
 * It refuses to believe that a name is harmless because it is short.
 */
#include "base/grant.h"
#include "base/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Realms are short plain words; whatever could leave the run folder or mean
 * another of its entries is none. */
static void
test_realm(void **state)
{
    static const char *const good[] = { "default", "A",      "7",
                                        "a-b_c",   "Tokens", "token" };
    static const char *const bad[] = { "",     ".",        "..",  "a/b",
                                       "-a",   "_a",       "a.b", "a b",
                                       "a\n",  "\xc3\xa4", "a%s", "tokens",
                                       "a\\b", "slots",    "a:b", "@a" };
    char name[REALM_MAX + 2] = { 0 };

    (void)state;
    for (size_t i = 0; i < COUNT(good); i++)
        assert_true(realm_valid(good[i]));
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(realm_valid(bad[i]));
    memset(name, 'r', REALM_MAX);
    assert_true(realm_valid(name));
    name[REALM_MAX] = 'r';
    assert_false(realm_valid(name));
}

/* No single byte but letters, digits, '-' and '_' may stand in a realm. */
static void
test_realm_bytes(void **state)
{
    (void)state;
    for (int byte = 1; byte < 256; byte++) {
        const char name[] = { 'a', (char)byte, 'b', '\0' };
        bool plain = strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                            "abcdefghijklmnopqrstuvwxyz0123456789-_",
                            byte)
                     != NULL;

        assert_int_equal(realm_valid(name), plain);
    }
}

/* Names that a passwd file can hold pass, whatever script they are in, and
 * so do mail addresses. */
static void
test_user_good(void **state)
{
    static const char *const good[] = { "a",
                                        "alice",
                                        "a.b",
                                        "...",
                                        "alice@example.com",
                                        "DOM\\alice",
                                        "j\xc3\xb6rg",
                                        "\xe6\x84\x9b",
                                        "\xf0\x9f\x90\xa7",
                                        "a-",
                                        "o'neill",
                                        "a%sb",
                                        "$a",
                                        "\xc2\xa1" };

    (void)state;
    for (size_t i = 0; i < COUNT(good); i++)
        assert_true(user_valid(good[i]));
}

/* A name that could be an option, a path, a log line or a record of its own
 * is refused before anything is built from it. */
static void
test_user_bad(void **state)
{
    static const char *const bad[] = {
        "",     "-a",    "-",     ".",        "..",          "a/b",
        "/",    "a:b",   "a b",   " a",       "a ",          "a\n",
        "a\r",  "\ta",   "a\x7f", "a\x1b[2J", "a\xc2\x85",   "a\xc2\x9b",
        "\xff", "a\xc3", "\xc3(", "\xc0\xaf", "\xed\xa0\x80"
    };
    char name[USER_MAX + 2] = { 0 };

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(user_valid(bad[i]));
    memset(name, 'u', USER_MAX);
    assert_true(user_valid(name));
    name[USER_MAX] = 'u';
    assert_false(user_valid(name));
}

/* The junk that OpenSSH types for users it refuses is no name. */
static void
test_user_junk(void **state)
{
    (void)state;
    assert_false(user_valid("\b\n\r\177INCORRECT"));
}

static size_t
encode_point(uint32_t point, size_t size, char *out)
{
    static const unsigned char leads[] = { 0, 0, 0xc0, 0xe0, 0xf0, 0xf8 };

    for (size_t i = size; i > 1; i--) {
        out[i - 1] = (char)(0x80 | (point & 0x3f));
        point >>= 6;
    }
    out[0] = (char)(size == 1 ? point : leads[size] | point);
    return size;
}

/* Every code point of Unicode is accepted in its shortest form and in no
 * longer one; surrogates and what lies beyond U+10FFFF in none. */
static void
test_utf8_points(void **state)
{
    char bytes[6];

    (void)state;
    for (uint32_t point = 0; point < 0x200000; point++) {
        size_t least = point < 0x80      ? 1
                       : point < 0x800   ? 2
                       : point < 0x10000 ? 3
                                         : 4;
        bool real = point <= 0x10ffff && !(point >= 0xd800 && point <= 0xdfff);

        encode_point(point, least, bytes);
        if (utf8_valid(bytes, least) != real)
            fail_msg("U+%04X in %zu bytes", point, least);
        if (least < 4) {
            encode_point(point, least + 1, bytes);
            if (utf8_valid(bytes, least + 1))
                fail_msg("U+%04X in %zu bytes", point, least + 1);
        }
        encode_point(point, 5, bytes);
        if (utf8_valid(bytes, 5))
            fail_msg("U+%04X in 5 bytes", point);
    }
}

/* A sequence that is cut, lacks its lead, or is broken by another byte is
 * not UTF-8, and nothing beyond LENGTH is looked at. */
static void
test_utf8_broken(void **state)
{
    static const char whole[] = "\xf0\x9f\x90\xa7";
    char *exact;

    (void)state;
    assert_true(utf8_valid("", 0));
    assert_true(utf8_valid("a\0b", 3));
    assert_true(utf8_valid(whole, 4));
    for (size_t length = 1; length < 4; length++) {
        exact = malloc(length);
        assert_non_null(exact);
        memcpy(exact, whole, length);
        assert_false(utf8_valid(exact, length));
        assert_false(utf8_valid(whole + length, 4 - length));
        free(exact);
    }
    for (int byte = 0x80; byte < 0x100; byte++) {
        const char alone = (char)byte;

        assert_false(utf8_valid(&alone, 1));
    }
    assert_false(utf8_valid("\xe2\x82"
                            "a",
                            3));
    assert_false(utf8_valid("\xfe\xff", 2));
}

static void
check_table(const struct wire_table *table)
{
    assert_true(table->count > 0 && table->count <= 32);
    for (size_t i = 0; i < table->count; i++) {
        const struct wire_field *field = &table->fields[i];

        assert_int_not_equal(field->tag, 0);
        if (field->kind != WIRE_NUMBER)
            assert_in_range(field->max, 1, WIRE_MAX);
        for (size_t k = 0; k < i; k++) {
            assert_int_not_equal(field->tag, table->fields[k].tag);
            assert_int_not_equal(field->offset, table->fields[k].offset);
        }
    }
}

/* No table gives one tag or one member twice, and none has a field without
 * a bound. */
static void
test_tables(void **state)
{
    static const struct wire_table *const tables[] = {
        &request_table, &handover_table, &reply_table, &grant_table,
        &session_table
    };

    (void)state;
    for (size_t i = 0; i < COUNT(tables); i++) {
        check_table(tables[i]);
        for (size_t k = 0; k < i; k++)
            assert_int_not_equal(tables[i]->type, tables[k]->type);
    }
}

/* The three messages of the exchange cannot be taken for one another. */
static void
test_types(void **state)
{
    struct secret out = SECRET_INIT(WIRE_MAX);
    struct handover handover = { .timeout_ms = 10000 };
    struct reply reply = { .status = STATUS_OK };
    struct request request = { .operation = OPERATION_LOGIN };

    (void)state;
    assert_int_equal(wire_encode(&handover_table, &handover, &out), STATUS_OK);
    memset(&reply, 0, sizeof(reply));
    assert_int_equal(wire_decode(&reply_table, out.data, out.length, &reply),
                     STATUS_SYSTEM);
    assert_int_equal(reply.status, STATUS_UNDECIDED);
    memset(&request, 0, sizeof(request));
    assert_int_equal(
        wire_decode(&request_table, out.data, out.length, &request),
        STATUS_SYSTEM);
    secret_clear(&out);
}

/* Names of classes are found again, and no other decision can be named in a
 * rule: a description must not be able to say "ok". */
static void
test_classes(void **state)
{
    enum status found;

    (void)state;
    for (int i = STATUS_UNDECIDED; i < STATUS_COUNT; i++) {
        bool class = (i >= STATUS_BAD_CREDENTIALS && i <= STATUS_MISCONFIGURED)
                     || i == STATUS_PASSWORD_REJECTED;

        found = STATUS_UNDECIDED;
        assert_int_equal(
            status_parse_class(status_name((enum status)i), &found), class);
        assert_int_equal(found, class ? i : STATUS_UNDECIDED);
        assert_true(strlen(status_text((enum status)i)) > 0);
    }
    assert_false(status_parse_class("", &found));
    assert_false(status_parse_class("OK", &found));
    assert_false(status_parse_class("Locked", &found));
    assert_false(status_parse_class("unknown", &found));
    assert_string_equal(status_name(STATUS_COUNT), "unknown");
    assert_string_equal(status_name((enum status) - 1), "unknown");
    assert_non_null(status_text((enum status) - 1));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_realm),       cmocka_unit_test(test_realm_bytes),
        cmocka_unit_test(test_user_good),   cmocka_unit_test(test_user_bad),
        cmocka_unit_test(test_user_junk),   cmocka_unit_test(test_utf8_points),
        cmocka_unit_test(test_utf8_broken), cmocka_unit_test(test_tables),
        cmocka_unit_test(test_types),       cmocka_unit_test(test_classes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
