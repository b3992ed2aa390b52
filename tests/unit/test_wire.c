/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_wire.c - the codec against whole, broken and hostile bytes.
 *
 * It refuses to trust the encoder: hostile messages are put together by hand.
 */
#include "base/grant.h"
#include "base/message.h"
#include "base/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A message put together byte by byte. */
struct raw {
    unsigned char bytes[WIRE_MAX + 64];
    size_t length;
};

static void
raw_begin(struct raw *raw, enum wire_type type)
{
    static const unsigned char head[WIRE_HEADER_SIZE] = { 'A', 'A', 'P', 'I',
                                                          WIRE_VERSION };

    memcpy(raw->bytes, head, sizeof(head));
    raw->bytes[5] = (unsigned char)type;
    raw->length = sizeof(head);
}

static void
raw_put(unsigned char *at, size_t size, uint64_t value)
{
    for (size_t i = 0; i < size; i++)
        at[i] = (unsigned char)(value >> 8 * (size - 1 - i));
}

static void
raw_end(struct raw *raw)
{
    raw_put(raw->bytes + 8, 4, raw->length - WIRE_HEADER_SIZE);
}

/* A field that claims CLAIMED bytes and brings LENGTH. */
static void
raw_claim(struct raw *raw, unsigned tag, uint64_t claimed, const void *bytes,
          size_t length)
{
    assert_true(raw->length + 6 + length <= sizeof(raw->bytes));
    raw_put(raw->bytes + raw->length, 2, tag);
    raw_put(raw->bytes + raw->length + 2, 4, claimed);
    if (length > 0)
        memcpy(raw->bytes + raw->length + 6, bytes, length);
    raw->length += 6 + length;
}

static void
raw_field(struct raw *raw, unsigned tag, const void *bytes, size_t length)
{
    raw_claim(raw, tag, length, bytes, length);
}

static void
raw_number(struct raw *raw, unsigned tag, uint64_t value)
{
    unsigned char bytes[8];

    raw_put(bytes, sizeof(bytes), value);
    raw_field(raw, tag, bytes, sizeof(bytes));
}

/* A whole request up to its last required field, the idle_ms. */
static void
raw_request(struct raw *raw)
{
    raw_begin(raw, WIRE_REQUEST);
    raw_number(raw, 1, OPERATION_LOGIN);
    raw_field(raw, 2, "default", 7);
    raw_field(raw, 4, "alice", 5);
    raw_number(raw, 9, 1000);
}

static enum status
decode_request(struct raw *raw, struct request *request)
{
    memset(request, 0, sizeof(*request));
    raw_end(raw);
    return wire_decode(&request_table, raw->bytes, raw->length, request);
}

static bool
request_empty(const struct request *request)
{
    static const struct request empty;

    return memcmp(request, &empty, sizeof(empty)) == 0;
}

/* Decodes what must be refused, and checks that nothing is left behind. */
static void
assert_refused(struct raw *raw)
{
    struct request request;

    assert_int_equal(decode_request(raw, &request), STATUS_SYSTEM);
    assert_true(request_empty(&request));
}

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

/* A record comes back from its bytes as it went in, binary parts and numbers
 * at their limits included. */
static void
test_round_trip(void **state)
{
    struct secret out = SECRET_INIT(WIRE_MAX);
    struct grant grant;

    (void)state;
    encode_grant(&out);
    assert_int_equal(wire_message_size(out.data), out.length);
    memset(&grant, 0, sizeof(grant));
    assert_int_equal(wire_decode(&grant_table, out.data, out.length, &grant),
                     STATUS_OK);
    assert_string_equal(grant.realm, "default");
    assert_string_equal(grant.user, "alice");
    assert_int_equal(grant.uid, 1000);
    assert_int_equal(grant.obtained_at, 1700000000);
    assert_int_equal(grant.checked_at, 1700000001);
    assert_true(grant.expires_at == INT64_MAX);
    assert_true(grant.refresh_at == -5);
    assert_int_equal(grant.flags, GRANT_REFRESHABLE);
    assert_int_equal(grant.opaque.length, 4);
    assert_memory_equal(grant.opaque.data, "a\0b\xff", 4);
    grant_clear(&grant);
    secret_clear(&out);
}

/* The bytes of a message are the ones that wire.h draws, so that a record
 * written by one version is read by the next. */
