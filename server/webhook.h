/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Telling a webhook of alerts over HTTP(S): what a request says in each form, and how it is sent.  The path, query and
 * password of a URL may be its secret: only scheme, host and port are ever shown.
 */
#ifndef PTI_SERVER_WEBHOOK_H
#define PTI_SERVER_WEBHOOK_H

#include "base/buf.h"
#include "server/alert_state.h"

enum pti_webhook_form {
    PTI_WEBHOOK_V4,          /* as Alertmanager notifies its webhook receivers, version 4: one alert a request */
    PTI_WEBHOOK_JSON,        /* our own, flat: one alert a request */
    PTI_WEBHOOK_ALERTMANAGER /* to an Alertmanager itself, API v2: up to PTI_WEBHOOK_BATCH_MAX a request */
};

struct pti_webhook {
    enum pti_webhook_form form;
    char url[PTI_WEBHOOK_URL_MAX + 1];
    char shown[PTI_WEBHOOK_URL_MAX + 1]; /* "https://hooks.example.com:8443" */
};

/*
 * "v4=URL", "json=URL", "alertmanager=URL", this one without /api/v2/alerts.  PINTLE_ERR_MISUSE; the detail does not
 * repeat the URL.
 */
enum pintle_status pti_webhook_parse(const char *text, struct pti_webhook *webhook, struct pti_error *error);

/* How often a firing alert is repeated; repeat_s is the operator's wish. */
int64_t pti_webhook_repeat_s(const struct pti_webhook *webhook, int64_t repeat_s);
/* How many alerts one request may carry. */
size_t pti_webhook_batch(const struct pti_webhook *webhook);

struct pti_webhook_item {
    const struct pti_alert_entry *entry;
    enum pti_alert_message message;
};
/* The body of one request; count is within pti_webhook_batch(). */
void pti_webhook_write(const struct pti_webhook *webhook, const struct pti_webhook_item *items, size_t count,
                       int64_t now, struct pti_buf *out);

/* What sends: one thread uses it. */
struct pti_webhook_sender;

/* Before the server is confined, and before its threads start.  PINTLE_ERR_MEMORY. */
enum pintle_status pti_webhook_sender_new(struct pti_webhook_sender **sender, struct pti_error *error);
void pti_webhook_sender_free(struct pti_webhook_sender *sender); /* NULL is legal */
/* Makes a request that is under way fail soon, and every later one at once.  Any thread. */
void pti_webhook_sender_stop(struct pti_webhook_sender *sender);
/*
 * One request.  PINTLE_OK: answered with 2xx.  Else PINTLE_ERR_NETWORK with the reason, without the URL; *retry_after_s
 * is what the answer asked for, -1 if nothing.
 */
enum pintle_status pti_webhook_send(struct pti_webhook_sender *sender, const struct pti_webhook *webhook,
                                    struct pintle_bytes body, int64_t *retry_after_s, struct pti_error *error);

#endif
