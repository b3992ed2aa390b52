/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sockets.c - the sockets that a transfer has open.
 */
#include "helper/sockets.h"

#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

bool
address_is_loopback(const struct sockaddr *address)
{
    static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;

        memcpy(&in, address, sizeof(in));
        return ntohl(in.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        const uint8_t *bytes = in6.sin6_addr.s6_addr;

        memcpy(&in6, address, sizeof(in6));
        return IN6_IS_ADDR_LOOPBACK(&in6.sin6_addr)
               || (memcmp(bytes, mapped, sizeof(mapped)) == 0
                   && bytes[12] == IN_LOOPBACKNET);
    }
    return false;
}

int
sockets_open(struct sockets *sockets, int family, int type, int protocol)
{
    int fd;

    if (sockets->count == SOCKETS_MAX)
        return -1;
    fd = socket(family, type | SOCK_CLOEXEC, protocol);
    if (fd >= 0)
        sockets->fds[sockets->count++] = fd;
    return fd;
}

int
sockets_close(struct sockets *sockets, int fd)
{
    for (size_t i = 0; i < sockets->count; i++) {
        if (sockets->fds[i] == fd) {
            sockets->fds[i] = sockets->fds[--sockets->count];
            break;
        }
    }
    return close(fd);
}

static bool
has_port(int fd, int port)
{
    struct sockaddr_storage own = { 0 };
    socklen_t size = sizeof(own);
    struct sockaddr_in in;
    struct sockaddr_in6 in6;

    if (getsockname(fd, (struct sockaddr *)&own, &size) != 0)
        return false;
    memcpy(&in, &own, sizeof(in));
    memcpy(&in6, &own, sizeof(in6));
    return (own.ss_family == AF_INET && ntohs(in.sin_port) == port)
           || (own.ss_family == AF_INET6 && ntohs(in6.sin6_port) == port);
}

bool
sockets_hung_up(const struct sockets *sockets, int port)
{
    /* Session tickets make an idle TLS 1.3 socket readable: only a hang-up
     * says anything. */
    for (size_t i = 0; i < sockets->count; i++) {
        struct pollfd ready = { .fd = sockets->fds[i], .events = POLLRDHUP };

        if (has_port(ready.fd, port))
            return poll(&ready, 1, 0) > 0;
    }
    return true;
}
