/* SPDX-License-Identifier: Apache-2.0 */
#include "server/status.h"

#include <assert.h>
#include <string.h>

#include "base/datetime.h"
#include "base/json_write.h"

void pti_status_board_init(struct pti_status_board *board, const char *repository)
{
    memset(&board->status, 0, sizeof board->status);
    board->repository = repository;
    pthread_mutex_init(&board->mutex, NULL);
}

void pti_status_board_clear(struct pti_status_board *board)
{
    pthread_mutex_destroy(&board->mutex);
}

void pti_status_board_read(struct pti_status_board *board, struct pti_status *status)
{
    pthread_mutex_lock(&board->mutex);
    *status = board->status;
    pthread_mutex_unlock(&board->mutex);
}

void pti_status_set_signer(struct pti_status_board *board, enum pti_signer_state signer)
{
    pthread_mutex_lock(&board->mutex);
    board->status.signer = signer;
    pthread_mutex_unlock(&board->mutex);
}

void pti_status_set_resign_failing(struct pti_status_board *board, bool failing)
{
    pthread_mutex_lock(&board->mutex);
    board->status.resign_failing = failing;
    pthread_mutex_unlock(&board->mutex);
}

void pti_status_set_roles(struct pti_status_board *board, const struct pti_role_status *roles, size_t count)
{
    assert(count <= PTI_STATUS_ROLES_MAX);
    pthread_mutex_lock(&board->mutex);
    board->status.readable = roles != NULL;
    if (roles) {
        memcpy(board->status.roles, roles, count * sizeof *roles);
        board->status.role_count = count;
    }
    pthread_mutex_unlock(&board->mutex);
}

bool pti_role_is_top_level(const char *role)
{
    return strcmp(role, "root") == 0 || strcmp(role, "timestamp") == 0 || strcmp(role, "snapshot") == 0 ||
           strcmp(role, "targets") == 0;
}

enum pti_health pti_status_health(const struct pti_status *status, int64_t now)
{
    enum pti_health health = PTI_HEALTH_OK;

    if (status->signer != PTI_SIGNER_UP || status->resign_failing || !status->readable)
        health = PTI_HEALTH_DEGRADED;
    for (size_t i = 0; i < status->role_count; i++) {
        if (status->roles[i].expires > now)
            continue;
        if (pti_role_is_top_level(status->roles[i].name))
            return PTI_HEALTH_FAILING;
        health = PTI_HEALTH_DEGRADED;
    }
    return status->role_count == 0 ? PTI_HEALTH_FAILING : health;
}

static const char *health_name(enum pti_health health)
{
    switch (health) {
    case PTI_HEALTH_OK:
        return "ok";
    case PTI_HEALTH_DEGRADED:
        return "degraded";
    case PTI_HEALTH_FAILING:
        return "failing";
    }
    return "?";
}

static const char *signer_name(enum pti_signer_state signer)
{
    switch (signer) {
    case PTI_SIGNER_OFF:
        return "off";
    case PTI_SIGNER_UP:
        return "up";
    case PTI_SIGNER_DOWN:
        return "down";
    }
    return "?";
}

static void write_roles(const struct pti_status *status, int64_t now, struct pti_json_writer *writer)
{
    pti_json_begin_array(writer, "roles");
    for (size_t i = 0; i < status->role_count; i++) {
        char expires[PTI_DATETIME_SIZE + 1];

        pti_datetime_format(status->roles[i].expires, expires);
        pti_json_begin_object(writer, NULL);
        pti_json_put_text(writer, "role", status->roles[i].name);
        pti_json_put_integer(writer, "version", status->roles[i].version);
        pti_json_put_text(writer, "expires", expires);
        pti_json_put_bool(writer, "expired", status->roles[i].expires <= now);
        pti_json_end_object(writer);
    }
    pti_json_end_array(writer);
}

void pti_service_status_init(struct pti_service_status *service)
{
    memset(service, 0, sizeof *service);
    atomic_init(&service->storage_up, true);
    atomic_init(&service->stopping, false);
}

void pti_service_status_add(struct pti_service_status *service, struct pti_status_board *board)
{
    assert(service->board_count < PTI_SERVED_MAX);
    service->boards[service->board_count++] = board;
}

void pti_service_status_set_stopping(struct pti_service_status *service)
{
    atomic_store(&service->stopping, true);
}

bool pti_service_status_set_storage(struct pti_service_status *service, bool up)
{
    return atomic_exchange(&service->storage_up, up) != up;
}

static bool is_asked(struct pti_status_board *board, struct pti_status_board *only)
{
    return !only || board == only;
}

enum pti_health pti_service_status_health(struct pti_service_status *service, struct pti_status_board *only,
                                          int64_t now)
{
    size_t asked = 0, ok = 0, failing = 0;

    for (size_t i = 0; i < service->board_count; i++) {
        struct pti_status status;
        enum pti_health health;

        if (!is_asked(service->boards[i], only))
            continue;
        pti_status_board_read(service->boards[i], &status);
        health = pti_status_health(&status, now);
        asked++;
        ok += health == PTI_HEALTH_OK;
        failing += health == PTI_HEALTH_FAILING;
    }
    if (atomic_load(&service->stopping) || failing == asked)
        return PTI_HEALTH_FAILING;
    return ok == asked && atomic_load(&service->storage_up) ? PTI_HEALTH_OK : PTI_HEALTH_DEGRADED;
}

void pti_status_put(const struct pti_status *status, int64_t now, struct pti_json_writer *writer)
{
    pti_json_put_text(writer, "status", health_name(pti_status_health(status, now)));
    pti_json_put_text(writer, "signer", signer_name(status->signer));
    pti_json_put_text(writer, "resigning", status->resign_failing ? "failing" : "ok");
    pti_json_put_text(writer, "repository", status->readable ? "readable" : "unreadable");
}

static void write_repository(struct pti_status_board *board, int64_t now, struct pti_json_writer *writer)
{
    struct pti_status status;

    pti_status_board_read(board, &status);
    pti_json_begin_object(writer, NULL);
    pti_json_put_text(writer, "name", board->repository);
    pti_status_put(&status, now, writer);
    write_roles(&status, now, writer);
    pti_json_end_object(writer);
}

enum pti_health pti_service_status_write(struct pti_service_status *service, struct pti_status_board *only, int64_t now,
                                         bool details, struct pti_buf *out)
{
    enum pti_health health = pti_service_status_health(service, only, now);
    struct pti_json_writer writer;

    pti_json_writer_init(&writer, out, false);
    pti_json_begin_object(&writer, NULL);
    pti_json_put_text(&writer, "status", health_name(health));
    if (details) {
        pti_json_put_text(&writer, "storage", atomic_load(&service->storage_up) ? "up" : "down");
        pti_json_put_bool(&writer, "stopping", atomic_load(&service->stopping));
        pti_json_begin_array(&writer, "repositories");
        for (size_t i = 0; i < service->board_count; i++)
            if (is_asked(service->boards[i], only))
                write_repository(service->boards[i], now, &writer);
        pti_json_end_array(&writer);
    }
    pti_json_end_object(&writer);
    return health;
}
