/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sockets.h - the sockets that a transfer has open.
 *
 * The library that drives the transfer opens several at a time and uses one;
 * this keeps count, so that the one can be looked at.  It reads and writes
 * none of them.
 */
#ifndef AUTHAPI_HELPER_SOCKETS_H
#define AUTHAPI_HELPER_SOCKETS_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#define SOCKETS_MAX 16 /* open at a time */

struct sockets {
    int fds[SOCKETS_MAX];
    size_t count;
};

/* Whether the address is this machine's own: 127.0.0.0/8, also when mapped
 * into IPv6, or ::1. */
bool address_is_loopback(const struct sockaddr *address) MUST_USE;

/* Opens a socket, close-on-exec, and remembers it.  -1 on failure. */
int sockets_open(struct sockets *sockets, int family, int type,
                 int protocol) MUST_USE;

/* Closes FD, forgets it, and returns what close(2) did. */
int sockets_close(struct sockets *sockets, int fd);

/* Whether the other side has closed the connection from our port PORT; true
 * too when none of the sockets has that port. */
bool sockets_hung_up(const struct sockets *sockets, int port) MUST_USE;

#endif
