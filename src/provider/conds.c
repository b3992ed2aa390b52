/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * conds.c - conditions on an answer.
 *
 * It refuses to let a comparison hold that could not be made.
 */
#include "provider/rules.h"
#include "provider/words.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_LIMIT (1024 * 1024) /* no answer is longer */

enum cond_kind {
    COND_STATUS,       /* status=400 */
    COND_STATUS_CLASS, /* status=4xx */
    COND_PRESENT,
    COND_ABSENT,
    COND_EQUAL,
    COND_PREFIX,
    COND_SUBSTRING,
    COND_EQUAL_FOLDED,
    COND_MEMBER,
};

struct cond {
    enum cond_kind kind;
    int status;             /* 400, or 4 for a class */
    struct source *source;  /* all but the status kinds */
    struct template *value; /* the comparing kinds */
};

static void
cond_free(struct cond *cond)
{
    if (cond == NULL)
        return;
    source_free(cond->source);
    template_free(cond->value);
    free(cond);
}

/* The '=' of the condition's operator, or NULL.  A [key=value] segment has a
 * '=' of its own. */
static const char *
find_equals(const char *word)
{
    for (const char *at = word; *at != '\0'; at++) {
        if (*at == '=')
            return at;
        if (at[0] == '/' && at[1] == '[') {
            size_t length = strcspn(at + 1, "]");

            if (at[1 + length] == '\0')
                return NULL;
            at += length;
        }
    }
    return NULL;
}

static bool
parse_status(struct cond *cond, const char *value, const char **why)
{
    bool digits = value[0] >= '1' && value[0] <= '5';

    cond->kind = COND_STATUS;
    cond->status = value[0] - '0';
    if (digits && strcmp(value + 1, "xx") == 0) {
        cond->kind = COND_STATUS_CLASS;
        return true;
    }
    for (int i = 1; i <= 2 && digits; i++) {
        digits = value[i] >= '0' && value[i] <= '9';
        cond->status = cond->status * 10 + (value[i] - '0');
    }
    if (!digits || value[3] != '\0') {
        *why = "a status is three digits, or a digit and xx";
        return false;
    }
    return true;
}

static bool
parse_source(struct cond *cond, const char *text, size_t length, bool claims,
             const char **why)
{
    char *copy = strndup(text, length);

    if (copy == NULL) {
        *why = "out of memory";
        return false;
    }
    cond->source =
        claims ? source_parse_claim(copy, why) : source_parse(copy, why);
    free(copy);
    return cond->source != NULL;
}

static bool
parse_presence(struct cond *cond, const char *word, bool claims,
               const char **why)
{
    size_t length = strlen(word);

    if (length == 0 || word[length - 1] != '?') {
        *why = "a condition needs =, ^=, *=, ~=, @= or a ? at its end";
        return false;
    }
    cond->kind = COND_PRESENT;
    if (word[0] == '!') {
        cond->kind = COND_ABSENT;
        word++;
        length--;
    }
    return parse_source(cond, word, length - 1, claims, why);
}

static bool
parse_comparison(struct cond *cond, const char *word, const char *equals,
                 bool claims, const char **why)
{
    const char *end = equals;

    cond->kind = COND_EQUAL;
    if (equals > word) {
        if (equals[-1] == '^')
            cond->kind = COND_PREFIX;
        else if (equals[-1] == '*')
            cond->kind = COND_SUBSTRING;
        else if (equals[-1] == '~')
            cond->kind = COND_EQUAL_FOLDED;
        else if (equals[-1] == '@')
            cond->kind = COND_MEMBER;
        if (cond->kind != COND_EQUAL)
            end--;
    }
    if (cond->kind != COND_EQUAL && equals[1] == '\0') {
        *why = "nothing to compare with";
        return false;
    }
    if (!parse_source(cond, word, (size_t)(end - word), claims, why))
        return false;
    cond->value = template_parse(equals + 1, why);
    return cond->value != NULL;
}

static struct cond *
cond_parse(const char *word, bool claims, const char **why)
{
    const char *equals = find_equals(word);
    struct cond *cond = calloc(1, sizeof(*cond));
    bool good;

    if (cond == NULL) {
        *why = "out of memory";
        return NULL;
    }
    if (equals == NULL)
        good = parse_presence(cond, word, claims, why);
    else if (!claims && strncmp(word, "status=", strlen("status=")) == 0)
        good = parse_status(cond, equals + 1, why);
    else
        good = parse_comparison(cond, word, equals, claims, why);
    if (!good) {
        cond_free(cond);
        return NULL;
    }
    return cond;
}

/* Parses the words, which must not be none. */
static bool
parse_words(char *const *words, struct conds *conds, bool claims,
            const char **why)
{
    size_t count = 0;

    conds->items = NULL;
    conds->count = 0;
    while (words[count] != NULL)
        count++;
    if (count == 0) {
        *why = "a condition is missing";
        return false;
    }
    conds->items = calloc(count, sizeof(struct cond *));
    if (conds->items == NULL) {
        *why = "out of memory";
        return false;
    }
    for (; conds->count < count; conds->count++) {
        conds->items[conds->count] =
            cond_parse(words[conds->count], claims, why);
        if (conds->items[conds->count] == NULL) {
            conds_clear(conds);
            return false;
        }
    }
    return true;
}

static bool
parse_text(const char *text, struct conds *conds, bool claims,
           const char **why)
{
    size_t count;
    char **words = words_split(text, true, &count, why);
    bool good;

    conds->items = NULL;
    conds->count = 0;
    if (words == NULL)
        return false;
    good = parse_words(words, conds, claims, why);
    words_free(words);
    return good;
}

