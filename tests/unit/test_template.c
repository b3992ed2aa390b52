/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_template.c - text with %{variables}, filled for the place it goes to.
 */
#include "provider/template.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct filled {
    enum status status;
    bool present;
    char culprit[32];
    struct secret out;
};

static int
setup(void **state)
{
    struct vars *vars = calloc(1, sizeof(*vars));

    assert_non_null(vars);
    assert_int_equal(vars_set(vars, "base", "https://a/b", 11, VAR_SITE),
                     STATUS_OK);
    assert_int_equal(vars_set(vars, "user", "al/ice ü", 9, VAR_OUTSIDE),
                     STATUS_OK);
    assert_int_equal(vars_set(vars, "nul", "a\0b", 3, VAR_OUTSIDE), STATUS_OK);
    assert_int_equal(vars_set(vars, "empty", "", 0, VAR_OUTSIDE), STATUS_OK);
    assert_int_equal(vars_set(vars, "lines", "a\r\nX: b", 7, VAR_SITE),
                     STATUS_OK);
    *state = vars;
    return 0;
}

static int
teardown(void **state)
{
    vars_clear(*state);
    free(*state);
    return 0;
}

/* Free filled.out. */
static struct filled
fill(void **state, const char *text, enum template_place place, size_t cap)
{
    struct filled filled = { .out = SECRET_INIT(cap) };
    const char *why = NULL;
    const char *culprit = NULL;
    struct template *template = template_parse(text, &why);

    assert_non_null(template);
    assert_string_equal(template_source(template), text);
    filled.status = template_fill(template, *state, place, &filled.out,
                                  &filled.present, &culprit);
    if (culprit != NULL)
        snprintf(filled.culprit, sizeof(filled.culprit), "%s", culprit);
    template_free(template);
    return filled;
}

static void
expect(void **state, const char *text, enum template_place place,
       const char *wanted)
{
    struct filled filled = fill(state, text, place, 4096);

    assert_int_equal(filled.status, STATUS_OK);
    assert_true(filled.present);
    assert_string_equal(secret_text(&filled.out), wanted);
    assert_int_equal(filled.out.length, strlen(wanted));
    secret_clear(&filled.out);
}

static void
expect_failure(void **state, const char *text, enum template_place place,
               enum status status, const char *culprit)
{
    struct filled filled = fill(state, text, place, 4096);

    assert_int_equal(filled.status, status);
    assert_false(filled.present);
    assert_string_equal(filled.culprit, culprit);
    assert_int_equal(filled.out.length, 0);
    secret_clear(&filled.out);
}

/* Literal text, percent signs and values come out in their order. */
static void
test_text(void **state)
{
    expect(state, "", PLACE_TEXT, "");
    expect(state, "plain", PLACE_TEXT, "plain");
    expect(state, "100%% %{user}%{user}!", PLACE_TEXT,
           "100% al/ice üal/ice ü!");
}

/* In a URL a value from outside cannot add a path, a query or a host, while
 * the site's own base stays as it was written. */
static void
test_url(void **state)
{
    expect(state, "%{base}/u/%{user}?x=1", PLACE_URL,
           "https://a/b/u/al%2Fice%20%C3%BC?x=1");
    expect(state, "%{nul}", PLACE_URL, "a%00b");
    expect_failure(state, "%{base}%{lines}", PLACE_URL, STATUS_MISCONFIGURED,
                   "lines");
}

/* A header takes neither CR, LF nor NUL, whoever sent them. */
static void
test_header(void **state)
{
    expect(state, "x %{base}", PLACE_HEADER, "x https://a/b");
    expect_failure(state, "%{lines}", PLACE_HEADER, STATUS_MISCONFIGURED,
                   "lines");
    expect_failure(state, "x %{nul}", PLACE_HEADER, STATUS_MISCONFIGURED,
                   "nul");
}

/* In a body a value keeps every byte, a NUL too. */
static void
test_nul_kept(void **state)
{
    struct filled filled = fill(state, "<%{nul}>", PLACE_TEXT, 4096);

    assert_int_equal(filled.status, STATUS_OK);
    assert_int_equal(filled.out.length, 5);
    assert_memory_equal(filled.out.data, "<a\0b>", 5);
    secret_clear(&filled.out);
}

/* A variable that must be set and is not, or is empty, is named. */
static void
test_missing(void **state)
{
    expect_failure(state, "a%{nobody}b", PLACE_TEXT, STATUS_MISCONFIGURED,
                   "nobody");
    expect_failure(state, "%{empty}", PLACE_TEXT, STATUS_MISCONFIGURED,
                   "empty");
    expect_failure(state, "%{none|empty}", PLACE_TEXT, STATUS_MISCONFIGURED,
                   "none");
}

