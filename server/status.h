/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the server knows of itself: written by the main thread and the intake, read by /healthz and /metrics.  There is
 * a board for each repository, whose value is copied out whole, under a lock that is never held for longer than the
 * copy; and one of the service, for what all repositories share.
 */
#ifndef PTI_SERVER_STATUS_H
#define PTI_SERVER_STATUS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/json_write.h"
#include "server/limits.h"

enum pti_signer_state {
    PTI_SIGNER_OFF, /* no usable keys: nothing will be re-signed here */
    PTI_SIGNER_UP,
    PTI_SIGNER_DOWN /* it was up, and died */
};

struct pti_role_status {
    char name[64]; /* "timestamp", "payments" */
    int64_t version;
    int64_t expires; /* Unix seconds */
    int64_t life_s;  /* how long this repository makes it live */
};
#define PTI_STATUS_ROLES_MAX (PTI_ZONES_MAX + 4)

struct pti_status {
    enum pti_signer_state signer;
    bool readable;       /* the published files can be read and fit together */
    bool resign_failing; /* the last attempt to re-sign, or to verify a new publication, failed */
    struct pti_role_status roles[PTI_STATUS_ROLES_MAX]; /* root, timestamp, snapshot, targets, zones */
    size_t role_count;
};

struct pti_status_board {
    pthread_mutex_t mutex;
    const char *repository; /* its name in URLs, borrowed; "" is the one at the root */
    struct pti_status status;
};

void pti_status_board_init(struct pti_status_board *board, const char *repository);
void pti_status_board_clear(struct pti_status_board *board);
void pti_status_board_read(struct pti_status_board *board, struct pti_status *status);
void pti_status_set_signer(struct pti_status_board *board, enum pti_signer_state signer);
void pti_status_set_resign_failing(struct pti_status_board *board, bool failing);
/* roles NULL: the publication cannot be read; what was known of it stays. */
void pti_status_set_roles(struct pti_status_board *board, const struct pti_role_status *roles, size_t count);

/* Of a role that, once expired, makes every client stale or refuse; an expired zone makes one zone stale. */
bool pti_role_is_top_level(const char *role);

/* At Unix time now. */
enum pti_health {
    PTI_HEALTH_OK,
    PTI_HEALTH_DEGRADED, /* serves what clients need now, but somebody has to act */
    PTI_HEALTH_FAILING   /* what is served is unusable or about to stop: send clients to another node */
};
enum pti_health pti_status_health(const struct pti_status *status, int64_t now);
/* Its members of a JSON object but the roles: status, signer, resigning, repository. */
void pti_status_put(const struct pti_status *status, int64_t now, struct pti_json_writer *writer);

/* Complete before the first listener starts, but for its two facts. */
struct pti_service_status {
    atomic_bool storage_up;
    atomic_bool stopping;
    struct pti_status_board *boards[PTI_SERVED_MAX]; /* borrowed */
    size_t board_count;
};

void pti_service_status_init(struct pti_service_status *service);
void pti_service_status_add(struct pti_service_status *service, struct pti_status_board *board);
void pti_service_status_set_stopping(struct pti_service_status *service);
/* Returns whether that changed anything, so that it is logged once. */
bool pti_service_status_set_storage(struct pti_service_status *service, bool up);
/*
 * Of all repositories, or of only (NULL: all).  The service fails when each of several does: one that fails is no
 * reason to send the clients of the others away.
 */
enum pti_health pti_service_status_health(struct pti_service_status *service, struct pti_status_board *only,
                                          int64_t now);
/* The same as one JSON object; with details also every role and part. */
enum pti_health pti_service_status_write(struct pti_service_status *service, struct pti_status_board *only, int64_t now,
                                         bool details, struct pti_buf *out);

#endif
