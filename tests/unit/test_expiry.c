/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_expiry.c - when a token expires, in every way the APIs say it.
 */
#include "provider/expiry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define NOW INT64_C(1700000000)

struct reading {
    const char *text;
    enum expiry_unit unit;
    int64_t expires_at; /* 0: refused */
};

static void
check(const struct reading *readings, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct reading *reading = &readings[i];
        int64_t expires_at = -7;
        enum status status =
            expiry_read(reading->text, reading->unit, NOW, &expires_at);

        if (reading->expires_at == 0) {
            assert_int_equal(status, STATUS_NOT_FOUND);
            assert_int_equal(expires_at, -7);
        } else {
            assert_int_equal(status, STATUS_OK);
            assert_int_equal(expires_at, reading->expires_at);
        }
    }
}

#define CHECK(readings) check(readings, sizeof(readings) / sizeof(*(readings)))

/* Relative and absolute numbers are read in their unit, a fraction is
 * dropped. */
static void
test_numbers(void **state)
{
    static const struct reading readings[] = {
        { "3600", EXPIRY_S, NOW + 3600 },
        { "3600.9", EXPIRY_S, NOW + 3600 },
        { "0", EXPIRY_S, NOW },
        { "900000", EXPIRY_MS, NOW + 900 },
        { "999.5", EXPIRY_MS, NOW },
        { "1700003600", EXPIRY_EPOCH, NOW + 3600 },
        { "1700003600.25", EXPIRY_JWT, NOW + 3600 },
        { "1700003600999", EXPIRY_EPOCH_MS, NOW + 3600 },
        { "253402300799", EXPIRY_EPOCH, INT64_C(253402300799) },
    };

    (void)state;
    CHECK(readings);
}

/* What is not plainly a time before the year 10000 is refused, and so is 0,
 * which means "not known" to whoever reads the result. */
static void
test_insane_numbers(void **state)
{
    static const struct reading readings[] = {
        { "", EXPIRY_S, 0 },
        { " 3600", EXPIRY_S, 0 },
        { "3600 ", EXPIRY_S, 0 },
        { "-1", EXPIRY_S, 0 },
        { "+1", EXPIRY_S, 0 },
        { "1e3", EXPIRY_S, 0 },
        { "nan", EXPIRY_S, 0 },
        { "inf", EXPIRY_S, 0 },
        { "0x10", EXPIRY_S, 0 },
        { ".5", EXPIRY_S, 0 },
        { "5.", EXPIRY_S, 0 },
        { "1.2.3", EXPIRY_S, 0 },
        { "true", EXPIRY_S, 0 },
        { "251702300800", EXPIRY_S, 0 },
        { "0", EXPIRY_EPOCH, 0 },
        { "253402300800", EXPIRY_EPOCH, 0 },
        { "999", EXPIRY_EPOCH_MS, 0 },
        { "1700003600999", EXPIRY_EPOCH, 0 },
        { "99999999999999999999999999", EXPIRY_EPOCH_MS, 0 },
        { "18446744073709551617", EXPIRY_S, 0 },
    };

    (void)state;
    CHECK(readings);
}

/* A date-time is read in every spelling of RFC 3339 and the common ones of
 * ISO 8601. */
static void
test_iso8601(void **state)
{
    static const struct reading readings[] = {
        { "2023-11-14T22:13:20Z", EXPIRY_ISO8601, NOW },
        { "2023-11-14t22:13:20z", EXPIRY_ISO8601, NOW },
        { "2023-11-14 22:13:20Z", EXPIRY_ISO8601, NOW },
        { "2023-11-14T22:13:20.999999999Z", EXPIRY_ISO8601, NOW },
        { "2023-11-14T22:13:20,5Z", EXPIRY_ISO8601, NOW },
        { "2023-11-14T23:13:20+01:00", EXPIRY_ISO8601, NOW },
        { "2023-11-14T16:43:20-0530", EXPIRY_ISO8601, NOW },
        { "2023-11-15T00:13:20+02", EXPIRY_ISO8601, NOW },
        { "2023-11-14T22:13:20-00:00", EXPIRY_ISO8601, NOW },
        { "2024-02-29T00:00:00Z", EXPIRY_ISO8601, INT64_C(1709164800) },
        { "2016-12-31T23:59:60Z", EXPIRY_ISO8601, INT64_C(1483228800) },
        { "9999-12-31T23:59:59Z", EXPIRY_ISO8601, INT64_C(253402300799) },
    };

    (void)state;
    CHECK(readings);
}

/* A date the calendar does not have, a missing offset, or anything before or
 * behind the date-time is refused. */
