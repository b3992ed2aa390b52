/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * grant.h - what one sign-in returned, in an envelope of plain fields.
 *
 * The tokens are in `opaque`, which the helper wrote and only the helper will
 * read again; nothing in this file or above looks inside.
 */
#ifndef AUTHAPI_BASE_GRANT_H
#define AUTHAPI_BASE_GRANT_H

#include "base/clock.h"
#include "base/secret.h"
#include "base/wire.h"

#include <stdbool.h>
#include <stdint.h>

enum grant_flags {
    GRANT_ENDS_USER = 1,    /* [revoke] ends = user */
    GRANT_SESSIONS_ONE = 2, /* [login] sessions = one */
    GRANT_REFRESHABLE = 4,  /* it holds what [refresh] needs */
    GRANT_DENIED = 8,       /* [account] says no */
};

struct grant {
    char *realm;
    char *user;
    int64_t uid;
    int64_t obtained_at; /* of the sign-in; seconds since the epoch */
    int64_t checked_at;  /* when the API last vouched for it */
    int64_t expires_at;  /* of the access token; 0 = not known */
    int64_t refresh_at;  /* when a refresh is due; 0 = never */
    int64_t flags;       /* enum grant_flags */
    struct secret opaque;
    struct secret access; /* the access token once more, to be exported */
    /* When the tokens came, by both clocks; expires_at and refresh_at are
     * reckoned from there, so that a clock that is set changes nothing. */
    int64_t taken_at;
    int64_t taken_boot;   /* seconds of CLOCK_BOOTTIME */
    int64_t checked_boot; /* the same of checked_at */
    int64_t signed_in_ms; /* of CLOCK_BOOTTIME; a refresh leaves it alone */
    /* In the outbox. */
    int64_t owed_at;  /* since when; 0: not tried yet */
    int64_t tries;    /* that failed */
    int64_t tried_at; /* the last time */
    int64_t retry_at; /* not before */
};

/* An open PAM session that signed in through us. */
struct session_record {
    int64_t leader;     /* pid that opened it */
    int64_t started_at; /* of the leader, in clock ticks since boot (field 22
                         * of proc(5) /proc/PID/stat) */
    int64_t pid_namespace; /* inode of /proc/self/ns/pid */
    int64_t opened_at;
    int64_t proved_at; /* when the password was last typed in it; seconds of
                        * CLOCK_BOOTTIME */
    char *boot_id;     /* /proc/sys/kernel/random/boot_id */
    char *service;
    char *tty;
    char *rhost;
    int64_t audit; /* the kernel's audit session; 0: none of its own */
    /* Without one: where the password was last typed again, or where it was
     * first not asked for; 0: nowhere yet. */
    int64_t terminal;         /* the controlling one, as in proc(5) */
    int64_t shell;            /* pid of the leader of its process session */
    int64_t shell_started_at; /* as started_at */
};

extern const struct wire_table grant_table;
extern const struct wire_table session_table;

/* Makes an empty grant.  Free with grant_clear. */
void grant_init(struct grant *grant);

/* Wipes and frees what the grant owns; it can be used again. Accepts NULL. */
void grant_clear(struct grant *grant);

/* Whether the grant is for this realm, name and uid, byte for byte. */
bool grant_belongs(const struct grant *grant, const char *realm,
                   const char *user, uint32_t uid) MUST_USE;

/* Says that the tokens came NOW. */
void grant_stamp(struct grant *grant, struct moment now);

/* Seconds since the tokens came, whatever the time of day says: by the clock
 * of this boot, or, for a grant of another, at least so many. */
int64_t grant_age(const struct grant *grant, struct moment now) MUST_USE;

/* Says that the API vouches for the account NOW. */
void grant_vouch(struct grant *grant, struct moment now);

/* Seconds since it last did, as grant_age. */
int64_t grant_vouched_age(const struct grant *grant,
                          struct moment now) MUST_USE;

/* Whether the access token has expired; one whose expiry nobody knows has
 * not. */
bool grant_expired(const struct grant *grant, struct moment now) MUST_USE;

/* Whether the grant is dead: expired, with nothing to refresh it with. */
bool grant_dead(const struct grant *grant, struct moment now) MUST_USE;

/* Whether a refresh is due. */
bool grant_due(const struct grant *grant, struct moment now) MUST_USE;

/* Lets the next refresh wait for DELAY_S seconds, since the API could not be
 * asked. */
void grant_postpone(struct grant *grant, struct moment now, int64_t delay_s);

#endif
