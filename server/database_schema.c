/* SPDX-License-Identifier: Apache-2.0 */
#include "server/database_schema.h"

#include <inttypes.h>

#include "base/array.h"

/* Step n brings a database of user_version n to n + 1.  A step that was ever released is never changed. */
static const char *const migrations[] = {
    "CREATE TABLE report ("
    " seq INTEGER PRIMARY KEY,"
    " id TEXT NOT NULL UNIQUE,"
    " received INTEGER NOT NULL,"
    " host TEXT NOT NULL,"
    " type TEXT NOT NULL,"
    " reason TEXT NOT NULL,"
    " document TEXT NOT NULL) STRICT;"
    "CREATE INDEX report_host ON report (host, seq);"
    "CREATE TABLE version ("
    " role TEXT NOT NULL PRIMARY KEY,"
    " version INTEGER NOT NULL) STRICT, WITHOUT ROWID;",
    "CREATE TABLE token ("
    " id TEXT NOT NULL PRIMARY KEY,"
    " name TEXT NOT NULL UNIQUE,"
    " scope TEXT NOT NULL,"
    " created INTEGER NOT NULL,"
    " expires INTEGER NOT NULL,"
    " used INTEGER NOT NULL,"
    " hash BLOB NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE journal ("
    " seq INTEGER PRIMARY KEY,"
    " time INTEGER NOT NULL,"
    " actor TEXT NOT NULL,"
    " event TEXT NOT NULL,"
    " detail TEXT NOT NULL,"
    " hash BLOB NOT NULL) STRICT;",
    "CREATE TABLE alert ("
    " labels TEXT NOT NULL PRIMARY KEY,"
    " rule TEXT NOT NULL,"
    " severity INTEGER NOT NULL,"
    " fingerprint TEXT NOT NULL,"
    " summary TEXT NOT NULL,"
    " state INTEGER NOT NULL,"
    " since INTEGER NOT NULL,"
    " fired INTEGER NOT NULL,"
    " resolved INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE alert_told ("
    " webhook TEXT NOT NULL,"
    " labels TEXT NOT NULL,"
    " at INTEGER NOT NULL,"
    " PRIMARY KEY (webhook, labels)) STRICT, WITHOUT ROWID;",
    "CREATE TABLE app_release ("
    " app TEXT NOT NULL,"
    " app_version TEXT NOT NULL,"
    " generation INTEGER NOT NULL,"
    " added INTEGER NOT NULL,"
    " PRIMARY KEY (app, app_version)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE adoption ("
    " repository TEXT NOT NULL,"
    " day INTEGER NOT NULL,"
    " source TEXT NOT NULL,"
    " zone TEXT NOT NULL,"
    " version INTEGER NOT NULL,"
    " app TEXT NOT NULL,"
    " app_version TEXT NOT NULL,"
    " os TEXT NOT NULL,"
    " hits INTEGER NOT NULL,"
    " day_devices INTEGER NOT NULL,"
    " week_devices INTEGER NOT NULL,"
    " PRIMARY KEY (repository, day, source, zone, version, app, app_version, os)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE adoption_batch ("
    " id TEXT NOT NULL PRIMARY KEY,"
    " day INTEGER NOT NULL) STRICT, WITHOUT ROWID;",
    "CREATE TABLE series ("
    " key BLOB NOT NULL PRIMARY KEY,"
    " repository TEXT NOT NULL,"
    " host TEXT NOT NULL,"
    " reason TEXT NOT NULL,"
    " leaf TEXT NOT NULL,"
    " zone TEXT NOT NULL,"
    " zone_version INTEGER NOT NULL,"
    " app TEXT NOT NULL,"
    " app_version TEXT NOT NULL,"
    " os TEXT NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE cell ("
    " span INTEGER NOT NULL,"
    " start INTEGER NOT NULL,"
    " series BLOB NOT NULL,"
    " reports INTEGER NOT NULL,"
    " weight INTEGER NOT NULL,"
    " successes INTEGER NOT NULL,"
    " tried INTEGER NOT NULL,"
    " recovered INTEGER NOT NULL,"
    " devices BLOB NOT NULL,"
    " networks BLOB NOT NULL,"
    " PRIMARY KEY (span, start, series)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE taken ("
    " number INTEGER PRIMARY KEY,"
    " at INTEGER NOT NULL,"
    " ids BLOB NOT NULL) STRICT;"
    "ALTER TABLE report ADD COLUMN repository TEXT NOT NULL DEFAULT '';",
    "CREATE TABLE signing ("
    " seq INTEGER PRIMARY KEY,"
    " time INTEGER NOT NULL,"
    " repository TEXT NOT NULL,"
    " role TEXT NOT NULL,"
    " version INTEGER NOT NULL) STRICT;"
    "CREATE INDEX signing_repository ON signing (repository, seq);",
    "CREATE TABLE edge_target ("
    " repository TEXT NOT NULL,"
    " host TEXT NOT NULL,"
    " port INTEGER NOT NULL,"
    " place TEXT NOT NULL,"
    " added INTEGER NOT NULL,"
    " PRIMARY KEY (repository, host, port, place)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE edge ("
    " repository TEXT NOT NULL,"
    " host TEXT NOT NULL,"
    " port INTEGER NOT NULL,"
    " address TEXT NOT NULL,"
    " key_type TEXT NOT NULL,"
    " source TEXT NOT NULL,"
    " active INTEGER NOT NULL,"
    " changed INTEGER NOT NULL,"
    " added INTEGER NOT NULL,"
    " probed INTEGER NOT NULL,"
    " outcome TEXT NOT NULL,"
    " failures INTEGER NOT NULL,"
    " pinned TEXT NOT NULL,"
    " leaf TEXT NOT NULL,"
    " not_before INTEGER NOT NULL,"
    " not_after INTEGER NOT NULL,"
    " document TEXT NOT NULL,"
    " PRIMARY KEY (repository, host, port, address, key_type)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE edge_leaf ("
    " repository TEXT NOT NULL,"
    " host TEXT NOT NULL,"
    " port INTEGER NOT NULL,"
    " address TEXT NOT NULL,"
    " key_type TEXT NOT NULL,"
    " spki TEXT NOT NULL,"
    " first_seen INTEGER NOT NULL,"
    " last_seen INTEGER NOT NULL,"
    " PRIMARY KEY (repository, host, port, address, key_type, spki)) STRICT, WITHOUT ROWID;",
    ("ALTER TABLE signing ADD COLUMN seen INTEGER NOT NULL DEFAULT 0;"
     "CREATE INDEX signing_role ON signing (repository, role, seq);"),
};
#define SCHEMA_VERSION ((int64_t)PTI_COUNT(migrations))

const char *const *pti_sqlite_steps(int64_t *count)
{
    *count = SCHEMA_VERSION;
    return migrations;
}

enum pti_db_result pti_sqlite_judge(const char *path, int64_t application, int64_t version, int64_t tables,
                                    struct pti_error *error)
{
    if (application != PTI_SQLITE_APPLICATION && (application != 0 || version != 0 || tables != 0)) {
        (void)pti_fail(error, PINTLE_ERR_STORAGE, "%s is a database of another program; give another --data directory",
                       path);
        return PTI_DB_BROKEN;
    }
    if (version > SCHEMA_VERSION) {
        (void)pti_fail(error, PINTLE_ERR_STORAGE,
                       "%s has schema version %" PRId64 ", this pintled knows up to %" PRId64
                       "; run the newer pintled that made it, or restore an older backup",
                       path, version, SCHEMA_VERSION);
        return PTI_DB_BROKEN;
    }
    return PTI_DB_OK;
}
