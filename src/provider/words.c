/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * words.c - the small grammar that all values of the language share.
 *
 * It refuses to know what a word means.
 */
#include "provider/words.h"

#include <stdlib.h>
#include <string.h>

#define BLANKS " \t"
#define NEAREST_MAX 40 /* longer words are not compared */

/* Copies the quoted word that *at stands on into WORD and moves past it. */
static bool
take_quoted(const char **at, char *word, const char **why)
{
    const char *from = *at + 1;

    for (; *from != '"'; from++) {
        if (*from == '\\' && from[1] != '"' && from[1] != '\\') {
            *why = "a \\ in quotes that is neither \\\" nor \\\\";
            return false;
        }
        if (*from == '\\')
            from++;
        if (*from == '\0') {
            *why = "a double quote without its partner";
            return false;
        }
        *word++ = *from;
    }
    from++;
    if (*from != '\0' && strchr(BLANKS, *from) == NULL) {
        *why = "a quoted word goes on behind its quote";
        return false;
    }
    *word = '\0';
    *at = from;
    return true;
}

static char *
take(const char **at, bool quotes, const char **why)
{
    char *word = malloc(strlen(*at) + 1);

    if (word == NULL) {
        *why = "out of memory";
        return NULL;
    }
    if (quotes && **at == '"') {
        if (!take_quoted(at, word, why)) {
            free(word);
            return NULL;
        }
    } else {
        size_t length = strcspn(*at, BLANKS);

        memcpy(word, *at, length);
        word[length] = '\0';
        *at += length;
    }
    return word;
}

char **
words_split(const char *text, bool quotes, size_t *count, const char **why)
{
    /* No word is shorter than one byte and the blank behind it. */
    char **words = calloc(strlen(text) / 2 + 2, sizeof(*words));
    size_t n = 0;

    *count = 0;
    if (words == NULL) {
        *why = "out of memory";
        return NULL;
    }
    for (text += strspn(text, BLANKS); *text != '\0';
         text += strspn(text, BLANKS)) {
        words[n] = take(&text, quotes, why);
        if (words[n] == NULL) {
            words_free(words);
            return NULL;
        }
        n++;
    }
    *count = n;
    return words;
}

void
words_free(char **words)
{
    for (size_t i = 0; words != NULL && words[i] != NULL; i++)
        free(words[i]);
    free(words);
}

bool
word_is_name(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        bool letter = text[i] >= 'a' && text[i] <= 'z';
        bool other = (text[i] >= '0' && text[i] <= '9') || text[i] == '_';

        if (!letter && !(other && i > 0))
            return false;
    }
    return length > 0;
}

bool
word_is_token(const char *text)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789!#$%&'*+-.^_`|~";

    return *text != '\0' && text[strspn(text, allowed)] == '\0';
}

bool
word_is_among(const char *word, const char *const *words)
{
    for (; *words != NULL; words++)
        if (strcmp(word, *words) == 0)
            return true;
    return false;
}

/* Levenshtein's distance; a neighbour swapped counts as two. */
static size_t
distance(const char *a, const char *b)
{
    size_t row[NEAREST_MAX + 1];
    size_t length = strlen(b);

    for (size_t j = 0; j <= length; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1] != '\0'; i++) {
        size_t corner = row[0];

        row[0] = i;
        for (size_t j = 1; j <= length; j++) {
            size_t best = corner + (a[i - 1] == b[j - 1] ? 0 : 1);

            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            corner = row[j];
            row[j] = best;
        }
    }
    return row[length];
}

const char *
word_nearest(const char *word, const char *const *candidates)
{
    const char *nearest = NULL;
    size_t best = strlen(word) < 5 ? 2 : 3; /* and nearer than that */

    if (strlen(word) > NEAREST_MAX)
        return NULL;
    for (; *candidates != NULL; candidates++) {
        size_t far;

        if (strlen(*candidates) > NEAREST_MAX)
            continue;
        far = distance(word, *candidates);
        if (far < best) {
            best = far;
            nearest = *candidates;
        }
    }
    return nearest;
}
