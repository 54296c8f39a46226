/* SPDX-License-Identifier: Apache-2.0 */
/* Sending queued reports to the charter's collectors, over the client's ordinary transport. */
#include <inttypes.h>
#include <stdio.h>

#include "client/turn.h"

#define ANSWER_SIZE_MAX 65536

struct sending {
    struct pintle_client *client;
    char urls[PTI_REPORT_URLS_MAX][PTI_URL_MAX + 1]; /* the charter's collectors */
    size_t url_count;
    size_t url; /* the one that answers; the next is tried when it does not */
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
        .url = sending->urls[sending->url],
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
        return pti_fail(error, PINTLE_ERR_NETWORK, "reports: %s: %s", sending->urls[sending->url], detail);
    if (response.status / 100 == 2)
        return PINTLE_OK;
    *keep = response.status == 408 || response.status == 429 || response.status / 100 == 5;
    return pti_fail(error, PINTLE_ERR_NETWORK, "reports: %s answered with HTTP status %d", sending->urls[sending->url],
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

/* One report to the collector that answered last, or else to each of the others in turn. */
static enum pintle_status post_anywhere(struct sending *sending, struct pintle_bytes report, bool *keep,
                                        struct pti_error *error)
{
    enum pintle_status status = PINTLE_ERR_NETWORK;

    *keep = true;
    for (size_t tried = 0; tried < sending->url_count && status != PINTLE_OK && *keep; tried++) {
        if (tried > 0)
            sending->url = (sending->url + 1) % sending->url_count;
        status = post(sending, report, keep, error);
    }
    return status;
}

static enum pintle_status send_all(struct sending *sending, struct pti_error *error)
{
    struct pintle_bytes report;

    while (take(sending->client, &report)) {
        bool keep;
        enum pintle_status status = post_anywhere(sending, report, &keep, error);

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

static void find_collectors(struct sending *sending)
{
    struct pintle_client *client = sending->client;

    (void)pthread_mutex_lock(&client->state);
    for (size_t i = 0; client->accepted != NULL && i < client->accepted->charter.report_url_count; i++)
        (void)pti_copy_text(sending->urls[sending->url_count++], sizeof sending->urls[0],
                            client->accepted->charter.report_urls[i]);
    (void)pthread_mutex_unlock(&client->state);
}

static void emit(const struct sending *sending, const struct pti_error *error)
{
    char line[PTI_ERROR_DETAIL_MAX];

    if (sending->sent > 0) {
        (void)snprintf(line, sizeof line, "%u sent to %.400s", sending->sent, sending->urls[sending->url]);
        pti_live_emit(sending->client->live, PINTLE_EVENT_REPORTS_SENT, PINTLE_OK, NULL, line);
    }
    if (sending->refused > 0)
        pti_live_emit(sending->client->live, PINTLE_EVENT_REPORTS_DROPPED, error->status, NULL, error->detail);
}

/* The charter names no collector: nobody wants what was queued. */
static void discard_all(struct pintle_client *client)
{
    struct pintle_bytes report;

    while (take(client, &report))
        pti_bytes_free(&report);
}

static enum pintle_status send_reports(struct sending *sending, struct pti_error *error)
{
    struct pintle_client *client = sending->client;
    enum pintle_status status;

    find_collectors(sending);
    if (sending->url_count == 0) {
        discard_all(client);
        return PINTLE_OK;
    }
    if (client->config->transport.perform == NULL)
        return pti_fail(error, PINTLE_ERR_MISUSE, "reports: no transport was configured");
    status = send_all(sending, error);
    emit(sending, error);
    if (status == PINTLE_OK)
        pti_error_clear(error);
    return status;
}

enum pintle_status pintle_client_send_reports(struct pintle_client *client, int64_t deadline_ms)
{
    struct pti_error error = {PINTLE_OK, ""};
    struct sending sending = {.client = client};
    enum pintle_status status;

    if (client == NULL)
        return PINTLE_ERR_MISUSE;
    status = pti_client_begin(client, "reports", deadline_ms, &sending.deadline_ms); /* one transfer at a time */
    if (status != PINTLE_OK)
        return status;
    (void)send_reports(&sending, &error);
    return pti_client_end(client, &error);
}
