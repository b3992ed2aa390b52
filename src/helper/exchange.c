/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * exchange.c - one step: wait for what it needs, send it, judge the answer.
 */
#include "helper/exchange.h"
#include "base/clock.h"
#include "base/log.h"
#include "helper/body.h"
#include "helper/draft.h"
#include "helper/judge.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    TIMEOUT_MAX_MS = 10 * 60 * 1000,
    MARGIN_MS = 150, /* for the way of the reply back to the caller */
    ALARM_S = 2,     /* behind a limit that the loop did not keep */
    REQUEST_ID_MAX = 64
};

/* Sets the limit of the loop, and behind it the alarm that ends us should
 * anything block. */
static void
set_deadline(struct exchange *exchange, int64_t left_ms)
{
    exchange->hooks.deadline_ms = clock_ms() + left_ms;
    alarm((unsigned)(left_ms / 1000 + 1 + ALARM_S));
}

void
exchange_orphan(struct exchange *exchange)
{
    caller_leave(exchange->caller);
    exchange->hooks.watch = -1;
    exchange->orphaned = true;
    set_deadline(exchange, AFTERLIFE_MS);
}

/* --- the handover -------------------------------------------------------- */

static enum status
take_password(struct exchange *exchange)
{
    const struct secret *password = &exchange->handover.password;
    enum status status;

    /* Only a login cannot do without: what else wants one says so itself. */
    if (password->length == 0
        && exchange->request->operation != OPERATION_LOGIN)
        return STATUS_OK;
    if (password->length == 0)
        return report_end(exchange->report, STATUS_BAD_CREDENTIALS,
                          "the password is empty: nothing was sent");
    if (!utf8_valid(password->data, password->length)
        || memchr(password->data, '\0', password->length) != NULL)
        return report_end(exchange->report, STATUS_BAD_CREDENTIALS,
                          "the password is not UTF-8: nothing was sent");
    status = vars_set(&exchange->conf->vars, "password", password->data,
                      password->length, VAR_OUTSIDE);
    if (status != STATUS_OK)
        return report_end(exchange->report, status, "no room for a password");
    return STATUS_OK;
}

enum status
exchange_wait(struct exchange *exchange)
{
    int64_t timeout_ms, margin_ms;
    enum status status;

    if (exchange->handed)
        return STATUS_OK;
    status = caller_receive(exchange->caller, &handover_table,
                            &exchange->handover, exchange->hooks.deadline_ms);
    /* A caller whose prompt takes longer than it said starts a new helper:
     * to it, we have gone, as it may be to us. */
    if (status == STATUS_CANCELLED || status == STATUS_DEADLINE)
        return STATUS_CANCELLED;
    if (status != STATUS_OK)
        return report_end(exchange->report, status,
                          "the handover could not be read");
    exchange->handed = true;
    timeout_ms = exchange->handover.timeout_ms;
    if (timeout_ms < 1 || timeout_ms > TIMEOUT_MAX_MS)
        return report_end(exchange->report, STATUS_SYSTEM,
                          "the handover's time limit is out of bounds");
    margin_ms = timeout_ms / 4 < MARGIN_MS ? timeout_ms / 4 : MARGIN_MS;
    set_deadline(exchange, timeout_ms - margin_ms);
    return take_password(exchange);
}

/* --- hooks --------------------------------------------------------------- */

/* The caller's socket is readable. */
static bool
on_wake(void *context, bool sent)
{
    struct exchange *exchange = context;

    if (!exchange->handed) {
        enum status status = exchange_wait(exchange);

        exchange->failed = status != STATUS_OK && status != STATUS_CANCELLED;
        return status == STATUS_OK;
    }
    if (!caller_gone(exchange->caller))
        return true;
    /* What may have arrived is read to its end; nothing new is begun.  A
     * caller that lives all the same waits for our end: a child reads on. */
    if (exchange->held || sent) {
        if (fork() > 0)
            _exit(0);
        exchange_orphan(exchange);
        return true;
    }
    exchange->hooks.watch = -1;
    exchange->orphaned = true;
    return false;
}

/* The connection stands: the last moment at which nothing was sent. */
static bool
on_release(void *context)
{
    struct exchange *exchange = context;
    enum status status = exchange_wait(exchange);

    if (status == STATUS_OK && !exchange->orphaned
        && caller_gone(exchange->caller)) {
        exchange->hooks.watch = -1;
        exchange->orphaned = true;
        if (!exchange->held)
            return false;
    }
    if (status == STATUS_OK && exchange->early)
        status = body_write(&exchange->draft, exchange->step,
                            &exchange->conf->vars, exchange->report);
    exchange->failed = status != STATUS_OK && status != STATUS_CANCELLED;
    return status == STATUS_OK;
}

/* The caller gets its reply now; a late answer is read by a child, so that
 * the caller can reap us. */
