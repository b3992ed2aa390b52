/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * template.c - text with %{variables}.
 *
 * It refuses to put a value where the place cannot carry it: that is an
 * error, never a repair.
 */
#include "provider/template.h"
#include "provider/words.h"

#include <stdlib.h>
#include <string.h>

/* A piece is either literal bytes or a choice of variables. */
struct piece {
    char *literal; /* NULL: a choice */
    char **names;
    size_t name_count;
    bool optional;
};

struct template
{
    char *source;
    struct piece *pieces;
    size_t count;
};

static const char no_memory[] = "out of memory";

static struct piece *
add_piece(struct template *template)
{
    struct piece *pieces =
        reallocarray(template->pieces, template->count + 1, sizeof(*pieces));

    if (pieces == NULL)
        return NULL;
    template->pieces = pieces;
    pieces += template->count++;
    memset(pieces, 0, sizeof(*pieces));
    return pieces;
}

static bool
add_literal(struct template *template, const char *text, size_t length,
            const char **why)
{
    struct piece *piece = add_piece(template);

    if (piece != NULL)
        piece->literal = strndup(text, length);
    if (piece == NULL || piece->literal == NULL) {
        *why = no_memory;
        return false;
    }
    return true;
}

static bool
add_name(struct piece *piece, const char *name, size_t length,
         const char **why)
{
    char **names;

    if (!word_is_name(name, length)) {
        *why = "a %{...} that holds no name of small letters, digits and _";
        return false;
    }
    names = reallocarray(piece->names, piece->name_count + 1, sizeof(*names));
    if (names != NULL) {
        piece->names = names;
        names[piece->name_count] = strndup(name, length);
    }
    if (names == NULL || names[piece->name_count] == NULL) {
        *why = no_memory;
        return false;
    }
    piece->name_count++;
    return true;
}

/* TEXT is what stands between the braces. */
static bool
add_choice(struct template *template, const char *text, size_t length,
           const char **why)
{
    struct piece *piece = add_piece(template);
    const char *end = text + length;

    if (piece == NULL) {
        *why = no_memory;
        return false;
    }
    if (length > 0 && end[-1] == '?') {
        piece->optional = true;
        end--;
    }
    for (;;) {
        const char *bar = memchr(text, '|', (size_t)(end - text));
        const char *stop = bar != NULL ? bar : end;

        if (!add_name(piece, text, (size_t)(stop - text), why))
            return false;
        if (bar == NULL)
            return true;
        text = bar + 1;
    }
}

static bool
parse(struct template *template, const char *text, const char **why)
{
    while (*text != '\0') {
        size_t length = strcspn(text, "%");

        if (length > 0) {
            if (!add_literal(template, text, length, why))
                return false;
        } else if (text[1] == '%') {
            length = 2;
            if (!add_literal(template, "%", 1, why))
                return false;
        } else if (text[1] == '{') {
            const char *brace = strchr(text, '}');

            if (brace == NULL) {
                *why = "a %{ without its }";
                return false;
            }
            length = (size_t)(brace - text) + 1;
            if (!add_choice(template, text + 2, length - 3, why))
                return false;
        } else {
            *why = "a % that is neither %{name} nor %%";
            return false;
        }
        text += length;
    }
    return true;
}

struct template *
template_parse(const char *text, const char **why)
{
    struct template *template = calloc(1, sizeof(*template));

    if (template != NULL)
        template->source = strdup(text);
    if (template == NULL || template->source == NULL) {
        *why = no_memory;
        goto fail;
    }
    if (parse(template, text, why))
        return template;

fail:
    template_free(template);
    return NULL;
}

/* The first variable of a choice that has a value. */
static const struct var *
choose(const struct piece *piece, const struct vars *vars)
{
    for (size_t i = 0; i < piece->name_count; i++) {
        const struct var *var = vars_find(vars, piece->names[i]);

        if (var != NULL && var->value.length > 0)
            return var;
    }
    return NULL;
}

