/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * http.c - one request over HTTPS, and its answer.
 */
#include "helper/http.h"
#include "base/clock.h"
#include "helper/certificate.h"
#include "helper/sockets.h"

#include <ctype.h>
#include <curl/curl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The folder that the distribution fills with hashed CA certificates. */
#define SYSTEM_CA "/etc/ssl/certs"

enum {
    HEADER_LINE_MAX = 16 * 1024, /* received */
    HEADER_BYTES_MAX = 64 * 1024 /* received, all together */
};

struct transfer {
    const struct conf *conf;
    struct http_request *request;
    struct http_hooks *hooks;
    struct http_result *result;
    bool plain; /* an http URL: loopback only */
    struct sockets sockets;
    size_t sent; /* bytes of the body */
    size_t header_bytes;
    bool stale;
    bool stopped;
    CURL *easy;
    CURLM *multi;
    struct curl_slist *headers;
    char error[CURL_ERROR_SIZE];
};

bool
http_begin(void)
{
    return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

enum status
http_escape(const struct secret *text, struct secret *out)
{
    enum status status;
    char *escaped;

    /* curl takes a length of 0 for "count yourself". */
    if (text->length == 0)
        return STATUS_OK;
    escaped = curl_easy_escape(NULL, secret_text(text), (int)text->length);
    if (escaped == NULL)
        return STATUS_NO_MEMORY;
    status = secret_append(out, escaped, strlen(escaped));
    secret_wipe(escaped, strlen(escaped));
    curl_free(escaped);
    return status;
}

void
http_request_clear(struct http_request *request)
{
    if (request == NULL)
        return;
    secret_clear(&request->url);
    for (size_t i = 0; i < request->header_count; i++)
        secret_clear(&request->headers[i]);
    secret_clear(&request->body);
    request->header_count = 0;
}

void
http_result_clear(struct http_result *result)
{
    if (result == NULL)
        return;
    answer_clear(&result->answer);
    secret_clear(&result->body);
}

/* Ends the transfer with words of our own instead of curl's. */
static void __attribute__((format(printf, 3, 4)))
fail(struct transfer *transfer, enum status status, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(transfer->result->why, sizeof(transfer->result->why), format,
              arguments);
    va_end(arguments);
    transfer->result->status = status;
}

/* --- sockets ------------------------------------------------------------- */

/* The name in a URL proves nothing; the address that is connected to does. */
static curl_socket_t
open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct transfer *transfer = context;
    int fd;

    if (purpose != CURLSOCKTYPE_IPCXN
        || (transfer->plain && !address_is_loopback(&address->addr))) {
        fail(transfer, STATUS_MISCONFIGURED,
             "plain http is for loopback addresses only");
        return CURL_SOCKET_BAD;
    }
    fd = sockets_open(&transfer->sockets, address->family, address->socktype,
                      address->protocol);
    return fd >= 0 ? fd : CURL_SOCKET_BAD;
}

static int
close_socket(void *context, curl_socket_t fd)
{
    struct transfer *transfer = context;

    return sockets_close(&transfer->sockets, fd);
}

/* Called when the connection stands and before the first byte of a request,
 * however often curl thinks of sending it. */
static int
before_request(void *context, char *peer, char *own, int peer_port,
               int own_port)
{
    struct transfer *transfer = context;

    (void)peer;
    (void)own;
    (void)peer_port;
    if (transfer->result->sent)
        return CURL_PREREQFUNC_ABORT;
    if (!transfer->hooks->release(transfer->hooks->context)) {
        transfer->stopped = true;
        return CURL_PREREQFUNC_ABORT;
    }
    if (transfer->request->has_body
        && transfer->request->body.length != transfer->request->body_size) {
        fail(transfer, STATUS_SYSTEM, "the body is not as long as planned");
        return CURL_PREREQFUNC_ABORT;
    }
    if (sockets_hung_up(&transfer->sockets, own_port)) {
        transfer->stale = true;
        return CURL_PREREQFUNC_ABORT;
    }
    transfer->result->sent = true;
    return CURL_PREREQFUNC_OK;
}

/* --- bytes --------------------------------------------------------------- */

