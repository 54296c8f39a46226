/* SPDX-License-Identifier: Apache-2.0 */
/* Sending queued reports to the charter's collectors, in batches, over the client's ordinary transport. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <pintle/client.h>

#include "client/outbox.h"
#include "client/turn.h"

#define ANSWER_SIZE_MAX 65536

struct sending {
    struct pintle_client *client;
    char urls[PTI_REPORT_URLS_MAX][PTI_URL_MAX + 1]; /* the charter's collectors */
    size_t url_count;
    size_t url; /* the one that answers; the next is tried when it does not */
    int64_t deadline_ms;
    unsigned sent, refused;
    struct pti_error refusal; /* the last */
};

/* Some reports from the front of the queue, as they go over the wire: one is an object, several are an array. */
struct batch {
    struct pti_buf text;
    char ids[PTI_REPORT_BATCH_SENT_MAX][PTI_REPORT_ID_SIZE + 1];
    size_t count;
};

/* What a collector answers counts only where the charter says so. */
static void hear(struct pti_live *live, struct pintle_bytes answer, struct pintle_bytes body)
{
    (void)pthread_mutex_lock(&live->reports_lock);
    if (live->reports.settings.want_chain)
        pti_chains_ask(&live->chains, answer, body);
    atomic_store(&live->chains_missing, pti_chains_missing(&live->chains));
    (void)pthread_mutex_unlock(&live->reports_lock);
}

/* One request; *keep says that the collector may take it another time. */
static enum pintle_status post(struct sending *sending, struct pintle_bytes body, bool *keep, struct pti_error *error)
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
        .body = body,
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
    if (status == PINTLE_OK && answer.size > 0)
        hear(sending->client->live, pti_buf_bytes(&answer), body);
    pti_buf_clear(&answer);
    if (status != PINTLE_OK)
        return pti_fail(error, PINTLE_ERR_NETWORK, "reports: %s: %s", sending->urls[sending->url], detail);
    if (response.status / 100 == 2)
        return PINTLE_OK;
    *keep = response.status == 408 || response.status == 429 || response.status / 100 == 5;
    return pti_fail(error, PINTLE_ERR_NETWORK, "reports: %s answered with HTTP status %d", sending->urls[sending->url],
                    response.status);
}

/* One request to the collector that answered last, or else to each of the others in turn. */
static enum pintle_status post_anywhere(struct sending *sending, struct pintle_bytes body, bool *keep,
                                        struct pti_error *error)
{
    enum pintle_status status = PINTLE_ERR_NETWORK;

    *keep = true;
    for (size_t tried = 0; tried < sending->url_count && status != PINTLE_OK && *keep; tried++) {
        if (tried > 0)
            sending->url = (sending->url + 1) % sending->url_count;
        status = post(sending, body, keep, error);
    }
    return status;
}

/* Nobody but who has the turn takes reports out, so what is read here stays. */
static size_t copy_front(struct pti_live *live, struct pti_reports_entry *entries, size_t max)
{
    size_t count;

    (void)pthread_mutex_lock(&live->reports_lock);
    count = live->reports.count < max ? live->reports.count : max;
    for (size_t i = 0; i < count; i++)
        entries[i] = live->reports.queue[i];
    (void)pthread_mutex_unlock(&live->reports_lock);
    return count;
}

static enum pintle_status gather(struct pintle_client *client, size_t max, struct batch *batch, struct pti_error *error)
{
    struct pti_reports_entry entries[PTI_REPORT_BATCH_SENT_MAX];
    size_t count = copy_front(client->live, entries, max);
    size_t size = 2;

    pti_buf_init(&batch->text, PTI_REPORT_BATCH_SENT_SIZE_MAX);
    for (batch->count = 0; batch->count < count; batch->count++) {
        size += entries[batch->count].json.size + 129;
        if (size > PTI_REPORT_BATCH_SENT_SIZE_MAX)
            break;
    }
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->count > 1)
            pti_buf_text(&batch->text, i == 0 ? "[" : ",");
        pti_reports_compose(&entries[i], &batch->text);
        (void)pti_copy_text(batch->ids[i], sizeof batch->ids[0], entries[i].id);
    }
    if (batch->count > 1)
        pti_buf_text(&batch->text, "]");
    return pti_buf_check(&batch->text, error, "reports");
}

static void remove_sent(struct pintle_client *client, const struct batch *batch)
{
    struct pti_live *live = client->live;

    (void)pthread_mutex_lock(&live->reports_lock);
    for (size_t i = 0; i < batch->count; i++)
        pti_reports_remove(&live->reports, batch->ids[i]);
    pti_live_count_recovering(live);
    (void)pthread_mutex_unlock(&live->reports_lock);
}

/* A batch that is refused goes out again one by one: one bad report, or a collector that knows no batches. */
static enum pintle_status send_all(struct sending *sending, struct pti_error *error)
{
    size_t max = PTI_REPORT_BATCH_SENT_MAX;
    struct batch batch;

