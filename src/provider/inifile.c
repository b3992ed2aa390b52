/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * inifile.c - one INI file as a flat list of section, key, value and line.
 *
 * libinih splits the lines; but it cuts long ones without a word, numbers
 * none, and tells of the first mistake only.  So it is fed line by line from
 * here, where lines are counted and measured.  This file refuses to know what
 * a key means.
 */
#include "provider/inifile.h"
#include "base/message.h"
#include "provider/trusted.h"

#include <ini.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX (256 * 1024)

/* Where the reading stands. */
struct reader {
    struct ini *ini;
    struct problems *problems;
    enum status status;
    const char *at;
    const char *end;
    int line;
    char *section;
    size_t current;   /* the entry that a further line continues */
    bool has_current; /* an entry came in this section */
    bool dropped;     /* but it was refused: nothing to continue */
    bool continuing;  /* the line at hand does */
    bool unanswered;  /* the line at hand has not reached take_pair yet */
};

static void
line_problem(struct reader *reader, const char *text)
{
    problem(reader->problems, reader->ini->path, reader->line, "", "%s", text);
}

static bool
add(struct reader *reader, const char *key, const char *value)
{
    struct ini *ini = reader->ini;
    struct ini_entry *grown =
        reallocarray(ini->items, ini->count + 1, sizeof(*grown));

    if (grown == NULL) {
        reader->status = STATUS_NO_MEMORY;
        return false;
    }
    ini->items = grown;
    grown += ini->count++;
    grown->file = ini->path;
    grown->line = reader->line;
    grown->section = strdup(reader->section);
    grown->key = strdup(key);
    grown->value = strdup(value);
    if (grown->section == NULL || grown->key == NULL || grown->value == NULL)
        reader->status = STATUS_NO_MEMORY;
    return reader->status == STATUS_OK;
}

/* A heading: the name between the brackets, and nothing behind them but a
 * comment. */
static bool
take_heading(struct reader *reader, const char *text)
{
    const char *close = strchr(text, ']');
    char *name;

    reader->has_current = false;
    if (close == NULL) {
        line_problem(reader, "a [ without its ]");
        return false;
    }
    close++;
    close += strspn(close, " \t");
    if (*close != '\0' && *close != ';') {
        line_problem(reader, "something follows the section's ]");
        return false;
    }
    name = strndup(text + 1, strcspn(text + 1, "]"));
    if (name == NULL) {
        reader->status = STATUS_NO_MEMORY;
        return false;
    }
    free(reader->section);
    reader->section = name;
    return add(reader, "", "");
}

/* libinih takes "key: value" too, which would split header:NAME. */
static bool
check_pair(struct reader *reader, const char *text)
{
    size_t length = strcspn(text, "=:");

    if (length == 0) {
        line_problem(reader, "a value without a key");
        return false;
    }
    if (text[length] == ':') {
        line_problem(reader, "a : before the =; write key = value");
        return false;
    }
    return true;
}

/* Looks at a line before libinih does; false keeps it from being seen. */
static bool
classify(struct reader *reader, const char *line)
{
    const char *text = line + strspn(line, " \t");

    reader->continuing = false;
    reader->unanswered = false;
    if (*text == '\0' || *text == ';' || *text == '#')
        return false;
    if (text > line && reader->has_current) {
        reader->continuing = true;
        reader->unanswered = true;
        return true;
    }
    if (*text == '[')
        return take_heading(reader, text);
    reader->unanswered = check_pair(reader, text);
    return reader->unanswered;
}

/* The previous line, if libinih made nothing of it. */
static void
settle(struct reader *reader)
{
    if (reader->unanswered)
        line_problem(reader, "neither key = value, [section] nor a # comment");
    reader->unanswered = false;
}

/* Hands libinih the next line, as fgets(3) would. */
static char *
next_line(char *buffer, int size, void *context)
{
    struct reader *reader = context;
    const char *newline;
    size_t length;

    settle(reader);
    if (reader->at == reader->end || reader->status != STATUS_OK || size < 2)
        return NULL;
    newline = memchr(reader->at, '\n', (size_t)(reader->end - reader->at));
    if (newline == NULL)
        newline = reader->end;
    length = (size_t)(newline - reader->at);
    reader->line++;
    buffer[0] = '\0';
    if (length > 0 && reader->at[length - 1] == '\r')
        length--;
    if (length >= (size_t)size) {
        problem(reader->problems, reader->ini->path, reader->line, "",
                "a line over %d bytes; go on with the value in the next line, "
                "behind a space",
                size - 1);
    } else {
        memcpy(buffer, reader->at, length);
        buffer[length] = '\0';
        if (!classify(reader, buffer))
            buffer[0] = '\0';
    }
    reader->at = newline < reader->end ? newline + 1 : newline;
    return buffer;
}

