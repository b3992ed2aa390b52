/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_rules.c - sources, conditions on an answer, and the rules made of them.
 */
#include "provider/rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char body[] =
    "{\"error\":\"invalid_grant\",\"message\":\"Invalid identifier or "
    "password\",\"code\":101,\"ok\":false,\"nothing\":null,\"empty\":\"\","
    "\"obj\":{\"x\":1},\"list\":[],\"half\":0.5,"
    "\"user\":{\"email\":\"Alice@Example.com\",\"name\":\"alice\","
    "\"nul\":\"alice\\u0000x\",\"sharp\":\"\xc3\x84rger\"},"
    "\"quote\":\"say \\\"hi\\\" \\\\ 50%\","
    "\"errors\":[{\"a\":\"b=c\",\"code\":\"LOCKED\"}]}";

struct world {
    struct answer answer;
    struct vars vars;
};

static void
add_header(struct answer *answer, const char *name, const char *value)
{
    answer->headers[answer->header_count].name = strdup(name);
    answer->headers[answer->header_count].value = strdup(value);
    answer->header_count++;
}

static void
set(struct world *world, const char *name, const char *value)
{
    assert_int_equal(
        vars_set(&world->vars, name, value, strlen(value), VAR_OUTSIDE),
        STATUS_OK);
}

static int
setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));

    assert_non_null(world);
    world->answer.status = 400;
    world->answer.json = json_loads(body, JSON_ALLOW_NUL, NULL);
    world->answer.jwt = json_pack("{s:s}", "sub", "alice");
    assert_non_null(world->answer.json);
    add_header(&world->answer, "X-Retry", "7");
    add_header(&world->answer, "x-retry", "8");
    add_header(&world->answer, "Set-Cookie", "sid=old; Path=/");
    add_header(&world->answer, "set-cookie", " sid = \"n=ew\" ; Secure");
    add_header(&world->answer, "Set-Cookie", "SID=other; HttpOnly");
    add_header(&world->answer, "Set-Cookie", "; sid=attribute");
    set(world, "user", "alice");
    set(world, "identity", "alice@example.com");
    set(world, "prefix", "ali");
    set(world, "empty", "");
    *state = world;
    return 0;
}

static int
teardown(void **state)
{
    struct world *world = *state;

    answer_clear(&world->answer);
    vars_clear(&world->vars);
    free(world);
    return 0;
}

static bool
holds(void **state, const char *text)
{
    struct world *world = *state;
    const char *why = NULL;
    struct conds conds;
    bool result;

    if (!conds_parse(text, &conds, &why))
        fail_msg("%s: %s", text, why);
    result = conds_hold(&conds, &world->answer, &world->vars);
    conds_clear(&conds);
    return result;
}

static void
all_hold(void **state, const char *const *conds, bool wanted)
{
    for (; *conds != NULL; conds++)
        if (holds(state, *conds) != wanted)
            fail_msg("%s %s", *conds, wanted ? "does not hold" : "holds");
}

/* A status is compared whole or by its first digit. */
static void
test_status(void **state)
{
    static const char *const yes[] = { "status=400", "status=4xx", NULL };
    static const char *const no[] = { "status=401", "status=404", "status=2xx",
                                      "status=5xx", NULL };

    all_hold(state, yes, true);
    all_hold(state, no, false);
}

/* A comparison holds for equal length and bytes, and for nothing near it:
 * empty, prefix, longer, other case, a NUL inside. */
static void
test_equal(void **state)
{
    static const char *const yes[] = {
        "/error=invalid_grant",
        "/code=101",
        "/ok=false",
        "/half=0.5",
        "/empty=",
        "/user/name=%{user}",
        "/errors/[a=b=c]/code=LOCKED",
        "/errors/[code=LOCKED]/a=b=c",
        "\"/quote=say \\\"hi\\\" \\\\ 50%%\"",
        NULL,
    };
    static const char *const no[] = {
        "/error=invalid_gran",
        "/error=invalid_grantt",
        "/error=Invalid_grant",
        "/error=",
        "/user/nul=alice",
        "/user/nul=alice\\u0000x",
        "/user/name=%{identity}",
        "/user/name=%{prefix}",
        "/code=101.0",
        "/nothing=",
        "/nothing=null",
        "/obj=",
        "/list=",
        "/missing=",
        NULL,
    };

    all_hold(state, yes, true);
    all_hold(state, no, false);
}

/* ~= folds the case of ASCII letters, and of no others. */
static void
test_folded(void **state)
{
    static const char *const yes[] = { "/user/email~=%{identity}",
                                       "/user/email~=ALICE@EXAMPLE.COM",
                                       "/user/sharp~=\xc3\x84RGER", NULL };
    static const char *const no[] = {
        "/user/email=%{identity}",         "/user/email~=alice@example.co",
        "/user/email~=alice@example.comm", "/user/nul~=alice",
        "/user/sharp~=\xc3\xa4rger",       NULL
    };

    all_hold(state, yes, true);
    all_hold(state, no, false);
}

