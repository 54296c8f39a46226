/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files as a publisher needs them: whole, bounded, replaced atomically and durably.  Every message names the path.
 * All return PINTLE_ERR_STORAGE on failure unless they say otherwise.
 */
#ifndef PTI_PUBLISH_FILE_H
#define PTI_PUBLISH_FILE_H

#include <stdbool.h>

#include <pintle/bytes.h>

#include "base/error.h"

#define PTI_PATH_MAX 4096 /* bytes with terminator */

/* directory "/" name into out (PTI_PATH_MAX bytes); PINTLE_ERR_INPUT if it does not fit. */
enum pintle_status pti_file_path(char *out, const char *directory, const char *name, struct pti_error *error);
/* Reads a regular file of at most max bytes; *data is owned by the caller (pti_bytes_free). */
enum pintle_status pti_file_read(const char *path, size_t max, struct pintle_bytes *data, struct pti_error *error);
/* The same, but an absent file is PINTLE_OK with *found false. */
enum pintle_status pti_file_read_optional(const char *path, size_t max, struct pintle_bytes *data, bool *found,
                                          struct pti_error *error);
/*
 * Replaces path: temporary file in the same directory, fsync, rename, fsync of the directory.  After a crash at any
 * instruction the old content or the new one is there, whole.  mode is 0600 or 0644.
 */
enum pintle_status pti_file_replace(const char *path, struct pintle_bytes data, unsigned mode, struct pti_error *error);
/*
 * Creates path with mode 0600; PINTLE_ERR_STORAGE if anything is there already.  Durable on return; after a crash it is
 * whole, or not there.
 */
enum pintle_status pti_file_create_private(const char *path, struct pintle_bytes data, struct pti_error *error);
/*
 * Gives temporary, a file in the same directory whose content is durable, the name path; PINTLE_ERR_STORAGE if anything
 * is there already.  Durable on return.
 */
enum pintle_status pti_file_place(const char *temporary, const char *path, struct pti_error *error);
/* The same, but what is there is replaced. */
enum pintle_status pti_file_move(const char *from, const char *to, struct pti_error *error);
/* Removes path; absent is PINTLE_OK. */
enum pintle_status pti_file_remove(const char *path, struct pti_error *error);
/* Removes the temporary files that a crash left in a directory; the caller keeps other writers away from it. */
void pti_file_sweep(const char *directory);
/* Makes a directory unless it is there; its parent must exist. */
enum pintle_status pti_file_make_directory(const char *path, unsigned mode, struct pti_error *error);
bool pti_file_exists(const char *path);
/*
 * The names in a directory that end in suffix, sorted; *names is one allocation of count pointers, freed with
 * pti_file_names_free().  An absent directory has none.
 */
enum pintle_status pti_file_list(const char *directory, const char *suffix, char ***names, size_t *count,
                                 struct pti_error *error);
void pti_file_names_free(char **names, size_t count);
/* An exclusive lock on path (made if missing), waited for at most wait_ms. */
enum pintle_status pti_file_lock(const char *path, int wait_ms, int *descriptor, struct pti_error *error);
void pti_file_unlock(int descriptor); /* -1 is legal */

#endif
