/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * requirement.c - lists of conditions that have a name.
 *
 * It refuses to know what a requirement is for.
 */
#include "provider/step.h"

#include <stdlib.h>
#include <string.h>

struct requirement *
requirement_add(struct requirement **items, size_t *count, const char *name)
{
    struct requirement *grown =
        reallocarray(*items, *count + 1, sizeof(*grown));

    if (grown == NULL)
        return NULL;
    *items = grown;
    grown += *count;
    memset(grown, 0, sizeof(*grown));
    grown->name = strdup(name);
    if (grown->name == NULL)
        return NULL;
    (*count)++;
    return grown;
}

void
requirements_clear(struct requirement **items, size_t *count)
{
    for (size_t i = 0; i < *count; i++) {
        free((*items)[i].name);
        conds_clear(&(*items)[i].conds);
    }
    free(*items);
    *items = NULL;
    *count = 0;
}
