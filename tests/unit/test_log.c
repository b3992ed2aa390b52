/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_log.c - what reaches the log, and in which shape.
 *
 * It refuses to let a line through that an attacker wrote.
 */
#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include <cmocka.h>

/* What the sink was given, as "PRIORITY text\n" a line. */
struct seen {
    char text[16384];
    size_t lines;
    size_t longest;
};

static void
take(void *context, int priority, const char *line)
{
    struct seen *seen = context;
    size_t length = strlen(seen->text);

    snprintf(seen->text + length, sizeof(seen->text) - length, "%d %s\n",
             priority, line);
    seen->lines++;
    if (strlen(line) > seen->longest)
        seen->longest = strlen(line);
}

static struct seen seen;

static struct log
make_log(bool debug)
{
    memset(&seen, 0, sizeof(seen));
    return (struct log){ .write = take, .context = &seen, .debug = debug };
}

/* A line reaches the sink once, with its priority and its values. */
static void
test_line(void **state)
{
    struct log log = make_log(false);

    (void)state;
    log_line(&log, LOG_WARNING, "%s: %d of %s", "login", 3, "alice");
    assert_string_equal(seen.text, "4 login: 3 of alice\n");
    assert_int_equal(seen.lines, 1);
}

/* Debug lines are silent unless asked for; nothing else is. */
static void
test_debug(void **state)
{
    struct log log = make_log(false);

    (void)state;
    log_line(&log, LOG_DEBUG, "hidden");
    assert_int_equal(seen.lines, 0);
    for (int priority = LOG_ERR; priority < LOG_DEBUG; priority++)
        log_line(&log, priority, "shown");
    assert_int_equal(seen.lines, LOG_DEBUG - LOG_ERR);
    log = make_log(true);
    log_line(&log, LOG_DEBUG, "shown");
    assert_string_equal(seen.text, "7 shown\n");
}

/* Without a log or a sink nothing happens. */
static void
test_no_sink(void **state)
{
    struct log log = { .write = NULL };

    (void)state;
    memset(&seen, 0, sizeof(seen));
    log_line(NULL, LOG_ERR, "nobody listens");
    log_line(&log, LOG_ERR, "nobody listens");
    log_notes(NULL, "warning: nobody listens");
    assert_int_equal(seen.lines, 0);
}

/* A value cannot begin a line of its own, move the cursor or speak a format:
 * it stays one line of plain text. */
static void
test_hostile_value(void **state)
{
    struct log log = make_log(false);

    (void)state;
    log_line(&log, LOG_ERR, "user \"%s\" refused",
             "x\nroot: accepted\r\x1b[2J\x7f\t%s%n");
    assert_int_equal(seen.lines, 1);
    assert_string_equal(seen.text,
                        "3 user \"x?root: accepted??[2J??%s%n\" refused\n");
}

/* Control characters go, in one byte or in two; letters of any script stay. */
static void
test_clean(void **state)
{
    char plain[] = "gr\xc3\xbc\xc3\x9f dich \xe6\x84\x9b \xf0\x9f\x90\xa7";
    char c1[] = "a\xc2\x85"
                "b\xc2\x9b"
                "c\xc2\xa0"
                "d";
    char broken[] = "a\xff\xc3 b\xc3\xbc";
    char empty[] = "";

    (void)state;
    log_clean(plain);
    assert_string_equal(plain, "gr\xc3\xbc\xc3\x9f dich \xe6\x84\x9b "
                               "\xf0\x9f\x90\xa7");
    log_clean(c1);
    assert_string_equal(c1, "a??b??c\xc2\xa0"
                            "d");
    log_clean(broken);
    assert_string_equal(broken, "a?? b??");
    log_clean(empty);
    assert_string_equal(empty, "");
}

/* No byte below space, nor DEL, survives the cleaning. */
static void
test_clean_bytes(void **state)
{
    (void)state;
    for (int byte = 1; byte < 0x80; byte++) {
        char text[] = { 'a', (char)byte, '\0' };

        log_clean(text);
        assert_int_equal(text[1],
                         byte < ' ' || byte == 0x7f ? '?' : (char)byte);
    }
}

/* A long line is cut at the cap, and never inside a letter. */
static void
test_long_line(void **state)
{
    struct log log;
    char value[3 * LOG_LINE_MAX];

    (void)state;
    for (size_t shift = 0; shift < 4; shift++) {
        log = make_log(false);
        memset(value, 'x', shift);
        for (size_t i = shift; i + 4 < sizeof(value); i += 4)
            memcpy(value + i, "\xf0\x9f\x90\xa7", 5);
        log_line(&log, LOG_ERR, "%s", value);
        assert_int_equal(seen.lines, 1);
        assert_in_range(seen.longest, LOG_LINE_MAX - 4, LOG_LINE_MAX - 1);
        assert_null(strchr(seen.text, '?'));
    }
}

/* A helper's notes become one line each; only what says that it is a warning
 * is shown without debug. */
static void
test_notes(void **state)
{
    static const char notes[] = "debug: connected\nwarning: old kernel\n"
                                "bare\n\nwarning: \nwarning:close";
    struct log log = make_log(false);

    (void)state;
    log_notes(&log, notes);
    assert_string_equal(seen.text, "4 old kernel\n");
    log = make_log(true);
    log_notes(&log, notes);
    assert_string_equal(seen.text, "7 connected\n4 old kernel\n7 bare\n"
                                   "7 warning:close\n");
    log = make_log(true);
    log_notes(&log, NULL);
    log_notes(&log, "");
    log_notes(&log, "\n\n\n");
    assert_int_equal(seen.lines, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_line),      cmocka_unit_test(test_debug),
        cmocka_unit_test(test_no_sink),   cmocka_unit_test(test_hostile_value),
        cmocka_unit_test(test_clean),     cmocka_unit_test(test_clean_bytes),
        cmocka_unit_test(test_long_line), cmocka_unit_test(test_notes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
