/* SPDX-License-Identifier: Apache-2.0 */
#include "server/alerts.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <pintle/clock.h>

#include "base/encode.h"
#include "server/alert_store.h"
#include "server/log.h"
#include "server/steady.h"

struct delivery {
    unsigned failures;  /* in a row */
    int64_t not_before; /* seconds of the monotonic clock */
};

struct pti_alerts {
    const struct pti_alerts_config *config;
    struct pti_database *database;
    struct pintle_crypto *crypto;
    struct pti_metrics *metrics;
    struct pti_alert_gatherer gatherer;
    struct pti_webhook_keys keys;
    struct pti_webhook_sender *sender;
    struct delivery deliveries[PTI_WEBHOOKS_MAX];
    struct pti_alert_book book;
    struct pti_alert_list list;
    bool told_full, told_unsaved;

    pthread_t thread;
    bool started, stopping; /* stopping: under the mutex */
    pthread_mutex_t mutex;
    pthread_cond_t wake;
};

static int64_t steady_s(void)
{
    return pti_steady_ms() / 1000;
}

/* ---- what changes ---- */

static void note_transition(void *ctx, const struct pti_alert_entry *entry)
{
    bool firing = entry->state == PTI_ALERT_FIRING;

    (void)ctx;
    pti_log(firing ? PTI_LOG_WARNING : PTI_LOG_INFO, "alert: %s (%s) %s: %s", pti_alert_rule_name(entry->alert.rule),
            pti_severity_name(entry->alert.severity), firing ? "fires" : "is over", entry->alert.summary);
}

static void note_removed(void *ctx, const struct pti_alert_entry *entry)
{
    struct pti_alerts *alerts = ctx;
    struct pti_error error;

    if (pti_alert_store_remove(alerts->database, entry, &error) != PINTLE_OK)
        pti_log(PTI_LOG_WARNING, "alert: one that is over could not be removed: %s", error.detail);
}

static void save(struct pti_alerts *alerts)
{
    struct pti_error error;
    bool saved = pti_alert_store_save(alerts->database, &alerts->keys, &alerts->book, &error) == PINTLE_OK;

    if (!saved && !alerts->told_unsaved)
        pti_log(PTI_LOG_ERROR, "alert: a restart would forget the state of alerts: %s", error.detail);
    alerts->told_unsaved = !saved;
}

static void count_firing(struct pti_alerts *alerts)
{
    unsigned firing[PTI_ALERT_RULES] = {0};

    for (size_t i = 0; i < alerts->book.count; i++)
        firing[alerts->book.entries[i].alert.rule] += alerts->book.entries[i].state == PTI_ALERT_FIRING;
    for (int i = 0; i < PTI_ALERT_RULES; i++)
        pti_metrics_set_alerts(alerts->metrics, (enum pti_alert_rule)i, firing[i]);
}

static void look(struct pti_alerts *alerts)
{
    const struct pti_alert_watcher watcher = {note_transition, note_removed, alerts};
    int64_t now = (int64_t)time(NULL);
    struct pti_alert_facts facts;
    bool all = true;

    pti_alert_gather(&alerts->gatherer, now, &facts);
    if (pti_alert_rules_apply(&facts, &alerts->config->limits, &alerts->list) != PINTLE_OK)
        return; /* no memory: the next look will do */
    all = pti_alert_state_step(&alerts->book, &alerts->list, now, &watcher);
    if (!all && !alerts->told_full)
        pti_log(
            PTI_LOG_ERROR,
            "alert: there are more than %d at once, or reports raise more than %d about hosts that no charter lists; "
            "the others are not told",
            PTI_ALERTS_MAX, PTI_ALERTS_FORGEABLE_MAX);
    alerts->told_full = !all;
    count_firing(alerts);
    save(alerts);
}

/* ---- who is told ---- */

static uint64_t random_number(void)
{
    struct pintle_clock clock;

    pintle_clock_system_init(&clock);
    return clock.random(clock.ctx);
}

