/* SPDX-License-Identifier: Apache-2.0 */
#include "server/storage.h"

#include <assert.h>
#include <stdlib.h>

#include "server/limits.h"

enum pintle_status pti_storage_new(const struct pti_storage_ops *ops, void *connection, struct pti_storage **storage,
                                   struct pti_error *error)
{
    struct pti_storage *made = calloc(1, sizeof *made);
    enum pintle_status status = PINTLE_ERR_MEMORY;

    *storage = NULL;
    if (!made) {
        ops->close(connection);
        return pti_fail(error, PINTLE_ERR_MEMORY, "no memory for the %s database", ops->name);
    }
    made->ops = ops;
    made->connection = connection;
    pthread_mutex_init(&made->mutex, NULL);
    status = ops->migrate(connection, error);
    if (status != PINTLE_OK) {
        pti_storage_close(made);
        return status;
    }
    *storage = made;
    return PINTLE_OK;
}

void pti_storage_close(struct pti_storage *storage)
{
    if (!storage)
        return;
    storage->ops->close(storage->connection);
    pthread_mutex_destroy(&storage->mutex);
    free(storage);
}

/* Ends a transaction as status says; the caller holds the mutex. */
static enum pintle_status finish(struct pti_storage *storage, enum pintle_status status, struct pti_error *error)
{
    if (status == PINTLE_OK)
        return storage->ops->commit(storage->connection, error);
    storage->ops->rollback(storage->connection);
    return status;
}

static enum pintle_status insert_all(struct pti_storage *storage, const struct pti_report *const *reports, size_t count,
                                     int64_t received, enum pti_stored *stored, struct pti_error *error)
{
    for (size_t i = 0; i < count; i++) {
        enum pintle_status status = storage->ops->insert_report(storage->connection, reports[i], received, &stored[i],
                                                                error);

        if (status != PINTLE_OK)
            return status;
    }
    return PINTLE_OK;
}

enum pintle_status pti_storage_insert_reports(struct pti_storage *storage, const struct pti_report *const *reports,
                                              size_t count, int64_t received, int64_t keep, enum pti_stored *stored,
                                              int64_t *trimmed, struct pti_error *error)
{
    int64_t removed = 0;
    enum pintle_status status = PINTLE_ERR_STORAGE;

    pthread_mutex_lock(&storage->mutex);
    status = storage->ops->begin(storage->connection, error);
    if (status == PINTLE_OK) {
        status = insert_all(storage, reports, count, received, stored, error);
        if (status == PINTLE_OK)
            status = storage->ops->trim_reports(storage->connection, keep, &removed, error);
        status = finish(storage, status, error);
    }
    pthread_mutex_unlock(&storage->mutex);
    if (trimmed)
        *trimmed = status == PINTLE_OK ? removed : 0;
    return status;
}

enum pintle_status pti_storage_list_reports(struct pti_storage *storage, const struct pti_report_query *query,
                                            struct pti_error *error)
{
    enum pintle_status status = PINTLE_ERR_STORAGE;

    assert(query->limit >= 1 && query->limit <= PTI_LIST_MAX);
    pthread_mutex_lock(&storage->mutex);
    status = storage->ops->list_reports(storage->connection, query, error);
    pthread_mutex_unlock(&storage->mutex);
    return status;
}

enum pintle_status pti_storage_allocate_version(struct pti_storage *storage, const char *role, int64_t published,
                                                int64_t *version, struct pti_error *error)
{
    enum pintle_status status = PINTLE_ERR_STORAGE;

    *version = 0;
    pthread_mutex_lock(&storage->mutex);
    status = storage->ops->begin(storage->connection, error);
    if (status == PINTLE_OK) {
        status = storage->ops->raise_version(storage->connection, role, published, version, error);
        if (status == PINTLE_OK && *version > PTI_JSON_INTEGER_MAX)
            status = pti_fail(error, PINTLE_ERR_STORAGE,
                              "the versions of %s are used up; rotate its key and the other "
                              "online key in one root, which lets both start again",
                              role);
        status = finish(storage, status, error);
    }
    pthread_mutex_unlock(&storage->mutex);
    return status;
}

enum pintle_status pti_storage_allocated_version(struct pti_storage *storage, const char *role, int64_t *version,
                                                 struct pti_error *error)
{
    enum pintle_status status = PINTLE_ERR_STORAGE;

    *version = 0;
    pthread_mutex_lock(&storage->mutex);
    status = storage->ops->read_version(storage->connection, role, version, error);
    pthread_mutex_unlock(&storage->mutex);
    return status;
}
