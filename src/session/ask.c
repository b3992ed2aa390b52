/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ask.c - one exchange with the helper: start it, hand over, hear the reply.
 */
#include "session/ask.h"
#include "base/clock.h"
#include "base/secret.h"
#include "base/wire.h"
#include "session/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The helper's own limit comes first, so that it can say why. */
#define REPLY_MARGIN_MS 200
/* What remains of a helper after its reply is killed after so long. */
#define EXIT_WAIT_MS 100
/* One that is to take tokens back leaves a child to do it. */
#define RETURN_WAIT_MS 2000
/* Our messages fit the socket's buffer; only a stuck helper makes us wait. */
#define SEND_WAIT_MS 1000
/* Above what a host without stdin, stdout and stderr would hand out. */
#define LOWEST_DESCRIPTOR 10

struct ask {
    struct child child;
    int socket;
    const struct log *log;
};

/* Waits until SOCKET is ready for EVENTS.  STATUS_OK; STATUS_DEADLINE;
 * STATUS_SYSTEM. */
static enum status
wait_ready(int socket, short events, int64_t deadline_ms)
{
    struct pollfd watch = { .fd = socket, .events = events };

    for (;;) {
        int count = poll(&watch, 1, clock_left(deadline_ms));

        if (count > 0)
            return STATUS_OK;
        if (count == 0)
            return STATUS_DEADLINE;
        if (errno != EINTR)
            return STATUS_SYSTEM;
    }
}

/* STATUS_OK; STATUS_NOT_FOUND when the other side is gone; STATUS_SYSTEM. */
static enum status
send_message(int socket, const struct wire_table *table, const void *message)
{
    struct secret bytes = SECRET_INIT(WIRE_MAX);
    enum status status = wire_encode(table, message, &bytes);
    int64_t deadline = clock_ms() + SEND_WAIT_MS;
    size_t sent = 0;

    while (status == STATUS_OK && sent < bytes.length) {
        ssize_t count = send(socket, bytes.data + sent, bytes.length - sent,
                             MSG_NOSIGNAL | MSG_DONTWAIT);

        if (count > 0)
            sent += (size_t)count;
        else if (errno == EPIPE || errno == ECONNRESET)
            status = STATUS_NOT_FOUND;
        else if (errno == EAGAIN
                 && wait_ready(socket, POLLOUT, deadline) != STATUS_OK)
            status = STATUS_SYSTEM;
        else if (errno != EAGAIN && errno != EINTR)
            status = STATUS_SYSTEM;
    }
    secret_clear(&bytes);
    return status;
}

/* Reads until BYTES holds LENGTH bytes.  STATUS_OK; STATUS_NOT_FOUND at the
 * end of the stream; STATUS_DEADLINE; STATUS_SYSTEM; STATUS_NO_MEMORY. */
static enum status
receive_until(int socket, struct secret *bytes, size_t length,
              int64_t deadline_ms)
{
    size_t have = bytes->length;
    enum status status = secret_resize(bytes, length);

    while (status == STATUS_OK && have < length) {
        ssize_t count;

        status = wait_ready(socket, POLLIN, deadline_ms);
        if (status != STATUS_OK)
            return status;
        count = recv(socket, bytes->data + have, length - have, MSG_DONTWAIT);
        if (count > 0)
            have += (size_t)count;
        else if (count == 0 || (errno != EAGAIN && errno != EINTR))
            status = STATUS_NOT_FOUND;
    }
    return status;
}

/* As receive_until; STATUS_MISCONFIGURED for bytes that are no reply. */
static enum status
receive_reply(int socket, int64_t deadline_ms, struct reply *reply)
{
    struct secret bytes = SECRET_INIT(WIRE_MAX);
    size_t size = 0;
    enum status status =
        receive_until(socket, &bytes, WIRE_HEADER_SIZE, deadline_ms);

    if (status == STATUS_OK) {
        size = wire_message_size(bytes.data);
        status = size == 0 ? STATUS_MISCONFIGURED
                           : receive_until(socket, &bytes, size, deadline_ms);
    }
    if (status == STATUS_OK
        && (wire_decode(&reply_table, bytes.data, size, reply) != STATUS_OK
            || reply->status <= STATUS_UNDECIDED
            || reply->status >= STATUS_COUNT
            /* To our callers this says "nothing was posted, ask anew". */
            || reply->status == STATUS_NOT_FOUND))
        status = STATUS_MISCONFIGURED;
    secret_clear(&bytes);
    return status;
}

/* Both ends well above 0 to 2: a host without those would talk to the helper
 * when it writes its prompt. */
static bool
make_pair(int pair[2])
{
    int low[2], saved;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, low) != 0)
        return false;
    pair[0] = fcntl(low[0], F_DUPFD_CLOEXEC, LOWEST_DESCRIPTOR);
    pair[1] = fcntl(low[1], F_DUPFD_CLOEXEC, LOWEST_DESCRIPTOR);
    saved = errno;
    close(low[0]);
    close(low[1]);
    if (pair[0] >= 0 && pair[1] >= 0)
        return true;
    if (pair[0] >= 0)
        close(pair[0]);
    if (pair[1] >= 0)
        close(pair[1]);
    errno = saved;
    return false;
}