/* Prefix and substring look where they say. */
static void
test_parts(void **state)
{
    static const char *const yes[] = {
        "/error^=invalid", "/error^=invalid_grant", "/error*=grant",
        "/error*=d_g",     "/user/name^=%{prefix}", NULL
    };
    static const char *const no[] = {
        "/error^=grant", "/error*=Grant", "/error^=invalid_grant_",
        "/nothing*=n",   "/obj*=x",       NULL
    };

    all_hold(state, yes, true);
    all_hold(state, no, false);
}

/* A comparison with a variable that is not set, or empty, never holds: an
 * empty value must not make a prefix of everything. */
static void
test_unset(void **state)
{
    static const char *const no[] = {
        "/empty=%{empty}",   "/empty=%{nobody}",
        "/empty~=%{empty}",  "/error^=%{empty}",
        "/error*=%{empty}",  "/error^=%{nobody?}",
        "/empty=%{nobody?}", NULL,
    };

    all_hold(state, no, false);
}

/* Presence is anything but null, absence its opposite. */
static void
test_presence(void **state)
{
    static const char *const yes[] = {
        "/error?",       "/empty?",
        "/ok?",          "/obj?",
        "/list?",        "/user/name?",
        "!/nothing?",    "!/missing?",
        "!/user/none?",  "header:X-RETRY?",
        "!header:nope?", "cookie:sid?",
        "!cookie:none?", NULL,
    };
    static const char *const no[] = {
        "!/error?",     "/nothing?",        "/missing?",    "!/obj?",
        "header:nope?", "!header:x-retry?", "cookie:none?", NULL,
    };

    all_hold(state, yes, true);
    all_hold(state, no, false);
}

/* Headers are found whatever their case, the first of a name; cookies by
 * their exact name, the last of a name, without quotes. */
static void
test_headers(void **state)
{
    static const char *const yes[] = { "header:x-RETRY=7", "cookie:sid=n=ew",
                                       "cookie:SID=other", "jwt:/sub=%{user}",
                                       NULL };
    static const char *const no[] = {
        "header:x-retry=8",     "cookie:sid=old", "cookie:Sid=other",
        "jwt:/sub=%{identity}", "cookie:Secure?", NULL
    };

    all_hold(state, yes, true);
    all_hold(state, no, false);
}

/* An answer without JSON, token or headers has nothing to match. */
static void
test_bare_answer(void **state)
{
    struct world *world = *state;

    answer_clear(&world->answer);
    world->answer.status = 200;
    assert_true(holds(state, "status=200 !/error? !jwt:/sub? !header:a?"));
    assert_false(holds(state, "/error?"));
    assert_false(holds(state, "jwt:/sub=%{user}"));
    assert_false(holds(state, "/empty="));
}

/* All conditions of a list must hold; none at all hold. */
static void
test_all(void **state)
{
    struct world *world = *state;
    struct conds none = { NULL, 0 };

    assert_true(holds(state, "status=4xx /error=invalid_grant /code=101"));
    assert_false(holds(state, "status=4xx /error=invalid_grant /code=102"));
    assert_false(holds(state, "status=200 /error=invalid_grant"));
    assert_true(holds(
        state, "\"/message=Invalid identifier or password\"\tstatus=400"));
    assert_true(conds_hold(&none, &world->answer, &world->vars));
}

/* What is no condition is refused with a reason, and leaves nothing. */
static void
test_refused(void **state)
{
    static const char *const bad[] = {
        "",           "  ",
        "status",     "status=",
        "status=40",  "status=4000",
        "status=abc", "status=6xx",
        "status=4XX", "status=099",
        "status^=4",  "/a",
        "a=b",        "=b",
        "?",          "!?",
        "!/a",        "!/a=b",
        "/a^=",       "/a*=",
        "/a~=",       "/a=%{",
        "/a=50%",     "\"/a=b",
        "\"/a=b\"c",  "\"/a=\\n\"",
        "header:=x",  "header:a b?",
        "cookie:?",   "foo:/a?",
        "/~2=x",      "/[a=b",
        "/[a=b/c=d",  "status=400 /a",
        "jwt:sub=x",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct conds conds;
        const char *why = NULL;

        if (conds_parse(bad[i], &conds, &why))
            fail_msg("accepted: %s", bad[i]);
        assert_non_null(why);
        assert_int_equal(conds.count, 0);
        assert_null(conds.items);
    }
}

