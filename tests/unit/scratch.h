/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * scratch.h - a throwaway run folder, and what a test wants to know of it.
 *
 * It refuses to outlive its test: scratch_remove takes all of it away.
 */
#ifndef AUTHAPI_TESTS_SCRATCH_H
#define AUTHAPI_TESTS_SCRATCH_H

#include "base/grant.h"
#include "base/log.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct scratch {
    char root[64];  /* a folder of ours, 0700 */
    char run[72];   /* root/run, 0711 */
    int descriptor; /* of root */
    int open_at_start;
    struct log log; /* writes into lines */
    char lines[8192];
};

/* cmocka fixtures: *state is a struct scratch.  The second fails when the test
 * left a descriptor open. */
int scratch_setup(void **state);
int scratch_teardown(void **state);

/* Gives this program mounts of its own; call it once, before any test.  False
 * when that is not allowed. */
int scratch_private_mounts(void);

/* The path of NAME below the root; good until the fourth call after it. */
const char *scratch_path(const struct scratch *scratch, const char *name);

/* How many descriptors this process has. */
int scratch_open_descriptors(void);

/* How many entries there are below PATH, folders included. */
size_t scratch_entries(const char *path);

/* Permission bits, all twelve, of PATH itself. */
unsigned scratch_mode(const char *path);

/* Makes a file or fails the test. */
void scratch_file(const char *path, const char *text, unsigned mode);

/* Milliseconds on a clock that only goes forward. */
int64_t scratch_now_ms(void);

/* As fork(2), but fails the test instead of itself, and the child does not
 * outlive a test program that fails. */
pid_t scratch_fork(void);

/* Waits for PID and returns its exit status, or -1 if a signal ended it. */
int scratch_exit_status(pid_t pid);

/* Waits until one byte comes through the pipe; fails the test if none does. */
void scratch_await(int descriptor);

/* Sends that byte. */
void scratch_tell(int descriptor);

/* Fills GRANT for USER of REALM with OPAQUE. */
void scratch_grant(struct grant *grant, const char *realm, const char *user,
                   uint32_t uid, const char *opaque);

#endif
