/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * folder.h - folders and files that only root can have made.
 *
 * Everything is reached by openat(2) from a descriptor whose whole path was
 * checked; no link is followed; modes are set whatever the umask; a file is
 * replaced by rename, so a reader sees the old one or the new one.  This file
 * refuses anything that another user owns or could have written.
 */
#ifndef AUTHAPI_SESSION_FOLDER_H
#define AUTHAPI_SESSION_FOLDER_H

#include "base/secret.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

#define ID_SIZE 33 /* 32 hex digits and a NUL */

/* Opens the absolute PATH, one component at a time: every one must be a real
 * folder that we (the effective uid) or root own and nobody else may write
 * (a sticky folder such as /tmp may be passed through).  Returns a descriptor
 * to close, or -1 with *why pointing at static words. */
int folder_open_path(const char *path, const char **why) MUST_USE;

/* Opens the folder NAME in PARENT, made 0700 first when CREATE is set and it
 * does not exist.  It must be ours alone: no bit for others.  Returns a
 * descriptor to close, or -1 with errno (EPERM: not ours or wrong mode). */
int folder_open(int parent, const char *name, bool create) MUST_USE;

/* Closes a descriptor, unless it is -1; errno stays. */
void folder_close(int descriptor);

/* Waits until what was written as NAME is on the disk, and that it is called
 * so.  STATUS_OK or STATUS_SYSTEM with errno. */
enum status folder_sync(int folder, const char *name) MUST_USE;

/* Whether NAME in PARENT still is the folder behind DESCRIPTOR; only what is
 * seen to be gone, or another one, is not. */
bool folder_is(int parent, const char *name, int descriptor) MUST_USE;

/* Locks the folder behind DESCRIPTOR for us alone (flock(2)), waiting at most
 * WAIT_MS.  STATUS_OK, STATUS_BUSY or STATUS_SYSTEM.  Closing the descriptor
 * unlocks. */
enum status folder_lock(int descriptor, int wait_ms) MUST_USE;

/* The same with others who share it. */
enum status folder_share(int descriptor, int wait_ms) MUST_USE;

/* Unlocks and closes, unless DESCRIPTOR is -1.  Closing is not enough where
 * the host has forked meanwhile: its child has a copy of the descriptor, and
 * with it the lock. */
void folder_unlock(int descriptor);

/* Calls VISIT with every name in the folder but "." and "..", until it returns
 * false.  STATUS_OK or STATUS_SYSTEM. */
enum status folder_each(int descriptor,
                        bool (*visit)(void *context, const char *name),
                        void *context) MUST_USE;

/* Reads the regular file NAME, which must be ours alone, into OUT
 * (its cap is the largest file taken).  STATUS_OK, STATUS_NOT_FOUND,
 * STATUS_SYSTEM (with errno), STATUS_NO_MEMORY.  On failure OUT is empty. */
enum status folder_read(int folder, const char *name,
                        struct secret *out) MUST_USE;

/* Writes the file NAME, mode 0600, replacing what is there by rename.
 * STATUS_OK or STATUS_SYSTEM with errno; on failure what was there stays and
 * nothing else is left. */
enum status folder_write(int folder, const char *name,
                         const struct secret *bytes) MUST_USE;

/* Fills ID with 32 random hex digits.  STATUS_OK, or STATUS_SYSTEM with ID
 * "". */
enum status folder_random_id(char id[ID_SIZE]) MUST_USE;

/* Whether TEXT is exactly 32 lower-case hex digits. */
bool folder_id_valid(const char *text) MUST_USE;

#endif
