/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * http.h - one request over HTTPS, and its answer.
 *
 * https only (plain http to a loopback address where the conf allows it), TLS
 * 1.2 or later, verified against the CA that the site names and no other; no
 * redirects, no proxy but the conf's, no cookies kept, no compression, an
 * answer of at most HTTP_BODY_MAX bytes.  A request is sent once: this file
 * refuses to send it again after a first byte may have gone out, whatever the
 * connection did.
 */
#ifndef AUTHAPI_HELPER_HTTP_H
#define AUTHAPI_HELPER_HTTP_H

#include "base/secret.h"
#include "base/status.h"
#include "provider/answer.h"
#include "provider/conf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    HTTP_BODY_MAX = 1024 * 1024,
    HTTP_URL_MAX = 8 * 1024,
    HTTP_HEADER_MAX = 20 * 1024,   /* one that we send; a token fits in */
    HTTP_HEADERS_MAX = 64,         /* that we send */
    HTTP_SENT_MAX = 128 * 1024,    /* a body that we send */
    RETRY_AFTER_MAX = 6 * 60 * 60, /* seconds; newer libcurls say no more */
};

/* What to send. */
struct http_request {
    const char *method; /* borrowed */
    struct secret url;
    struct secret headers[HTTP_HEADERS_MAX]; /* "Name: value" */
    size_t header_count;
    bool has_body;
    size_t body_size; /* how long the body will be, to the byte */
    struct secret body;
};

/* What the transfer asks while it runs. */
struct http_hooks {
    void *context;
    int watch;           /* a descriptor to look after; -1: none */
    int64_t deadline_ms; /* of clock.h; the hooks may move it */

    /* The descriptor is readable; SENT as in the result.  False ends the
     * transfer. */
    bool (*wake)(void *context, bool sent);
    /* The connection stands, nothing was sent yet; may block.  True: the
     * body is complete and goes out now.  False ends the transfer. */
    bool (*release)(void *context);
    /* The deadline has passed.  False ends the transfer; true when the
     * deadline was moved. */
    bool (*late)(void *context, bool sent);
};

enum http_end {
    HTTP_ANSWERED, /* there is a whole answer */
    HTTP_FAILED,   /* there is none: ->status and ->why */
    HTTP_STALE,    /* nothing was sent: the server had closed the connection
                    * while it waited for the release; try once more */
    HTTP_STOPPED,  /* wake or release said so */
    HTTP_LATE,     /* late said so */
};

/* What came back.  Free with http_result_clear. */
struct http_result {
    bool sent; /* a part of the request may have reached the API */
    struct answer answer;
    struct secret body;  /* as it came */
    int64_t retry_after; /* seconds, 0 if the API named none */
    enum status status; /* with HTTP_FAILED: unavailable, misconfigured, ... */
    char why[512];      /* and a clause for people */
};

/* Prepares the library; once, before anything else. */
bool http_begin(void) MUST_USE;

/* Sends the request and waits for the answer.  RESULT is overwritten. */
enum http_end http_run(const struct conf *conf, struct http_request *request,
                       struct http_hooks *hooks,
                       struct http_result *result) MUST_USE;

/* Appends TEXT percent-encoded (all but RFC 3986's unreserved characters).
 * Returns as secret_append does. */
enum status http_escape(const struct secret *text,
                        struct secret *out) MUST_USE;

/* Wipe and free; accept NULL. */
void http_request_clear(struct http_request *request);
void http_result_clear(struct http_result *result);

#endif
