/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * jwt.c - what a JSON Web Token says, read with libjwt.
 */
#include "helper/jwt.h"

#include <jwt.h>
#include <stdlib.h>
#include <string.h>

/* {"alg":"none"}: the claims are shown to the library as the unsigned ones
 * that they are to us, so that an algorithm it does not know (EdDSA) does not
 * matter, and none can be taken for verified. */
static const char unsigned_head[] = "eyJhbGciOiJub25lIn0.";

enum status
jwt_unverified_exp(const struct secret *token, struct secret *text)
{
    struct secret bare = SECRET_INIT(32 * 1024);
    const char *claims = strchr(secret_text(token), '.');
    const char *end = claims != NULL ? strchr(claims + 1, '.') : NULL;
    enum status status = STATUS_NOT_FOUND;
    jwt_t *jwt = NULL;
    char *exp = NULL;

    secret_clear(text);
    /* Two dots make a signed token; an encrypted one has four. */
    if (end == NULL || strchr(end + 1, '.') != NULL)
        goto out;
    status = secret_set(&bare, unsigned_head);
    if (status == STATUS_OK)
        status = secret_append(&bare, claims + 1, (size_t)(end - claims));
    if (status != STATUS_OK)
        goto out;
    status = STATUS_NOT_FOUND;
    if (jwt_decode(&jwt, secret_text(&bare), NULL, 0) != 0)
        goto out;
    exp = jwt_get_grants_json(jwt, "exp");
    if (exp != NULL)
        status = secret_set(text, exp);
out:
    free(exp);
    jwt_free(jwt);
    secret_clear(&bare);
    return status == STATUS_SYSTEM ? STATUS_NOT_FOUND : status;
}
