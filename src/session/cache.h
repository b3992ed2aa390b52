/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cache.h - the store below the run folder.
 *
 *     RUNDIR/                         root 0711, made when the machine boots
 *       slots/N                       locks of the early helpers
 *       slots/REALM.UID               locks of sign-ins under way
 *       REALM/users/UID/grant         the held grant
 *                      /sessions/ID   one record per open session
 *       REALM/staged/HANDLE/grant     a grant that no session has taken yet
 *       REALM/outbox/ID/grant         a grant whose revocation is owed
 *       REALM/keys/jwks               the key set that was fetched last
 *       tokens/UID[.REALM]            a token for programs of the user
 *     OUTBOXDIR/REALM/ID/grant        the outbox, where it outlasts a boot
 *
 * The user's folder itself is the lock.  Removing never waits for it: the
 * folder is renamed into the outbox, and whoever gets the lock afterwards
 * sees that the name is another folder now.  The files of store.h alone know
 * these paths; they refuse to look inside a grant's opaque part.
 */
#ifndef AUTHAPI_SESSION_CACHE_H
#define AUTHAPI_SESSION_CACHE_H

#include "base/grant.h"
#include "base/log.h"
#include "base/status.h"
#include "session/folder.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cache;   /* one realm's store */
struct holding; /* a locked folder of it: a user's, or an outbox entry's */

/* Opens the store of REALM below RUNDIR, making the realm's folders.
 * STATUS_OK (free with cache_close), STATUS_SYSTEM after a log line that says
 * what is wrong with which folder and how to mend it, STATUS_NO_MEMORY. LOG is
 * borrowed for the cache's life. */
enum status cache_open(const char *rundir, const char *realm,
                       const struct log *log, struct cache **cache) MUST_USE;

/* The same with an outbox at OUTBOXDIR/REALM; "": below RUNDIR like the rest.
 * cache_open takes the place that configure was told. */
enum status cache_open_at(const char *rundir, const char *outboxdir,
                          const char *realm, const struct log *log,
                          struct cache **cache) MUST_USE;

/* Accepts NULL. */
void cache_close(struct cache *cache);

/* Calls VISIT for every realm that has a folder below RUNDIR, and then for
 * those that have one at the outbox's own place alone, as after a reboot;
 * until it returns false.  STATUS_OK, STATUS_SYSTEM (logged). */
enum status cache_each_realm(const char *rundir, const struct log *log,
                             bool (*visit)(void *context, const char *realm),
                             void *context) MUST_USE;

/* The same with that place at OUTBOXDIR, as for cache_open_at. */
enum status cache_each_realm_at(
    const char *rundir, const char *outboxdir, const struct log *log,
    bool (*visit)(void *context, const char *realm), void *context) MUST_USE;

/* Takes one of the machine's eight slots for an early helper.  A descriptor;
 * closing it gives the slot back.  -1 when none is free. */
int cache_take_slot(const char *rundir) MUST_USE;

/* Locks the sign-ins of UID, waiting at most WAIT_MS: SHARED for one of them,
 * from before the password goes out until its grant is staged; else for a
 * logout that would end those that are under way.  A descriptor for
 * folder_unlock; -1 when it is not to be had. */
int cache_lock_sign_ins(struct cache *cache, uint32_t uid, bool shared,
                        int wait_ms) MUST_USE;

/* --- staged grants ------------------------------------------------------- */

/* Puts GRANT aside under a new random HANDLE.  STATUS_OK or STATUS_SYSTEM
 * (logged), with nothing left behind. */
enum status cache_stage(struct cache *cache, const struct grant *grant,
                        char handle[ID_SIZE]) MUST_USE;

/* Reads a staged grant.  STATUS_OK (grant_clear it), STATUS_NOT_FOUND for a
 * handle that is malformed or unknown, STATUS_SYSTEM. */
enum status cache_load_staged(struct cache *cache, const char *handle,
                              struct grant *grant) MUST_USE;

/* Moves a staged grant into the outbox; its entry has the handle's name.
 * STATUS_OK, STATUS_NOT_FOUND, STATUS_SYSTEM. */
enum status cache_discard_staged(struct cache *cache,
                                 const char *handle) MUST_USE;

/* Calls VISIT for every staged handle with the age of its tokens in
 * seconds. */
enum status cache_each_staged(struct cache *cache,
                              bool (*visit)(void *context, const char *handle,
                                            int64_t age_s),
                              void *context) MUST_USE;