/* Puts what went wrong into the reply, where a helper would have put it. */
static void explain(struct reply *reply, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void
explain(struct reply *reply, const char *format, ...)
{
    va_list arguments;

    free(reply->detail);
    va_start(arguments, format);
    if (vasprintf(&reply->detail, format, arguments) < 0)
        reply->detail = NULL;
    va_end(arguments);
}

enum status
ask_start(const struct request *request, const struct log *log,
          struct ask **out, struct reply *reply)
{
    char name[] = HELPER_PATH;
    char *const argv[] = { name, NULL };
    struct ask *ask = calloc(1, sizeof(*ask));
    enum status status;
    int pair[2];

    *out = NULL;
    if (ask == NULL)
        return STATUS_NO_MEMORY;
    ask->log = log;
    if (!make_pair(pair)) {
        explain(reply, "no socket for the helper: %s", strerror(errno));
        free(ask);
        return STATUS_SYSTEM;
    }
    ask->socket = pair[0];
    status = child_spawn(HELPER_PATH, argv, pair[1], &ask->child);
    close(pair[1]);
    if (status != STATUS_OK) {
        explain(reply,
                "the helper %s cannot be started: %s; is pam_authapi wholly "
                "installed?",
                HELPER_PATH, strerror(errno));
        close(ask->socket);
        free(ask);
        return status;
    }
    /* One that has gone again shows in ask_finish. */
    status = send_message(ask->socket, &request_table, request);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
        explain(reply, "the helper does not take its request");
        ask_abandon(ask);
        return status;
    }
    *out = ask;
    return STATUS_OK;
}

/* Where no reply came, the password may be on its way all the same: the helper
 * sees that we have gone, and does what is to be done.  Only one that kept no
 * time is killed. */
static void
end_unheard(struct ask *ask, enum status status)
{
    close(ask->socket);
    if (status == STATUS_DEADLINE)
        child_reap(&ask->child, 0);
    else
        child_leave(&ask->child, RETURN_WAIT_MS);
    free(ask);
}

static void
end(struct ask *ask, int wait_ms)
{
    close(ask->socket);
    child_reap(&ask->child, wait_ms);
    free(ask);
}

static bool
brings_tokens(const struct reply *reply)
{
    return reply->opaque.length > 0 || reply->state.length > 0;
}

enum status
ask_finish(struct ask **asked, const struct handover *handover,
           struct reply *reply)
{
    struct ask *ask = *asked;
    const struct log *log = ask->log;
    int64_t deadline = clock_ms() + handover->timeout_ms + REPLY_MARGIN_MS;
    enum status sent, status;

    /* A helper that knows enough to refuse replies before the handover; its
     * reply counts, whether or not it took the rest. */
    sent = send_message(ask->socket, &handover_table, handover);
    status = sent == STATUS_OK || sent == STATUS_NOT_FOUND
                 ? receive_reply(ask->socket, deadline, reply)
                 : sent;
    if (status != STATUS_OK || !brings_tokens(reply)) {
        *asked = NULL;
        if (status == STATUS_OK)
            end(ask, EXIT_WAIT_MS);
        else
            end_unheard(ask, status);
    }

    if (status == STATUS_OK) {
        log_notes(log, reply->notes);
        return (enum status)reply->status;
    }
    if (status == STATUS_NOT_FOUND && sent == STATUS_NOT_FOUND)
        return STATUS_NOT_FOUND;
    if (status == STATUS_NOT_FOUND) {
        explain(reply, "the helper %s ended without a reply", HELPER_PATH);
        return STATUS_MISCONFIGURED;
    }
    if (status == STATUS_DEADLINE)
        explain(reply, "the helper did not reply within %d ms",
                (int)handover->timeout_ms + REPLY_MARGIN_MS);
    else if (status == STATUS_MISCONFIGURED)
        explain(reply,
                "the helper %s replied in another version or in nonsense; is "
                "pam_authapi wholly installed?",
                HELPER_PATH);
    else
        explain(reply, "the exchange with the helper failed");
    return status;
}

void
ask_settle(struct ask **asked, bool kept)
{
    struct ask *ask = *asked;
    const char word = kept ? FATE_KEPT : FATE_RETURNED;

    *asked = NULL;
    if (ask == NULL)
        return;
    /* One byte fits; a helper that has gone already had nothing to wait
     * for. */
    (void)!send(ask->socket, &word, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    end(ask, kept ? EXIT_WAIT_MS : RETURN_WAIT_MS);
}

void
ask_abandon(struct ask *ask)
{
    if (ask != NULL)
        end(ask, EXIT_WAIT_MS);
}

enum status
ask_once(const struct request *request, const struct handover *handover,
         const struct log *log, struct reply *reply, struct ask **ask)
{
    enum status status = ask_start(request, log, ask, reply);

    if (status != STATUS_OK)
        return status;
    status = ask_finish(ask, handover, reply);
    if (status == STATUS_NOT_FOUND) {
        explain(reply, "the helper %s ended without a reply", HELPER_PATH);
        status = STATUS_MISCONFIGURED;
    }
    return status;
}

void
reply_init(struct reply *reply)
{
    memset(reply, 0, sizeof(*reply));
    reply->opaque = (struct secret)SECRET_INIT(OPAQUE_MAX);
    reply->state = (struct secret)SECRET_INIT(OPAQUE_MAX);
    reply->keys = (struct secret)SECRET_INIT(KEYS_MAX);
    reply->access = (struct secret)SECRET_INIT(ACCESS_MAX);
}

void
reply_clear(struct reply *reply)
{
    wire_clear(&reply_table, reply);
}
