/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * body.c - the body of a request: the fields of a step, as JSON or as a form.
 */
#include "helper/body.h"
#include "base/message.h"
#include "helper/spot.h"
#include "provider/pointer.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum {
    VALUE_MAX = 20 * 1024, /* of a field, before escaping */
    PAD_UNIT = 1024,
};

/* --- JSON ---------------------------------------------------------------- */

/* Takes the escapes of RFC 6901 out of a segment, in place. */
static void
unescape(char *segment)
{
    char *to = segment;

    for (const char *from = segment; *from != '\0'; from++, to++) {
        if (from[0] == '~' && (from[1] == '0' || from[1] == '1')) {
            *to = from[1] == '0' ? '~' : '/';
            from++;
        } else {
            *to = *from;
        }
    }
    *to = '\0';
}

/* Puts VALUE, which it takes over, where NAME says: "email", or "/a/b" with
 * the objects on the way made as needed. */
static enum status
put_json(json_t *root, const char *name, json_t *value)
{
    enum status status = STATUS_NO_MEMORY;
    char *path = strdup(name);
    char *at = path;

    if (path == NULL || value == NULL)
        goto out;
    if (at[0] == '/') {
        char *slash;

        at++;
        while ((slash = strchr(at, '/')) != NULL) {
            json_t *inner;

            *slash = '\0';
            unescape(at);
            inner = json_object_get(root, at);
            if (inner == NULL) {
                inner = json_object();
                if (json_object_set_new(root, at, inner) != 0)
                    goto out;
            }
            root = inner;
            at = slash + 1;
        }
        unescape(at);
    }
    status = json_object_set(root, at, value) == 0 ? STATUS_OK
                                                   : STATUS_MISCONFIGURED;
out:
    json_decref(value);
    free(path);
    return status;
}

static enum status
put_json_field(json_t *root, const struct spot *spot,
               const struct entry *entry, const struct vars *vars)
{
    struct secret text = SECRET_INIT(VALUE_MAX);
    enum status status = STATUS_OK;
    bool present = true;
    json_t *value = NULL;

    if (entry->literal != NULL) {
        value = json_deep_copy(entry->literal);
    } else {
        status =
            spot_fill(spot, entry->value, vars, PLACE_TEXT, &text, &present);
        if (status != STATUS_OK || !present)
            goto out;
        value = json_stringn(secret_text(&text), text.length);
        if (value == NULL && !utf8_valid(secret_text(&text), text.length)) {
            status = report_end(spot->report, STATUS_MISCONFIGURED,
                                "%s%s in [%s] is not UTF-8", spot->kind,
                                spot->name, spot->step->name);
            goto out;
        }
    }
    status = put_json(root, entry->name, value);
    if (status != STATUS_OK)
        status = spot_refuse(spot, status, NULL);
out:
    secret_clear(&text);
    return status;
}

static enum status
write_json(struct http_request *request, const struct step *step,
           const struct vars *vars, struct report *report)
{
    const struct spot whole = { step, "the body", "", report };
    enum status status = STATUS_OK;
    json_t *root = json_object();
    size_t length;

    if (root == NULL)
        return spot_refuse(&whole, STATUS_NO_MEMORY, NULL);
    for (size_t i = 0; i < step->fields.count && status == STATUS_OK; i++) {
        const struct entry *entry = &step->fields.items[i];
        const struct spot spot = { step, "field.", entry->name, report };

        status = put_json_field(root, &spot, entry, vars);
    }
    if (status != STATUS_OK)
        goto out;
    length = json_dumpb(root, NULL, 0, JSON_COMPACT);
    status = secret_resize(&request->body, length);
    if (status == STATUS_OK
        && json_dumpb(root, request->body.data, length, JSON_COMPACT)
               != length)
        status = STATUS_NO_MEMORY;
    if (status != STATUS_OK)
        status = spot_refuse(&whole, status, NULL);
out:
    json_decref(root);
    return status;
}

