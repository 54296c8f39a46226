/* SPDX-License-Identifier: Apache-2.0 */
/* Sending queued reports to the charter's collectors, over the client's ordinary transport. */
#include <inttypes.h>
#include <stdio.h>

#include "client/client.h"

#define ANSWER_SIZE_MAX 65536

struct sending {
    struct pintle_client *client;
    char url[PTI_URL_MAX + 1]; /* "" if the charter names no collector */
    int64_t deadline_ms;
    unsigned sent, refused;
};

/* One report; *keep says that the collector may take it another time. */
static enum pintle_status post(struct sending *sending, struct pintle_bytes report, bool *keep, struct pti_error *error)
{
    const struct pintle_config *config = sending->client->config;
    struct pintle_response response = {sizeof response, 0, -1};
    char detail[PTI_ERROR_DETAIL_MAX] = "";
    struct pti_buf answer;
    struct pintle_sink sink;
    struct pintle_request request = {
        .size = sizeof request,
        .method = "POST",
        .url = sending->url,
        .content_type = "application/json",
        .body = report,
        .max_response = ANSWER_SIZE_MAX,
        .timeout_ms = sending->deadline_ms - config->clock.monotonic_ms(config->clock.ctx),
        .min_bytes_per_second = PTI_MIN_BYTES_PER_SECOND,
    };
    enum pintle_status status;

    *keep = true;
    if (request.timeout_ms <= 0 || pti_live_closed(sending->client->live))
        return pti_fail(error, PINTLE_ERR_NETWORK, "reports: the deadline has passed, or the client is going");
    pti_buf_init(&answer, ANSWER_SIZE_MAX);
    sink = pti_buf_sink(&answer);
    status = config->transport.perform(config->transport.ctx, &request, &sink, &response, detail, sizeof detail);
    pti_buf_clear(&answer);
    if (status != PINTLE_OK)
        return pti_fail(error, PINTLE_ERR_NETWORK, "reports: %s: %s", sending->url, detail);
    if (response.status / 100 == 2)
        return PINTLE_OK;
    *keep = response.status == 408 || response.status == 429 || response.status / 100 == 5;
    return pti_fail(error, PINTLE_ERR_NETWORK, "reports: %s answered with HTTP status %d", sending->url,
                    response.status);
}

static bool take(struct pintle_client *client, struct pintle_bytes *report)
{
    bool taken;

    (void)pthread_mutex_lock(&client->live->lock);
    taken = pti_reports_take(&client->live->reports, report);
    (void)pthread_mutex_unlock(&client->live->lock);
    return taken;
}

static void put_back(struct pintle_client *client, struct pintle_bytes report)
{
    (void)pthread_mutex_lock(&client->live->lock);
    pti_reports_put_back(&client->live->reports, report);
    (void)pthread_mutex_unlock(&client->live->lock);
}

static enum pintle_status send_all(struct sending *sending, struct pti_error *error)
{
    struct pintle_bytes report;

    while (take(sending->client, &report)) {
        bool keep;
        enum pintle_status status = post(sending, report, &keep, error);

        if (status != PINTLE_OK && keep) {
            put_back(sending->client, report);
            return status;
        }
        pti_bytes_free(&report);
        if (status == PINTLE_OK)
            sending->sent++;
        else
            sending->refused++;
    }
    return PINTLE_OK;
}

/* The first collector of the charter in force. */
static void find_collector(struct sending *sending)
{
    struct pintle_client *client = sending->client;

    (void)pthread_mutex_lock(&client->state);
    if (client->accepted != NULL && client->accepted->charter.report_url_count > 0)
        (void)pti_copy_text(sending->url, sizeof sending->url, client->accepted->charter.report_urls[0]);
    (void)pthread_mutex_unlock(&client->state);
}

static void emit(const struct sending *sending, const struct pti_error *error)
{
    char line[PTI_ERROR_DETAIL_MAX];

    if (sending->sent > 0) {
        (void)snprintf(line, sizeof line, "%u sent to %.400s", sending->sent, sending->url);
        pti_live_emit(sending->client->live, PINTLE_EVENT_REPORTS_SENT, PINTLE_OK, NULL, line);
    }
    if (sending->refused > 0)
        pti_live_emit(sending->client->live, PINTLE_EVENT_REPORTS_DROPPED, error->status, NULL, error->detail);
}

static enum pintle_status nowhere(struct pintle_client *client)
{
    struct pintle_bytes report;

    while (take(client, &report))
        pti_bytes_free(&report);
    return PINTLE_OK;
}

enum pintle_status pintle_client_send_reports(struct pintle_client *client, int64_t deadline_ms)
{
    struct pti_error error = {PINTLE_OK, ""};
    struct sending sending = {.client = client};
    enum pintle_status status;

    if (client == NULL || deadline_ms <= 0)
        return PINTLE_ERR_MISUSE;
    find_collector(&sending);
    if (sending.url[0] == '\0')
        return nowhere(client);
    if (client->config->transport.perform == NULL) {
        (void)pti_fail(&error, PINTLE_ERR_MISUSE, "reports: no transport was configured");
        return pti_client_fail(client, &error);
    }
    (void)pthread_mutex_lock(&client->refreshing); /* a transport serves one thread at a time */
    sending.deadline_ms = pti_client_deadline(client, deadline_ms);
    status = send_all(&sending, &error);
    emit(&sending, &error);
    (void)pthread_mutex_unlock(&client->refreshing);
    return status == PINTLE_OK ? status : pti_client_fail(client, &error);
}