    for (;;) {
        enum pintle_status status = gather(sending->client, max, &batch, error);
        bool keep = true;

        if (status == PINTLE_OK && batch.count > 0)
            status = post_anywhere(sending, pti_buf_bytes(&batch.text), &keep, error);
        pti_buf_clear(&batch.text);
        if ((status == PINTLE_OK && batch.count == 0) || (status != PINTLE_OK && keep))
            return status;
        if (status != PINTLE_OK && batch.count > 1) {
            max = 1;
            continue;
        }
        remove_sent(sending->client, &batch);
        if (status == PINTLE_OK) {
            sending->sent += (unsigned)batch.count;
        } else {
            sending->refused++;
            sending->refusal = *error;
        }
    }
}

/* The chains that were asked for, each on its own; one that is refused is not offered again. */
static enum pintle_status send_chains(struct sending *sending, struct pti_error *error)
{
    struct pti_live *live = sending->client->live;
    enum pintle_status status = PINTLE_OK;
    bool keep = false, found = true;

    while (found && (status == PINTLE_OK || !keep)) {
        struct pti_report_moment moment = pti_live_moment(live);
        struct pti_buf text;

        pti_buf_init(&text, PTI_REPORT_BATCH_SENT_SIZE_MAX);
        (void)pthread_mutex_lock(&live->reports_lock);
        if (!live->reports.settings.want_chain)
            pti_chains_clear(&live->chains);
        found = pti_chains_compose(&live->chains, &live->reports.settings, &moment, &text);
        (void)pthread_mutex_unlock(&live->reports_lock);
        keep = false;
        if (found && text.status == PINTLE_OK)
            status = post_anywhere(sending, pti_buf_bytes(&text), &keep, error);
        keep = keep && status != PINTLE_OK;
        pti_buf_clear(&text);
        (void)pthread_mutex_lock(&live->reports_lock);
        if (found && !keep)
            pti_chains_drop(&live->chains);
        atomic_store(&live->chains_missing, pti_chains_missing(&live->chains));
        (void)pthread_mutex_unlock(&live->reports_lock);
    }
    return keep ? status : PINTLE_OK;
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

static void emit(const struct sending *sending)
{
    char line[PTI_ERROR_DETAIL_MAX];

    if (sending->sent > 0) {
        (void)snprintf(line, sizeof line, "%u sent to %.400s", sending->sent, sending->urls[sending->url]);
        pti_live_emit(sending->client->live, PINTLE_EVENT_REPORTS_SENT, PINTLE_OK, NULL, line);
    }
    if (sending->refused > 0)
        pti_live_emit(sending->client->live, PINTLE_EVENT_REPORTS_DROPPED, sending->refusal.status, NULL,
                      sending->refusal.detail);
}

/* The charter names no collector: nobody wants what was queued. */
static void discard_all(struct pintle_client *client)
{
    struct pti_live *live = client->live;

    (void)pthread_mutex_lock(&live->reports_lock);
    while (live->reports.count > 0) {
        char id[PTI_REPORT_ID_SIZE + 1];

        (void)pti_copy_text(id, sizeof id, live->reports.queue[0].id);
        pti_reports_remove(&live->reports, id);
    }
    pti_live_count_recovering(live);
    (void)pthread_mutex_unlock(&live->reports_lock);
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
    if (status == PINTLE_OK)
        status = send_chains(sending, error);
    emit(sending);
    if (status == PINTLE_OK)
        pti_error_clear(error);
    return status;
}

/* On disk before the first byte goes out: what is cut off then is sent again under the same ids. */
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
    pti_outbox_sync(client);
    (void)send_reports(&sending, &error);
    pti_outbox_sync_if_changed(client);
    return pti_client_end(client, &error);
}

static bool type_is_acceptable(const char *type)
{
    size_t size = strspn(type, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:-");

    return size > 0 && size <= PTI_NETWORK_TYPE_MAX && type[size] == '\0';
}

enum pintle_status pintle_client_set_network(struct pintle_client *client, const char *type, unsigned bits)
{
    const unsigned known = PINTLE_NETWORK_CAPTIVE | PINTLE_NETWORK_VPN | PINTLE_NETWORK_PROXY;
    struct pti_report_network network = {.bits = bits};
    struct pti_error error;

    if (client == NULL)
        return PINTLE_ERR_MISUSE;
    if ((bits & ~known) != 0 || (type != NULL && !type_is_acceptable(type))) {
        (void)pti_fail(&error, PINTLE_ERR_MISUSE,
                       "network: expected a type of 1 to %d characters out of A-Z a-z 0-9 . _ : - and known bits",
                       PTI_NETWORK_TYPE_MAX);
        return pti_client_fail(client, &error);
    }
    (void)pti_copy_text(network.type, sizeof network.type, type != NULL ? type : "");
    (void)pthread_mutex_lock(&client->live->reports_lock);
    client->live->reports.network = network;
    (void)pthread_mutex_unlock(&client->live->reports_lock);
    return PINTLE_OK;
}
