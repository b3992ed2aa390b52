/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tokens.h - what one sign-in returned, and how it is kept.
 *
 * The only file that writes and reads a grant's opaque bytes:
 *
 *     {"v":1, "access_token":"...", "refresh_token":"...",
 *      "expires_at":1700000000, "vars":{"NAME":"the value of out.NAME"},
 *      "identity":{"iss":"...", "aud":"...", "sub":"..."}}
 *
 * A sign-in that waits for its second factor is kept in the same way, with
 * what the first step brought, if anything, and a "wants": "challenge" where
 * [mfa] takes the code, "otp" where [login] does.
 *
 * It refuses tokens that are longer than TOKEN_MAX or hold control
 * characters, in an answer and in a grant alike.
 */
#ifndef AUTHAPI_HELPER_TOKENS_H
#define AUTHAPI_HELPER_TOKENS_H

#include "base/secret.h"
#include "base/status.h"
#include "provider/answer.h"
#include "provider/conf.h"
#include "provider/vars.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    TOKEN_MAX = 16 * 1024,
    TOKEN_VARS_MAX = 32,     /* further outputs of a sign-in, */
    TOKEN_VAR_MAX = 4 * 1024 /* and the longest of them */
};

enum tokens_kind {
    TOKENS_GRANT,     /* of a complete sign-in */
    TOKENS_CHALLENGE, /* wants [mfa] */
    TOKENS_OTP,       /* wants [login] again, with the code */
};

struct tokens {
    bool denied; /* a `deny` of [account] held */
    enum tokens_kind kind;
    struct secret access;  /* never empty in a grant */
    struct secret refresh; /* empty: there is none */
    int64_t taken_at;      /* when the answer came; 0 = read, not taken */
    int64_t expires_at;    /* of the access token; 0 = not known */
    json_t *vars;          /* an object of strings, or NULL */
    json_t *identity;      /* claimset_identity() of the verified token that
                            * came with the first of them; or NULL */
};

void tokens_init(struct tokens *tokens);

/* Takes the outputs of STEP from ANSWER into TOKENS, over what is there: a
 * refresh token that the answer does not name stays, and with PARTLY the
 * access token too, of which there may be none then.  STATUS_OK;
 * STATUS_BAD_TOKEN with *why (static text) when there is no usable access
 * token or the refresh token is unusable; STATUS_NO_MEMORY.  On failure
 * TOKENS is as it was. *doubt is NULL, or static text about an expiry that
 * was not understood. */
enum status tokens_take(struct tokens *tokens, const struct step *step,
                        const struct answer *answer, int64_t now, bool partly,
                        const char **why, const char **doubt) MUST_USE;

/* The source of STEP's output NAME, or NULL. */
const struct source *tokens_source(const struct step *step,
                                   const char *name) MUST_USE;

/* Whether there is a token that could be revoked. */
bool tokens_any(const struct tokens *tokens) MUST_USE;

/* Sets the variables access_token, refresh_token and the further outputs.
 * Returns as vars_set does. */
enum status tokens_show(const struct tokens *tokens,
                        struct vars *vars) MUST_USE;

/* Writes and reads the opaque bytes.  STATUS_OK; STATUS_BAD_TOKEN for bytes
 * that tokens_write did not write, and for tokens that together do not fit;
 * STATUS_NO_MEMORY.  On failure OPAQUE or TOKENS is empty. */
enum status tokens_write(const struct tokens *tokens,
                         struct secret *opaque) MUST_USE;
enum status tokens_read(struct tokens *tokens,
                        const struct secret *opaque) MUST_USE;

/* Wipes and frees; TOKENS can be used again.  Accepts NULL. */
void tokens_clear(struct tokens *tokens);

#endif
