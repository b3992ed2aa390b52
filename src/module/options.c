/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * options.c - the arguments of a PAM line: the policy of that line.
 */
#include "module/options.h"

#include <errno.h>
#include <security/pam_ext.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

enum kind { KIND_FLAG, KIND_NUMBER, KIND_REALM, KIND_CHOICE };

struct option {
    const char *name;
    enum kind kind;
    long least;
    long most;
    size_t offset;
    const char *meaning;  /* of a right value, for the log */
    const char *words[2]; /* KIND_CHOICE: what sets 0 and 1 */
};

#define AT(member) offsetof(struct options, member)

/* Sorted by name; the README's table says the same. */
static const struct option table[] = {
    { "debug", KIND_FLAG, 0, 0, AT(debug), "", { NULL } },
    { "defer_expired", KIND_FLAG, 0, 0, AT(defer_expired), "", { NULL } },
    { "expired",
      KIND_CHOICE,
      0,
      0,
      AT(expired_deny),
      "allow or deny",
      { "allow", "deny" } },
    { "export",
      KIND_CHOICE,
      0,
      0,
      AT(export),
      "none or file",
      { "none", "file" } },
    { "max_age",
      KIND_NUMBER,
      0,
      7 * 24 * 3600,
      AT(max_age_s),
      "seconds, from 0 to a week",
      { NULL } },
    { "minimum_uid",
      KIND_NUMBER,
      0,
      INT32_MAX,
      AT(minimum_uid),
      "a uid",
      { NULL } },
    { "offline",
      KIND_CHOICE,
      0,
      0,
      AT(offline_allow),
      "allow or deny",
      { "deny", "allow" } },
    { "realm",
      KIND_REALM,
      0,
      0,
      AT(realm),
      "letters, digits, '-' and '_', at most 32, not slots or tokens",
      { NULL } },
    { "reuse",
      KIND_CHOICE,
      0,
      0,
      AT(reuse),
      "off or session",
      { "off", "session" } },
    { "reuse_max_age",
      KIND_NUMBER,
      1,
      24 * 3600,
      AT(reuse_max_age_s),
      "seconds, from 1 to a day",
      { NULL } },
    { "revoke",
      KIND_CHOICE,
      0,
      0,
      AT(revoke_wait),
      "later or wait",
      { "later", "wait" } },
    { "timeout",
      KIND_NUMBER,
      1,
      300,
      AT(timeout_s),
      "seconds, from 1 to 300",
      { NULL } },
    { "try_first_pass", KIND_FLAG, 0, 0, AT(try_first_pass), "", { NULL } },
    { "use_first_pass", KIND_FLAG, 0, 0, AT(use_first_pass), "", { NULL } },
};

static const struct option *
find(const char *name, size_t length)
{
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (strlen(table[i].name) == length
            && memcmp(table[i].name, name, length) == 0)
            return &table[i];
    return NULL;
}

static bool
parse_number(const struct option *option, const char *text, long *number)
{
    char *end;
    long value;

    /* strtol would take blanks and a sign. */
    if (text[0] < '0' || text[0] > '9')
        return false;
    errno = 0;
    value = strtol(text, &end, 10);
    if (errno != 0 || *end != '\0' || value < option->least
        || value > option->most)
        return false;
    *number = value;
    return true;
}

/* VALUE is NULL where the argument has no '='. */
static bool
take(const struct option *option, const char *value, struct options *options)
{
    void *member = (char *)options + option->offset;

    if ((option->kind == KIND_FLAG) != (value == NULL))
        return false;
    switch (option->kind) {
    case KIND_FLAG:
        *(long *)member = 1;
        return true;
    case KIND_NUMBER:
        return parse_number(option, value, member);
    case KIND_CHOICE:
        *(long *)member = strcmp(value, option->words[1]) == 0;
        return *(long *)member != 0 || strcmp(value, option->words[0]) == 0;
    case KIND_REALM:
        if (!realm_valid(value))
            return false;
        memcpy(member, value, strlen(value) + 1);
        return true;
    }
    return false;
}

enum status
options_parse(pam_handle_t *pamh, int argc, const char **argv,
              struct options *options)
{
    enum status status = STATUS_OK;

    *options = (struct options){
        .realm = "default",
        .minimum_uid = 1000,
        .timeout_s = 10,
        .max_age_s = 300,
        .reuse_max_age_s = 900,
    };
    for (int i = 0; i < argc; i++) {
        size_t length = strcspn(argv[i], "=");
        const struct option *option = find(argv[i], length);
        const char *value =
            argv[i][length] == '=' ? argv[i] + length + 1 : NULL;

        if (option != NULL && take(option, value, options))
            continue;
        status = STATUS_MISCONFIGURED;
        if (option == NULL)
            pam_syslog(pamh, LOG_ERR,
                       "unknown argument \"%s\" in the PAM line: the call is "
                       "refused",
                       argv[i]);
        else if (option->kind == KIND_FLAG)
            pam_syslog(pamh, LOG_ERR,
                       "the argument \"%s\" in the PAM line takes no value: "
                       "the call is refused",
                       option->name);
        else
            pam_syslog(pamh, LOG_ERR,
                       "malformed argument \"%s\" in the PAM line (%s=%s): "
                       "the call is refused",
                       argv[i], option->name, option->meaning);
    }
    return status;
}