bool
conds_parse_words(char *const *words, struct conds *conds, const char **why)
{
    return parse_words(words, conds, false, why);
}

bool
conds_parse(const char *text, struct conds *conds, const char **why)
{
    return parse_text(text, conds, false, why);
}

bool
conds_parse_claims(const char *text, struct conds *conds, const char **why)
{
    return parse_text(text, conds, true, why);
}

static unsigned char
fold(char byte)
{
    unsigned char folded = (unsigned char)byte;

    if (byte >= 'A' && byte <= 'Z')
        folded = (unsigned char)(byte - 'A' + 'a');
    return folded;
}

static bool
equal_folded(const struct secret *a, const struct secret *b)
{
    if (a->length != b->length)
        return false;
    for (size_t i = 0; i < a->length; i++)
        if (fold(a->data[i]) != fold(b->data[i]))
            return false;
    return true;
}

static bool
compare(enum cond_kind kind, const struct secret *found,
        const struct secret *wanted)
{
    const char *text = secret_text(found);
    const char *want = secret_text(wanted);

    switch (kind) {
    case COND_EQUAL:
        return found->length == wanted->length
               && memcmp(text, want, wanted->length) == 0;
    case COND_EQUAL_FOLDED:
        return equal_folded(found, wanted);
    case COND_PREFIX:
        return found->length >= wanted->length
               && memcmp(text, want, wanted->length) == 0;
    case COND_SUBSTRING:
        return memmem(text, found->length, want, wanted->length) != NULL;
    case COND_STATUS:
    case COND_STATUS_CLASS:
    case COND_PRESENT:
    case COND_ABSENT:
    case COND_MEMBER:
        break;
    }
    return false;
}

/* Whether there is a value to compare with; one that a variable left empty
 * is none. */
static bool
fill_wanted(const struct cond *cond, const struct vars *vars,
            struct secret *wanted)
{
    bool literal_empty = template_source(cond->value)[0] == '\0';
    const char *culprit;
    bool present;

    return template_fill(cond->value, vars, PLACE_TEXT, wanted, &present,
                         &culprit)
               == STATUS_OK
           && present && (wanted->length > 0 || literal_empty);
}

static bool
comparison_holds(const struct cond *cond, const struct answer *answer,
                 const struct vars *vars)
{
    struct secret found = SECRET_INIT(TEXT_LIMIT);
    struct secret wanted = SECRET_INIT(TEXT_LIMIT);
    bool holds = fill_wanted(cond, vars, &wanted);

    if (cond->kind == COND_MEMBER)
        holds = holds && source_holds(cond->source, answer, &wanted);
    else
        holds = holds && source_read(cond->source, answer, &found) == STATUS_OK
                && compare(cond->kind, &found, &wanted);
    secret_clear(&found);
    secret_clear(&wanted);
    return holds;
}

static bool
cond_holds(const struct cond *cond, const struct answer *answer,
           const struct vars *vars)
{
    switch (cond->kind) {
    case COND_STATUS:
        return answer->status == cond->status;
    case COND_STATUS_CLASS:
        return answer->status / 100 == cond->status;
    case COND_PRESENT:
        return source_present(cond->source, answer);
    case COND_ABSENT:
        return !source_present(cond->source, answer);
    case COND_EQUAL:
    case COND_EQUAL_FOLDED:
    case COND_PREFIX:
    case COND_SUBSTRING:
    case COND_MEMBER:
        return comparison_holds(cond, answer, vars);
    }
    return false;
}

bool
conds_hold(const struct conds *conds, const struct answer *answer,
           const struct vars *vars)
{
    for (size_t i = 0; i < conds->count; i++)
        if (!cond_holds(conds->items[i], answer, vars))
            return false;
    return true;
}

void
conds_templates(const struct conds *conds,
                void (*visit)(void *context, const struct template *value),
                void *context)
{
    for (size_t i = 0; i < conds->count; i++)
        if (conds->items[i]->value != NULL)
            visit(context, conds->items[i]->value);
}

bool
conds_compare(const struct conds *conds, const char *name)
{
    for (size_t i = 0; i < conds->count; i++) {
        const struct cond *cond = conds->items[i];

        if ((cond->kind == COND_EQUAL || cond->kind == COND_EQUAL_FOLDED)
            && template_uses(cond->value, name))
            return true;
    }
    return false;
}

bool
conds_need_jwt(const struct conds *conds)
{
    for (size_t i = 0; i < conds->count; i++)
        if (conds->items[i]->source != NULL
            && source_needs_jwt(conds->items[i]->source))
            return true;
    return false;
}

bool
conds_partial(const struct conds *conds)
{
    for (size_t i = 0; i < conds->count; i++)
        if (conds->items[i]->kind == COND_PREFIX
            || conds->items[i]->kind == COND_SUBSTRING)
            return true;
    return false;
}

bool
conds_vacuous(const struct conds *conds)
{
    for (size_t i = 0; i < conds->count; i++)
        if (conds->items[i]->kind != COND_ABSENT
            && conds->items[i]->kind != COND_STATUS
            && conds->items[i]->kind != COND_STATUS_CLASS)
            return false;
    return true;
}

void
conds_clear(struct conds *conds)
{
    for (size_t i = 0; i < conds->count; i++)
        cond_free(conds->items[i]);
    free(conds->items);
    conds->items = NULL;
    conds->count = 0;
}