/* Replaces the staged grant HANDLE.  STATUS_OK, STATUS_NOT_FOUND,
 * STATUS_SYSTEM. */
enum status cache_restage(struct cache *cache, const char *handle,
                          const struct grant *grant) MUST_USE;

/* --- key sets ------------------------------------------------------------ */

/* Reads the key set that the helper fetched last into KEYS, which stays empty
 * when there is none or it cannot be read: the helper then fetches one. */
void cache_load_keys(struct cache *cache, struct secret *keys);

/* Keeps a key set; empty KEYS change nothing.  What fails is logged. */
void cache_store_keys(struct cache *cache, const struct secret *keys);

/* --- a user's folder ----------------------------------------------------- */

/* Locks the folder of UID, made first when CREATE is set.  STATUS_OK (free
 * with holding_release), STATUS_NOT_FOUND, STATUS_BUSY after WAIT_MS,
 * STATUS_SYSTEM (logged), STATUS_NO_MEMORY. */
enum status cache_hold(struct cache *cache, uint32_t uid, bool create,
                       int wait_ms, struct holding **holding) MUST_USE;

/* Reads the held grant of UID without its lock (it is replaced by rename, so
 * this is the old one or the new one).  STATUS_OK, STATUS_NOT_FOUND,
 * STATUS_SYSTEM. */
enum status cache_peek(struct cache *cache, uint32_t uid,
                       struct grant *grant) MUST_USE;

/* Seconds since the folder of UID was last written in; 0 when it cannot be
 * told. */
int64_t cache_idle_s(struct cache *cache, uint32_t uid) MUST_USE;

/* Ends a session record without the lock.  STATUS_OK, STATUS_NOT_FOUND,
 * STATUS_SYSTEM. */
enum status cache_end_session(struct cache *cache, uint32_t uid,
                              const char *id) MUST_USE;

/* Moves the user's whole folder into the outbox by one rename, and the grant
 * on into an entry of its own where somebody has the lock: nobody is waited
 * for.  What was exported goes.  ID gets the name of the entry; it is "" when
 * the folder held no grant, and then there is no entry.  STATUS_OK,
 * STATUS_NOT_FOUND, STATUS_SYSTEM. */
enum status cache_remove(struct cache *cache, uint32_t uid,
                         char id[ID_SIZE]) MUST_USE;

/* Calls VISIT for every uid that has a folder. */
enum status cache_each_user(struct cache *cache,
                            bool (*visit)(void *context, uint32_t uid),
                            void *context) MUST_USE;

/* How many live sessions the folder of UID has; dead records are removed. */
enum status cache_count_sessions(struct cache *cache, uint32_t uid,
                                 size_t *live) MUST_USE;

/* Whether the name still is the locked folder (nobody removed it). */
bool holding_current(const struct holding *holding) MUST_USE;

/* Reads the grant.  STATUS_OK, STATUS_NOT_FOUND, STATUS_SYSTEM (logged:
 * unreadable). */
enum status holding_load(struct holding *holding,
                         struct grant *grant) MUST_USE;

/* The same, without a word in the log. */
enum status holding_peek(struct holding *holding,
                         struct grant *grant) MUST_USE;

/* Seconds since anything in the folder was written. */
int64_t holding_age(const struct holding *holding) MUST_USE;

/* Replaces the grant by rename.  STATUS_OK, STATUS_SYSTEM (logged; the old
 * grant stays). */
enum status holding_store(struct holding *holding,
                          const struct grant *grant) MUST_USE;

/* Moves the staged grant HANDLE here, by one rename.  An older grant must
 * have been retired before.  STATUS_OK, STATUS_NOT_FOUND, STATUS_SYSTEM. */
enum status holding_adopt(struct holding *holding,
                          const char *handle) MUST_USE;

/* Moves the grant, if there is one, into an outbox entry of its own, named in
 * ID.  STATUS_OK, STATUS_NOT_FOUND, STATUS_SYSTEM. */
enum status holding_retire(struct holding *holding, char id[ID_SIZE]) MUST_USE;

/* The same for the whole folder and for who has its lock, which goes along:
 * release it before the entry is delivered.  STATUS_NOT_FOUND when the folder
 * had been removed before. */
enum status holding_remove(struct holding *holding, char id[ID_SIZE]) MUST_USE;

