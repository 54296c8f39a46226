/* SPDX-License-Identifier: Apache-2.0 */
#include "server/backup.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/datetime.h"
#include "publish/file.h"
#include "server/data.h"
#include "server/database_schema.h"
#include "server/journal.h"
#include "server/log.h"
#include "server/publication.h"
#include "server/resign.h"
#include "server/storage.h"

#define JUMP_SPARE 1000
#define JUMP_MAX 900000 /* the signer refuses PTI_SIGNER_VERSION_STEP_MAX */

int64_t pti_backup_jump(int64_t made, int64_t now)
{
    if (made <= 0 || now - made > JUMP_MAX - JUMP_SPARE)
        return JUMP_MAX;
    return (now > made ? now - made : 0) + JUMP_SPARE;
}

/* ---- making ---- */

static enum pintle_status name_backup(const char *target, int64_t now, char path[PTI_PATH_MAX], struct pti_error *error)
{
    char time[PTI_DATETIME_SIZE + 1], name[64];
    struct stat info;
    size_t length = 0;

    if (stat(target, &info) != 0 || !S_ISDIR(info.st_mode)) {
        if (pti_copy_text(path, PTI_PATH_MAX, target) >= PTI_PATH_MAX)
            return pti_fail(error, PINTLE_ERR_INPUT, "the name of the backup is longer than %d bytes",
                            PTI_PATH_MAX - 1);
        return PINTLE_OK;
    }
    pti_datetime_format(now, time);
    length = (size_t)snprintf(name, sizeof name, "pintled-");
    for (const char *byte = time; *byte; byte++)
        if (*byte != '-' && *byte != ':')
            name[length++] = *byte;
    snprintf(name + length, sizeof name - length, ".db");
    return pti_file_path(path, target, name, error);
}

/* In the database of the server, before it is copied: so the copy knows when it was made. */
static enum pintle_status note_backup(const char *data, int64_t schema, const char *path, const char *actor,
                                      struct pti_error *error)
{
    struct pti_database *database = NULL;
    enum pintle_status status = PINTLE_OK;
    int64_t newest = 0;

    pti_sqlite_steps(&newest);
    if (schema != newest) /* opening it would bring it up to date under the older pintled that may be running */
        return PINTLE_OK;
    status = pti_database_open_sqlite(data, &database, error);
    if (status == PINTLE_OK)
        status = pti_journal_append(database, actor, "backup.started", path, error);
    pti_database_close(database);
    return status;
}

static enum pintle_status copy_verified(const char *from, const char *path, struct pti_error *error)
{
    struct pti_database_facts facts;
    char part[PTI_PATH_MAX];
    enum pintle_status status = PINTLE_OK;

    if ((size_t)snprintf(part, sizeof part, "%s.%ld.part", path, (long)getpid()) >= sizeof part)
        return pti_fail(error, PINTLE_ERR_INPUT, "the name of the backup is too long");
    status = pti_database_copy(from, part, error);
    if (status == PINTLE_OK)
        status = pti_database_look(part, true, &facts, error);
    if (status == PINTLE_OK)
        status = pti_file_place(part, path, error);
    if (status != PINTLE_OK)
        unlink(part);
    return status;
}

enum pintle_status pti_backup_make(const char *data, const char *target, const char *actor, int64_t now,
                                   char path[PTI_PATH_MAX], struct pti_error *error)
{
    struct pti_database_facts facts;
    char from[PTI_PATH_MAX];
    enum pintle_status status = pti_file_path(from, data, PTI_DATABASE_NAME, error);

    if (status == PINTLE_OK)
        status = pti_data_check_owner(data, error);
    if (status == PINTLE_OK)
        status = pti_database_look(from, false, &facts, error);
    if (status == PINTLE_OK && !facts.present)
        status = pti_fail(error, PINTLE_ERR_STORAGE,
                          "expected a database in %s, found none; name the --data directory "
                          "of the server",
                          data);
    if (status == PINTLE_OK)
        status = name_backup(target, now, path, error);
    if (status == PINTLE_OK && pti_file_exists(path))
        status = pti_fail(error, PINTLE_ERR_STORAGE, "%s exists already and is not overwritten; choose another name",
                          path);
    if (status != PINTLE_OK)
        return status;
    if (note_backup(data, facts.schema, path, actor, error) != PINTLE_OK) /* on a full disk it is needed all the more */
        pti_log(PTI_LOG_WARNING, "the backup stands in no journal: %s", error->detail);
    return copy_verified(from, path, error);
}

/* ---- restoring ---- */

/* Every backup notes its time; what older programs or other tools made is at least as new as its last line. */
static enum pintle_status read_made(struct pti_database *database, int64_t *made, struct pti_error *error)
{
    static const struct pti_db_statement newest = {"read when it was made", "SELECT max(time) FROM journal"};
    const struct pti_db_query query = {&newest, NULL, 0, pti_db_take_integer, made};

    *made = 0;
    return pti_database_read(database, &query, error);
}

/* Also above what is published, which may be newer than the backup, or not counted in it at all. */
static enum pintle_status raise_published(struct pti_database *database, const struct pti_served_options *served,
                                          struct pintle_crypto *crypto, int64_t jump, struct pti_error *error)
{
    const struct pti_resigner resigner = {.directory = served->directory, .name = served->name, .crypto = crypto};
    static const char *const roles[] = {"timestamp", "snapshot"};
    struct pti_publication publication;
    enum pintle_status status = pti_publication_load(served->directory, crypto, &publication, error);
    const int64_t published[] = {publication.published.timestamp_version, publication.published.snapshot_floor};

