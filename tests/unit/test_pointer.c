/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_pointer.c - JSON Pointer with its array filter, and scalars as text.
 */
#include "provider/pointer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* All but "list" and "obj" is the document of RFC 6901 section 5. */
static const char document[] =
    "{\"foo\":[\"bar\",\"baz\"],\"\":0,\"a/b\":1,\"c%d\":2,\"e^f\":3,"
    "\"g|h\":4,\"i\\\\j\":5,\"k\\\"l\":6,\" \":7,\"m~n\":8,"
    "\"list\":[7,{\"id\":1,\"status\":\"unverified\"},"
    "{\"id\":2,\"status\":\"verified\",\"deep\":{\"x\":true}},"
    "{\"id\":3,\"status\":\"verified\"},{\"a=b\":\"c/d]\",\"id\":4},"
    "{\"status\":null,\"id\":5},{\"status\":\"ver\\u0000\",\"id\":6}],"
    "\"obj\":{\"0\":\"zero\",\"-\":\"dash\"}}";

static int
setup(void **state)
{
    *state = json_loads(document, JSON_ALLOW_NUL, NULL);
    assert_non_null(*state);
    return 0;
}

static int
teardown(void **state)
{
    json_decref(*state);
    return 0;
}

static void
expect(void **state, const char *pointer, const char *wanted)
{
    struct secret out = SECRET_INIT(64);
    const char *why = NULL;
    enum status status;

    assert_true(pointer_valid(pointer, &why));
    status = pointer_scalar(pointer_find(*state, pointer), &out);
    if (wanted == NULL) {
        assert_int_equal(status, STATUS_NOT_FOUND);
    } else {
        assert_int_equal(status, STATUS_OK);
        assert_string_equal(secret_text(&out), wanted);
    }
    secret_clear(&out);
}

/* The examples of RFC 6901 lead where the RFC says. */
static void
test_rfc6901(void **state)
{
    expect(state, "/foo/0", "bar");
    expect(state, "/foo/1", "baz");
    expect(state, "/", "0");
    expect(state, "/a~1b", "1");
    expect(state, "/c%d", "2");
    expect(state, "/e^f", "3");
    expect(state, "/g|h", "4");
    expect(state, "/i\\j", "5");
    expect(state, "/k\"l", "6");
    expect(state, "/ ", "7");
    expect(state, "/m~0n", "8");
    assert_ptr_equal(pointer_find(*state, ""), *state);
}

/* An array index is plain decimal and inside the array; anything else leads
 * nowhere, and in an object it is a member's name. */
static void
test_index(void **state)
{
    expect(state, "/foo/2", NULL);
    expect(state, "/foo/00", NULL);
    expect(state, "/foo/01", NULL);
    expect(state, "/foo/-", NULL);
    expect(state, "/foo/-1", NULL);
    expect(state, "/foo/+1", NULL);
    expect(state, "/foo/1e0", NULL);
    expect(state, "/foo/", NULL);
    expect(state, "/foo/4294967296", NULL);
    expect(state, "/foo/18446744073709551616", NULL);
    expect(state, "/obj/0", "zero");
    expect(state, "/obj/-", "dash");
    expect(state, "/foo/0/x", NULL);
    expect(state, "/nothing/at/all", NULL);
    assert_null(pointer_find(NULL, "/foo"));
}

