/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * conf.h - a site's conf with its provider description behind it, checked.
 *
 * After conf_load everything is parsed and every mistake has been reported
 * with file, line and key; nothing can be misspelled at sign-in time.  This
 * file opens the conf, the description and the @file: secrets, and nothing
 * else.
 */
#ifndef AUTHAPI_PROVIDER_CONF_H
#define AUTHAPI_PROVIDER_CONF_H

#include "base/status.h"
#include "provider/answer.h"
#include "provider/expiry.h"
#include "provider/rules.h"
#include "provider/template.h"
#include "provider/users.h"
#include "provider/vars.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum encoding { ENCODING_JSON, ENCODING_FORM, ENCODING_NONE };

enum auth_scheme {
    AUTH_NONE,
    AUTH_BASIC,        /* RFC 7617 */
    AUTH_CLIENT_BASIC, /* RFC 6749 2.3.1: both halves form-encoded first */
    AUTH_BEARER,       /* RFC 6750 */
};

/* A field of the body or a header. */
struct entry {
    char *name;             /* "email", "/a/b" (nested JSON), "X-Header" */
    struct template *value; /* NULL with a literal */
    json_t *literal;        /* json:true, json:5, json:{...}; else NULL */
    int line;
};

struct entries {
    struct entry *items;
    size_t count;
};

/* out.NAME = SOURCE */
struct output {
    char *name;
    struct source *source;
};

struct outputs {
    struct output *items;
    size_t count;
};

/* require.NAME = COND ... */
struct requirement {
    char *name;
    struct conds conds;
};

/* One request that the API understands, and how to read its answer. */
struct step {
    const char *name; /* the section: "login", "refresh", ... */
    bool present;     /* false: the API has no such step */

    char *method; /* "POST" */
    struct template *url;
    enum encoding encoding;
    char *content_type; /* NULL: what the encoding implies */
    struct entries fields;
    struct entries headers; /* [http] first, then the section's own */
    enum auth_scheme auth;
    struct template *auth_first;  /* ID or TOKEN */
    struct template *auth_second; /* SECRET; NULL with bearer */
    bool pad; /* a JSON body is padded to a fixed size; default yes */

    struct outputs outputs;
    enum expiry_unit expires_unit;
    int64_t ttl; /* seconds, when the API names no expiry; 0 = unknown */
    struct conds success;        /* default: status=2xx */
    struct requirement *require; /* all must hold */
    size_t require_count;
    bool account_login;      /* account = login: nothing to compare */
    bool account_introspect; /* account = introspect: the account rule of
                              * [introspect] must hold for its answer */
    struct conds account;    /* account = COND */
    struct rules rules;      /* the section's own, then [rules] */
};

/* Where the keys for [jwt] come from. */
enum keys_kind {
    KEYS_URL,  /* a JWKS (RFC 7517), fetched over TLS */
    KEYS_JWKS, /* a JWKS file */
    KEYS_PEM,  /* a public key or certificate */
    KEYS_HMAC, /* a shared secret */
};

/* [jwt]: what makes a token that is a JWT trustworthy (RFC 7519, 8725). */
struct jwt_rules {
    bool present;
    char *token; /* the output that is verified; "access_token" */
    enum keys_kind kind;
    char *url;            /* KEYS_URL */
    struct secret source; /* all other kinds: what the file holds */
    char **algorithms;    /* pinned: "RS256" ...; never "none" */
    size_t algorithm_count;
    char *issuer;   /* iss must equal it; NULL: `issuer = any` was written */
    char *audience; /* aud must equal or hold it; NULL: `audience = any` */
    int64_t leeway; /* seconds, for exp and nbf; 0 to 300 */
    struct requirement *require; /* on claims: all must hold */
    size_t require_count;
};

/* [account]: who may come in, by what the answer or the claims say. */
struct account_rules {
    struct requirement *allow; /* where there are some, one must hold */
    size_t allow_count;
    struct requirement *deny; /* none may hold */
    size_t deny_count;
};

struct conf {
    char *path; /* of the conf, for messages */
    char *description_path;

    char *ca; /* file or folder; NULL: the system's hashed folder */
    bool ca_is_folder;
    char *proxy;     /* NULL: none */
    bool allow_http; /* plain http to a loopback address */

    struct users users;
    struct vars vars; /* the site's variables, secrets loaded */
    struct template *identity;

    struct step login;
    struct step refresh;
    struct step revoke;
    struct step revoke_access;   /* a second revocation, where ending the
                                  * refresh token leaves the access token be */
    struct step mfa_start;       /* asks the API for a challenge */
    struct step mfa;             /* answers it; like [login], brings tokens */
    struct step introspect;      /* RFC 7662, or any "who is this token" */
    struct step password;        /* changes the password */
    struct template *mfa_prompt; /* [mfa] prompt = ... */
    bool mfa_restart; /* [mfa] restart = yes: a wrong code needs a new
                       * challenge */
    bool mfa_always;  /* [mfa] always = yes: [login] is never sent without
                       * a code */
    struct jwt_rules jwt;
    struct account_rules account;
    struct source *request_id;     /* [http] request_id = header:... */
    struct source *retry_after;    /* [http] retry_after = header:... */
    struct source *server_message; /* [messages] server = SOURCE: words of the
                                    * API that the user may see */
    struct template *messages[STATUS_COUNT]; /* [messages] CLASS = text */
    bool sessions_one;                       /* [login] sessions = one */
    bool ends_user;                          /* [revoke] ends = user */
};

/* Takes one problem.  LINE is 0 where a whole file is meant; KEY may be "".
 * WARNING problems do not keep the conf from being used. */
struct conf_reporter {
    void (*report)(void *context, bool warning, const char *file, int line,
                   const char *key, const char *text);
    void *context;
};

/* Loads and checks PATH and the description it names, looked for as
 * DESCRIPTIONS/NAME.ini ("provider = /absolute/path.ini" is taken as it is).
 * STATUS_OK with *conf set (free with conf_free); STATUS_MISCONFIGURED after
 * at least one report that is no warning; STATUS_NO_MEMORY.  All problems are
 * reported, not just the first.  On failure *conf is NULL. */
enum status conf_load(const char *path, const char *descriptions,
                      const struct conf_reporter *reporter,
                      struct conf **conf) MUST_USE;

/* Wipes and frees.  Accepts NULL. */
void conf_free(struct conf *conf);

#endif