/* An empty %{x?} takes the whole template away, wherever it stands, and even
 * beside a variable that is missing. */
static void
test_optional(void **state)
{
    static const char *const absent[] = { "%{none?}", "a%{empty?}b",
                                          "%{missing}%{empty?}", "%{a|b?}" };

    for (size_t i = 0; i < sizeof(absent) / sizeof(*absent); i++) {
        struct filled filled = fill(state, absent[i], PLACE_TEXT, 4096);

        assert_int_equal(filled.status, STATUS_OK);
        assert_false(filled.present);
        assert_int_equal(filled.out.length, 0);
        secret_clear(&filled.out);
    }
    expect(state, "%{base?}", PLACE_TEXT, "https://a/b");
}

/* Of alternatives the first one that is set and not empty is taken. */
static void
test_alternatives(void **state)
{
    expect(state, "%{none|base}", PLACE_TEXT, "https://a/b");
    expect(state, "%{empty|base|user}", PLACE_TEXT, "https://a/b");
    expect(state, "%{user|base?}", PLACE_TEXT, "al/ice ü");
}

/* A text over the cap gives an error and nothing of the text. */
static void
test_cap(void **state)
{
    struct filled filled = fill(state, "%{base}%{base}", PLACE_TEXT, 20);

    assert_int_equal(filled.status, STATUS_SYSTEM);
    assert_int_equal(filled.out.length, 0);
    secret_clear(&filled.out);
}

/* Whatever is not a template is refused with a reason. */
static void
test_refused(void **state)
{
    static const char *const bad[] = {
        "%",       "50%",   "%x",     "%{",       "%{user", "%{}",
        "%{?}",    "%{a|}", "%{|a}",  "%{User}",  "%{1a}",  "%{a b}",
        "%{a?|b}", "%{_a}", "%{a.b}", "%{a%{b}}", "%{ü}",   "%%%",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        const char *why = NULL;

        assert_null(template_parse(bad[i], &why));
        assert_non_null(why);
    }
}

struct names {
    char text[128];
};

static void
collect(void *context, const char *name, bool optional)
{
    struct names *names = context;
    size_t length = strlen(names->text);

    snprintf(names->text + length, sizeof(names->text) - length, "%s%s ", name,
             optional ? "?" : "");
}

/* Every variable is told, and whether the template can do without it. */
static void
test_names(void **state)
{
    const char *why = NULL;
    struct template *template = template_parse("%{a}%%{no}%{b?}%{c|d}", &why);
    struct names names = { "" };

    (void)state;
    assert_non_null(template);
    template_names(template, collect, &names);
    assert_string_equal(names.text, "a b? c? d? ");
    assert_true(template_uses(template, "d"));
    assert_false(template_uses(template, "no"));
    template_free(template);
}

/* A variable that is set again has its new value only, and the table is
 * bounded. */
static void
test_vars(void **state)
{
    struct vars *vars = *state;
    char name[16];

    assert_int_equal(vars_set(vars, "base", "new", 3, VAR_OUTSIDE), STATUS_OK);
    assert_string_equal(vars_value(vars, "base"), "new");
    assert_int_equal(vars_find(vars, "base")->origin, VAR_OUTSIDE);
    assert_null(vars_value(vars, "empty"));
    assert_non_null(vars_find(vars, "empty"));
    while (vars->count < VARS_MAX) {
        snprintf(name, sizeof(name), "v%zu", vars->count);
        assert_int_equal(vars_set(vars, name, "x", 1, VAR_SITE), STATUS_OK);
    }
    assert_int_equal(vars_set(vars, "over", "x", 1, VAR_SITE), STATUS_SYSTEM);
    assert_null(vars_find(vars, "over"));
    assert_int_equal(vars_set(vars, "base", "last", 4, VAR_SITE), STATUS_OK);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_text, setup, teardown),
        cmocka_unit_test_setup_teardown(test_url, setup, teardown),
        cmocka_unit_test_setup_teardown(test_header, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nul_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(test_missing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_optional, setup, teardown),
        cmocka_unit_test_setup_teardown(test_alternatives, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cap, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_names, setup, teardown),
        cmocka_unit_test_setup_teardown(test_vars, setup, teardown),
    };

    return cmocka_run_group_tests_name("template", tests, NULL, NULL);
}