/* --- forms --------------------------------------------------------------- */

static enum status
write_form_field(struct secret *body, const struct spot *spot,
                 const struct entry *entry, const struct vars *vars)
{
    struct secret name = SECRET_INIT(VALUE_MAX);
    struct secret text = SECRET_INIT(VALUE_MAX);
    enum status status;
    bool present = true;

    if (entry->literal != NULL) {
        status = pointer_scalar(entry->literal, &text);
        if (status != STATUS_OK)
            status = spot_refuse(spot, STATUS_MISCONFIGURED, NULL);
    } else {
        status =
            spot_fill(spot, entry->value, vars, PLACE_TEXT, &text, &present);
    }
    if (status != STATUS_OK || !present)
        goto out;
    status = secret_set(&name, entry->name);
    if (status == STATUS_OK && body->length > 0)
        status = secret_append(body, "&", 1);
    if (status == STATUS_OK)
        status = http_escape(&name, body);
    if (status == STATUS_OK)
        status = secret_append(body, "=", 1);
    if (status == STATUS_OK)
        status = http_escape(&text, body);
    if (status != STATUS_OK)
        status = spot_refuse(spot, status, NULL);
out:
    secret_clear(&name);
    secret_clear(&text);
    return status;
}

static enum status
write_form(struct http_request *request, const struct step *step,
           const struct vars *vars, struct report *report)
{
    enum status status = STATUS_OK;

    for (size_t i = 0; i < step->fields.count && status == STATUS_OK; i++) {
        const struct entry *entry = &step->fields.items[i];
        const struct spot spot = { step, "field.", entry->name, report };

        status = write_form_field(&request->body, &spot, entry, vars);
    }
    return status;
}

/* --- both ---------------------------------------------------------------- */

enum status
body_write(struct http_request *request, const struct step *step,
           const struct vars *vars, struct report *report)
{
    enum status status = STATUS_OK;
    size_t length;

    secret_clear(&request->body);
    switch (step->encoding) {
    case ENCODING_JSON:
        status = write_json(request, step, vars, report);
        break;
    case ENCODING_FORM:
        status = write_form(request, step, vars, report);
        break;
    case ENCODING_NONE:
        break;
    }
    if (status != STATUS_OK)
        return status;
    length = request->body.length;
    if (request->body_size == 0)
        request->body_size = length;
    if (length > request->body_size
        || secret_resize(&request->body, request->body_size) != STATUS_OK)
        return report_end(report, STATUS_SYSTEM,
                          "the body of [%s] is longer than planned",
                          step->name);
    memset(request->body.data + length, ' ', request->body_size - length);
    return STATUS_OK;
}

enum status
body_measure(struct http_request *request, const struct step *step,
             struct vars *vars, struct report *report)
{
    static const char *const hidden[] = { "password", "new_password" };
    char longest[PASSWORD_MAX];
    enum status status = STATUS_OK;

    /* No byte grows more in JSON than a control character: \u0001. */
    memset(longest, 1, sizeof(longest));
    request->body_size = 0;
    for (size_t i = 0; i < sizeof(hidden) / sizeof(*hidden); i++)
        if (status == STATUS_OK)
            status = vars_set(vars, hidden[i], longest, sizeof(longest),
                              VAR_OUTSIDE);
    if (status == STATUS_OK)
        status = body_write(request, step, vars, report);
    else
        status = report_end(report, status, "the body of [%s]: %s", step->name,
                            status_text(status));
    if (status == STATUS_OK)
        request->body_size =
            (request->body_size + PAD_UNIT - 1) / PAD_UNIT * PAD_UNIT;
    secret_clear(&request->body);
    for (size_t i = 0; i < sizeof(hidden) / sizeof(*hidden); i++)
        if (vars_set(vars, hidden[i], "", 0, VAR_OUTSIDE) != STATUS_OK
            && status == STATUS_OK)
            status = report_end(report, STATUS_NO_MEMORY, "out of memory");
    return status;
}