/* A rule is a class of what an API can decide and at least one condition;
 * only an expired password can be proof of the password. */
static void
test_rule(void **state)
{
    static const char *const bad[] = {
        "",
        "bad_credentials",
        "ok status=200",
        "not_ours status=200",
        "deadline status=200",
        "BAD_CREDENTIALS status=400",
        "locked proves_password status=400",
        "password_expired proves_password",
        "status=400",
    };
    const char *why = NULL;
    struct rule rule;

    (void)state;
    assert_true(rule_parse("locked status=423 /a?", &rule, &why));
    assert_int_equal(rule.class, STATUS_LOCKED);
    assert_false(rule.proves_password);
    assert_int_equal(rule.conds.count, 2);
    rule_clear(&rule);
    assert_true(
        rule_parse("password_expired proves_password /a=b", &rule, &why));
    assert_int_equal(rule.class, STATUS_PASSWORD_EXPIRED);
    assert_true(rule.proves_password);
    assert_int_equal(rule.conds.count, 1);
    rule_clear(&rule);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        why = NULL;
        assert_false(rule_parse(bad[i], &rule, &why));
        assert_non_null(why);
        assert_int_equal(rule.class, STATUS_UNDECIDED);
        assert_int_equal(rule.conds.count, 0);
    }
}

/* The first rule that matches decides, and no rule decides nothing. */
static void
test_first_match(void **state)
{
    static const char *const texts[] = {
        "locked status=400 /error=other",
        "disabled /error^=invalid_",
        "bad_credentials status=400",
    };
    struct world *world = *state;
    struct rule items[3];
    struct rules rules = { items, 3 };
    const char *why;

    for (size_t i = 0; i < 3; i++)
        assert_true(rule_parse(texts[i], &items[i], &why));
    assert_ptr_equal(rules_match(&rules, &world->answer, &world->vars),
                     &items[1]);
    world->answer.status = 500;
    rules.count = 1;
    assert_null(rules_match(&rules, &world->answer, &world->vars));
    for (size_t i = 0; i < 3; i++)
        rule_clear(&items[i]);
}

/* Only an equality with the variable ties an answer to it. */
static void
test_compare(void **state)
{
    struct conds conds;
    const char *why;

    (void)state;
    assert_true(conds_parse("status=200 /a~=x%{user}", &conds, &why));
    assert_true(conds_compare(&conds, "user"));
    assert_false(conds_compare(&conds, "identity"));
    assert_false(conds_need_jwt(&conds));
    conds_clear(&conds);
    assert_true(conds_parse("/a^=%{user} /b*=%{user} jwt:/c?", &conds, &why));
    assert_false(conds_compare(&conds, "user"));
    assert_true(conds_need_jwt(&conds));
    conds_clear(&conds);
}

/* A token is a string: a number or boolean in its place is none. */
static void
test_read_string(void **state)
{
    static const char *const no[] = { "/code", "/ok", "/obj", "/nothing",
                                      "/missing" };
    struct world *world = *state;
    struct secret out = SECRET_INIT(64);
    const char *why;
    struct source *source = source_parse("/error", &why);

    assert_int_equal(source_read_string(source, &world->answer, &out),
                     STATUS_OK);
    assert_string_equal(secret_text(&out), "invalid_grant");
    source_free(source);
    for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++) {
        source = source_parse(no[i], &why);
        assert_int_equal(source_read_string(source, &world->answer, &out),
                         STATUS_NOT_FOUND);
        assert_int_equal(out.length, 0);
        source_free(source);
    }
    source = source_parse("cookie:sid", &why);
    assert_int_equal(source_read_string(source, &world->answer, &out),
                     STATUS_OK);
    assert_string_equal(secret_text(&out), "n=ew");
    source_free(source);
    secret_clear(&out);
}

/* P@=v is about whole members: elements of an array, words of a string, and
 * never a part of one, another type or an object's name. */
