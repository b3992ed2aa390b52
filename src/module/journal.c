/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * journal.c - where the module's log lines go: pam_syslog(3).
 */
#include "module/journal.h"

#include <security/pam_ext.h>

static void
write_line(void *context, int priority, const char *line)
{
    pam_syslog(context, priority, "%s", line);
}

struct log
journal_open(pam_handle_t *pamh, bool debug)
{
    return (
        struct log){ .write = write_line, .context = pamh, .debug = debug };
}
