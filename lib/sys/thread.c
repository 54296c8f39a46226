/* SPDX-License-Identifier: Apache-2.0 */
/* The optional thread of a client: it refreshes when due, heals after a mismatch, and sends reports. */
#include <pthread.h>
#include <stdlib.h>

#include "client/outbox.h"
#include "client/refresh.h"
#include "client/turn.h"

#define REFRESH_DEADLINE_MS 30000
#define REPORTS_DEADLINE_MS 10000
#define REPORTS_RETRY_MS 60000
#define GATHER_MS 5000
#define WAIT_MAX_MS 60000 /* wakes at least this often: the machine may have slept */

struct client_thread {
    struct pintle_client *client;
    pthread_t id;
    int64_t reports_after_ms;   /* monotonic; a collector that failed is left alone until then */
    int64_t gathering_since_ms; /* monotonic; -1: nothing waits */
};

/* Milliseconds until what waits should be sent: together with what follows, and after the connection has been retried. */
static int64_t reports_due(struct client_thread *thread, int64_t now_ms)
{
    struct pti_live *live = thread->client->live;
    int64_t due;
    size_t count;

    (void)pthread_mutex_lock(&live->reports_lock);
    count = live->reports.count;
    (void)pthread_mutex_unlock(&live->reports_lock);
    if (count == 0)
        thread->gathering_since_ms = -1;
    else if (thread->gathering_since_ms < 0)
        thread->gathering_since_ms = now_ms;
    if (count == 0)
        return WAIT_MAX_MS;
    due = count >= PTI_REPORT_BATCH_SENT_MAX ? now_ms : thread->gathering_since_ms + GATHER_MS;
    if (due < thread->reports_after_ms)
        due = thread->reports_after_ms;
    return due > now_ms ? due - now_ms : 0;
}

/* What is new goes to the store at once, and to the collector a little later. */
static int64_t send_reports(struct client_thread *thread)
{
    const struct pintle_clock *clock = &thread->client->config->clock;
    int64_t now_ms = clock->monotonic_ms(clock->ctx);
    int64_t wait_ms;

    if (pti_live_reports_wanted(thread->client->live))
        pti_outbox_keep(thread->client, REPORTS_DEADLINE_MS);
    wait_ms = reports_due(thread, now_ms);
    if (wait_ms > 0)
        return wait_ms;
    thread->gathering_since_ms = -1;
    if (pintle_client_send_reports(thread->client, REPORTS_DEADLINE_MS) != PINTLE_OK)
        thread->reports_after_ms = clock->monotonic_ms(clock->ctx) + REPORTS_RETRY_MS;
    return reports_due(thread, clock->monotonic_ms(clock->ctx));
}

static void *run(void *ctx)
{
    struct client_thread *thread = ctx;
    int64_t wait_ms = 0, reports_ms;

    while (pti_live_wait(thread->client->live, wait_ms)) {
        (void)pti_refresh_if_due(thread->client, REFRESH_DEADLINE_MS); /* failures arrive as events */
        reports_ms = send_reports(thread);
        wait_ms = pintle_client_next_due(thread->client);
        if (wait_ms > reports_ms)
            wait_ms = reports_ms;
        if (wait_ms > WAIT_MAX_MS)
            wait_ms = WAIT_MAX_MS;
    }
    return NULL;
}

static void stop(void *ctx)
{
    struct client_thread *thread = ctx;

    (void)pthread_join(thread->id, NULL);
    free(thread);
}

/* Under the state lock, so that of two callers one starts it. */
static enum pintle_status start(struct pintle_client *client, struct pti_error *error)
{
    struct client_thread *thread;

    if (client->thread != NULL)
        return pti_fail(error, PINTLE_ERR_MISUSE, "start: the client's thread is running already");
    thread = calloc(1, sizeof *thread);
    if (thread == NULL)
        return pti_fail(error, PINTLE_ERR_MEMORY, "start: out of memory");
    thread->client = client;
    thread->gathering_since_ms = -1;
    if (pthread_create(&thread->id, NULL, run, thread) != 0) {
        free(thread);
        return pti_fail(error, PINTLE_ERR_MEMORY, "start: no thread to be had");
    }
    client->thread_stop = stop;
    client->thread = thread;
    return PINTLE_OK;
}

enum pintle_status pintle_client_start(struct pintle_client *client)
{
    struct pti_error error = {PINTLE_OK, ""};
    enum pintle_status status;

    if (client == NULL)
        return PINTLE_ERR_MISUSE;
    (void)pthread_mutex_lock(&client->state);
    status = start(client, &error);
    (void)pthread_mutex_unlock(&client->state);
    return status == PINTLE_OK ? status : pti_client_fail(client, &error);
}