static bool
on_late(void *context, bool sent)
{
    struct exchange *exchange = context;
    struct report *report = exchange->report;
    pid_t child;

    if (!exchange->handed)
        return false;
    report_end(report, STATUS_DEADLINE,
               "%s: no whole answer within %" PRId64 " ms", exchange->subject,
               exchange->handover.timeout_ms);
    exchange->failed = true;
    /* What a refresh brought is worth more than what is asked about it. */
    if (exchange->step == &exchange->conf->introspect
        && (exchange->request->operation == OPERATION_REFRESH
            || exchange->request->operation == OPERATION_ACCOUNT))
        return false;
    if (exchange->caller->fd < 0
        || (!exchange->held && !(sent && exchange->precious)))
        return false;
    if (!caller_send(exchange->caller, report->reply,
                     clock_ms() + MARGIN_MS / 2))
        exchange->orphaned = true;
    child = fork();
    if (child > 0)
        _exit(0);
    exchange->failed = false;
    exchange_orphan(exchange);
    return true;
}

/* --- the step ------------------------------------------------------------ */

void
exchange_init(struct exchange *exchange, struct conf *conf,
              const struct request *request, struct caller *caller,
              struct report *report, int64_t idle_ms)
{
    memset(exchange, 0, sizeof(*exchange));
    exchange->conf = conf;
    exchange->request = request;
    exchange->caller = caller;
    exchange->report = report;
    exchange->handover.password = (struct secret)SECRET_INIT(PASSWORD_MAX);
    exchange->handover.opaque = (struct secret)SECRET_INIT(OPAQUE_MAX);
    exchange->handover.otp = (struct secret)SECRET_INIT(OTP_MAX);
    exchange->handover.new_password = (struct secret)SECRET_INIT(PASSWORD_MAX);
    exchange->handover.keys = (struct secret)SECRET_INIT(KEYS_MAX);
    exchange->hooks = (struct http_hooks){ .context = exchange,
                                           .watch = caller->fd,
                                           .deadline_ms = idle_ms,
                                           .wake = on_wake,
                                           .release = on_release,
                                           .late = on_late };
    draft_init(&exchange->draft);
}

void
exchange_clear(struct exchange *exchange)
{
    wire_clear(&handover_table, &exchange->handover);
    http_request_clear(&exchange->draft);
    http_result_clear(&exchange->result);
    free(exchange->subject);
    exchange->subject = NULL;
}

/* Whether everything but the password is known beforehand, the length of the
 * body too. */
static bool
can_start_early(const struct step *step)
{
    return step->encoding == ENCODING_JSON && step->pad
           && !draft_head_uses(step, "password");
}

/* Names the step, the user and the URL without its query. */
static enum status
name_subject(struct exchange *exchange)
{
    const char *url = secret_text(&exchange->draft.url);

    free(exchange->subject);
    exchange->subject = NULL;
    if (asprintf(&exchange->subject, "%s of \"%s\" at %.*s",
                 exchange->step->name, exchange->request->user,
                 (int)strcspn(url, "?#"), url)
        < 0) {
        exchange->subject = NULL;
        return report_end(exchange->report, STATUS_NO_MEMORY, "out of memory");
    }
    return STATUS_OK;
}

/* Sets what body_measure has unset. */
static bool
set_passwords(struct exchange *exchange)
{
    const struct secret *old = &exchange->handover.password;
    const struct secret *fresh = &exchange->handover.new_password;
    struct vars *vars = &exchange->conf->vars;

    return vars_set(vars, "password", secret_text(old), old->length,
                    VAR_OUTSIDE)
               == STATUS_OK
           && vars_set(vars, "new_password", secret_text(fresh), fresh->length,
                       VAR_OUTSIDE)
                  == STATUS_OK;
}

/* Writes the request as far as it can be written by now. */
static enum status
prepare(struct exchange *exchange)
{
    const struct step *step = exchange->step;
    struct vars *vars = &exchange->conf->vars;
    bool padded =
        (step == &exchange->conf->login || step == &exchange->conf->password)
        && step->encoding == ENCODING_JSON && step->pad;
    enum status status;

    http_request_clear(&exchange->draft);
    draft_init(&exchange->draft);
    status = draft_head(&exchange->draft, step, vars, exchange->report);
    if (status == STATUS_OK)
        status = name_subject(exchange);
    if (status == STATUS_OK && padded)
        status = body_measure(&exchange->draft, step, vars, exchange->report);
    if (status != STATUS_OK || exchange->early)
        return status;
    if (padded && !set_passwords(exchange))
        return report_end(exchange->report, STATUS_NO_MEMORY, "out of memory");
    return body_write(&exchange->draft, step, vars, exchange->report);
}

/* Runs the transfer; once more when an early connection did not last or never
 * stood, as long as nothing was sent. */
