/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Alerts: a thread that looks every few seconds, keeps what it finds in the database, journals what begins and ends,
 * and tells webhooks.  A webhook is told of each alert when it fires, again after a while as long as it does, and once
 * when it is over; should pintled be killed between an answer and the note of it, it is told once more.  A webhook that
 * fails or hangs delays the others by one request at most.
 */
#ifndef PTI_SERVER_ALERTS_H
#define PTI_SERVER_ALERTS_H

#include "base/crypto.h"
#include "server/alert_facts.h"
#include "server/metrics.h"
#include "server/webhook.h"

struct pti_alerts_config {
    struct pti_webhook webhooks[PTI_WEBHOOKS_MAX];
    size_t webhook_count;
    struct pti_alert_limits limits;
    int64_t every_s, repeat_s;
};

struct pti_alerts;

/* Before the server is confined.  sources, config, crypto and metrics are borrowed.  PINTLE_ERR_MEMORY. */
enum pintle_status pti_alerts_new(const struct pti_alerts_config *config, const struct pti_alert_sources *sources,
                                  struct pintle_crypto *crypto, struct pti_metrics *metrics, struct pti_alerts **alerts,
                                  struct pti_error *error);
/* Starts the thread.  PINTLE_ERR_MEMORY: there is none to be had. */
enum pintle_status pti_alerts_start(struct pti_alerts *alerts, struct pti_error *error);
/* Ends the thread, cutting off a request under way.  NULL is legal. */
void pti_alerts_free(struct pti_alerts *alerts);

#endif