/* Adds a record under a new ID.  STATUS_OK, STATUS_SYSTEM (logged). */
enum status holding_add_session(struct holding *holding,
                                const struct session_record *record,
                                char id[ID_SIZE]) MUST_USE;

/* As cache_count_sessions. */
enum status holding_count_sessions(struct holding *holding,
                                   size_t *live) MUST_USE;

/* Deletes the grant, which the API no longer honours.  STATUS_OK (also when
 * there was none), STATUS_SYSTEM. */
enum status holding_drop(struct holding *holding) MUST_USE;

/* Deletes the folder and what it holds.  STATUS_OK, STATUS_SYSTEM. */
enum status holding_delete(struct holding *holding) MUST_USE;

/* Unlocks.  Accepts NULL. */
void holding_release(struct holding *holding);

/* Takes away what a killed writer left in the folder.  */
void holding_tidy(struct holding *holding);

/* --- a user's folder, its lock being somebody else's --------------------- */

/* Adds a session beside a held grant without the lock.  STATUS_OK;
 * STATUS_NOT_FOUND when nothing is held for USER, or was removed meanwhile;
 * STATUS_SYSTEM (logged), STATUS_NO_MEMORY. */
enum status cache_join(struct cache *cache, const char *user, uint32_t uid,
                       const struct session_record *record,
                       char id[ID_SIZE]) MUST_USE;

/* --- sessions ------------------------------------------------------------ */

/* Calls VISIT with the ID and the record of every session of UID, live or
 * not, until it returns false.  STATUS_OK, STATUS_NOT_FOUND, STATUS_SYSTEM. */
enum status
cache_each_session(struct cache *cache, uint32_t uid,
                   bool (*visit)(void *context, const char *id,
                                 const struct session_record *record),
                   void *context) MUST_USE;

/* Replaces the record ID, if it is still there.  STATUS_OK, STATUS_NOT_FOUND,
 * STATUS_SYSTEM. */
enum status
cache_rewrite_session(struct cache *cache, uint32_t uid, const char *id,
                      const struct session_record *record) MUST_USE;

/* --- tokens for programs of the user ------------------------------------- */

/* Writes the access token of GRANT to RUNDIR/tokens/UID (UID.REALM but for the
 * realm "default"), for its user alone to read; the file's modification time
 * is when the token expires, 0 where nobody knows.  PATH gets a malloc'd copy
 * of the path, when it is not NULL.  STATUS_OK; STATUS_UNSUPPORTED when the
 * grant has no token to show; STATUS_SYSTEM; STATUS_NO_MEMORY; logged. */
enum status cache_export(struct cache *cache, const struct grant *grant,
                         char **path) MUST_USE;

/* Writes it anew where it stands already: GRANT is newer.  What fails is
 * logged, and the old one taken away. */
void cache_export_again(struct cache *cache, const struct grant *grant);

/* Takes away exported tokens whose users hold nothing, and what a killed
 * writer left; writes those anew that are not the held ones. */
void cache_sweep_exports(struct cache *cache);

/* The path of UID's exported token; malloc'd, NULL when out of memory. */
char *export_path(const char *rundir, const char *realm,
                  uint32_t uid) MUST_USE;

/* --- the outbox ---------------------------------------------------------- */

/* Carries the entry ID, or every entry, over to OUTBOXDIR, where there is one;
 * what fails is logged and stays for the next time. */
void cache_carry(struct cache *cache, const char *id);
void cache_carry_all(struct cache *cache);

/* Locks an entry.  As cache_hold. */
enum status cache_hold_entry(struct cache *cache, const char *id, int wait_ms,
                             struct holding **holding) MUST_USE;

/* Reads an entry without its lock.  As cache_peek. */
enum status cache_peek_entry(struct cache *cache, const char *id,
                             struct grant *grant) MUST_USE;

/* Moves the grant of the entry ID, whose lock somebody has, into an entry of
 * its own, if nothing was written there for LEAST_AGE_S: they may be stopped
 * for good.  STATUS_OK; STATUS_NOT_FOUND: it is not so; STATUS_SYSTEM. */
enum status cache_part_entry(struct cache *cache, const char *id,
                             int64_t least_age_s, char own[ID_SIZE]) MUST_USE;

/* Calls VISIT for every entry. */
enum status cache_each_entry(struct cache *cache,
                             bool (*visit)(void *context, const char *id),
                             void *context) MUST_USE;

#endif
