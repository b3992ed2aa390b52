/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * url.h - which addresses a password may go to.
 */
#ifndef AUTHAPI_PROVIDER_URL_H
#define AUTHAPI_PROVIDER_URL_H

#include "base/status.h"

#include <stdbool.h>

/* Stands for everything that is known at sign-in only. */
#define URL_UNKNOWN "authapi-unknown-value"

/* Why URL cannot be used (static text), or NULL: it must be https, or, with
 * ALLOW_HTTP, http to a name or a loopback address (what a name means is
 * known when it is looked up); host and port must be the site's choice, free
 * of credentials and of URL_UNKNOWN; no white space, control character,
 * backslash or fragment. */
const char *url_problem(const char *url, bool allow_http) MUST_USE;

#endif
