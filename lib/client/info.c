/* SPDX-License-Identifier: Apache-2.0 */
/* What a client holds, for people. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/datetime.h"
#include "base/json_write.h"
#include "client/client.h"
#include "client/enforce.h"

#define INFO_SIZE_MAX 16000000

static void put_time(struct pti_json_writer *writer, const char *name, int64_t seconds)
{
    char text[PTI_DATETIME_SIZE + 1];

    if (seconds < 0) {
        pti_json_put_null(writer, name);
        return;
    }
    pti_datetime_format(seconds, text);
    pti_json_put_text(writer, name, text);
}

/* The states of docs/design.md, section 6; "none" and "unverified" say that there is nothing to be fresh. */
static const char *state_of(const struct pintle_client *client, const struct pti_generation_zone *zone)
{
    if (client->storage_unverified)
        return "unverified";
    if (client->accepted == NULL)
        return "none";
    if (client->behind || pti_enforce_ruling(client, client->accepted) != client->accepted)
        return "stale";
    return pti_client_now(client) < pti_generation_expires(client->accepted, zone) ? "fresh" : "stale";
}

static const char *overall_state(const struct pintle_client *client)
{
    const char *state = state_of(client, NULL);

    for (size_t i = 0; client->accepted != NULL && i < client->accepted->zone_count; i++)
        if (strcmp(state, "fresh") == 0)
            state = state_of(client, &client->accepted->zones[i]);
    return state;
}

static void write_zones(const struct pintle_client *client, struct pti_json_writer *writer)
{
    pti_json_begin_array(writer, "zones");
    for (size_t i = 0; client->accepted != NULL && i < client->accepted->zone_count; i++) {
        const struct pti_generation_zone *zone = &client->accepted->zones[i];

        pti_json_begin_object(writer, NULL);
        put_time(writer, "expires", zone->role->expires);
        pti_json_put_text(writer, "state", state_of(client, zone));
        pti_json_put_integer(writer, "version", zone->zone.version);
        pti_json_put_text(writer, "zone", zone->name);
        pti_json_end_object(writer);
    }
    pti_json_end_array(writer);
}

/* How many of a policy's pins the charter gives; the others are its zone's. */
static int64_t charter_pins(const struct pintle_client *client, const struct pti_policy *policy)
{
    const struct pti_generation *ruling = pti_enforce_ruling(client, client->accepted);
    const struct pti_charter_host *host = ruling != NULL ? pti_charter_find(&ruling->charter, policy->host) : NULL;
    int64_t count = host != NULL ? (int64_t)host->pins.count : 0;

    return count < policy->pin_count ? count : policy->pin_count;
}

static void write_hosts(const struct pintle_client *client, const struct pintle_pinset *pinset,
                        struct pti_json_writer *writer)
{
    pti_json_begin_array(writer, "hosts");
    for (size_t i = 0; i < pinset->policy_count; i++) {
        const struct pti_policy *policy = &pinset->policies[i];

        pti_json_begin_object(writer, NULL);
        pti_json_put_integer(writer, "charter_pins", charter_pins(client, policy));
        pti_json_put_integer(writer, "denials", policy->charter_deny_count + policy->zone_deny_count);
        pti_json_put_text(writer, "host", policy->host);
        pti_json_put_text(writer, "mode", policy->mode == PINTLE_MODE_REPORT ? "report" : "enforce");
        pti_json_put_integer(writer, "pins", policy->pin_count);
        pti_json_put_bool(writer, "subdomains", policy->subdomains);
        if (policy->refuse_after != PTI_NEVER)
            put_time(writer, "refused_after", policy->refuse_after);
        pti_json_put_text(writer, "zone", policy->zone);
        pti_json_end_object(writer);
    }
    pti_json_end_array(writer);
}

