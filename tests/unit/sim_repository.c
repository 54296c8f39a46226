/* SPDX-License-Identifier: Apache-2.0 */
/* What the simulated repository holds: its life, its contents.  Contracts are in sim_repository.h. */
#include "sim_repository.h"

#include <stdlib.h>
#include <string.h>

#include "providers.h"
#include "sim_sign.h"

static struct pti_error error; /* of the step at hand; tests use one thread here */

/* ---- life ---- */

struct sim *sim_new_with(enum pti_key_kind kind, size_t keys, int64_t threshold)
{
    static const int64_t days[SIM_ROLES] = {365, 365, 7, 3};
    struct sim_whole *whole = sim_alloc(sizeof(*whole));
    struct sim *sim = &whole->sim;

    sim_ok(provider_new(&sim->crypto), NULL, "crypto");
    sim->repository = "sim";
    sim->machine = sim_machine_new();
    memcpy(sim->expires_days, days, sizeof(days));
    sim_make_signers(sim, &sim->signers[SIM_ROOT], kind, keys, threshold);
    sim_make_signers(sim, &sim->signers[SIM_TARGETS], kind, keys, threshold);
    sim_make_signers(sim, &sim->signers[SIM_SNAPSHOT], kind, 1, 1);
    sim_make_signers(sim, &sim->signers[SIM_TIMESTAMP], kind, 1, 1);
    pti_charter_init(&sim->charter);
    sim_publish_root(sim);
    (void)sim_add_zone(sim, "main");
    return sim;
}

struct sim *sim_new(void)
{
    return sim_new_with(PTI_KEY_ED25519, 1, 1);
}

void sim_free(struct sim *sim)
{
    if (sim == NULL)
        return;
    for (size_t i = 0; i < sim->zone_count; i++) {
        pti_zone_clear(&sim->zones[i].content);
        pti_bytes_free(&sim->zones[i].role);
        pti_bytes_free(&sim->zones[i].file);
    }
    free(sim->zones);
    pti_charter_clear(&sim->charter);
    pti_bytes_free(&sim->targets);
    pti_bytes_free(&sim->charter_file);
    pti_bytes_free(&sim->snapshot);
    pti_bytes_free(&sim->timestamp);
    pti_bytes_free(&sim_history_of(sim)->targets_print);
    pti_keyring_clear(&sim_history_of(sim)->keys);
    sim_machine_free(sim->machine);
    pintle_crypto_free(sim->crypto);
    free(sim);
}

/* ---- contents ---- */

struct pti_charter_host *sim_add_host(struct sim *sim, const char *host, const char *zone)
{
    struct pti_charter_host *entry = NULL;

    sim_ok(pti_charter_add_host(&sim->charter, host, &entry, &error), &error, "add a host");
    entry->mode = PINTLE_MODE_ENFORCE;
    (void)pti_copy_text(entry->zone, sizeof(entry->zone), zone);
    return entry;
}

void sim_release_host(struct sim *sim, const char *host)
{
    sim_ok(pti_charter_release_host(&sim->charter, host, &error), &error, "release a host");
}

void sim_omit_host(struct sim *sim, const char *host)
{
    struct pti_charter_host *entry = pti_charter_find(&sim->charter, host);

    sim_true(entry != NULL, "no such host to omit");
    free(entry->host);
    pti_pins_clear(&entry->pins);
    pti_pins_clear(&entry->deny);
    memmove(entry, entry + 1, (size_t)(sim->charter.hosts + sim->charter.host_count - entry - 1) * sizeof(*entry));
    sim->charter.host_count--;
}

struct pti_pin sim_pin(uint8_t seed)
{
    struct pti_pin pin = {{0}, PINTLE_OF_SPKI, PINTLE_AT_LEAF};

    memset(pin.sha256, seed, sizeof(pin.sha256));
    return pin;
}

static struct pti_charter_host *charter_entry(struct sim *sim, const char *host)
{
    struct pti_charter_host *entry = pti_charter_find(&sim->charter, host);

    sim_true(entry != NULL, "the charter has no such host");
    return entry;
}

void sim_add_pin(struct sim *sim, const char *host, uint8_t seed)
{
    struct pti_zone_host *entry = sim_zone_entry(sim, charter_entry(sim, host)->zone, host);
    struct pti_pin pin = sim_pin(seed);
    bool added;

    sim_ok(pti_pins_add(&entry->pins, &pin, &added), NULL, "add a pin");
}

void sim_add_permanent_pin(struct sim *sim, const char *host, uint8_t seed)
{
    struct pti_pin pin = sim_pin(seed);
    bool added;

    sim_ok(pti_pins_add(&charter_entry(sim, host)->pins, &pin, &added), NULL, "add a permanent pin");
}

void sim_add_collector(struct sim *sim, const char *url)
{
    struct pti_charter *charter = &sim->charter;

    charter->report_urls = sim_grow(charter->report_urls, (charter->report_url_count + 1) * sizeof(char *));
    charter->report_urls[charter->report_url_count++] = sim_copy_text(url);
}

void sim_remove_pin(struct sim *sim, const char *host, uint8_t seed)
{
    struct pti_pin pin = sim_pin(seed);

    (void)pti_pins_remove(&sim_zone_entry(sim, charter_entry(sim, host)->zone, host)->pins, pin.sha256);
}

struct pti_zone_host *sim_zone_entry(struct sim *sim, const char *zone, const char *host)
{
    struct pti_zone_host *entry = NULL;

    sim_ok(pti_zone_host(&sim_zone(sim, zone)->content, host, &entry, &error), &error, "zone entry");
    return entry;
}

struct sim_zone *sim_zone(struct sim *sim, const char *name)
{
    for (size_t i = 0; i < sim->zone_count; i++)
        if (strcmp(sim->zones[i].name, name) == 0)
            return &sim->zones[i];
    sim_true(false, "no such zone");
    return NULL;
}

struct sim_zone *sim_add_zone(struct sim *sim, const char *name)
{
    struct sim_zone *grown = realloc(sim->zones, (sim->zone_count + 1) * sizeof(*grown));
    struct sim_zone *zone;

    if (grown == NULL)
        abort();
    sim->zones = grown;
    zone = &grown[sim->zone_count++];
    memset(zone, 0, sizeof(*zone));
    (void)pti_copy_text(zone->name, sizeof(zone->name), name);
    zone->expires_days = 90;
    zone->delegated = true;
    pti_zone_init(&zone->content, name);
    sim_make_signers(sim, &zone->signers, PTI_KEY_ED25519, 1, 1);
    return zone;
}

void sim_remove_zone(struct sim *sim, const char *name)
{
    sim_zone(sim, name)->delegated = false;
}

void sim_restore_zone(struct sim *sim, const char *name)
{
    sim_zone(sim, name)->delegated = true;
}

void sim_rotate_zone_keys(struct sim *sim, const char *name)
{
    struct sim_zone *zone = sim_zone(sim, name);

    sim_make_signers(sim, &zone->signers, PTI_KEY_ED25519, 1, 1);
    pti_bytes_free(&zone->role);
}