static bool
is_control(unsigned char byte)
{
    return byte < 0x20 || byte == 0x7f;
}

static bool
is_unreserved(unsigned char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z')
           || (byte >= '0' && byte <= '9')
           || (byte != '\0' && strchr("-._~", byte) != NULL);
}

static enum status
append_encoded(struct secret *out, const struct secret *value)
{
    static const char digits[] = "0123456789ABCDEF";
    enum status status = STATUS_OK;

    for (size_t i = 0; i < value->length && status == STATUS_OK; i++) {
        unsigned char byte = (unsigned char)value->data[i];
        char triple[3] = { '%', digits[byte >> 4], digits[byte & 15] };

        if (is_unreserved(byte))
            status = secret_append(out, &value->data[i], 1);
        else
            status = secret_append(out, triple, sizeof(triple));
    }
    return status;
}

/* STATUS_MISCONFIGURED when the place cannot carry the value. */
static enum status
append_value(struct secret *out, const struct var *var,
             enum template_place place)
{
    const struct secret *value = &var->value;

    if (place == PLACE_URL && var->origin == VAR_OUTSIDE)
        return append_encoded(out, value);
    for (size_t i = 0; place != PLACE_TEXT && i < value->length; i++) {
        unsigned char byte = (unsigned char)value->data[i];

        if (is_control(byte) || (place == PLACE_URL && byte == ' '))
            return STATUS_MISCONFIGURED;
    }
    return secret_append(out, value->data, value->length);
}

/* Whether an empty %{x?} takes the whole template away. */
static bool
is_absent(const struct template *template, const struct vars *vars)
{
    for (size_t i = 0; i < template->count; i++) {
        const struct piece *piece = &template->pieces[i];

        if (piece->optional && choose(piece, vars) == NULL)
            return true;
    }
    return false;
}

enum status
template_fill(const struct template *template, const struct vars *vars,
              enum template_place place, struct secret *out, bool *present,
              const char **culprit)
{
    enum status status = secret_set(out, "");

    *present = false;
    *culprit = NULL;
    if (status != STATUS_OK || is_absent(template, vars))
        return status;

    for (size_t i = 0; i < template->count && status == STATUS_OK; i++) {
        const struct piece *piece = &template->pieces[i];

        if (piece->literal != NULL) {
            status =
                secret_append(out, piece->literal, strlen(piece->literal));
        } else {
            const struct var *var = choose(piece, vars);

            status = var == NULL ? STATUS_MISCONFIGURED
                                 : append_value(out, var, place);
            if (status == STATUS_MISCONFIGURED) {
                *culprit = piece->names[0];
                for (size_t n = 0; var != NULL && n < piece->name_count; n++)
                    if (strcmp(piece->names[n], var->name) == 0)
                        *culprit = piece->names[n];
            }
        }
    }
    if (status == STATUS_OK)
        *present = true;
    else
        secret_clear(out);
    return status;
}

void
template_names(const struct template *template,
               void (*visit)(void *context, const char *name, bool optional),
               void *context)
{
    for (size_t i = 0; i < template->count; i++) {
        const struct piece *piece = &template->pieces[i];

        for (size_t n = 0; n < piece->name_count; n++)
            visit(context, piece->names[n],
                  piece->optional || piece->name_count > 1);
    }
}

bool
template_uses(const struct template *template, const char *name)
{
    for (size_t i = 0; i < template->count; i++)
        for (size_t n = 0; n < template->pieces[i].name_count; n++)
            if (strcmp(template->pieces[i].names[n], name) == 0)
                return true;
    return false;
}

const char *
template_source(const struct template *template)
{
    return template->source;
}

void
template_free(struct template *template)
{
    if (template == NULL)
        return;
    for (size_t i = 0; i < template->count; i++) {
        struct piece *piece = &template->pieces[i];

        free(piece->literal);
        for (size_t n = 0; n < piece->name_count; n++)
            free(piece->names[n]);
        free(piece->names);
    }
    free(template->pieces);
    free(template->source);
    free(template);
}