static void write_reports(const struct pintle_client *client, struct pti_json_writer *writer)
{
    (void)pthread_mutex_lock(&client->live->reports_lock);
    pti_json_put_integer(writer, "reports_dropped", (int64_t)client->live->reports.dropped);
    pti_json_put_integer(writer, "reports_queued", (int64_t)client->live->reports.count);
    (void)pthread_mutex_unlock(&client->live->reports_lock);
}

static void write_heal(const struct pintle_client *client, struct pti_json_writer *writer)
{
    pti_json_begin_object(writer, "heal");
    put_time(writer, "at", client->heal_at);
    if (client->heal_at >= 0)
        pti_json_put_bool(writer, "ok", client->heal_ok);
    pti_json_put_bool(writer, "wanted", pti_live_heal_wanted(client->live));
    pti_json_end_object(writer);
}

static void write_adoption(const struct pintle_client *client, struct pti_json_writer *writer)
{
    pti_json_begin_array(writer, "adoption");
    for (size_t i = 0; i < client->adoption.count; i++) {
        const struct pti_adoption_mark *mark = &client->adoption.marks[i];

        pti_json_begin_object(writer, NULL);
        put_time(writer, "counted", mark->day >= 0 ? mark->day * 86400 : -1);
        pti_json_put_text(writer, "zone", mark->zone);
        pti_json_end_object(writer);
    }
    pti_json_end_array(writer);
}

static void write_generation(const struct pintle_client *client, struct pti_json_writer *writer)
{
    const struct pti_generation *accepted = client->accepted;
    int64_t now = pti_client_clock(client);
    int64_t born;

    if (accepted == NULL)
        return;
    born = accepted->timestamp->issued >= 0 ? accepted->timestamp->issued : accepted->accepted_at;
    put_time(writer, "accepted_at", accepted->accepted_at);
    pti_json_put_integer(writer, "age_seconds", now > born ? now - born : 0);
    pti_json_put_integer(writer, "charter", pti_enforce_ruling(client, accepted)->charter.version);
    put_time(writer, "expires", pti_generation_expires(accepted, NULL));
    put_time(writer, "issued", accepted->timestamp->issued);
    pti_json_put_bool(writer, "shipped", accepted->shipped);
    pti_json_put_integer(writer, "timestamp", accepted->timestamp->version);
}

/* Under the state lock. */
static void write_info(struct pintle_client *client, const struct pintle_pinset *pinset, struct pti_json_writer *writer)
{
    const struct pti_tuf_metadata *root = pti_roots_newest(&client->roots);
    const struct pintle_clock *clock = &client->config->clock;

    pti_json_begin_object(writer, NULL);
    pti_json_put_text(writer, "state", overall_state(client));
    pti_json_put_string(writer, "repository", root->repository);
    pti_json_put_integer(writer, "root", root->version);
    write_generation(client, writer);
    write_zones(client, writer);
    write_hosts(client, pinset, writer);
    put_time(writer, "confirmed_at", client->confirmed_at);
    pti_json_put_integer(writer, "next_due_seconds",
                         pti_schedule_wait_ms(&client->schedule, clock->monotonic_ms(clock->ctx)) / 1000);
    write_reports(client, writer);
    write_heal(client, writer);
    write_adoption(client, writer);
    pti_json_put_text(writer, "last_error", client->error.detail);
    pti_json_end_object(writer);
}

size_t pintle_client_info(struct pintle_client *client, char *out, size_t size)
{
    struct pti_json_writer writer;
    struct pintle_pinset *pinset;
    struct pti_buf text;
    const char *info;
    size_t length = 0;

    if (client == NULL)
        return pti_copy_text(out, size, "");
    pti_buf_init(&text, INFO_SIZE_MAX);
    pti_json_writer_init(&writer, &text, false);
    pinset = pti_live_pinset(client->live);
    (void)pthread_mutex_lock(&client->state);
    write_info(client, pinset, &writer);
    (void)pthread_mutex_unlock(&client->state);
    pintle_pinset_free(pinset);
    info = pti_buf_cstr(&text);
    length = pti_copy_text(out, size, info != NULL ? info : "");
    pti_buf_clear(&text);
    return length;
}
