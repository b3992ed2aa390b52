/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vars.c - the named values that templates are filled from.
 *
 * It refuses to know what the names mean.
 */
#include "provider/vars.h"

#include <stdlib.h>
#include <string.h>

/* A token may be as long as a whole message between helper and module. */
#define VALUE_MAX (64 * 1024)

static struct var *
find(struct vars *vars, const char *name)
{
    for (size_t i = 0; i < vars->count; i++)
        if (strcmp(vars->items[i].name, name) == 0)
            return &vars->items[i];
    return NULL;
}

enum status
vars_set(struct vars *vars, const char *name, const char *value, size_t length,
         enum var_origin origin)
{
    struct secret fresh = SECRET_INIT(VALUE_MAX);
    struct var *var = find(vars, name);
    enum status status = secret_append(&fresh, value, length);

    if (status != STATUS_OK)
        goto out;
    if (var == NULL) {
        if (vars->count == VARS_MAX) {
            status = STATUS_SYSTEM;
            goto out;
        }
        var = &vars->items[vars->count];
        var->name = strdup(name);
        if (var->name == NULL) {
            status = STATUS_NO_MEMORY;
            goto out;
        }
        vars->count++;
    } else {
        secret_clear(&var->value);
    }
    var->value = fresh;
    var->origin = origin;
    return STATUS_OK;

out:
    secret_clear(&fresh);
    return status;
}

const struct var *
vars_find(const struct vars *vars, const char *name)
{
    for (size_t i = 0; i < vars->count; i++)
        if (strcmp(vars->items[i].name, name) == 0)
            return &vars->items[i];
    return NULL;
}

const char *
vars_value(const struct vars *vars, const char *name)
{
    const struct var *var = vars_find(vars, name);

    if (var == NULL || var->value.length == 0)
        return NULL;
    return secret_text(&var->value);
}

void
vars_clear(struct vars *vars)
{
    if (vars == NULL)
        return;
    for (size_t i = 0; i < vars->count; i++) {
        free(vars->items[i].name);
        vars->items[i].name = NULL;
        secret_clear(&vars->items[i].value);
    }
    vars->count = 0;
}
