/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /v1/zones and GET /v1/hosts: what is published now, sorted by repository (in the order of the options) and name.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/datetime.h"
#include "pin/charter.h"
#include "pin/zone.h"
#include "publish/envelope.h"
#include "server/limits.h"
#include "server/page.h"
#include "server/publication.h"

/* Where a list goes on: after this name in this repository. */
struct position {
    size_t repository;
    const char *name; /* "" is before all names */
};

struct walk {
    const struct pti_listener *listener;
    struct pti_list list;
    struct position after;
    const char *repository, *zone, *host; /* filters; NULL without */
};

/* What one repository serves. */
struct manifest {
    const struct pti_served *served;
    struct pti_publication publication;
    struct pti_charter charter;
    struct pti_zone *zones; /* of all that are delegated */
    const struct pti_published_zone **published;
    size_t zone_count;
};

static void clear_manifest(struct manifest *manifest)
{
    for (size_t i = 0; i < manifest->zone_count; i++)
        pti_zone_clear(&manifest->zones[i]);
    free(manifest->zones);
    free(manifest->published);
    pti_charter_clear(&manifest->charter);
    pti_publication_clear(&manifest->publication);
}

static enum pintle_status load_zones(struct manifest *manifest, struct pti_error *error)
{
    const struct pti_published *published = &manifest->publication.published;
    enum pintle_status status = PINTLE_OK;

    manifest->zones = calloc(published->zone_count + 1, sizeof *manifest->zones);
    manifest->published = calloc(published->zone_count + 1, sizeof(const struct pti_published_zone *));
    if (!manifest->zones || !manifest->published)
        return pti_fail(error, PINTLE_ERR_MEMORY, "no memory for the zones");
    for (size_t i = 0; i < published->zone_count && status == PINTLE_OK; i++) {
        const struct pti_published_zone *zone = &published->zones[i];

        if (!zone->delegated)
            continue;
        status = pti_zone_parse(zone->file, zone->name, &manifest->zones[manifest->zone_count], error);
        manifest->published[manifest->zone_count] = zone;
        manifest->zone_count += status == PINTLE_OK;
    }
    return status;
}

static enum pintle_status load_manifest(const struct pti_routes *routes, struct manifest *manifest,
                                        struct pti_error *error)
{
    enum pintle_status status = pti_publication_load(manifest->served->directory, routes->crypto,
                                                     &manifest->publication, error);

    if (status == PINTLE_OK)
        status = pti_charter_parse(manifest->publication.published.charter, &manifest->charter, error);
    return status == PINTLE_OK ? load_zones(manifest, error) : status;
}

/* Index of the zone whose name comes next after name, or zone_count: they stand in the order of their delegations. */
static size_t next_zone(const struct manifest *manifest, const char *name)
{
    size_t next = manifest->zone_count;

    for (size_t i = 0; i < manifest->zone_count; i++)
        if (strcmp(manifest->zones[i].name, name) > 0 &&
            (next == manifest->zone_count || strcmp(manifest->zones[i].name, manifest->zones[next].name) < 0))
            next = i;
    return next;
}

static bool wants(struct walk *walk, const struct manifest *manifest, const char *name)
{
    char cursor[PTI_CURSOR_MAX + 1];

    snprintf(cursor, sizeof cursor, "%s/%s", pti_repository_written(manifest->served->name), name);
    return pti_list_wants(&walk->list, cursor);
}

/* ---- zones ---- */

static void put_zone(struct walk *walk, const struct manifest *manifest, size_t index)
{
    const struct pti_zone *zone = &manifest->zones[index];
    struct pti_json_writer *json = &walk->list.json;
    char expires[PTI_DATETIME_SIZE + 1];
    int64_t role_version = 0, expiry = 0;
    bool known = pti_envelope_dates(manifest->published[index]->role, &role_version, &expiry, NULL) == PINTLE_OK;

    pti_datetime_format(expiry, expires);
    pti_json_begin_object(json, NULL);
    pti_json_put_text(json, "repository", manifest->served->name);
    pti_json_put_text(json, "zone", zone->name);
    pti_json_put_integer(json, "version", zone->version);
    pti_json_put_integer(json, "role_version", role_version);
    pti_json_put_text(json, "expires", known ? expires : NULL);
    pti_json_put_integer(json, "hosts", (int64_t)zone->host_count);
    pti_json_end_object(json);
}

static void walk_zones(struct walk *walk, const struct manifest *manifest, const char *after)
{
    for (size_t i = next_zone(manifest, after); i < manifest->zone_count;
         i = next_zone(manifest, manifest->zones[i].name))
        if (wants(walk, manifest, manifest->zones[i].name))
            put_zone(walk, manifest, i);
}

/* ---- hosts ---- */

static const struct pti_zone *zone_of(const struct manifest *manifest, const struct pti_charter_host *host)
{
    for (size_t i = 0; i < manifest->zone_count; i++)
        if (strcmp(manifest->zones[i].name, host->zone) == 0)
            return &manifest->zones[i];
    return NULL;
}

