/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * account.c - the local account behind a name, as NSS knows it.
 */
#include "session/account.h"
#include "base/message.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#define RECORD_MAX (1024 * 1024)

enum status
account_find(const char *name, uint32_t *uid)
{
    struct passwd record, *found = NULL;
    enum status status = STATUS_NO_SUCH_USER;
    char *buffer = NULL;
    int error = ERANGE;

    if (name == NULL || !user_valid(name))
        return STATUS_NO_SUCH_USER;
    for (size_t size = 1024; error == ERANGE && size <= RECORD_MAX;
         size *= 4) {
        char *larger = realloc(buffer, size);

        if (larger == NULL) {
            free(buffer);
            return STATUS_NO_MEMORY;
        }
        buffer = larger;
        error = getpwnam_r(name, &record, buffer, size, &found);
    }
    /* Several errors mean no more than that there is no such user. */
    if (found == NULL && error != 0 && error != ENOENT && error != ESRCH
        && error != EBADF && error != EPERM) {
        errno = error;
        status = STATUS_SYSTEM;
    }
    if (found != NULL && strcmp(found->pw_name, name) == 0) {
        *uid = found->pw_uid;
        status = STATUS_OK;
    }
    free(buffer);
    return status;
}
