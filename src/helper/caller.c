/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * caller.c - the other end of the socket: two messages come, one reply goes,
 * and a word on its tokens comes back.
 */
#include "helper/caller.h"
#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

/* Fills BYTES completely or says why not. */
static enum status
receive(struct caller *caller, char *bytes, size_t length, int64_t by_ms)
{
    while (length > 0) {
        struct pollfd ready = { .fd = caller->fd, .events = POLLIN };
        ssize_t got;

        if (poll(&ready, 1, clock_left(by_ms)) <= 0) {
            if (clock_left(by_ms) == 0)
                return STATUS_DEADLINE;
            continue;
        }
        got = recv(caller->fd, bytes, length, MSG_DONTWAIT);
        if (got < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (got <= 0) {
            caller->gone = true;
            return STATUS_CANCELLED;
        }
        bytes += got;
        length -= (size_t)got;
    }
    return STATUS_OK;
}

enum status
caller_receive(struct caller *caller, const struct wire_table *table,
               void *record, int64_t by_ms)
{
    struct secret message = SECRET_INIT(WIRE_MAX);
    enum status status = secret_resize(&message, WIRE_HEADER_SIZE);
    size_t size;

    if (status == STATUS_OK)
        status = receive(caller, message.data, WIRE_HEADER_SIZE, by_ms);
    if (status != STATUS_OK)
        goto out;
    size = wire_message_size(message.data);
    if (size == 0) {
        status = STATUS_SYSTEM;
        goto out;
    }
    status = secret_resize(&message, size);
    if (status == STATUS_OK)
        status = receive(caller, message.data + WIRE_HEADER_SIZE,
                         size - WIRE_HEADER_SIZE, by_ms);
    if (status == STATUS_OK)
        status = wire_decode(table, message.data, size, record);
out:
    secret_clear(&message);
    return status;
}

bool
caller_gone(struct caller *caller)
{
    struct pollfd ready = { .fd = caller->fd, .events = POLLIN | POLLRDHUP };

    if (!caller->gone && (caller->fd < 0 || poll(&ready, 1, 0) > 0))
        caller->gone = true;
    return caller->gone;
}

/* The same decision without its words and tokens: a caller always gets one. */
static enum status
encode(const struct reply *reply, struct secret *message)
{
    struct reply bare = { .status = reply->status };
    enum status status = wire_encode(&reply_table, reply, message);

    if (status == STATUS_OK)
        return STATUS_OK;
    if (bare.status == STATUS_OK || bare.status == STATUS_UNDECIDED)
        bare.status = STATUS_SYSTEM;
    return wire_encode(&reply_table, &bare, message);
}

bool
caller_send(struct caller *caller, const struct reply *reply, int64_t by_ms)
{
    struct secret message = SECRET_INIT(WIRE_MAX);
    size_t done = 0;
    bool complete;

    if (caller->gone || encode(reply, &message) != STATUS_OK)
        goto out;
    while (done < message.length) {
        struct pollfd ready = { .fd = caller->fd, .events = POLLOUT };
        ssize_t sent =
            send(caller->fd, message.data + done, message.length - done,
                 MSG_NOSIGNAL | MSG_DONTWAIT);

        if (sent > 0) {
            done += (size_t)sent;
        } else if (errno == EAGAIN && clock_left(by_ms) > 0) {
            (void)poll(&ready, 1, clock_left(by_ms));
        } else if (errno != EINTR) {
            caller->gone = true;
            goto out;
        }
    }
out:
    complete = message.length > 0 && done == message.length;
    secret_clear(&message);
    return complete;
}

bool
caller_hear(struct caller *caller, int64_t by_ms, enum fate *fate)
{
    char word = '\0';

    if (caller->gone || receive(caller, &word, 1, by_ms) != STATUS_OK
        || (word != FATE_KEPT && word != FATE_RETURNED)) {
        caller->gone = true;
        return false;
    }
    *fate = (enum fate)word;
    return true;
}

void
caller_leave(struct caller *caller)
{
    if (caller->fd >= 0)
        close(caller->fd);
    caller->fd = -1;
}
