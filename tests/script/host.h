/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * host.h - what a PAM module may not change in its host.
 */
#ifndef AUTHAPI_TESTS_HOST_H
#define AUTHAPI_TESTS_HOST_H

#include "bytes.h"

/* The state of this process as text, one fact a line: identity, signal
 * dispositions and mask, folder, umask, environment, limits, descriptors,
 * timers, threads, children.  Free with free(3).  Does not return when
 * memory is short. */
char *host_state(void);

/* Calls REPORT with every line that stands in BEFORE only ("gone") or in
 * AFTER only ("new"). */
void host_compare(const char *before, const char *after,
                  void (*report)(const char *change, const char *line));

/* How often the string stands in the writable memory of this process. */
int host_remembers(const struct veiled *needle);

#endif
