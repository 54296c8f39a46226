/* SPDX-License-Identifier: Apache-2.0 */
#include "client/client.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/crypto.h"
#include "client/outbox.h"
#include "client/storage.h"
#include "client/turn.h"
#include "client/wait.h"

#define CLOCK_LAST_S INT64_C(253402300799) /* 9999-12-31T23:59:59Z */

enum pintle_status pti_client_fail(struct pintle_client *client, const struct pti_error *error)
{
    (void)pthread_mutex_lock(&client->state);
    client->error = *error;
    (void)pthread_mutex_unlock(&client->state);
    return error->status;
}

int64_t pti_client_clock(const struct pintle_client *client)
{
    int64_t now = client->config->clock.now(client->config->clock.ctx);

    return now < 0 ? 0 : now > CLOCK_LAST_S ? CLOCK_LAST_S : now;
}

int64_t pti_client_now(const struct pintle_client *client)
{
    int64_t now = pti_client_clock(client);

    return client->accepted != NULL && client->accepted->issued > now ? client->accepted->issued : now;
}

/* What has expired: the generation as a whole, else single zones.  0 if nothing has; the same number for the same things. */
static uint64_t find_stale(const struct pintle_client *client, char *line, size_t size)
{
    const struct pti_generation *accepted = client->accepted;
    int64_t now = pti_client_now(client);
    uint64_t found = 0;
    size_t used = 0;

    if (accepted == NULL)
        return 0;
    if (now >= pti_generation_expires(accepted, NULL)) {
        (void)pti_copy_text(line, size, "the pins in force have expired; they are still enforced");
        return 1;
    }
    for (size_t i = 0; i < accepted->zone_count; i++) {
        if (now < accepted->zones[i].role->expires)
            continue;
        found = pti_hash_text(found, accepted->zones[i].name);
        if (used < size)
            used += (size_t)snprintf(line + used, size - used, "%szone %s has expired", used > 0 ? "; " : "",
                                     accepted->zones[i].name);
    }
    if (found != 0 && used < size)
        (void)snprintf(line + used, size - used, "; its pins are still enforced");
    return found;
}

void pti_client_tell_stale(struct pintle_client *client)
{
    char line[PTI_ERROR_DETAIL_MAX];
    uint64_t stale = find_stale(client, line, sizeof line);

    if (stale != 0 && stale != client->stale_told) {
        pti_live_emit(client->live, PINTLE_EVENT_STALE, PINTLE_ERR_TRUST, NULL, line);
        if (client->config->url_count > 0)
            pti_live_report_manifest(client->live, client->config->urls[0], "stale", client->accepted->charter.version);
    }
    client->stale_told = stale;
}

static bool init_locks(struct pintle_client *client)
{
    if (pthread_mutex_init(&client->state, NULL) != 0)
        return false;
    if (pti_wait_init(&client->ended))
        return true;
    (void)pthread_mutex_destroy(&client->state);
    return false;
}

/* An object that pintle_client_free() can take apart whatever happens next; NULL without memory. */
static struct pintle_client *make(const struct pintle_config *config)
{
    struct pintle_client *client = calloc(1, sizeof *client);

    if (client == NULL)
        return NULL;
    if (!init_locks(client)) {
        free(client);
        return NULL;
    }
    client->confirmed_at = client->heal_at = -1;
    client->retry_after_s = -1;
    client->config = pti_config_copy(config);
    if (client->config == NULL) {
        pintle_client_free(client);
        return NULL;
    }
    return client;
}

static enum pintle_status set_up(struct pintle_client *client, struct pti_error *error)
{
    const struct pintle_config *config = client->config;
    enum pintle_status status;

    client->crypto = pti_crypto_ref(config->crypto);
    pti_roots_init(&client->roots, client->crypto);
    pti_schedule_init(&client->schedule, config->clock.monotonic_ms(config->clock.ctx));
    status = pti_live_new(&config->clock, client->crypto, config->on_event, config->event_ctx, &client->live);
    return status == PINTLE_OK ? status : pti_fail(error, status, "out of memory");
}

/* The anchor and the generation that came with the app must be sound: if they are not, the build is broken. */
static enum pintle_status verify_anchor(struct pintle_client *client, struct pti_error *error)
{
    const struct pintle_config *config = client->config;
    enum pintle_status status = pti_roots_add_file(&client->roots, config->roots, error);

    if (status == PINTLE_OK && client->roots.count == 0)
        status = pti_fail(error, PINTLE_ERR_INPUT, "expected at least one root, found an empty file");
    if (status != PINTLE_OK)
        return pti_error_prefix(error, "roots"), status;
    if (config->shipped.size == 0)
        return PINTLE_OK;
    status = pti_generation_read(config->shipped, &client->roots, pti_client_clock(client), &client->shipped, error);
    return status == PINTLE_OK ? status : (pti_error_prefix(error, "shipped generation"), status);
}

static void emit_started(struct pintle_client *client)
{
    const char *line = client->accepted == NULL    ? "no manifest is known yet"
                       : client->accepted->shipped ? "enforcing the generation that ships with the application"
                                                   : "enforcing the stored generation";

    pti_live_emit(client->live, PINTLE_EVENT_STARTED, PINTLE_OK, NULL, line);
}