static void
go_on(struct reader *reader, const char *more)
{
    struct ini_entry *entry;
    size_t length;
    char *grown;

    if (reader->dropped)
        return;
    entry = &reader->ini->items[reader->current];
    length = strlen(entry->value);
    grown = realloc(entry->value, length + strlen(more) + 2);
    if (grown == NULL) {
        reader->status = STATUS_NO_MEMORY;
        return;
    }
    entry->value = grown;
    if (length > 0 && *more != '\0')
        grown[length++] = ' ';
    memcpy(grown + length, more, strlen(more) + 1);
}

/* Takes what libinih split.  It cuts long section names, so ours counts. */
static int
take_pair(void *context, const char *section, const char *key,
          const char *value)
{
    struct reader *reader = context;
    const struct ini_entry *twin;

    (void)section;
    reader->unanswered = false;
    if (reader->continuing) {
        go_on(reader, value);
        return 1;
    }
    twin = ini_find(reader->ini, reader->section, key);
    if (twin != NULL) {
        problem(reader->problems, reader->ini->path, reader->line, key,
                "is set twice: in line %d and in line %d", twin->line,
                reader->line);
        reader->dropped = true;
        return 1;
    }
    reader->dropped = false;
    if (add(reader, key, value)) {
        reader->current = reader->ini->count - 1;
        reader->has_current = true;
    }
    return 1;
}

/* Refuses what no text file holds; the line of the first such byte. */
static bool
is_text(struct reader *reader)
{
    for (const char *at = reader->at; at < reader->end;) {
        const char *newline = memchr(at, '\n', (size_t)(reader->end - at));
        const char *stop = newline != NULL ? newline : reader->end;

        reader->line++;
        if (!utf8_valid(at, (size_t)(stop - at))) {
            line_problem(reader, "bytes that are not UTF-8");
            return false;
        }
        for (; at < stop; at++) {
            unsigned char byte = (unsigned char)*at;

            if ((byte < ' ' || byte == 0x7f) && byte != '\t'
                && !(byte == '\r' && at + 1 == stop)) {
                line_problem(reader, "a NUL or another control character");
                return false;
            }
        }
        at = newline != NULL ? newline + 1 : stop;
    }
    reader->line = 0;
    return true;
}

enum status
ini_read(const char *path, struct problems *problems, struct ini *ini)
{
    struct secret bytes = SECRET_INIT(FILE_MAX);
    struct reader reader = { .ini = ini, .problems = problems };
    char why[160];
    enum status status;

    memset(ini, 0, sizeof(*ini));
    ini->path = strdup(path);
    reader.section = strdup("");
    if (ini->path == NULL || reader.section == NULL) {
        status = STATUS_NO_MEMORY;
        goto out;
    }
    status = trusted_read(path, false, &bytes, why, sizeof(why));
    if (status == STATUS_MISCONFIGURED)
        problem(problems, ini->path, 0, "", "%s", why);
    if (status != STATUS_OK)
        goto out;

    reader.status = STATUS_OK;
    reader.at = secret_text(&bytes);
    reader.end = reader.at + bytes.length;
    if (bytes.length >= 3 && memcmp(reader.at, "\xef\xbb\xbf", 3) == 0)
        reader.at += 3;
    if (!is_text(&reader)) {
        status = STATUS_MISCONFIGURED;
        goto out;
    }
    /* Its result tells of mistakes that were reported already. */
    (void)ini_parse_stream(next_line, &reader, take_pair, &reader);
    status = reader.status;

out:
    free(reader.section);
    secret_clear(&bytes);
    return status;
}

const struct ini_entry *
ini_find(const struct ini *ini, const char *section, const char *key)
{
    for (size_t i = 0; i < ini->count; i++)
        if (strcmp(ini->items[i].section, section) == 0
            && strcmp(ini->items[i].key, key) == 0)
            return &ini->items[i];
    return NULL;
}

void
ini_clear(struct ini *ini)
{
    for (size_t i = 0; i < ini->count; i++) {
        free(ini->items[i].section);
        free(ini->items[i].key);
        free(ini->items[i].value);
    }
    free(ini->items);
    free(ini->path);
    memset(ini, 0, sizeof(*ini));
}
