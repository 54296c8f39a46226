/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Alerts in the database, so that a restart neither forgets one nor tells it twice.  All return PINTLE_OK,
 * PINTLE_ERR_STORAGE or PINTLE_ERR_MEMORY.
 */
#ifndef PTI_SERVER_ALERT_STORE_H
#define PTI_SERVER_ALERT_STORE_H

#include "server/alert_state.h"
#include "server/database.h"

#define PTI_WEBHOOK_KEY_SIZE 17 /* with terminator */

/* By what a webhook is known again: a hash of its URL, which is no secret. */
struct pti_webhook_keys {
    char keys[PTI_WEBHOOKS_MAX][PTI_WEBHOOK_KEY_SIZE];
    size_t count;
};

/* Fills an empty book; what an unknown rule left behind stays out.  now: until when each alert may have held. */
enum pintle_status pti_alert_store_load(struct pti_database *database, const struct pti_webhook_keys *webhooks,
                                        int64_t now, struct pti_alert_book *book, struct pti_error *error);
/* What has changed, and the lines of the journal about it, in one transaction; then nothing is marked any more. */
enum pintle_status pti_alert_store_save(struct pti_database *database, const struct pti_webhook_keys *webhooks,
                                        struct pti_alert_book *book, struct pti_error *error);
enum pintle_status pti_alert_store_remove(struct pti_database *database, const struct pti_alert_entry *entry,
                                          struct pti_error *error);

struct pti_alert_query {
    const char *after; /* fingerprints above this one; "" for all */
    int64_t state;     /* enum pti_alert_state; -1: any */
    int64_t limit;
    /* By fingerprint; entry is borrowed.  false: there is no memory for it. */
    bool (*row)(void *ctx, const struct pti_alert_entry *entry);
    void *ctx;
};
enum pintle_status pti_alert_store_list(struct pti_database *database, const struct pti_alert_query *query,
                                        struct pti_error *error);

#endif