static enum pintle_status start(struct pintle_client *client, struct pti_error *error)
{
    enum pintle_status status = set_up(client, error);

    if (status == PINTLE_OK)
        status = verify_anchor(client, error);
    if (status == PINTLE_OK)
        status = pti_storage_start(client, error);
    if (status == PINTLE_OK) {
        pti_outbox_start(client);
        emit_started(client);
        pti_client_tell_stale(client);
    }
    return status;
}

enum pintle_status pintle_client_new(struct pintle_config *config, struct pintle_client **client)
{
    enum pintle_status status;

    if (config == NULL || client == NULL)
        return PINTLE_ERR_MISUSE;
    *client = NULL;
    pti_error_clear(&config->error);
    if (config->roots.size == 0)
        return pti_fail(&config->error, PINTLE_ERR_MISUSE,
                        "expected trust anchors, found none; call pintle_config_set_roots_file() or _mem()");
    if (config->crypto == NULL)
        return pti_fail(&config->error, PINTLE_ERR_MISUSE,
                        "expected a crypto provider, found none; call pintle_config_set_crypto() with one from "
                        "libpintle-crypto-openssl or libpintle-crypto-mbedtls");
    if (config->store.load == NULL)
        return pti_fail(&config->error, PINTLE_ERR_MISUSE,
                        "expected a store, found none; call pintle_config_set_store()");
    *client = make(config);
    if (*client == NULL)
        return pti_fail(&config->error, PINTLE_ERR_MEMORY, "out of memory");
    status = start(*client, &config->error);
    if (status == PINTLE_OK) {
        pti_error_clear(&config->error); /* what was overcome on the way went out as events */
        return PINTLE_OK;
    }
    pintle_client_free(*client);
    *client = NULL;
    return status;
}

static void forget(struct pti_stored *stored)
{
    pti_bytes_free(&stored->bytes);
}

/* Waits for long calls.  Cancelling reaches only a transfer that has begun, so it is repeated until none is left. */
static void end_long_calls(struct pintle_client *client)
{
    const struct pintle_transport *transport = &client->config->transport;
    struct timespec moment;

    (void)pthread_mutex_lock(&client->state);
    while (client->long_calls > 0) {
        (void)pthread_mutex_unlock(&client->state);
        if (transport->cancel != NULL)
            transport->cancel(transport->ctx);
        moment = pti_wait_moment(PTI_LOOK_AGAIN_MS);
        (void)pthread_mutex_lock(&client->state);
        if (client->long_calls > 0)
            (void)pti_wait_until(&client->ended, &client->state, &moment);
    }
    (void)pthread_mutex_unlock(&client->state);
}

void pintle_client_free(struct pintle_client *client)
{
    if (client == NULL)
        return;
    if (client->live != NULL) {
        pti_live_close(client->live);
        end_long_calls(client);
    }
    if (client->thread != NULL)
        client->thread_stop(client->thread);
    pti_live_unref(client->live);
    pti_generation_free(client->accepted);
    pti_generation_free(client->shipped);
    pti_roots_clear(&client->roots);
    forget(&client->stored_roots);
    forget(&client->stored_accepted);
    pintle_crypto_free(client->crypto);
    pintle_config_free(client->config);
    (void)pthread_cond_destroy(&client->ended);
    (void)pthread_mutex_destroy(&client->state);
    free(client);
}

int64_t pintle_client_next_due(struct pintle_client *client)
{
    const struct pintle_clock *clock;
    int64_t wait_ms;

    if (client == NULL || pti_live_heal_wanted(client->live))
        return 0;
    clock = &client->config->clock;
    (void)pthread_mutex_lock(&client->state);
    wait_ms = pti_schedule_wait_ms(&client->schedule, clock->monotonic_ms(clock->ctx));
    (void)pthread_mutex_unlock(&client->state);
    return wait_ms;
}

struct pintle_pinset *pintle_client_pinset(struct pintle_client *client)
{
    return client != NULL ? pti_live_pinset(client->live) : NULL;
}

enum pintle_status pintle_client_checker(struct pintle_client *client, struct pintle_checker **checker)
{
    struct pti_error error = {PINTLE_OK, ""};
    enum pintle_status status;

    if (checker == NULL)
        return PINTLE_ERR_MISUSE;
    *checker = NULL;
    if (client == NULL)
        return PINTLE_ERR_MISUSE;
    status = pti_live_checker(client->live, checker);
    if (status == PINTLE_OK)
        return status;
    (void)pti_fail(&error, status, "checker: out of memory");
    return pti_client_fail(client, &error);
}

size_t pintle_client_error(struct pintle_client *client, char *out, size_t size)
{
    size_t length;

    if (client == NULL)
        return pti_copy_text(out, size, "");
    (void)pthread_mutex_lock(&client->state);
    length = pti_copy_text(out, size, client->error.detail);
    (void)pthread_mutex_unlock(&client->state);
    return length;
}
