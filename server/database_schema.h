/* SPDX-License-Identifier: Apache-2.0 */
/* The schema of a database in SQLite: the steps that lead to it, and whether a database may take them.  No I/O. */
#ifndef PTI_SERVER_DATABASE_SCHEMA_H
#define PTI_SERVER_DATABASE_SCHEMA_H

#include "server/database.h"

#define PTI_SQLITE_APPLICATION 0x504e544c /* "PNTL", in the file's header: whose database this is */

/* The steps of the schema, *count of them: a database of version n has taken the first n. */
const char *const *pti_sqlite_steps(int64_t *count);

/* For back ends: whether this program may use a database that says so of itself. */
enum pti_db_result pti_sqlite_judge(const char *path, int64_t application, int64_t version, int64_t tables,
                                    struct pti_error *error);

#endif