static size_t
read_body(char *buffer, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    const struct secret *body = &transfer->request->body;
    size_t length = body->length - transfer->sent;

    if (length > size * count)
        length = size * count;
    if (length > 0)
        memcpy(buffer, body->data + transfer->sent, length);
    transfer->sent += length;
    return length;
}

static size_t
write_body(char *bytes, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;

    if (secret_append(&transfer->result->body, bytes, size * count)
        == STATUS_OK)
        return size * count;
    fail(transfer, STATUS_MISCONFIGURED, "the answer is longer than %d bytes",
         HTTP_BODY_MAX);
    return 0;
}

static char *
copy_trimmed(const char *bytes, size_t length)
{
    while (length > 0 && isspace((unsigned char)bytes[length - 1]))
        length--;
    while (length > 0 && isspace((unsigned char)bytes[0])) {
        bytes++;
        length--;
    }
    return strndup(bytes, length);
}

/* Keeps one header line; false without memory. */
static bool
keep_header(struct answer *answer, const char *line, size_t length)
{
    const char *colon = memchr(line, ':', length);
    struct answer_header *header = &answer->headers[answer->header_count];

    if (colon == NULL || colon == line)
        return true;
    header->name = copy_trimmed(line, (size_t)(colon - line));
    header->value =
        copy_trimmed(colon + 1, length - (size_t)(colon - line) - 1);
    answer->header_count++;
    return header->name != NULL && header->value != NULL;
}

static size_t
write_header(char *line, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    struct answer *answer = &transfer->result->answer;
    size_t length = size * count;

    transfer->header_bytes += length;
    /* Each answer begins anew: interim ones (1xx) leave nothing behind. */
    if (length >= 5 && memcmp(line, "HTTP/", 5) == 0)
        answer_clear(answer);
    else if (answer->header_count == ANSWER_HEADERS_MAX
             || length > HEADER_LINE_MAX
             || transfer->header_bytes > HEADER_BYTES_MAX) {
        fail(transfer, STATUS_MISCONFIGURED,
             "the answer has too many or too long headers");
        return 0;
    } else if (!keep_header(answer, line, length)) {
        fail(transfer, STATUS_NO_MEMORY, "out of memory");
        return 0;
    }
    return length;
}

/* --- words --------------------------------------------------------------- */

static const char *
ca_name(const struct conf *conf)
{
    return conf->ca != NULL ? conf->ca : SYSTEM_CA;
}

/* Says why there is no answer. */
static void
fail_as_curl(struct transfer *transfer, CURLcode code)
{
    const char *words = transfer->error[0] != '\0' ? transfer->error
                                                   : curl_easy_strerror(code);
    enum status status = STATUS_UNAVAILABLE;

    if (transfer->result->status != STATUS_UNDECIDED)
        return; /* a callback knew better */
    if (code == CURLE_PEER_FAILED_VERIFICATION) {
        long verified = 0;

        curl_easy_getinfo(transfer->easy, CURLINFO_SSL_VERIFYRESULT,
                          &verified);
        certificate_problem(verified, ca_name(transfer->conf), words,
                            transfer->result->why,
                            sizeof(transfer->result->why));
        transfer->result->status = STATUS_UNAVAILABLE;
        return;
    }
    if (code == CURLE_SSL_CACERT_BADFILE) {
        fail(transfer, STATUS_MISCONFIGURED,
             "%s holds no CA certificates that can be read",
             ca_name(transfer->conf));
        return;
    }
    if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL
        || code == CURLE_BAD_FUNCTION_ARGUMENT)
        status = STATUS_MISCONFIGURED;
    else if (code == CURLE_OUT_OF_MEMORY)
        status = STATUS_NO_MEMORY;
    fail(transfer, status, "%s%s",
         transfer->result->sent ? "the answer did not come whole: " : "",
         words);
}

/* --- the transfer -------------------------------------------------------- */

/* Sets an option, unless one before has failed. */
#define SET(option, value)                                                    \
    do {                                                                      \
        if (code == CURLE_OK)                                                 \
            code = curl_easy_setopt(easy, option, value);                     \
    } while (0)

