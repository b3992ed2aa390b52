/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * key.h - one key that tokens are verified with.
 *
 * It comes from a JWK (RFC 7517), a PEM file or a secret, and knows which
 * algorithms it is for.  A key that must not be used is kept with the reason,
 * so that a token signed with it is refused in words.
 */
#ifndef AUTHAPI_HELPER_KEY_H
#define AUTHAPI_HELPER_KEY_H

#include "base/secret.h"
#include "base/status.h"

#include <jansson.h>
#include <stdbool.h>

enum {
    KEY_ID_MAX = 256,
    KEY_MATERIAL_MAX = 8 * 1024, /* a PEM, or a secret */
    KEY_RSA_MIN = 2048,          /* bits of the modulus */
    KEY_RSA_MAX = 8192,
    KEY_HMAC_MIN = 32, /* bytes of a secret; RFC 7518 3.2 for HS256 */
};

enum key_type { KEY_RSA, KEY_EC, KEY_ED25519, KEY_HMAC };

/* A signature algorithm (RFC 7518 3.1, RFC 8037). */
struct algorithm {
    const char *name;
    enum key_type type;
    int bits;           /* of the curve; 0 where it does not matter */
    const char *digest; /* NULL: the algorithm has its own */
    bool pss;
};

struct key {
    char *id;        /* kid; NULL: it has none */
    char *algorithm; /* the only one it is for; NULL: any that fits */
    char *refused;   /* why it must not be used; NULL: it may be */
    enum key_type type;
    int bits;               /* of the modulus, or of the curve */
    struct secret material; /* the public key as PEM, or the secret */
};

/* The algorithm of that name, or NULL; "none" is not one. */
const struct algorithm *algorithm_find(const char *name) MUST_USE;

/* Whether a signature of ALGORITHM can be of this key. */
bool key_fits(const struct key *key,
              const struct algorithm *algorithm) MUST_USE;

/* Reads a JWK into the empty KEY.  STATUS_OK: a key, perhaps a refused one;
 * STATUS_NOT_FOUND: it is of a kind we have no use for (another kty, a key to
 * encrypt with); STATUS_NO_MEMORY. */
enum status key_read_jwk(struct key *key, const json_t *jwk) MUST_USE;

/* Reads a public key or a certificate.  STATUS_OK: a key, perhaps a refused
 * one; STATUS_MISCONFIGURED with *why (static text); STATUS_NO_MEMORY. */
enum status key_read_pem(struct key *key, const struct secret *pem,
                         const char **why) MUST_USE;

/* Takes a shared secret.  STATUS_OK, STATUS_NO_MEMORY. */
enum status key_read_secret(struct key *key,
                            const struct secret *bytes) MUST_USE;

/* The key as a JWK of what is needed to verify, and kid and alg where it has
 * them; NULL without memory, and for a refused key. */
json_t *key_write_jwk(const struct key *key) MUST_USE;

/* Marks the key as one that must not be used.  False without memory. */
bool key_refuse(struct key *key, const char *why) MUST_USE;

/* Wipes and frees what the key owns.  Accepts NULL. */
void key_clear(struct key *key);

#endif
