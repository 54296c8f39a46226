/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>

#include "client/outbox.h"
#include "client/poll.h"
#include "client/refresh.h"
#include "client/turn.h"

/* Each copy gets its share of the time that is left, so that one that never answers leaves some for the others. */
static int64_t share_of(const struct pintle_client *client, int64_t deadline_ms, size_t copies)
{
    int64_t now_ms = client->config->clock.monotonic_ms(client->config->clock.ctx);

    return now_ms + (deadline_ms - now_ms) / (int64_t)copies;
}

static bool is_rejection(enum pintle_status status)
{
    return status == PINTLE_ERR_TRUST || status == PINTLE_ERR_INPUT;
}

static enum pintle_event_kind kind_of(enum pintle_status status)
{
    if (is_rejection(status))
        return PINTLE_EVENT_REJECTED;
    return status == PINTLE_ERR_STORAGE ? PINTLE_EVENT_STORAGE : PINTLE_EVENT_FETCH_FAILED;
}

static void report(struct pintle_client *client, const char *url, const char *reason)
{
    pti_live_report_manifest(client->live, url, reason,
                             client->accepted != NULL ? client->accepted->charter.version : 0);
}

/* A copy that failed is told even if the next one serves: a fallback is never silent. */
static void copy_failed(struct pintle_client *client, const char *url, const struct pti_error *error)
{
    pti_live_emit(client->live, kind_of(error->status), error->status, NULL, error->detail);
    if (is_rejection(error->status))
        report(client, url, "manifest_rejected");
}

/* What matters more is kept: that a manifest was refused says more than that another copy could not be reached. */
static void keep_worst(struct pti_error *worst, const struct pti_error *error)
{
    if (worst->status == PINTLE_OK || (is_rejection(error->status) && !is_rejection(worst->status)))
        *worst = *error;
}

static enum pintle_status poll_all(struct pintle_client *client, int64_t deadline_ms, bool *applied,
                                   struct pti_error *worst)
{
    const struct pintle_config *config = client->config;

    if (config->url_count == 0 || config->transport.perform == NULL)
        return pti_fail(worst, PINTLE_ERR_MISUSE, "refresh: no %s was configured",
                        config->url_count == 0 ? "url" : "transport");
    for (size_t i = 0; i < config->url_count; i++) {
        struct pti_error error = {PINTLE_OK, ""};

        if (pti_poll(client, config->urls[i], share_of(client, deadline_ms, config->url_count - i), applied, &error) ==
            PINTLE_OK)
            return PINTLE_OK;
        copy_failed(client, config->urls[i], &error);
        keep_worst(worst, &error);
    }
    return worst->status;
}

static bool is_due(struct pintle_client *client)
{
    const struct pintle_clock *clock = &client->config->clock;
    bool due;

    (void)pthread_mutex_lock(&client->state);
    due = pti_schedule_wait_ms(&client->schedule, clock->monotonic_ms(clock->ctx)) == 0;
    (void)pthread_mutex_unlock(&client->state);
    return due;
}

static void reschedule(struct pintle_client *client, bool succeeded)
{
    const struct pintle_clock *clock = &client->config->clock;
    int64_t now_ms = clock->monotonic_ms(clock->ctx);
    uint64_t random = clock->random(clock->ctx);

    (void)pthread_mutex_lock(&client->state);
    if (succeeded)
        pti_schedule_succeeded(&client->schedule, now_ms, client->retry_after_s, random);
    else
        pti_schedule_failed(&client->schedule, now_ms, client->retry_after_s, random);
    (void)pthread_mutex_unlock(&client->state);
}

static void remember(struct pintle_client *client, bool asked_for, const struct pti_error *error)
{
    (void)pthread_mutex_lock(&client->state);
    if (asked_for) {
        client->heal_at = pti_client_clock(client);
        client->heal_ok = error->status == PINTLE_OK;
    }
    client->refresh_error = *error;
    if (error->status == PINTLE_OK)
        client->confirmed_at = pti_client_clock(client);
    (void)pthread_mutex_unlock(&client->state);
}

static void emit_success(struct pintle_client *client, bool applied)
{
    char line[PTI_ERROR_DETAIL_MAX];

    (void)snprintf(line, sizeof line, "charter version %" PRId64 ", root %" PRId64 ", timestamp %" PRId64,
                   client->accepted->charter.version, client->accepted->root_version,
                   client->accepted->timestamp->version);
    pti_live_emit(client->live, applied ? PINTLE_EVENT_APPLIED : PINTLE_EVENT_UP_TO_DATE, PINTLE_OK, NULL, line);
}

/* What a mismatch asked for before the schedule did leaves the schedule alone: no attacker moves it. */
enum pintle_status pti_refresh(struct pintle_client *client, int64_t deadline, struct pti_error *error)
{
    bool asked_for = pti_live_heal_begin(client->live), healing = asked_for && !is_due(client);
    bool applied = false;
    enum pintle_status status;

    client->retry_after_s = -1;
    status = poll_all(client, deadline, &applied, error);
    if (!healing)
        reschedule(client, status == PINTLE_OK);
    if (status == PINTLE_OK) {
        emit_success(client, applied);
        pti_error_clear(error); /* of the copies that failed before one served; each was told */
    }
    remember(client, asked_for, error);
    pti_live_heal_end(client->live, status == PINTLE_OK, client->retry_after_s > 0 ? client->retry_after_s * 1000 : 0);
    pti_client_tell_stale(client);
    pti_outbox_sync_if_changed(client);
    return status;
}

enum pintle_status pintle_client_refresh(struct pintle_client *client, int64_t deadline_ms)
{
    struct pti_error error = {PINTLE_OK, ""};
    enum pintle_status status;
    int64_t deadline;

    if (client == NULL)
        return PINTLE_ERR_MISUSE;
    status = pti_client_begin(client, "refresh", deadline_ms, &deadline);
    if (status != PINTLE_OK)
        return status;
    (void)pti_refresh(client, deadline, &error);
    return pti_client_end(client, &error);
}

enum pintle_status pti_refresh_if_due(struct pintle_client *client, int64_t deadline_ms)
{
    struct pti_error error = {PINTLE_OK, ""};
    enum pintle_status status;
    int64_t deadline;

    if (pintle_client_next_due(client) > 0)
        return PINTLE_OK;
    status = pti_client_begin(client, "refresh", deadline_ms, &deadline);
    if (status != PINTLE_OK)
        return status;
    if (pintle_client_next_due(client) > 0) /* somebody was quicker while we waited for the turn */
        return pti_client_end(client, NULL);
    (void)pti_refresh(client, deadline, &error);
    return pti_client_end(client, &error);
}