static void
test_insane_iso8601(void **state)
{
    static const struct reading readings[] = {
        { "2023-02-29T00:00:00Z", EXPIRY_ISO8601, 0 },
        { "2100-02-29T00:00:00Z", EXPIRY_ISO8601, 0 },
        { "2023-13-01T00:00:00Z", EXPIRY_ISO8601, 0 },
        { "2023-00-01T00:00:00Z", EXPIRY_ISO8601, 0 },
        { "2023-01-00T00:00:00Z", EXPIRY_ISO8601, 0 },
        { "2023-04-31T00:00:00Z", EXPIRY_ISO8601, 0 },
        { "2023-01-01T24:00:00Z", EXPIRY_ISO8601, 0 },
        { "2023-01-01T00:60:00Z", EXPIRY_ISO8601, 0 },
        { "2023-01-01T00:00:61Z", EXPIRY_ISO8601, 0 },
        { "2023-01-01T00:00:00", EXPIRY_ISO8601, 0 },
        { "2023-01-01T00:00:00+24:00", EXPIRY_ISO8601, 0 },
        { "2023-01-01T00:00:00+00:60", EXPIRY_ISO8601, 0 },
        { "2023-01-01T00:00:00+0", EXPIRY_ISO8601, 0 },
        { "2023-01-01T00:00:00.Z", EXPIRY_ISO8601, 0 },
        { "2023-01-01T00:00:00Zx", EXPIRY_ISO8601, 0 },
        { " 2023-01-01T00:00:00Z", EXPIRY_ISO8601, 0 },
        { "2023-1-1T00:00:00Z", EXPIRY_ISO8601, 0 },
        { "2023-01-01", EXPIRY_ISO8601, 0 },
        { "1969-12-31T23:59:59Z", EXPIRY_ISO8601, 0 },
        { "1970-01-01T00:00:00Z", EXPIRY_ISO8601, 0 },
        { "9999-12-31T23:59:59-01:00", EXPIRY_ISO8601, 0 },
        { "1700000000", EXPIRY_ISO8601, 0 },
        { "2023-11-14T22:13:20Z", EXPIRY_EPOCH, 0 },
    };

    (void)state;
    CHECK(readings);
}

/* Every unit is found by its word, and no other word is one. */
static void
test_units(void **state)
{
    enum expiry_unit unit = EXPIRY_JWT;

    (void)state;
    assert_true(expiry_unit_parse("s", &unit));
    assert_int_equal(unit, EXPIRY_S);
    assert_true(expiry_unit_parse("ms", &unit));
    assert_int_equal(unit, EXPIRY_MS);
    assert_true(expiry_unit_parse("epoch", &unit));
    assert_int_equal(unit, EXPIRY_EPOCH);
    assert_true(expiry_unit_parse("epoch_ms", &unit));
    assert_int_equal(unit, EXPIRY_EPOCH_MS);
    assert_true(expiry_unit_parse("iso8601", &unit));
    assert_int_equal(unit, EXPIRY_ISO8601);
    assert_true(expiry_unit_parse("jwt", &unit));
    assert_int_equal(unit, EXPIRY_JWT);
    assert_false(expiry_unit_parse("S", &unit));
    assert_false(expiry_unit_parse("", &unit));
    assert_false(expiry_unit_parse("seconds", &unit));
    assert_int_equal(unit, EXPIRY_JWT);
}

/* A refresh falls between three quarters and 85 hundredths of the life,
 * wherever chance has it, and never where no expiry is known. */
static void
test_refresh_at(void **state)
{
    static const uint32_t chances[] = { 0, 1, 359, 360, 361, UINT32_MAX };

    (void)state;
    assert_int_equal(expiry_refresh_at(NOW, 0, 5), 0);
    assert_int_equal(expiry_refresh_at(NOW, NOW - 5, 5), NOW);
    assert_int_equal(expiry_refresh_at(NOW, NOW, 5), NOW);
    assert_int_equal(expiry_refresh_at(NOW, NOW + 3600, 0), NOW + 2700);
    assert_int_equal(expiry_refresh_at(NOW, NOW + 3600, 360), NOW + 3060);
    for (size_t i = 0; i < sizeof(chances) / sizeof(*chances); i++) {
        int64_t at = expiry_refresh_at(NOW, NOW + 3600, chances[i]);

        assert_true(at >= NOW + 2700 && at <= NOW + 3060);
        at = expiry_refresh_at(NOW, NOW + 1, chances[i]);
        assert_true(at >= NOW && at <= NOW + 1);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers), cmocka_unit_test(test_insane_numbers),
        cmocka_unit_test(test_iso8601), cmocka_unit_test(test_insane_iso8601),
        cmocka_unit_test(test_units),   cmocka_unit_test(test_refresh_at),
    };

    return cmocka_run_group_tests_name("expiry", tests, NULL, NULL);
}