/* A filter takes the first object whose member reads exactly the value. */
static void
test_filter(void **state)
{
    expect(state, "/list/[status=verified]/id", "2");
    expect(state, "/list/[status=verified]/deep/x", "true");
    expect(state, "/list/[id=3]/status", "verified");
    expect(state, "/list/[status=verifie]/id", NULL);
    expect(state, "/list/[status=verifiedd]/id", NULL);
    expect(state, "/list/[status=VERIFIED]/id", NULL);
    expect(state, "/list/[status=ver]/id", NULL);
    expect(state, "/list/[status=null]/id", NULL);
    expect(state, "/list/[status=]/id", NULL);
    expect(state, "/list/[status?]/id", "1");
    expect(state, "/list/[deep?]/id", "2");
    expect(state, "/list/[deep?]/deep/x", "true");
    expect(state, "/list/[dee?]/id", NULL);
    expect(state, "/list/[id?=1]/id", NULL);
    expect(state, "/obj/[0?]", NULL);
    expect(state, "/list/[a=b=c~1d]]/id", NULL);
    expect(state, "/obj/[0=zero]", NULL);
    expect(state, "/foo/[0=bar]", NULL);
}

/* What is no pointer is refused with a reason. */
static void
test_refused(void **state)
{
    static const char *const bad[] = {
        "foo",  "foo/bar", "/a~",   "/a~2", "/a/~",   "/[x]", "/[=x]",
        "/[?]", "/[a?",    "/[a=b", "/[",   "/a/[0]", " /a",
    };
    char segment[300];
    const char *why;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        why = NULL;
        assert_false(pointer_valid(bad[i], &why));
        assert_non_null(why);
    }
    memset(segment, 'x', sizeof(segment));
    segment[0] = '/';
    segment[256] = '\0';
    assert_true(pointer_valid(segment, &why));
    assert_null(pointer_find(json_null(), segment));
    segment[256] = 'x';
    segment[257] = '\0';
    assert_false(pointer_valid(segment, &why));
}

struct scalar {
    const char *json;
    const char *text; /* NULL: no scalar */
};

/* Numbers, booleans and strings read as their shortest plain text; what is no
 * scalar reads as nothing. */
static void
test_scalars(void **state)
{
    static const struct scalar scalars[] = {
        { "\"x\"", "x" },
        { "\"\"", "" },
        { "0", "0" },
        { "-5", "-5" },
        { "9223372036854775807", "9223372036854775807" },
        { "3600.0", "3600" },
        { "0.1", "0.1" },
        { "1700000000.5", "1700000000.5" },
        { "1e21", "1e+21" },
        { "true", "true" },
        { "false", "false" },
        { "null", NULL },
        { "{}", NULL },
        { "[]", NULL },
        { "[1]", NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(scalars) / sizeof(*scalars); i++) {
        struct secret out = SECRET_INIT(64);
        json_t *value = json_loads(scalars[i].json, JSON_DECODE_ANY, NULL);
        enum status status = pointer_scalar(value, &out);

        assert_non_null(value);
        if (scalars[i].text == NULL) {
            assert_int_equal(status, STATUS_NOT_FOUND);
            assert_int_equal(out.length, 0);
        } else {
            assert_int_equal(status, STATUS_OK);
            assert_string_equal(secret_text(&out), scalars[i].text);
        }
        secret_clear(&out);
        json_decref(value);
    }
}

/* A string keeps a NUL inside, and one over the cap gives nothing. */
static void
test_bytes(void **state)
{
    struct secret out = SECRET_INIT(8);
    json_t *value = json_stringn("a\0b", 3);

    (void)state;
    assert_int_equal(pointer_scalar(value, &out), STATUS_OK);
    assert_int_equal(out.length, 3);
    assert_memory_equal(out.data, "a\0b", 3);
    json_decref(value);
    value = json_string("123456789");
    assert_int_equal(pointer_scalar(value, &out), STATUS_SYSTEM);
    assert_int_equal(out.length, 0);
    assert_int_equal(pointer_scalar(NULL, &out), STATUS_NOT_FOUND);
    json_decref(value);
    secret_clear(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_rfc6901, setup, teardown),
        cmocka_unit_test_setup_teardown(test_index, setup, teardown),
        cmocka_unit_test_setup_teardown(test_filter, setup, teardown),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_scalars),
        cmocka_unit_test(test_bytes),
    };

    return cmocka_run_group_tests_name("pointer", tests, NULL, NULL);
}