static void
test_member(void **state)
{
    static const char claims[] =
        "{\"roles\":[\"staff\",\"linux admin\",7,true,null,[\"deep\"],\"\","
        "\"nul\\u0000x\"],\"scope\":\"openid  email\",\"one\":\"admin\","
        "\"number\":7,\"none\":null,\"map\":{\"admin\":true},\"empty\":\"\","
        "\"https://x.example/roles\":[\"alice\"],\"a~b\":\"c\"}";
    static const char *const yes[] = {
        "jwt:/roles@=staff",   "\"jwt:/roles@=linux admin\"",
        "jwt:/roles@=7",       "jwt:/roles@=true",
        "jwt:/scope@=openid",  "jwt:/scope@=email",
        "jwt:/one@=admin",     "jwt:/https:~1~1x.example~1roles@=%{user}",
        "jwt:/roles/5@=deep",  "header:X-Retry@=7",
        "/user/name@=%{user}", NULL
    };
    static const char *const no[] = {
        "jwt:/roles@=staf",     "jwt:/roles@=staffs",
        "jwt:/roles@=Staff",    "jwt:/roles@=linux",
        "jwt:/roles@=admin",    "jwt:/roles@=deep",
        "jwt:/roles@=nul",      "jwt:/roles@=null",
        "jwt:/roles@=%{empty}", "jwt:/roles@=%{unset}",
        "jwt:/scope@=open",     "\"jwt:/scope@=openid  email\"",
        "jwt:/number@=7",       "jwt:/none@=null",
        "jwt:/map@=admin",      "jwt:/missing@=x",
        "jwt:/empty@=%{empty}", "jwt:/roles@=%{prefix}",
        "cookie:nosuch@=n",     "jwt:/roles=staff",
        "\"jwt:/scope@= \"",    NULL
    };
    struct world *world = *state;

    json_decref(world->answer.jwt);
    world->answer.jwt = json_loads(claims, JSON_ALLOW_NUL, NULL);
    assert_non_null(world->answer.jwt);
    all_hold(state, yes, true);
    all_hold(state, no, false);
}

/* On claims alone a bare name is one claim, whatever it holds; there is no
 * status and no place but the token. */
static void
test_claims(void **state)
{
    static const char *const yes[] = { "sub=alice",
                                       "/sub=%{user}",
                                       "jwt:/sub=alice",
                                       "status=gold",
                                       "a/b~c=d",
                                       "list@=x",
                                       "!nothing?",
                                       "sub?",
                                       "/a~1b~0c=d",
                                       "https://x@=y",
                                       NULL };
    static const char *const no[] = { "sub=bob", "/error=invalid_grant",
                                      "!sub?",   "status=400",
                                      "a=d",     NULL };
    static const char *const bad[] = { "=x",    "?",         "sub",    "sub^=",
                                       "[a=b",  "jwt:sub=x", "sub=%{", "",
                                       "sub@=", NULL };
    struct world *world = *state;
    const char *why = NULL;
    struct conds conds;

    json_decref(world->answer.jwt);
    world->answer.jwt =
        json_pack("{s:s, s:s, s:s, s:[s], s:[s]}", "sub", "alice", "status",
                  "gold", "a/b~c", "d", "list", "x", "https://x", "y");
    assert_non_null(world->answer.jwt);
    for (size_t i = 0; yes[i] != NULL; i++) {
        assert_true(conds_parse_claims(yes[i], &conds, &why));
        assert_true(conds_need_jwt(&conds));
        if (!conds_hold(&conds, &world->answer, &world->vars))
            fail_msg("%s does not hold", yes[i]);
        conds_clear(&conds);
    }
    for (size_t i = 0; no[i] != NULL; i++) {
        assert_true(conds_parse_claims(no[i], &conds, &why));
        if (conds_hold(&conds, &world->answer, &world->vars))
            fail_msg("%s holds", no[i]);
        conds_clear(&conds);
    }
    for (size_t i = 0; bad[i] != NULL; i++) {
        why = NULL;
        if (conds_parse_claims(bad[i], &conds, &why))
            fail_msg("%s is taken", bad[i]);
        assert_non_null(why);
    }
}

/* Which conditions are content with a part of a value. */
static void
test_partial(void **state)
{
    static const char *const whole[] = { "/a=x", "/a~=x",      "/a@=x",
                                         "/a?",  "status=200", NULL };
    static const char *const part[] = { "/a^=x", "/b=y /a*=x", NULL };
    const char *why = NULL;
    struct conds conds;

    (void)state;
    for (size_t i = 0; whole[i] != NULL; i++) {
        assert_true(conds_parse(whole[i], &conds, &why));
        assert_false(conds_partial(&conds));
        conds_clear(&conds);
    }
    for (size_t i = 0; part[i] != NULL; i++) {
        assert_true(conds_parse(part[i], &conds, &why));
        assert_true(conds_partial(&conds));
        conds_clear(&conds);
    }
}

#define TEST(function)                                                        \
    cmocka_unit_test_setup_teardown(function, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_status),  TEST(test_equal),       TEST(test_folded),
        TEST(test_parts),   TEST(test_unset),       TEST(test_presence),
        TEST(test_headers), TEST(test_bare_answer), TEST(test_all),
        TEST(test_refused), TEST(test_rule),        TEST(test_first_match),
        TEST(test_compare), TEST(test_read_string), TEST(test_member),
        TEST(test_claims),  TEST(test_partial),
    };

    return cmocka_run_group_tests_name("rules", tests, NULL, NULL);
}
