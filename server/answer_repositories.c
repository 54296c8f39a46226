/* SPDX-License-Identifier: Apache-2.0 */
/* /v1/repositories: what is served, who signs it, how it is; and looking at one now. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/datetime.h"
#include "server/journal.h"
#include "server/limits.h"
#include "server/page.h"
#include "server/publication.h"

/* ---- the list ---- */

struct item {
    const struct pti_listener *listener;
    const struct pti_served *served;
    struct pti_publication publication; /* empty if it cannot be read */
    struct pti_delegation *delegations;
    size_t delegation_count;
    int64_t now;
    struct pti_json_writer *json;
};

static void put_keys(const struct pti_role_keys *keys, struct pti_json_writer *json)
{
    pti_json_put_integer(json, "threshold", keys->threshold);
    pti_json_begin_array(json, "keys");
    for (size_t i = 0; i < keys->key_count; i++)
        pti_json_put_text(json, NULL, keys->keys[i].id);
    pti_json_end_array(json);
}

static void put_zone_keys(const struct item *item, const char *zone)
{
    for (size_t i = 0; i < item->delegation_count; i++)
        if (strcmp(item->delegations[i].zone, zone) == 0)
            put_keys(&item->delegations[i].keys, item->json);
}

/* The highest version that the database gave out, which a crash may have left unpublished. */
static void put_allocated(const struct item *item, const char *role)
{
    char series[PTI_SERIES_SIZE];
    int64_t version = 0;

    if (pti_resigner_series(&item->served->resigner, &item->publication.published, role, series, NULL) == PINTLE_OK &&
        pti_storage_allocated_version(item->listener->routes->storage, series, &version, NULL) == PINTLE_OK)
        pti_json_put_integer(item->json, "allocated", version);
}

static void put_top_level(const struct item *item, const char *role)
{
    struct pti_role_keys keys = {NULL, 0, 0};

    if (pti_role_keys_from_root(pti_published_root(&item->publication.published), role, &keys, NULL) == PINTLE_OK)
        put_keys(&keys, item->json);
    pti_role_keys_clear(&keys);
    if (strcmp(role, "timestamp") == 0 || strcmp(role, "snapshot") == 0)
        put_allocated(item, role);
}

static void put_role(const struct item *item, const struct pti_role_status *role)
{
    char expires[PTI_DATETIME_SIZE + 1];

    pti_datetime_format(role->expires, expires);
    pti_json_begin_object(item->json, NULL);
    pti_json_put_text(item->json, "role", role->name);
    pti_json_put_integer(item->json, "version", role->version);
    pti_json_put_text(item->json, "expires", expires);
    pti_json_put_bool(item->json, "expired", role->expires <= item->now);
    if (item->publication.published.timestamp.size > 0 && pti_role_is_top_level(role->name))
        put_top_level(item, role->name);
    else
        put_zone_keys(item, role->name);
    pti_json_end_object(item->json);
}

static void put_repository(struct item *item)
{
    struct pti_status_board *board = (struct pti_status_board *)(uintptr_t)&item->served->board; /* it locks itself */
    struct pti_error error;
    struct pti_status status;
    enum pintle_status loaded = pti_publication_load(item->served->directory, item->listener->routes->crypto,
                                                     &item->publication, &error);

    if (loaded == PINTLE_OK)
        loaded = pti_delegations_from_targets(item->publication.published.targets, &item->delegations,
                                              &item->delegation_count, &error);
    pti_status_board_read(board, &status);
    pti_json_begin_object(item->json, NULL);
    pti_json_put_text(item->json, "name", item->served->name);
    pti_json_put_text(item->json, "signed_name", loaded == PINTLE_OK ? item->publication.published.repository : NULL);
    pti_status_put(&status, item->now, item->json);
    pti_json_begin_array(item->json, "roles");
    for (size_t i = 0; i < status.role_count; i++)
        put_role(item, &status.roles[i]);
    pti_json_end_array(item->json);
    pti_json_end_object(item->json);
    pti_delegations_free(item->delegations, item->delegation_count);
    pti_publication_clear(&item->publication);
}

void pti_answer_repository_list(const struct pti_listener *listener, struct pti_http_exchange *exchange)
{
    const struct pti_routes *routes = listener->routes;
    int64_t after = 0;
    struct pti_page page;
    struct pti_list list;

    if (!pti_page_take(listener, exchange, PTI_ROUTE_REPOSITORIES, NULL, &page) ||
        !pti_page_after_number(listener, exchange, PTI_ROUTE_REPOSITORIES, &page, &after))
        return;
    pti_list_begin(&list, &page);
    for (size_t i = 0; i < routes->served_count; i++) {
        struct item item = {
            .listener = listener, .served = &routes->served[i], .now = (int64_t)time(NULL), .json = &list.json};

        if ((int64_t)i >= after && pti_list_wants_number(&list, (int64_t)i + 1))
            put_repository(&item);
    }
    pti_list_answer(&list, listener, exchange, PTI_ROUTE_REPOSITORIES, PINTLE_OK, NULL);
}

/* ---- looking at one ---- */

static struct pti_served *find(const struct pti_routes *routes, const char *name)
{
    for (size_t i = 0; i < routes->served_count; i++)
        if (strcmp(routes->served[i].name, name) == 0)
            return &routes->served[i];
    return NULL;
}

void pti_answer_repository_refresh(const struct pti_listener *listener, struct pti_http_exchange *exchange)
{
    static const char *const none[] = {NULL};
    struct pti_http_response accepted = PTI_HTTP_RESPONSE(202);
    char written[PTI_SERVED_NAME_MAX + 1] = "", detail[PTI_SERVED_NAME_MAX + 32];
    struct pti_served *served = NULL;
    struct pti_error error;

    if (!pti_query_is(listener, exchange, PTI_ROUTE_REPOSITORIES, none))
        return;
    if (pti_request_segment(exchange, 2, written, sizeof written))
        served = find(listener->routes, pti_repository_read(written));
    if (!served) {
        pti_answer_error(listener, exchange, PTI_ROUTE_REPOSITORIES, 404,
                         "there is no repository of that name; the one at the root is called \"_\" here");
        return;
    }
    snprintf(detail, sizeof detail, "repository %s", written);
    if (pti_journal_append(listener->routes->changes, pti_http_request(exchange)->actor, "repository.refresh", detail,
                           &error) != PINTLE_OK) {
        pti_answer_error(listener, exchange, PTI_ROUTE_REPOSITORIES, 503, error.detail);
        return;
    }
    atomic_store(&served->refresh, true);
    accepted.cache_control = "no-store";
    pti_answer(listener, exchange, PTI_ROUTE_REPOSITORIES, &accepted);
}