static CURLcode
set_policy(const struct transfer *transfer)
{
    const struct conf *conf = transfer->conf;
    const char *file = NULL;
    const char *folder = SYSTEM_CA;
    CURL *easy = transfer->easy;
    CURLcode code = CURLE_OK;

    /* Both are always set, one of them to nothing: curl's built-in bundle or
     * folder would otherwise be read beside what the site names. */
    if (conf->ca != NULL) {
        file = conf->ca_is_folder ? NULL : conf->ca;
        folder = conf->ca_is_folder ? conf->ca : NULL;
    }
    SET(CURLOPT_CAINFO, file);
    SET(CURLOPT_CAPATH, folder);
    SET(CURLOPT_PROXY_CAINFO, file);
    SET(CURLOPT_PROXY_CAPATH, folder);
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_PROXY_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_PROTOCOLS_STR, transfer->plain ? "http" : "https");
    SET(CURLOPT_REDIR_PROTOCOLS_STR, "https");
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    SET(CURLOPT_PATH_AS_IS, 1L);
    SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    /* "" is no proxy whatever the environment says. */
    SET(CURLOPT_PROXY,
        conf->proxy != NULL && !transfer->plain ? conf->proxy : "");
    SET(CURLOPT_NOPROXY, "");
    SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    SET(CURLOPT_FRESH_CONNECT, 1L);
    SET(CURLOPT_FORBID_REUSE, 1L);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_USERAGENT, "pam_authapi");
    return code;
}

/* Adds a line to the headers that go out. */
static CURLcode
add_header(struct transfer *transfer, const char *line)
{
    struct curl_slist *longer = curl_slist_append(transfer->headers, line);

    if (longer == NULL)
        return CURLE_OUT_OF_MEMORY;
    transfer->headers = longer;
    return CURLE_OK;
}

static CURLcode
set_headers(struct transfer *transfer)
{
    static const char type[] = "Content-Type:";
    const struct http_request *request = transfer->request;
    bool typed = false;
    /* An empty value is how curl is told not to send one of its own. */
    CURLcode code = add_header(transfer, "Expect:");

    for (size_t i = 0; i < request->header_count && code == CURLE_OK; i++) {
        const char *line = secret_text(&request->headers[i]);

        typed = typed || strncasecmp(line, type, sizeof(type) - 1) == 0;
        code = add_header(transfer, line);
    }
    if (!typed && code == CURLE_OK)
        code = add_header(transfer, type);
    return code;
}

static CURLcode
set_request(struct transfer *transfer)
{
    const struct http_request *request = transfer->request;
    CURL *easy = transfer->easy;
    CURLcode code = set_headers(transfer);
    int left = clock_left(transfer->hooks->deadline_ms);

    SET(CURLOPT_URL, secret_text(&request->url));
    SET(CURLOPT_HTTPHEADER, transfer->headers);
    if (request->has_body) {
        SET(CURLOPT_POST, 1L);
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_size);
        SET(CURLOPT_READFUNCTION, read_body);
        SET(CURLOPT_READDATA, transfer);
    }
    SET(CURLOPT_CUSTOMREQUEST, request->method);
    /* The whole is limited by our own loop; this lets a server that does not
     * even answer the connection fail before a long wait for a password
     * ends, so that a fresh try can be made then. */
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)(left > 10000 ? 10000 : left + 1));
    return code;
}

static CURLcode
set_callbacks(struct transfer *transfer)
{
    CURL *easy = transfer->easy;
    CURLcode code = CURLE_OK;

    SET(CURLOPT_ERRORBUFFER, transfer->error);
    SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
    SET(CURLOPT_OPENSOCKETDATA, transfer);
    SET(CURLOPT_CLOSESOCKETFUNCTION, close_socket);
    SET(CURLOPT_CLOSESOCKETDATA, transfer);
    SET(CURLOPT_PREREQFUNCTION, before_request);
    SET(CURLOPT_PREREQDATA, transfer);
    SET(CURLOPT_WRITEFUNCTION, write_body);
    SET(CURLOPT_WRITEDATA, transfer);
    SET(CURLOPT_HEADERFUNCTION, write_header);
    SET(CURLOPT_HEADERDATA, transfer);
    return code;
}

