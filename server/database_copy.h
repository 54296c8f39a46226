/* SPDX-License-Identifier: Apache-2.0 */
/* SQLite files as wholes: looked at and copied without being changed, whether a server has them open or not. */
#ifndef PTI_SERVER_DATABASE_COPY_H
#define PTI_SERVER_DATABASE_COPY_H

#include "server/database.h"

#define PTI_DATABASE_NAME "pintled.db" /* in a --data directory */

struct pti_database_facts {
    bool present;   /* the file is there, and something is in it */
    int64_t schema; /* its version, at most the newest that this program knows */
};

/*
 * Changes and creates nothing.  thorough reads every page, too.  An absent or empty file is PINTLE_OK.
 * PINTLE_ERR_STORAGE: it is damaged, another program's, or of a newer pintled.
 */
enum pintle_status pti_database_look(const char *path, bool thorough, struct pti_database_facts *facts,
                                     struct pti_error *error);

/*
 * Copies what is committed at this moment in the database at from, which others may be writing, to a new file of mode
 * 0600. Durable on return; on failure there is no file.  PINTLE_ERR_STORAGE.
 */
enum pintle_status pti_database_copy(const char *from, const char *to, struct pti_error *error);

#endif
