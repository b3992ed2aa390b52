/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * expiry.c - when a token expires, in every way the APIs say it.
 *
 * It refuses to guess: what is not plainly a time is no time.
 */
#include "provider/expiry.h"

#include <stddef.h>
#include <string.h>
#include <time.h>

/* 9999-12-31T23:59:59Z */
#define LATEST INT64_C(253402300799)

struct unit_word {
    const char *word;
    enum expiry_unit unit;
};

static const struct unit_word unit_words[] = {
    { "s", EXPIRY_S },
    { "ms", EXPIRY_MS },
    { "epoch", EXPIRY_EPOCH },
    { "epoch_ms", EXPIRY_EPOCH_MS },
    { "iso8601", EXPIRY_ISO8601 },
    { "jwt", EXPIRY_JWT },
};

bool
expiry_unit_parse(const char *word, enum expiry_unit *unit)
{
    for (size_t i = 0; i < sizeof(unit_words) / sizeof(*unit_words); i++) {
        if (strcmp(unit_words[i].word, word) == 0) {
            *unit = unit_words[i].unit;
            return true;
        }
    }
    return false;
}

static bool
is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

/* Reads "123" or "123.45", dropping the fraction.  Nothing may follow. */
static bool
read_number(const char *text, int64_t *number)
{
    int64_t value = 0;

    if (!is_digit(*text))
        return false;
    for (; is_digit(*text); text++) {
        value = value * 10 + (*text - '0');
        if (value > LATEST * 1000 + 999)
            return false;
    }
    if (*text == '.') {
        text++;
        if (!is_digit(*text))
            return false;
        while (is_digit(*text))
            text++;
    }
    *number = value;
    return *text == '\0';
}

/* Reads exactly COUNT digits and moves past them. */
static bool
read_digits(const char **text, int count, int *number)
{
    *number = 0;
    for (int i = 0; i < count; i++, (*text)++) {
        if (!is_digit(**text))
            return false;
        *number = *number * 10 + (**text - '0');
    }
    return true;
}

static bool
read_byte(const char **text, const char *allowed)
{
    if (**text == '\0' || strchr(allowed, **text) == NULL)
        return false;
    (*text)++;
    return true;
}

static int
days_in_month(int year, int month)
{
    static const int days[] = {
        31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31
    };
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return month == 2 && leap ? 29 : days[month - 1];
}

/* "Z", "+hh:mm", "+hhmm" or "+hh", as seconds east of Greenwich. */
static bool
read_offset(const char **text, int64_t *seconds)
{
    int hours = 0;
    int minutes = 0;
    int sign;

    *seconds = 0;
    if (read_byte(text, "Zz"))
        return true;
    sign = **text == '-' ? -1 : 1;
    if (!read_byte(text, "+-") || !read_digits(text, 2, &hours))
        return false;
    if (**text != '\0') {
        if (**text == ':')
            (*text)++;
        if (!read_digits(text, 2, &minutes))
            return false;
    }
    *seconds = sign * (hours * INT64_C(3600) + minutes * INT64_C(60));
    return hours <= 23 && minutes <= 59;
}

/* "2030-01-31", checked against the calendar. */
static bool
read_date(const char **text, struct tm *tm)
{
    int year;
    int month;
    int day;

    if (!read_digits(text, 4, &year) || !read_byte(text, "-")
        || !read_digits(text, 2, &month) || !read_byte(text, "-")
        || !read_digits(text, 2, &day))
        return false;
    if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month))
        return false;
    tm->tm_year = year - 1900;
    tm->tm_mon = month - 1;
    tm->tm_mday = day;
    return true;
}

/* "23:59:60.123"; the fraction is dropped. */
static bool
read_clock(const char **text, struct tm *tm)
{
    if (!read_digits(text, 2, &tm->tm_hour) || !read_byte(text, ":")
        || !read_digits(text, 2, &tm->tm_min) || !read_byte(text, ":")
        || !read_digits(text, 2, &tm->tm_sec))
        return false;
    if (read_byte(text, ".,")) {
        if (!is_digit(**text))
            return false;
        while (is_digit(**text))
            (*text)++;
    }
    /* A leap second is the first second of the next minute to timegm. */
    return tm->tm_hour <= 23 && tm->tm_min <= 59 && tm->tm_sec <= 60;
}

/* RFC 3339.  A time without an offset could mean any of 24 hours. */
static bool
read_iso8601(const char *text, int64_t *epoch)
{
    struct tm tm = { 0 };
    int64_t offset;

    if (!read_date(&text, &tm) || !read_byte(&text, "Tt ")
        || !read_clock(&text, &tm) || !read_offset(&text, &offset)
        || *text != '\0')
        return false;
    *epoch = (int64_t)timegm(&tm) - offset;
    return true;
}

enum status
expiry_read(const char *text, enum expiry_unit unit, int64_t now,
            int64_t *expires_at)
{
    int64_t value = 0;
    bool good = unit == EXPIRY_ISO8601 ? read_iso8601(text, &value)
                                       : read_number(text, &value);

    if (!good)
        return STATUS_NOT_FOUND;
    if (unit == EXPIRY_MS || unit == EXPIRY_EPOCH_MS)
        value /= 1000;
    if (unit == EXPIRY_S || unit == EXPIRY_MS)
        value += now;
    /* 0 means "not known" to everybody else, and to some APIs "never". */
    if (value < 1 || value > LATEST)
        return STATUS_NOT_FOUND;
    *expires_at = value;
    return STATUS_OK;
}

int64_t
expiry_refresh_at(int64_t now, int64_t expires_at, uint32_t random)
{
    int64_t life;

    if (expires_at == 0)
        return 0;
    if (expires_at <= now)
        return now;
    life = expires_at - now;
    return now + life / 4 * 3 + random % (life / 10 + 1);
}