    for (size_t i = 0; i < 2 && status == PINTLE_OK; i++) {
        char series[PTI_SERIES_SIZE];
        int64_t version = 0;

        status = pti_resigner_series(&resigner, &publication.published, roles[i], series, error);
        if (status == PINTLE_OK)
            status = pti_storage_allocate_version(database, series, published[i] + jump, &version, error);
    }
    pti_publication_clear(&publication);
    return status == PINTLE_OK ? status : pti_error_prefix(error, "restore the repository first");
}

static enum pintle_status raise_versions(struct pti_database *database, const struct pti_server_options *options,
                                         int64_t jump, struct pti_error *error)
{
    struct pintle_crypto *crypto = NULL;
    enum pintle_status status = pintle_crypto_openssl_new(&crypto);

    if (status != PINTLE_OK)
        return pti_fail(error, status, "OpenSSL cannot be used: %s", pintle_status_name(status));
    status = pti_storage_raise_versions(database, jump, error);
    for (size_t i = 0; i < options->served_count && status == PINTLE_OK; i++)
        status = raise_published(database, &options->served[i], crypto, jump, error);
    pintle_crypto_free(crypto);
    return status;
}

/* directory holds nothing but the copy, which becomes fit to be used. */
static enum pintle_status prepare_copy(const char *directory, const struct pti_server_options *options,
                                       const char *backup, const char *actor, int64_t now, struct pti_error *error)
{
    struct pti_database *database = NULL;
    char detail[PTI_PATH_MAX + 64];
    int64_t made = 0;
    enum pintle_status status = pti_database_open_sqlite(directory, &database, error);

    if (status == PINTLE_OK)
        status = read_made(database, &made, error);
    if (status == PINTLE_OK)
        status = raise_versions(database, options, pti_backup_jump(made, now), error);
    snprintf(detail, sizeof detail, "%s, versions raised by %" PRId64, backup, pti_backup_jump(made, now));
    if (status == PINTLE_OK)
        status = pti_journal_append(database, actor, "backup.restored", detail, error);
    pti_database_close(database); /* the last connection: its log goes into it, and away */
    return status;
}

/* "pintled.db-wal" and the others that SQLite keeps beside it. */
static const char *const suffixes[] = {"-wal", "-shm", ""};

/* The log goes first: it must never lie beside another database.  That stays until the new one takes its name. */
static enum pintle_status put_aside(const char *path, struct pti_error *error)
{
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        char from[PTI_PATH_MAX + 8], to[PTI_PATH_MAX + 32];

        snprintf(from, sizeof from, "%s%s", path, suffixes[i]);
        snprintf(to, sizeof to, "%s.replaced%s", path, suffixes[i]);
        unlink(to);
        if ((suffixes[i][0] ? rename(from, to) : link(from, to)) != 0 && errno != ENOENT)
            return pti_fail(error, PINTLE_ERR_STORAGE, "%s cannot be put aside: %s", from, strerror(errno));
    }
    return PINTLE_OK;
}

static void remove_work(const char *directory)
{
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        char path[PTI_PATH_MAX + 32];

        snprintf(path, sizeof path, "%s/" PTI_DATABASE_NAME "%s", directory, suffixes[i]);
        unlink(path);
    }
    rmdir(directory);
}

static enum pintle_status restore(const char *backup, const struct pti_server_options *options, bool force,
                                  const char *actor, int64_t now, struct pti_error *error)
{
    char work[PTI_PATH_MAX], copy[PTI_PATH_MAX], path[PTI_PATH_MAX];
    enum pintle_status status = pti_file_path(path, options->data, PTI_DATABASE_NAME, error);

    if (status == PINTLE_OK && pti_file_exists(path) && !force)
        return pti_fail(error, PINTLE_ERR_STORAGE, "%s exists already; --force replaces it and keeps it as %s.replaced",
                        path, PTI_DATABASE_NAME);
    if (status == PINTLE_OK)
        status = pti_file_path(work, options->data, "restoring", error);
    if (status == PINTLE_OK)
        status = pti_file_path(copy, work, PTI_DATABASE_NAME, error);
    if (status != PINTLE_OK)
        return status;
    remove_work(work); /* of one that was cut off */
    status = pti_file_make_directory(work, 0700, error);
    if (status == PINTLE_OK)
        status = pti_database_copy(backup, copy, error);
    if (status == PINTLE_OK)
        status = prepare_copy(work, options, backup, actor, now, error);
    if (status == PINTLE_OK)
        status = put_aside(path, error);
    if (status == PINTLE_OK)
        status = pti_file_move(copy, path, error);
    remove_work(work);
    return status;
}

enum pintle_status pti_backup_restore(const char *backup, const struct pti_server_options *options, bool force,
                                      const char *actor, int64_t now, struct pti_error *error)
{
    struct pti_database_facts facts;
    int lock = -1;
    enum pintle_status status = pti_database_look(backup, true, &facts, error);

    if (status == PINTLE_OK && !facts.present)
        status = pti_fail(error, PINTLE_ERR_STORAGE, "expected a backup made by `pintled backup`, found nothing in %s",
                          backup);
    if (status == PINTLE_OK)
        status = pti_file_make_directory(options->data, 0700, error);
    if (status == PINTLE_OK)
        status = pti_data_check_owner(options->data, error);
    if (status == PINTLE_OK)
        status = pti_data_lock(options->data, &lock, error);
    if (status == PINTLE_OK)
        status = restore(backup, options, force, actor, now, error);
    pti_file_unlock(lock);
    return status;
}