/* Drives the transfer to its end.  What is left behind when it is cut short
 * stays as it is, because letting go of it waits for the resolver; the
 * process is about to end. */
static enum http_end
drive(struct transfer *transfer, CURLcode *code)
{
    struct http_hooks *hooks = transfer->hooks;
    int running = 1;

    while (curl_multi_perform(transfer->multi, &running) == CURLM_OK) {
        struct curl_waitfd watch = { .fd = hooks->watch,
                                     .events = CURL_WAIT_POLLIN };
        unsigned int watched = hooks->watch >= 0 ? 1 : 0;
        int queued;
        const CURLMsg *message =
            curl_multi_info_read(transfer->multi, &queued);

        if (message != NULL && message->msg == CURLMSG_DONE) {
            *code = message->data.result;
            return HTTP_ANSWERED;
        }
        if (clock_left(hooks->deadline_ms) == 0
            && !hooks->late(hooks->context, transfer->result->sent))
            return HTTP_LATE;
        /* The hook may have closed what is watched. */
        if (hooks->watch < 0)
            watched = 0;
        if (curl_multi_poll(transfer->multi, &watch, watched,
                            clock_left(hooks->deadline_ms), NULL)
            != CURLM_OK)
            break;
        if (watched > 0 && watch.revents != 0
            && !hooks->wake(hooks->context, transfer->result->sent))
            return HTTP_STOPPED;
    }
    *code = CURLE_OUT_OF_MEMORY;
    return HTTP_ANSWERED;
}

/* Turns the end of the transfer into ours. */
static enum http_end
conclude(struct transfer *transfer, CURLcode code)
{
    struct http_result *result = transfer->result;
    long status = 0;
    curl_off_t retry_after = 0;

    if (transfer->stopped)
        return HTTP_STOPPED;
    if (transfer->stale)
        return HTTP_STALE;
    if (code != CURLE_OK) {
        fail_as_curl(transfer, code);
        return HTTP_FAILED;
    }
    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(transfer->easy, CURLINFO_RETRY_AFTER, &retry_after);
    result->answer.status = (int)status;
    if (retry_after > 0)
        result->retry_after =
            retry_after < RETRY_AFTER_MAX ? retry_after : RETRY_AFTER_MAX;
    return HTTP_ANSWERED;
}

static void
transfer_end(struct transfer *transfer)
{
    if (transfer->multi != NULL && transfer->easy != NULL)
        curl_multi_remove_handle(transfer->multi, transfer->easy);
    curl_easy_cleanup(transfer->easy);
    if (transfer->multi != NULL)
        curl_multi_cleanup(transfer->multi);
    curl_slist_free_all(transfer->headers);
}

enum http_end
http_run(const struct conf *conf, struct http_request *request,
         struct http_hooks *hooks, struct http_result *result)
{
    struct transfer transfer = {
        .conf = conf, .request = request, .hooks = hooks, .result = result
    };
    CURLcode code = CURLE_OUT_OF_MEMORY;
    enum http_end end = HTTP_FAILED;

    memset(result, 0, sizeof(*result));
    result->body = (struct secret)SECRET_INIT(HTTP_BODY_MAX);
    transfer.plain =
        strncasecmp(secret_text(&request->url), "http://", 7) == 0;
    if (transfer.plain && !conf->allow_http) {
        fail(&transfer, STATUS_MISCONFIGURED, "plain http is not allowed");
        return HTTP_FAILED;
    }
    transfer.easy = curl_easy_init();
    transfer.multi = curl_multi_init();
    if (transfer.easy != NULL && transfer.multi != NULL)
        code = set_callbacks(&transfer);
    if (code == CURLE_OK)
        code = set_policy(&transfer);
    if (code == CURLE_OK)
        code = set_request(&transfer);
    if (code == CURLE_OK
        && curl_multi_add_handle(transfer.multi, transfer.easy) != CURLM_OK)
        code = CURLE_OUT_OF_MEMORY;
    if (code == CURLE_OK)
        end = drive(&transfer, &code);
    if (end == HTTP_LATE || end == HTTP_STOPPED)
        return end;
    end = conclude(&transfer, code);
    transfer_end(&transfer);
    return end;
}
