/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * draft.c - the head of a step's request: method, URL, headers.
 */
#include "helper/draft.h"
#include "helper/spot.h"
#include "provider/template.h"

#include <openssl/evp.h>
#include <string.h>
#include <strings.h>

enum { VALUE_MAX = 8 * 1024 }; /* of an ID or a secret */

void
draft_init(struct http_request *request)
{
    memset(request, 0, sizeof(*request));
    request->url = (struct secret)SECRET_INIT(HTTP_URL_MAX);
    request->body = (struct secret)SECRET_INIT(HTTP_SENT_MAX);
    for (size_t i = 0; i < HTTP_HEADERS_MAX; i++)
        request->headers[i] = (struct secret)SECRET_INIT(HTTP_HEADER_MAX);
}

/* --- headers ------------------------------------------------------------- */

static bool
has_name(const struct secret *header, const char *name)
{
    size_t length = strlen(name);

    return strncasecmp(secret_text(header), name, length) == 0
           && (header->data[length] == ':' || header->data[length] == ';');
}

/* Adds "NAME: VALUE" in place of an earlier header of that name. */
static enum status
put_header(struct http_request *request, const char *name, const char *value)
{
    struct secret *header = NULL;
    enum status status;

    for (size_t i = 0; i < request->header_count && header == NULL; i++)
        if (has_name(&request->headers[i], name))
            header = &request->headers[i];
    if (header == NULL) {
        if (request->header_count == HTTP_HEADERS_MAX)
            return STATUS_SYSTEM;
        header = &request->headers[request->header_count++];
    }
    status = secret_set(header, name);
    /* "Name;" is how curl is told to send a header without a value. */
    if (status == STATUS_OK)
        status = value[0] == '\0' ? secret_append(header, ";", 1)
                                  : secret_append(header, ": ", 2);
    if (status == STATUS_OK)
        status = secret_append(header, value, strlen(value));
    return status;
}

/* What is sent where the description says nothing else. */
static enum status
put_defaults(struct http_request *request, const struct step *step)
{
    static const char *const types[] = {
        [ENCODING_JSON] = "application/json",
        [ENCODING_FORM] = "application/x-www-form-urlencoded",
        [ENCODING_NONE] = NULL,
    };
    const char *type = step->content_type != NULL ? step->content_type
                                                  : types[step->encoding];
    enum status status = put_header(request, "Accept", "application/json");

    if (status == STATUS_OK && type != NULL)
        status = put_header(request, "Content-Type", type);
    return status;
}

/* RFC 7617: Base64 of "ID:SECRET". */
static enum status
basic(const struct secret *id, const struct secret *password,
      struct secret *value)
{
    struct secret pair = SECRET_INIT(2 * VALUE_MAX + 1);
    struct secret base64 = SECRET_INIT(4 * VALUE_MAX);
    enum status status = secret_append(&pair, secret_text(id), id->length);

    if (status == STATUS_OK)
        status = secret_append(&pair, ":", 1);
    if (status == STATUS_OK)
        status = secret_append(&pair, secret_text(password), password->length);
    /* EVP_EncodeBlock writes a NUL, for which a secret has room. */
    if (status == STATUS_OK)
        status = secret_resize(&base64, (pair.length + 2) / 3 * 4);
    if (status == STATUS_OK) {
        EVP_EncodeBlock((unsigned char *)base64.data,
                        (const unsigned char *)pair.data, (int)pair.length);
        status = secret_set(value, "Basic ");
    }
    if (status == STATUS_OK)
        status = secret_append(value, base64.data, base64.length);
    secret_clear(&pair);
    secret_clear(&base64);
    return status;
}

/* RFC 6749 2.3.1: each half is form-encoded before it becomes Base64. */
static enum status
encode_half(struct secret *half)
{
    struct secret encoded = SECRET_INIT(3 * VALUE_MAX);
    enum status status = http_escape(half, &encoded);

    secret_clear(half);
    if (status == STATUS_OK)
        status = secret_append(half, secret_text(&encoded), encoded.length);
    secret_clear(&encoded);
    return status;
}

/* A half that is absent leaves the whole out: a public client has no secret.
 */
