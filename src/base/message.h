/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * message.h - the exchange between the module and the helper.
 *
 * Two messages in, one reply out, over one stream socket (the helper's
 * descriptor HELPER_SOCKET):
 *
 *     struct request   all but the secret
 *     struct handover  the secret: a password, or a grant's opaque bytes
 *     struct reply     what was decided
 *
 * and, after a reply with tokens (opaque or state), one byte more: whether
 * the caller has them where they will be found again (enum fate).  Until that
 * byte nobody else answers for them: without it, the helper takes them back.
 *
 * The tables in message.c are the protocol.
 */
#ifndef AUTHAPI_BASE_MESSAGE_H
#define AUTHAPI_BASE_MESSAGE_H

#include "base/secret.h"
#include "base/wire.h"

#include <stdint.h>

/* The descriptor on which the helper finds its socket; 0, 1 and 2 are
 * /dev/null. */
#define HELPER_SOCKET 3

enum operation {
    OPERATION_LOGIN = 1,   /* handover: password */
    OPERATION_REFRESH = 2, /* handover: grant */
    OPERATION_REVOKE = 3,  /* handover: grant */
    /* Asks the API anew whether the account is still good: [introspect], else
     * [refresh].  handover: grant */
    OPERATION_ACCOUNT = 4,
    /* Changes the password.  handover: password (the old one), new_password,
     * and a grant where there is one */
    OPERATION_PASSWORD = 5,
    /* Brings the second factor that a login asked for.  handover: state,
     * otp, password */
    OPERATION_FACTOR = 6,
};

/* What became of the tokens in a reply. */
enum fate {
    FATE_KEPT = 'k',     /* they are written down, or of no use any more */
    FATE_RETURNED = 'r', /* nobody keeps them: to be taken back */
};

/* Longest values, in bytes.  PASSWORD_MAX is libpam's PAM_MAX_RESP_SIZE. */
enum {
    REALM_MAX = 32,
    USER_MAX = 256,
    PASSWORD_MAX = 512,
    OPAQUE_MAX = 48 * 1024,
    TEXT_MAX = 1024,
    OTP_MAX = 128,
    KEYS_MAX = 12 * 1024,
    ACCESS_MAX = 16 * 1024,
};

struct request {
    int64_t operation; /* enum operation */
    char *realm;       /* realm_valid() */
    char *conf;        /* a conf file instead of the realm's own; only the
                        * administrator's command sends it */
    char *user;        /* the account name as NSS gives it, or as typed with
                        * `authapi try` */
    int64_t uid;       /* its uid */
    int64_t probe;     /* 1: from `authapi try`: [users] is not enforced */
    char *rhost;       /* may be NULL */
    char *service;     /* may be NULL */
    int64_t idle_ms;   /* how long the handover may take to come */
    int64_t debug;     /* 1: put debug lines into reply.notes */
};

struct handover {
    int64_t timeout_ms;     /* from now until the reply must have been sent */
    struct secret password; /* LOGIN, FACTOR, PASSWORD */
    struct secret opaque;   /* REFRESH, REVOKE, ACCOUNT, PASSWORD: a grant;
                             * FACTOR: the state of reply.state */
    struct secret otp;      /* FACTOR */
    struct secret new_password; /* PASSWORD */
    struct secret keys; /* the key set that the last reply.keys gave, if any */
    int64_t expired;    /* 1: the grant's access token has expired, by the
                         * clock that nobody sets */
};

struct reply {
    int64_t status;      /* enum status; required, so absent never means OK */
    char *detail;        /* what was tried and why it failed, for the log; no
                          * secret, no control characters */
    char *notes;         /* further lines for the log, '\n' between them,
                          * each beginning with "warning: " or "debug: " */
    int64_t http_status; /* of the last answer, 0 if there was none */
    int64_t retry_after; /* seconds, 0 if the API named none */

    /* With STATUS_OK of a login or refresh: the new grant. */
    struct secret opaque; /* for the helper's eyes only */
    int64_t expires_in;   /* seconds that the access token had to live when
                           * the answer came; 0 = the API names no end */
    int64_t expires_at;   /* seconds since the epoch; 0 = the API names none */
    int64_t refresh_at;   /* when a refresh is due; 0 = never */
    int64_t rotated;      /* 1: the answer brought another refresh token */
    int64_t flags;        /* enum grant_flags, base/grant.h */

    /* With STATUS_MFA_REQUIRED, and with STATUS_MFA_FAILED where another try
     * makes sense: what the next OPERATION_FACTOR needs, unread (it can also
     * be revoked like a grant), and what to ask the user. */
    struct secret state;
    char *prompt; /* "One-time code: " */

    char *message;  /* words for the user, from the conf or the description;
                     * no control characters */
    int64_t proved; /* 1 with STATUS_PASSWORD_EXPIRED: the API checked the
                     * password before it said so */
    struct secret keys;   /* a key set to be kept for later handovers; may come
                           * with any status */
    struct secret access; /* the access token that is also in opaque, for
                           * programs of the user; empty where the two do not
                           * fit into one record */
};

extern const struct wire_table request_table;
extern const struct wire_table handover_table;
extern const struct wire_table reply_table;

/* Whether NAME may be a realm: 1 to REALM_MAX of [A-Za-z0-9_-], beginning
 * with a letter or digit, and none of the names the run folder uses itself
 * ("tokens", "slots"). */
bool realm_valid(const char *name) MUST_USE;

/* Whether NAME may be an account name before a path, a log line or a request
 * is built from it: 1 to USER_MAX bytes of valid UTF-8 without control
 * characters, '/', ':', white space, or a leading '-'. */
bool user_valid(const char *name) MUST_USE;

/* Whether the LENGTH bytes are well-formed UTF-8 (RFC 3629). */
bool utf8_valid(const char *bytes, size_t length) MUST_USE;

#endif