static void note_failure(struct pti_alerts *alerts, size_t index, int64_t retry_after_s, const struct pti_error *error)
{
    struct delivery *delivery = &alerts->deliveries[index];

    if (delivery->failures++ == 0)
        pti_log(PTI_LOG_ERROR, "webhook %s: it cannot be told of alerts, and is tried again: %s",
                alerts->config->webhooks[index].shown, error->detail);
    delivery->not_before = steady_s() + pti_alert_retry_s(delivery->failures, retry_after_s, random_number());
    pti_metrics_count_webhook(alerts->metrics, false);
}

static void note_success(struct pti_alerts *alerts, size_t index)
{
    if (alerts->deliveries[index].failures > 0)
        pti_log(PTI_LOG_INFO, "webhook %s: it can be told again", alerts->config->webhooks[index].shown);
    alerts->deliveries[index].failures = 0;
    pti_metrics_count_webhook(alerts->metrics, true);
}

/* What one request to a webhook carries now. */
static size_t collect_due(struct pti_alerts *alerts, size_t index, int64_t now, struct pti_webhook_item *items,
                          struct pti_alert_entry **entries)
{
    const struct pti_webhook *webhook = &alerts->config->webhooks[index];
    int64_t repeat_s = pti_webhook_repeat_s(webhook, alerts->config->repeat_s);
    size_t count = 0;

    for (size_t i = 0; i < alerts->book.count && count < pti_webhook_batch(webhook); i++) {
        struct pti_alert_entry *entry = &alerts->book.entries[i];
        enum pti_alert_message message = pti_alert_due(entry, index, repeat_s, now);

        if (message == PTI_ALERT_SAY_NOTHING)
            continue;
        items[count] = (struct pti_webhook_item){entry, message};
        entries[count++] = entry;
    }
    return count;
}

/* One request; returns whether there may be more to tell. */
static bool tell(struct pti_alerts *alerts, size_t index)
{
    struct pti_webhook_item items[PTI_WEBHOOK_BATCH_MAX];
    struct pti_alert_entry *entries[PTI_WEBHOOK_BATCH_MAX];
    int64_t now = (int64_t)time(NULL), retry_after_s = -1;
    size_t count = collect_due(alerts, index, now, items, entries);
    enum pintle_status status;
    struct pti_error error;
    struct pti_buf body;

    if (count == 0)
        return false;
    pti_buf_init(&body, PTI_WEBHOOK_BODY_MAX);
    pti_webhook_write(&alerts->config->webhooks[index], items, count, now, &body);
    status = pti_buf_check(&body, &error, "what a webhook is told");
    if (status == PINTLE_OK)
        status = pti_webhook_send(alerts->sender, &alerts->config->webhooks[index], pti_buf_bytes(&body),
                                  &retry_after_s, &error);
    pti_buf_clear(&body);
    if (status != PINTLE_OK) {
        note_failure(alerts, index, retry_after_s, &error);
        return false;
    }
    note_success(alerts, index);
    for (size_t i = 0; i < count; i++)
        pti_alert_note_told(entries[i], index, items[i].message, now);
    save(alerts);
    return true;
}

static bool is_stopping(struct pti_alerts *alerts)
{
    bool stopping;

    pthread_mutex_lock(&alerts->mutex);
    stopping = alerts->stopping;
    pthread_mutex_unlock(&alerts->mutex);
    return stopping;
}

/* A slow webhook gets no more than about one timeout of each round. */
static void tell_webhooks(struct pti_alerts *alerts)
{
    for (size_t i = 0; i < alerts->config->webhook_count; i++) {
        int64_t began = steady_s();
        bool more = began >= alerts->deliveries[i].not_before;

        for (int k = 0; more && k < PTI_WEBHOOK_BATCH_MAX && !is_stopping(alerts); k++)
            more = tell(alerts, i) && steady_s() - began < PTI_WEBHOOK_TIMEOUT_S;
    }
}

/* ---- the thread ---- */

/* Until the next look, or until a webhook that failed may be tried again; at least a second. */
static int64_t pause_s(const struct pti_alerts *alerts)
{
    int64_t now = steady_s(), wait = alerts->config->every_s;

    for (size_t i = 0; i < alerts->config->webhook_count; i++) {
        const struct delivery *delivery = &alerts->deliveries[i];

        if (delivery->failures > 0 && delivery->not_before - now < wait)
            wait = delivery->not_before - now;
    }
    return wait > 1 ? wait : 1;
}

