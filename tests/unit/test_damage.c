/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_damage.c - the codec against whole messages that were cut or changed.
 *
 * It refuses to know what a change means: whatever is read must only be whole.
 */
#include "base/grant.h"
#include "base/message.h"
#include "base/wire.h"

#include <endian.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
fill_grant(struct grant *grant)
{
    static const char opaque[] = { 'a', '\0', 'b', '\xff' };

    grant_init(grant);
    grant->realm = strdup("default");
    grant->user = strdup("alice");
    grant->uid = 1000;
    grant->obtained_at = 1700000000;
    grant->checked_at = 1700000001;
    grant->expires_at = INT64_MAX;
    grant->refresh_at = -5;
    grant->flags = GRANT_REFRESHABLE;
    assert_int_equal(secret_append(&grant->opaque, opaque, sizeof(opaque)),
                     STATUS_OK);
}

static void
encode_grant(struct secret *out)
{
    struct grant grant;

    fill_grant(&grant);
    assert_int_equal(wire_encode(&grant_table, &grant, out), STATUS_OK);
    grant_clear(&grant);
}

/* Decodes mutated bytes of TABLE: either they are refused and nothing is
 * left, or what they say can be written and read again unchanged. */
static void
survive(const struct wire_table *table, const char *bytes, size_t length)
{
    union {
        struct grant grant;
        struct request request;
        struct reply reply;
    } one, two;
    struct secret first = SECRET_INIT(WIRE_MAX);
    struct secret second = SECRET_INIT(WIRE_MAX);
    /* A copy that ends where the bytes end lets ASan see one too many. */
    char *copy = malloc(length > 0 ? length : 1);

    assert_non_null(copy);
    memcpy(copy, bytes, length);
    memset(&one, 0, sizeof(one));
    memset(&two, 0, sizeof(two));
    if (wire_decode(table, copy, length, &one) == STATUS_OK) {
        assert_int_equal(wire_encode(table, &one, &first), STATUS_OK);
        assert_int_equal(first.length, length);
        assert_int_equal(wire_decode(table, first.data, first.length, &two),
                         STATUS_OK);
        assert_int_equal(wire_encode(table, &two, &second), STATUS_OK);
        assert_int_equal(first.length, second.length);
        assert_memory_equal(first.data, second.data, first.length);
    } else {
        assert_int_equal(wire_encode(table, &one, &first), STATUS_SYSTEM);
    }
    wire_clear(table, &one);
    wire_clear(table, &two);
    secret_clear(&first);
    secret_clear(&second);
    free(copy);
}

/* A message that ends at any byte before its last one is refused, with its
 * own length in the header and with a length that fits the cut. */
static void
test_truncation(void **state)
{
    struct secret out = SECRET_INIT(WIRE_MAX);
    struct grant grant;

    (void)state;
    encode_grant(&out);
    for (size_t cut = 0; cut < out.length; cut++) {
        memset(&grant, 0, sizeof(grant));
        assert_int_equal(wire_decode(&grant_table, out.data, cut, &grant),
                         STATUS_SYSTEM);
        assert_null(grant.realm);
        assert_null(grant.opaque.data);
    }
    /* The last field is required, so no cut leaves a whole record. */
    for (size_t cut = out.length - 1; cut >= WIRE_HEADER_SIZE; cut--) {
        uint32_t length = htobe32((uint32_t)(cut - WIRE_HEADER_SIZE));

        memcpy(out.data + 8, &length, sizeof(length));
        assert_int_equal(wire_decode(&grant_table, out.data, cut, &grant),
                         STATUS_SYSTEM);
        assert_null(grant.realm);
    }
    secret_clear(&out);
}

/* Every value of every single byte is either refused or read as a record
 * that can be written again: no byte makes the decoder stumble. */
static void
test_flipped_bytes(void **state)
{
    struct secret out = SECRET_INIT(WIRE_MAX);

    (void)state;
    encode_grant(&out);
    for (size_t at = 0; at < out.length; at++) {
        char whole = out.data[at];

        for (int value = 0; value < 256; value++) {
            out.data[at] = (char)value;
            survive(&grant_table, out.data, out.length);
        }
        out.data[at] = whole;
    }
    secret_clear(&out);
}

static void
mutate(const struct wire_table *table, const void *bytes, size_t length)
{
    struct secret work = SECRET_INIT(WIRE_MAX);
    uint32_t random = 1;

    for (int round = 0; round < 10000; round++) {
        secret_clear(&work);
        assert_int_equal(secret_append(&work, bytes, length), STATUS_OK);
        for (int i = 0; i < 4; i++) {
            random = random * 1664525U + 1013904223U;
            work.data[8 + (random >> 8) % (length - 8)] =
                (char)(random >> 24 & (i % 2 ? 0xffU : 0x0fU));
        }
        survive(table, work.data, work.length);
    }
    secret_clear(&work);
}

/* Thousands of messages with several bytes changed at once, by a fixed
 * sequence of pseudo-random numbers, do no more harm than one. */
static void
test_mutations(void **state)
{
    struct secret out = SECRET_INIT(WIRE_MAX);
    struct request request = { .operation = OPERATION_LOGIN, .idle_ms = 1 };
    struct reply reply = { .status = STATUS_OK, .expires_at = 1 };

    (void)state;
    encode_grant(&out);
    mutate(&grant_table, out.data, out.length);

    request.realm = strdup("default");
    request.user = strdup("alice");
    assert_int_equal(wire_encode(&request_table, &request, &out), STATUS_OK);
    mutate(&request_table, out.data, out.length);
    wire_clear(&request_table, &request);

    reply.opaque = (struct secret)SECRET_INIT(OPAQUE_MAX);
    reply.detail = strdup("detail");
    assert_int_equal(secret_set(&reply.opaque, "tokens"), STATUS_OK);
    assert_int_equal(wire_encode(&reply_table, &reply, &out), STATUS_OK);
    mutate(&reply_table, out.data, out.length);
    wire_clear(&reply_table, &reply);
    secret_clear(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_truncation),
        cmocka_unit_test(test_flipped_bytes),
        cmocka_unit_test(test_mutations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