static void put_pins(struct pti_json_writer *json, const char *name, const struct pti_pins *pins,
                     const struct pti_pins *deny)
{
    static const struct pti_pins nothing = {NULL, 0, 0};

    pti_json_begin_object(json, name);
    pti_pins_write(pins ? pins : &nothing, false, "pins", json);
    pti_pins_write(deny ? deny : &nothing, true, "deny", json);
    pti_json_end_object(json);
}

static void put_host(struct walk *walk, const struct manifest *manifest, const struct pti_charter_host *host)
{
    const struct pti_zone *zone = zone_of(manifest, host);
    const struct pti_zone_host *keys = zone ? pti_zone_find(zone, host->host) : NULL;
    struct pti_json_writer *json = &walk->list.json;

    pti_json_begin_object(json, NULL);
    pti_json_put_text(json, "repository", manifest->served->name);
    pti_json_put_text(json, "host", host->host);
    pti_json_put_bool(json, "subdomains", host->subdomains);
    pti_json_put_text(json, "mode", pti_mode_name(host->mode));
    pti_json_put_text(json, "zone", host->zone[0] ? host->zone : NULL);
    put_pins(json, "from_charter", &host->pins, &host->deny);
    put_pins(json, "from_zone", keys ? &keys->pins : NULL, keys ? &keys->deny : NULL);
    pti_json_end_object(json);
}

static void walk_hosts(struct walk *walk, const struct manifest *manifest, const char *after)
{
    for (size_t i = 0; i < manifest->charter.host_count; i++) {
        const struct pti_charter_host *host = &manifest->charter.hosts[i];

        if (strcmp(host->host, after) > 0 && (!walk->zone || strcmp(walk->zone, host->zone) == 0) &&
            (!walk->host || strcmp(walk->host, host->host) == 0) && wants(walk, manifest, host->host))
            put_host(walk, manifest, host);
    }
}

/* ---- both ---- */

typedef void walk_fn(struct walk *walk, const struct manifest *manifest, const char *after);

/* One that cannot be read is told by /v1/repositories and the log; the list is that of the others. */
static enum pintle_status walk_all(struct walk *walk, walk_fn *each, struct pti_error *error)
{
    const struct pti_routes *routes = walk->listener->routes;
    enum pintle_status status = PINTLE_OK;

    for (size_t i = walk->after.repository; i < routes->served_count && status == PINTLE_OK && !walk->list.more; i++) {
        struct manifest manifest = {.served = &routes->served[i]};

        if (walk->repository && strcmp(walk->repository, routes->served[i].name) != 0)
            continue;
        status = load_manifest(routes, &manifest, error);
        if (status == PINTLE_OK)
            each(walk, &manifest, i == walk->after.repository ? walk->after.name : "");
        else if (status != PINTLE_ERR_MEMORY)
            status = PINTLE_OK;
        clear_manifest(&manifest);
    }
    return status;
}

static bool take_position(struct walk *walk, const char *after)
{
    const struct pti_routes *routes = walk->listener->routes;
    size_t length = after ? strcspn(after, "/") : 0;

    walk->after = (struct position){0, ""};
    if (!after)
        return true;
    for (size_t i = 0; i < routes->served_count && after[length] == '/'; i++) {
        const char *written = pti_repository_written(routes->served[i].name);

        if (strlen(written) == length && memcmp(written, after, length) == 0) {
            walk->after = (struct position){i, after + length + 1};
            return true;
        }
    }
    return false;
}

static void answer(const struct pti_listener *listener, struct pti_http_exchange *exchange, unsigned route,
                   const char *const *names, walk_fn *each)
{
    const char *repository = pti_http_query(exchange, "repository");
    struct walk walk = {.listener = listener,
                        .repository = repository ? pti_repository_read(repository) : NULL,
                        .zone = pti_http_query(exchange, "zone"),
                        .host = pti_http_query(exchange, "host")};
    enum pintle_status status;
    struct pti_error error;
    struct pti_page page;

    if (!pti_page_take(listener, exchange, route, names, &page))
        return;
    if (!take_position(&walk, page.after)) {
        pti_page_refuse(listener, exchange, route);
        return;
    }
    pti_list_begin(&walk.list, &page);
    status = walk_all(&walk, each, &error);
    pti_list_answer(&walk.list, listener, exchange, route, status, &error);
}

void pti_answer_zone_list(const struct pti_listener *listener, struct pti_http_exchange *exchange)
{
    static const char *const names[] = {"repository", NULL};

    answer(listener, exchange, PTI_ROUTE_ZONES, names, walk_zones);
}

void pti_answer_host_list(const struct pti_listener *listener, struct pti_http_exchange *exchange)
{
    static const char *const names[] = {"repository", "zone", "host", NULL};

    answer(listener, exchange, PTI_ROUTE_HOSTS, names, walk_hosts);
}