static void sleep_s(struct pti_alerts *alerts, int64_t wait_s)
{
    const struct timespec until = pti_steady_after_ms(wait_s * 1000);

    pthread_mutex_lock(&alerts->mutex);
    while (!alerts->stopping && pthread_cond_timedwait(&alerts->wake, &alerts->mutex, &until) == 0)
        continue;
    pthread_mutex_unlock(&alerts->mutex);
}

static void *run(void *ctx)
{
    struct pti_alerts *alerts = ctx;

    while (!is_stopping(alerts)) {
        look(alerts);
        tell_webhooks(alerts);
        sleep_s(alerts, pause_s(alerts));
    }
    return NULL;
}

/* ---- life ---- */

static enum pintle_status name_webhooks(struct pti_alerts *alerts, struct pti_error *error)
{
    for (size_t i = 0; i < alerts->config->webhook_count; i++) {
        const struct pti_webhook *webhook = &alerts->config->webhooks[i];
        char hex[PTI_HEX_SIZE(PINTLE_SHA256_SIZE) + 1];
        uint8_t digest[PINTLE_SHA256_SIZE];

        if (pti_sha256(alerts->crypto, pti_bytes_text(webhook->url), digest) != PINTLE_OK)
            return pti_fail(error, PINTLE_ERR_MEMORY, "no memory for webhooks");
        pti_hex_encode(digest, sizeof digest, hex);
        pti_copy_text(alerts->keys.keys[i], sizeof alerts->keys.keys[i], hex);
        alerts->keys.count = i + 1;
    }
    return PINTLE_OK;
}

/* A damaged database is no reason not to serve the manifest. */
static void load(struct pti_alerts *alerts)
{
    struct pti_error error;

    if (pti_alert_store_load(alerts->database, &alerts->keys, (int64_t)time(NULL), &alerts->book, &error) == PINTLE_OK)
        return;
    alerts->book.count = 0;
    pti_log(PTI_LOG_ERROR, "alert: what fired before is not known, and webhooks may be told again: %s", error.detail);
}

enum pintle_status pti_alerts_new(const struct pti_alerts_config *config, const struct pti_alert_sources *sources,
                                  struct pintle_crypto *crypto, struct pti_metrics *metrics, struct pti_alerts **alerts,
                                  struct pti_error *error)
{
    struct pti_alerts *made = calloc(1, sizeof *made);
    enum pintle_status status;

    *alerts = NULL;
    if (!made)
        return pti_fail(error, PINTLE_ERR_MEMORY, "no memory for alerts");
    made->config = config;
    made->database = sources->database;
    made->crypto = crypto;
    made->metrics = metrics;
    pti_steady_condition_init(&made->wake);
    pthread_mutex_init(&made->mutex, NULL);
    status = pti_alert_gatherer_init(&made->gatherer, sources, error);
    if (status == PINTLE_OK)
        status = pti_webhook_sender_new(&made->sender, error);
    if (status == PINTLE_OK)
        status = name_webhooks(made, error);
    if (status != PINTLE_OK) {
        pti_alerts_free(made);
        return status;
    }
    load(made);
    *alerts = made;
    return PINTLE_OK;
}

enum pintle_status pti_alerts_start(struct pti_alerts *alerts, struct pti_error *error)
{
    if (pthread_create(&alerts->thread, NULL, run, alerts) != 0)
        return pti_fail(error, PINTLE_ERR_MEMORY, "no thread for alerts");
    alerts->started = true;
    return PINTLE_OK;
}

void pti_alerts_free(struct pti_alerts *alerts)
{
    if (!alerts)
        return;
    pthread_mutex_lock(&alerts->mutex);
    alerts->stopping = true;
    pthread_cond_signal(&alerts->wake);
    pthread_mutex_unlock(&alerts->mutex);
    if (alerts->sender)
        pti_webhook_sender_stop(alerts->sender);
    if (alerts->started)
        pthread_join(alerts->thread, NULL);
    pti_webhook_sender_free(alerts->sender);
    pti_alert_gatherer_clear(&alerts->gatherer);
    pthread_cond_destroy(&alerts->wake);
    pthread_mutex_destroy(&alerts->mutex);
    free(alerts);
}