static enum status
put_auth(struct http_request *request, const struct step *step,
         const struct vars *vars, struct report *report)
{
    struct secret first = SECRET_INIT(VALUE_MAX);
    struct secret second = SECRET_INIT(VALUE_MAX);
    struct secret value = SECRET_INIT(HTTP_HEADER_MAX);
    const struct spot spot = { step, "auth", "", report };
    bool present = true;
    enum status status = spot_fill(&spot, step->auth_first, vars, PLACE_HEADER,
                                   &first, &present);

    if (status == STATUS_OK && present && step->auth != AUTH_BEARER)
        status = spot_fill(&spot, step->auth_second, vars, PLACE_HEADER,
                           &second, &present);
    if (status != STATUS_OK || !present)
        goto out;
    if (step->auth == AUTH_BASIC && strchr(secret_text(&first), ':') != NULL) {
        status = report_end(report, STATUS_MISCONFIGURED,
                            "auth in [%s]: the ID must not hold a colon",
                            step->name);
        goto out;
    }
    if (step->auth == AUTH_CLIENT_BASIC) {
        status = encode_half(&first);
        if (status == STATUS_OK)
            status = encode_half(&second);
    }
    if (status == STATUS_OK && step->auth == AUTH_BEARER) {
        status = secret_set(&value, "Bearer ");
        if (status == STATUS_OK)
            status = secret_append(&value, first.data, first.length);
    } else if (status == STATUS_OK) {
        status = basic(&first, &second, &value);
    }
    if (status == STATUS_OK)
        status = put_header(request, "Authorization", secret_text(&value));
    if (status != STATUS_OK)
        status = spot_refuse(&spot, status, NULL);
out:
    secret_clear(&first);
    secret_clear(&second);
    secret_clear(&value);
    return status;
}

static enum status
put_headers(struct http_request *request, const struct step *step,
            const struct vars *vars, struct report *report)
{
    for (size_t i = 0; i < step->headers.count; i++) {
        const struct entry *entry = &step->headers.items[i];
        const struct spot spot = { step, "header.", entry->name, report };
        struct secret value = SECRET_INIT(HTTP_HEADER_MAX);
        bool present = true;
        enum status status;

        if (entry->value == NULL)
            continue;
        status = spot_fill(&spot, entry->value, vars, PLACE_HEADER, &value,
                           &present);

        if (status == STATUS_OK && present) {
            status = put_header(request, entry->name, secret_text(&value));
            if (status != STATUS_OK)
                status = spot_refuse(&spot, status, NULL);
        }
        secret_clear(&value);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

enum status
draft_head(struct http_request *request, const struct step *step,
           const struct vars *vars, struct report *report)
{
    const struct spot spot = { step, "url", "", report };
    bool present = true;
    enum status status =
        spot_fill(&spot, step->url, vars, PLACE_URL, &request->url, &present);

    if (status != STATUS_OK)
        return status;
    if (!present)
        return report_end(report, STATUS_MISCONFIGURED, "url in [%s] is empty",
                          step->name);
    request->method = step->method;
    /* A POST without a body says so: some servers insist on a length. */
    request->has_body = step->encoding != ENCODING_NONE
                        || (strcmp(step->method, "GET") != 0
                            && strcmp(step->method, "HEAD") != 0
                            && strcmp(step->method, "DELETE") != 0);
    status = put_defaults(request, step);
    if (status != STATUS_OK)
        return spot_refuse(&spot, status, NULL);
    status = put_headers(request, step, vars, report);
    if (status == STATUS_OK && step->auth != AUTH_NONE)
        status = put_auth(request, step, vars, report);
    return status;
}

bool
draft_head_uses(const struct step *step, const char *name)
{
    for (size_t i = 0; i < step->headers.count; i++)
        if (step->headers.items[i].value != NULL
            && template_uses(step->headers.items[i].value, name))
            return true;
    return template_uses(step->url, name)
           || (step->auth_first != NULL
               && template_uses(step->auth_first, name))
           || (step->auth_second != NULL
               && template_uses(step->auth_second, name));
}

bool
draft_uses(const struct step *step, const char *name)
{
    for (size_t i = 0; i < step->fields.count; i++)
        if (step->fields.items[i].value != NULL
            && template_uses(step->fields.items[i].value, name))
            return true;
    return draft_head_uses(step, name);
}

struct search {
    const char *name;
    bool found;
};

static void
visit(void *context, const char *name, bool optional)
{
    struct search *search = context;

    if (!optional && strcmp(name, search->name) == 0)
        search->found = true;
}

bool
draft_needs(const struct step *step, const char *name)
{
    struct search search = { name, false };

    template_names(step->url, visit, &search);
    if (step->auth_first != NULL)
        template_names(step->auth_first, visit, &search);
    if (step->auth_second != NULL)
        template_names(step->auth_second, visit, &search);
    for (size_t i = 0; i < step->headers.count; i++)
        if (step->headers.items[i].value != NULL)
            template_names(step->headers.items[i].value, visit, &search);
    for (size_t i = 0; i < step->fields.count; i++)
        if (step->fields.items[i].value != NULL)
            template_names(step->fields.items[i].value, visit, &search);
    return search.found;
}