static enum http_end
transfer(struct exchange *exchange)
{
    bool again = false;

    for (;;) {
        enum status status;
        enum http_end end;

        http_result_clear(&exchange->result);
        end = http_run(exchange->conf, &exchange->draft, &exchange->hooks,
                       &exchange->result);
        if (again || !exchange->early || exchange->result.sent
            || (end != HTTP_STALE && end != HTTP_FAILED))
            return end;
        report_debug(exchange->report,
                     "%s: the early connection is of no use (%s)",
                     exchange->subject,
                     end == HTTP_STALE ? "the server has closed it"
                                       : exchange->result.why);
        again = true;
        status = exchange_wait(exchange);
        if (status != STATUS_OK) {
            exchange->failed = status != STATUS_CANCELLED;
            return HTTP_STOPPED;
        }
    }
}

/* Adds the name that the API gave the request, if it did, to the subject: its
 * administrators find it by that. */
static void
name_request(struct exchange *exchange)
{
    const struct source *source = exchange->conf->request_id;
    struct secret id = SECRET_INIT(TEXT_MAX);
    char *longer = NULL;

    if (source != NULL
        && source_read(source, &exchange->result.answer, &id) == STATUS_OK
        && id.length > 0) {
        log_clean(id.data);
        if (asprintf(&longer, "%s (request %.*s)", exchange->subject,
                     REQUEST_ID_MAX, id.data)
            > 0) {
            free(exchange->subject);
            exchange->subject = longer;
        }
    }
    secret_clear(&id);
}

/* How many seconds the API asks to wait, where it says so in a place of its
 * own: a number of seconds, or a time since 1970.  0 if it does not. */
static int64_t
own_retry_after(const struct exchange *exchange)
{
    const struct source *source = exchange->conf->retry_after;
    struct secret text = SECRET_INIT(TEXT_MAX);
    int64_t wait = 0;

    if (source != NULL
        && source_read(source, &exchange->result.answer, &text) == STATUS_OK
        && text.length > 0) {
        wait = strtoll(secret_text(&text), NULL, 10);
        if (wait > RETRY_AFTER_MAX)
            wait -= time(NULL);
        if (wait < 0 || wait > RETRY_AFTER_MAX)
            wait = 0;
    }
    secret_clear(&text);
    return wait;
}

/* Puts how the transfer ended into the report. */
static enum status
conclude(struct exchange *exchange, enum http_end end)
{
    struct http_result *result = &exchange->result;
    struct reply *reply = exchange->report->reply;

    switch (end) {
    case HTTP_ANSWERED:
        judge_parse(result);
        reply->http_status = result->answer.status;
        reply->retry_after = result->retry_after > 0
                                 ? result->retry_after
                                 : own_retry_after(exchange);
        name_request(exchange);
        report_debug(exchange->report, "%s: HTTP %d, %zu bytes; %s",
                     exchange->subject, result->answer.status,
                     result->body.length, judge_body(result));
        return judge_answer(exchange->step, result, &exchange->conf->vars,
                            exchange->subject, exchange->report);
    case HTTP_FAILED:
        return report_end(exchange->report, result->status, "%s: %s",
                          exchange->subject, result->why);
    case HTTP_STALE:
        return report_end(exchange->report, STATUS_UNAVAILABLE,
                          "%s: the server closes its connections at once",
                          exchange->subject);
    case HTTP_STOPPED:
    case HTTP_LATE:
        break;
    }
    return exchange->failed ? (enum status)exchange->report->reply->status
                            : STATUS_CANCELLED;
}

enum status
exchange_step(struct exchange *exchange, const struct step *step)
{
    enum status status;

    exchange->step = step;
    exchange->failed = false;
    exchange->early = !exchange->handed && can_start_early(step);
    if (!exchange->early) {
        status = exchange_wait(exchange);
        if (status != STATUS_OK)
            return status;
    }
    status = prepare(exchange);
    if (status != STATUS_OK)
        return status;
    return conclude(exchange, transfer(exchange));
}

/* --- beside a step ------------------------------------------------------- */

enum status
exchange_get(struct exchange *exchange, const char *url,
             struct http_result *result)
{
    struct http_request request;
    enum http_end end;
    enum status status;

    draft_init(&request);
    request.method = "GET";
    request.header_count = 1;
    status = secret_set(&request.url, url);
    if (status == STATUS_OK)
        status = secret_set(&request.headers[0], "Accept: application/json");
    if (status != STATUS_OK)
        goto out;
    exchange->early = false;
    exchange->failed = false;
    end = http_run(exchange->conf, &request, &exchange->hooks, result);
    switch (end) {
    case HTTP_ANSWERED:
        break;
    case HTTP_FAILED:
        status = result->status;
        break;
    case HTTP_STALE:
        status = STATUS_UNAVAILABLE;
        break;
    case HTTP_STOPPED:
    case HTTP_LATE:
        status = exchange->failed
                     ? (enum status)exchange->report->reply->status
                     : STATUS_CANCELLED;
        break;
    }
out:
    http_request_clear(&request);
    return status;
}
