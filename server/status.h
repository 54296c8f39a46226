/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the server knows of itself: written by the main thread and the intake, read by /healthz and /metrics.  A value
 * is copied out whole, under a lock that is never held for longer than the copy.
 */
#ifndef PTI_SERVER_STATUS_H
#define PTI_SERVER_STATUS_H

#include <pthread.h>
#include <stdbool.h>

#include "base/buf.h"

enum pti_signer_state {
    PTI_SIGNER_OFF, /* no usable keys: nothing will be re-signed here */
    PTI_SIGNER_UP,
    PTI_SIGNER_DOWN /* it was up, and died */
};

struct pti_role_status {
    char name[64]; /* "timestamp", "payments" */
    int64_t version;
    int64_t expires; /* Unix seconds */
};
#define PTI_STATUS_ROLES_MAX (PTI_ZONES_MAX + 4)

struct pti_status {
    enum pti_signer_state signer;
    bool readable;       /* the published files can be read and fit together */
    bool resign_failing; /* the last attempt to re-sign, or to verify a new publication, failed */
    bool storage_up;
    bool stopping;
    struct pti_role_status roles[PTI_STATUS_ROLES_MAX]; /* root, timestamp, snapshot, targets, zones */
    size_t role_count;
};

struct pti_status_board {
    pthread_mutex_t mutex;
    struct pti_status status;
};

void pti_status_board_init(struct pti_status_board *board);
void pti_status_board_clear(struct pti_status_board *board);
void pti_status_board_read(struct pti_status_board *board, struct pti_status *status);
void pti_status_set_signer(struct pti_status_board *board, enum pti_signer_state signer);
void pti_status_set_resign_failing(struct pti_status_board *board, bool failing);
void pti_status_set_stopping(struct pti_status_board *board);
/* Returns whether that changed anything, so that it is logged once. */
bool pti_status_set_storage(struct pti_status_board *board, bool up);
/* roles NULL: the publication cannot be read; what was known of it stays. */
void pti_status_set_roles(struct pti_status_board *board, const struct pti_role_status *roles, size_t count);

/* Overall, at Unix time now. */
enum pti_health {
    PTI_HEALTH_OK,
    PTI_HEALTH_DEGRADED, /* serves what clients need now, but somebody has to act */
    PTI_HEALTH_FAILING   /* what is served is unusable or about to stop: send clients to another node */
};
enum pti_health pti_status_health(const struct pti_status *status, int64_t now);
/* One JSON object; with details also every role and part. */
void pti_status_write(const struct pti_status *status, int64_t now, bool details, struct pti_buf *out);

#endif