static void
test_layout(void **state)
{
    struct session_record record = { .leader = 0x0102030405060708,
                                     .started_at = 1,
                                     .pid_namespace = 2,
                                     .opened_at = -1 };
    static const unsigned char expected[] = {
        'A',  'A',  'P',  'I', 1, 5, 0, 0, 0,    0,    0,    64,   0,
        1,    0,    0,    0,   8, 1, 2, 3, 4,    5,    6,    7,    8,
        0,    2,    0,    0,   0, 8, 0, 0, 0,    0,    0,    0,    0,
        1,    0,    3,    0,   0, 0, 8, 0, 0,    0,    0,    0,    0,
        0,    2,    0,    4,   0, 0, 0, 8, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0,   6, 0, 0, 0, 2,    'i',  'd',
    };
    struct secret out = SECRET_INIT(WIRE_MAX);

    (void)state;
    record.boot_id = strdup("id");
    assert_int_equal(wire_encode(&session_table, &record, &out), STATUS_OK);
    assert_int_equal(out.length, sizeof(expected));
    assert_memory_equal(out.data, expected, sizeof(expected));
    wire_clear(&session_table, &record);
    secret_clear(&out);
}

/* A header of another magic, version, type, or with its zero bytes used, is
 * not ours, nor is one whose length does not fit. */
static void
test_header(void **state)
{
    static const size_t places[] = { 0, 1, 2, 3, 4, 5, 6, 7, 11 };
    struct raw raw;
    struct request request;

    (void)state;
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        raw_request(&raw);
        raw_end(&raw);
        raw.bytes[places[i]] ^= 0x20;
        memset(&request, 0, sizeof(request));
        assert_int_equal(
            wire_decode(&request_table, raw.bytes, raw.length, &request),
            STATUS_SYSTEM);
        assert_true(request_empty(&request));
    }
    raw_request(&raw);
    assert_int_equal(decode_request(&raw, &request), STATUS_OK);
    wire_clear(&request_table, &request);
}

/* Bytes behind the length that the header names are refused, one or many. */
static void
test_trailing(void **state)
{
    struct raw raw;
    struct request request;

    (void)state;
    for (size_t more = 1; more < 20; more++) {
        raw_request(&raw);
        raw_end(&raw);
        memset(raw.bytes + raw.length, 0, more);
        memset(&request, 0, sizeof(request));
        assert_int_equal(wire_decode(&request_table, raw.bytes,
                                     raw.length + more, &request),
                         STATUS_SYSTEM);
        assert_true(request_empty(&request));
    }
}

/* A message that stops before the length that its header names is refused,
 * even where what is there would make a whole record. */
static void
test_stops_early(void **state)
{
    struct raw raw;
    struct request request;
    size_t whole;

    (void)state;
    raw_request(&raw);
    whole = raw.length;
    raw_number(&raw, 10, 1);
    raw_end(&raw);
    memset(&request, 0, sizeof(request));
    assert_int_equal(wire_decode(&request_table, raw.bytes, whole, &request),
                     STATUS_SYSTEM);
    assert_true(request_empty(&request));
}

/* The size that a header promises is believed up to the cap and not one byte
 * further, so nobody reads or allocates more. */
static void
test_message_size(void **state)
{
    struct raw raw;

    (void)state;
    raw_begin(&raw, WIRE_REPLY);
    raw_put(raw.bytes + 8, 4, 0);
    assert_int_equal(wire_message_size(raw.bytes), WIRE_HEADER_SIZE);
    raw_put(raw.bytes + 8, 4, WIRE_MAX - WIRE_HEADER_SIZE);
    assert_int_equal(wire_message_size(raw.bytes), WIRE_MAX);
    raw_put(raw.bytes + 8, 4, WIRE_MAX - WIRE_HEADER_SIZE + 1);
    assert_int_equal(wire_message_size(raw.bytes), 0);
    raw_put(raw.bytes + 8, 4, UINT32_MAX);
    assert_int_equal(wire_message_size(raw.bytes), 0);
}

/* A tag that no table knows is refused, and so is tag 0. */
static void
test_unknown_tag(void **state)
{
    static const unsigned tags[] = { 0, 11, 255, 257, 65535 };
    struct raw raw;

    (void)state;
    for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
        raw_request(&raw);
        raw_number(&raw, tags[i], 1);
        assert_refused(&raw);
    }
}

/* A field that comes twice is refused, even with the same value: the second
 * would replace what the first was checked for. */
static void
test_duplicate(void **state)
{
    struct raw raw;

    (void)state;
    raw_request(&raw);
    raw_field(&raw, 4, "alice", 5);
    assert_refused(&raw);
    raw_request(&raw);
    raw_number(&raw, 9, 1000);
    assert_refused(&raw);
}

/* A NUL inside a text is refused, wherever it stands: what is compared later
 * would be shorter than what was sent. */
static void
test_nul_in_text(void **state)
{
    static const char *const texts[] = { "\0lice", "al\0ce", "alic\0" };
    struct raw raw;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        raw_begin(&raw, WIRE_REQUEST);
        raw_number(&raw, 1, OPERATION_LOGIN);
        raw_field(&raw, 2, "default", 7);
        raw_field(&raw, 4, texts[i], 5);
        raw_number(&raw, 9, 1000);
        assert_refused(&raw);
    }
}

