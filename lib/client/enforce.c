/* SPDX-License-Identifier: Apache-2.0 */
#include "client/enforce.h"

#include <stdlib.h>

#include "manifest/apply.h"

static void notice(void *ctx, const char *line)
{
    const struct pintle_client *client = ctx;

    pti_live_emit(client->live, PINTLE_EVENT_NOTICE, PINTLE_OK, NULL, line);
}

const struct pti_generation *pti_enforce_ruling(const struct pintle_client *client,
                                                const struct pti_generation *generation)
{
    const struct pti_generation *shipped = client->shipped;

    if (shipped == NULL || generation == NULL || shipped->targets->version <= generation->targets->version ||
        pti_charter_check_successor(&generation->charter, &shipped->charter, NULL) != PINTLE_OK)
        return generation;
    return shipped;
}

enum pintle_status pti_enforce_may_follow(const struct pintle_client *client, const struct pti_generation *next,
                                          struct pti_error *error)
{
    const struct pti_generation *ruling = pti_enforce_ruling(client, client->accepted);
    const struct pti_tuf_metadata *root = pti_roots_version(&client->roots, next->root_version);
    enum pintle_status status = pti_apply(client->accepted, next, root, error);

    if (status != PINTLE_OK || ruling == client->accepted || ruling == pti_enforce_ruling(client, next))
        return status;
    return pti_apply_contents(ruling, next, error);
}

/* The charter's bound, which the application may only shorten; -1 if there is none. */
static int64_t stale_days(const struct pintle_config *config, const struct pti_charter *charter)
{
    int64_t days = charter->refuse_stale_after_days;

    if (config->stale_days >= 0 && (days < 0 || config->stale_days < days))
        days = config->stale_days;
    return days;
}

static int64_t refuse_after(const struct pintle_client *client, const struct pti_generation *generation,
                            const struct pti_generation_zone *zone, enum pintle_reason *reason)
{
    return pti_generation_refuse_after(generation, zone, stale_days(client->config, &generation->charter),
                                       generation->shipped || generation == client->shipped, reason);
}

/* The file of ruling's zone i that counts, and its bounds; false if there is none. */
static bool set_zone(const struct pintle_client *client, const struct pti_generation *generation,
                     const struct pti_generation *ruling, size_t i, struct pti_pinset_zone *out)
{
    const struct pti_generation_zone *zone = &ruling->zones[i];

    if (ruling != generation)
        zone = pti_apply_zone(generation, ruling, zone);
    if (zone == NULL)
        return false;
    out->zone = &zone->zone;
    out->refuse_after = refuse_after(client, zone == &ruling->zones[i] ? ruling : generation, zone,
                                     &out->refuse_reason);
    return true;
}

enum pintle_status pti_enforce_compile(struct pintle_client *client, const struct pti_generation *generation,
                                       bool unverified, bool notices, struct pintle_pinset **pinset,
                                       struct pti_error *error)
{
    const struct pintle_config *config = client->config;
    struct pti_pinset_input input = {
        .unlisted = config->unlisted,
        .required = (const char *const *)config->required,
        .required_count = config->required_count,
        .refuse_after = PTI_NEVER,
        .refuse_reason = PINTLE_REASON_STALE_REFUSED,
        .refuse_unknown = unverified,
        .notice = notices ? notice : NULL,
        .notice_ctx = client,
    };
    const struct pti_generation *ruling = pti_enforce_ruling(client, generation);
    struct pti_pinset_zone *zones = NULL;
    enum pintle_status status;

    *pinset = NULL;
    if (ruling != NULL) {
        zones = calloc(ruling->zone_count + 1, sizeof *zones);
        if (zones == NULL)
            return pti_fail(error, PINTLE_ERR_MEMORY, "out of memory");
        for (size_t i = 0; i < ruling->zone_count; i++)
            if (set_zone(client, generation, ruling, i, &zones[input.zone_count]))
                input.zone_count++;
        input.charter = &ruling->charter;
        input.zones = zones;
        input.refuse_after = refuse_after(client, ruling, NULL, &input.refuse_reason);
    }
    status = pti_pinset_compile(&input, pinset, error);
    free(zones);
    return status;
}

static void set_reports(struct pintle_client *client, const struct pti_generation *generation)
{
    struct pti_report_settings settings = {.sample_per_mille = 1000, .issued = -1, .expires = -1};

    (void)pti_copy_text(settings.app_id, sizeof settings.app_id, client->config->app_id);
    (void)pti_copy_text(settings.app_version, sizeof settings.app_version, client->config->app_version);
    (void)pti_copy_text(settings.os, sizeof settings.os, client->config->os);
    (void)pti_copy_text(settings.os_version, sizeof settings.os_version, client->config->os_version);
    if (generation != NULL) {
        settings.sample_per_mille = generation->charter.sample_per_mille;
        settings.shipped = generation->shipped;
        settings.want_chain = generation->charter.want_chain;
        settings.issued = generation->timestamp->issued;
        settings.expires = pti_generation_expires(generation, NULL);
    }
    (void)pthread_mutex_lock(&client->live->reports_lock);
    client->live->reports.settings = settings;
    (void)pthread_mutex_unlock(&client->live->reports_lock);
}

void pti_enforce_swap(struct pintle_client *client, struct pti_generation *generation, bool unverified,
                      struct pintle_pinset *pinset)
{
    struct pti_generation *previous;

    (void)pthread_mutex_lock(&client->state);
    previous = client->accepted;
    client->accepted = generation;
    client->storage_unverified = unverified;
    if (generation != NULL)
        pti_schedule_set_interval(&client->schedule, generation->charter.refresh_min_s,
                                  generation->charter.refresh_default_s, generation->charter.refresh_max_s);
    (void)pthread_mutex_unlock(&client->state);
    set_reports(client, generation);
    pti_live_swap(client->live, pinset, generation != NULL ? generation->issued : -1);
    if (previous != generation)
        pti_generation_free_beside(previous, generation);
}
