/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Backups of what a server keeps in its data directory: made while it runs, and restored while it does not.
 *
 * A version that was signed after the backup was made is unknown to it.  So a restored one counts on from numbers
 * that nothing can have reached meanwhile, and above all that is published: no version is ever signed twice with
 * another content.
 */
#ifndef PTI_SERVER_BACKUP_H
#define PTI_SERVER_BACKUP_H

#include "publish/file.h"
#include "server/database_copy.h"
#include "server/options.h"

/*
 * Copies the database in the directory data to a new file: target, or a file named after the time in the directory
 * target. Consistent, whole or not there, and read again in full before it gets its name, which path receives.
 */
enum pintle_status pti_backup_make(const char *data, const char *target, const char *actor, int64_t now,
                                   char path[PTI_PATH_MAX], struct pti_error *error);

/*
 * Puts the backup into options->data, after bringing its schema up to date and its versions beyond what may have been
 * signed since, for all repositories of options and any others it knows.  What is there already is replaced only with
 * force, and kept as pintled.db.replaced.
 */
enum pintle_status pti_backup_restore(const char *backup, const struct pti_server_options *options, bool force,
                                      const char *actor, int64_t now, struct pti_error *error);

/*
 * How far to jump: a version for each second since made (Unix seconds; 0: not known), and some more; far less than
 * what a signer takes for an attack.
 */
int64_t pti_backup_jump(int64_t made, int64_t now);

#endif