/* Empty texts and zero numbers have one way to be written, which is not at
 * all; a number is eight bytes and nothing else. */
static void
test_absent_values(void **state)
{
    struct raw raw;

    (void)state;
    raw_request(&raw);
    raw_field(&raw, 7, "", 0);
    assert_refused(&raw);
    raw_request(&raw);
    raw_number(&raw, 5, 0);
    assert_refused(&raw);
    for (size_t length = 0; length < 12; length++) {
        if (length == 8)
            continue;
        raw_request(&raw);
        raw_field(&raw, 5, "\1\1\1\1\1\1\1\1\1\1\1\1", length);
        assert_refused(&raw);
    }
}

/* A length that claims more than the bytes that are there is refused before
 * anything is allocated for it. */
static void
test_claimed_length(void **state)
{
    static const uint64_t claims[] = { 6, 255, 65535, 0x7fffffff, UINT32_MAX };
    struct raw raw;

    (void)state;
    for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++) {
        raw_request(&raw);
        raw_claim(&raw, 7, claims[i], "host5", 5);
        assert_refused(&raw);
    }
    /* A field header that is itself cut short. */
    for (size_t cut = 1; cut < 6; cut++) {
        raw_request(&raw);
        raw_field(&raw, 7, "", 0);
        raw.length -= cut;
        assert_refused(&raw);
    }
}

/* The longest value a table allows passes in both directions; one byte more
 * passes in neither. */
static void
test_limits(void **state)
{
    struct secret out = SECRET_INIT(WIRE_MAX);
    struct request request = { .operation = OPERATION_LOGIN, .idle_ms = 1 };
    char name[USER_MAX + 2] = { 0 };
    struct raw raw;

    (void)state;
    memset(name, 'u', USER_MAX + 1);
    request.realm = strdup("default");
    request.user = strdup(name);
    assert_int_equal(wire_encode(&request_table, &request, &out),
                     STATUS_SYSTEM);
    assert_int_equal(out.length, 0);
    request.user[USER_MAX] = '\0';
    assert_int_equal(wire_encode(&request_table, &request, &out), STATUS_OK);
    wire_clear(&request_table, &request);
    assert_int_equal(
        wire_decode(&request_table, out.data, out.length, &request),
        STATUS_OK);
    assert_int_equal(strlen(request.user), USER_MAX);
    wire_clear(&request_table, &request);

    raw_begin(&raw, WIRE_REQUEST);
    raw_number(&raw, 1, OPERATION_LOGIN);
    raw_field(&raw, 2, "default", 7);
    raw_field(&raw, 4, name, USER_MAX + 1);
    raw_number(&raw, 9, 1000);
    assert_refused(&raw);
    secret_clear(&out);
}

/* A record without one of its required fields is neither written nor read:
 * a reply that decides nothing never looks like one that does. */
static void
test_required(void **state)
{
    struct secret out = SECRET_INIT(WIRE_MAX);
    struct reply reply;
    struct raw raw;

    (void)state;
    memset(&reply, 0, sizeof(reply));
    assert_int_equal(wire_encode(&reply_table, &reply, &out), STATUS_SYSTEM);
    assert_int_equal(out.length, 0);
    raw_begin(&raw, WIRE_REPLY);
    raw_number(&raw, 4, 200);
    raw_end(&raw);
    assert_int_equal(wire_decode(&reply_table, raw.bytes, raw.length, &reply),
                     STATUS_SYSTEM);
    assert_int_equal(reply.http_status, 0);
    raw_begin(&raw, WIRE_REPLY);
    assert_int_equal(raw.length, WIRE_HEADER_SIZE);
    raw_end(&raw);
    assert_int_equal(wire_decode(&reply_table, raw.bytes, raw.length, &reply),
                     STATUS_SYSTEM);
}

/* A buffer that is capped below the message ends empty, not cut. */
static void
test_small_buffer(void **state)
{
    struct grant grant;

    (void)state;
    fill_grant(&grant);
    for (size_t limit = 0; limit < 64; limit++) {
        struct secret out = SECRET_INIT(limit);

        assert_int_equal(wire_encode(&grant_table, &grant, &out),
                         STATUS_SYSTEM);
        assert_int_equal(out.length, 0);
        assert_null(out.data);
    }
    grant_clear(&grant);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_layout),
        cmocka_unit_test(test_header),
        cmocka_unit_test(test_trailing),
        cmocka_unit_test(test_stops_early),
        cmocka_unit_test(test_message_size),
        cmocka_unit_test(test_unknown_tag),
        cmocka_unit_test(test_duplicate),
        cmocka_unit_test(test_nul_in_text),
        cmocka_unit_test(test_absent_values),
        cmocka_unit_test(test_claimed_length),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_required),
        cmocka_unit_test(test_small_buffer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
