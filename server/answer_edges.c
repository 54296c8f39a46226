/* SPDX-License-Identifier: Apache-2.0 */
/* /v1/edges: what is served where, and where else to look. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/datetime.h"
#include "pin/host.h"
#include "server/edges.h"
#include "server/members.h"
#include "server/page.h"

static const char *const target_names[] = {"repository", "host", "port", "address", NULL};

/* ---- the list ---- */

/* Rows are kept until all are read: the leaves of each are asked for by another statement. */
struct listing {
    struct pti_edge *edges;
    struct pti_buf documents;
    size_t *starts; /* of the documents; one more than edges */
    size_t count;
};

static bool keep_row(void *ctx, const struct pti_edge *edge)
{
    struct listing *listing = ctx;

    pti_buf_append(&listing->documents, edge->finding.document.data, edge->finding.document.size);
    listing->edges[listing->count++] = *edge;
    listing->starts[listing->count] = listing->documents.size;
    return listing->documents.status == PINTLE_OK;
}

static void put_time(struct pti_json_writer *json, const char *name, int64_t seconds)
{
    char text[PTI_DATETIME_SIZE + 1];

    pti_datetime_format(seconds, text);
    pti_json_put_text(json, name, text);
}

static enum pintle_status put_leaves(struct pti_json_writer *json, struct pti_database *database,
                                     const struct pti_edge_key *key, struct pti_error *error)
{
    struct pti_edge_leaf leaves[PTI_EDGE_LEAVES_MAX];
    size_t count = 0;
    enum pintle_status status = pti_edges_leaves(database, key, leaves, &count, error);

    pti_json_begin_array(json, "leaves");
    for (size_t i = 0; i < count; i++) {
        pti_json_begin_object(json, NULL);
        pti_json_put_text(json, "spki", leaves[i].spki);
        put_time(json, "first_seen", leaves[i].first_seen);
        put_time(json, "last_seen", leaves[i].last_seen);
        pti_json_end_object(json);
    }
    pti_json_end_array(json);
    return status;
}

static void put_finding(struct pti_json_writer *json, const struct pti_edge_finding *finding,
                        struct pintle_bytes document)
{
    if (finding->probed == 0) {
        pti_json_put_null(json, "last");
        return;
    }
    pti_json_begin_object(json, "last");
    put_time(json, "probed", finding->probed);
    pti_json_put_text(json, "outcome", pti_probe_outcome_name(finding->outcome));
    pti_json_put_integer(json, "failures", finding->failures);
    pti_json_put_text(json, "pinned", pti_edge_pinned_name(finding->pinned));
    pti_json_put_raw(json, "found", document);
    pti_json_end_object(json);
}

static enum pintle_status put_edge(struct pti_json_writer *json, struct pti_database *database,
                                   const struct pti_edge *edge, struct pintle_bytes document, struct pti_error *error)
{
    enum pintle_status status = PINTLE_OK;

    pti_json_begin_object(json, NULL);
    pti_json_put_text(json, "repository", edge->key.repository);
    pti_json_put_text(json, "host", edge->key.host);
    pti_json_put_integer(json, "port", edge->key.port);
    pti_json_put_text(json, "address", edge->key.address);
    pti_json_put_text(json, "key_type", pti_edge_key_type(edge->key.key));
    pti_json_put_text(json, "source", edge->source);
    pti_json_put_bool(json, "active", edge->active);
    put_time(json, "added", edge->added);
    put_finding(json, &edge->finding, document);
    status = put_leaves(json, database, &edge->key, error);
    pti_json_end_object(json);
    return status;
}

static void format_cursor(const struct pti_edge_key *key, char out[PTI_CURSOR_MAX + 1])
{
    snprintf(out, PTI_CURSOR_MAX + 1, "%s/%s/%u/%s/%s", key->repository, key->host, (unsigned)key->port, key->address,
             pti_edge_key_type(key->key));
}

/* The next part of a cursor into out; what is after its '/', or its end.  NULL: it does not fit. */
static const char *take_part(const char *text, char *out, size_t size)
{
    size_t length = text ? strcspn(text, "/") : size;

    if (length >= size)
        return NULL;
    memcpy(out, text, length);
    out[length] = '\0';
    return text[length] ? text + length + 1 : text + length;
}

static bool parse_cursor(const char *text, struct pti_edge_key *key)
{
    char port[8], type[8];
    struct pti_endpoint read;

    text = take_part(text, key->repository, sizeof key->repository);
    text = take_part(text, key->host, sizeof key->host);
    text = take_part(text, port, sizeof port);
    text = take_part(text, key->address, sizeof key->address);
    text = take_part(text, type, sizeof type);
    if (!text || *text || (strcmp(type, "ec") != 0 && strcmp(type, "rsa") != 0) || !pti_port_parse(port, &read.port))
        return false;
    key->port = read.port;
    key->key = strcmp(type, "rsa") == 0 ? PTI_PROBE_KEY_RSA : PTI_PROBE_KEY_ECDSA;
    return true;
}

static enum pintle_status write_rows(struct pti_list *list, struct pti_database *database,
                                     const struct listing *listing, struct pti_error *error)
{
    enum pintle_status status = listing->documents.status == PINTLE_OK
                                    ? PINTLE_OK
                                    : pti_buf_check(&listing->documents, error, "the list of edges");

    for (size_t i = 0; i < listing->count && status == PINTLE_OK; i++) {
        const size_t size = listing->starts[i + 1] - listing->starts[i];
        const struct pintle_bytes document = {size > 0 ? listing->documents.data + listing->starts[i] : NULL, size};
        char cursor[PTI_CURSOR_MAX + 1];

        format_cursor(&listing->edges[i].key, cursor);
        if (pti_list_wants(list, cursor))
            status = put_edge(&list->json, database, &listing->edges[i], document, error);
    }
    return status;
}

/* As the query names it: "_" is the one at the root, as in paths. */
static const char *repository_of(struct pti_http_exchange *exchange, const char *otherwise)
{
    const char *name = pti_http_query(exchange, "repository");

    return name ? pti_repository_read(name) : otherwise;
}

/* Fills query from the filters; false: 400 has been answered. */
static bool take_filters(const struct pti_listener *listener, struct pti_http_exchange *exchange,
                         const struct pti_page *page, struct pti_edge_query *query, struct pti_host *host,
                         struct pti_edge_key *after)
{
    const char *name = pti_http_query(exchange, "host");
    struct pti_error error;

    query->repository = repository_of(exchange, NULL);
    if (name && pti_host_parse(name, host, &error) != PINTLE_OK) {
        pti_answer_error(listener, exchange, PTI_ROUTE_EDGES, 400, error.detail);
        return false;
    }
    query->host = name ? host->name : NULL;
    if (page->after && !parse_cursor(page->after, after)) {
        pti_page_refuse(listener, exchange, PTI_ROUTE_EDGES);
        return false;
    }
    query->after = page->after ? after : NULL;
    query->limit = page->limit + 1;
    return true;
}

void pti_answer_edge_list(const struct pti_listener *listener, struct pti_http_exchange *exchange)
{
    static const char *const names[] = {"repository", "host", NULL};
    struct pti_edge_query query = {.documents = true, .row = keep_row};
    struct listing listing = {.count = 0};
    enum pintle_status status = PINTLE_OK;
    struct pti_edge_key after;
    struct pti_host host;
    struct pti_error error;
    struct pti_page page;
    struct pti_list list;

    if (!pti_page_take(listener, exchange, PTI_ROUTE_EDGES, names, &page) ||
        !take_filters(listener, exchange, &page, &query, &host, &after))
        return;
    pti_list_begin(&list, &page);
    pti_buf_init(&listing.documents, PTI_EDGE_LIST_MAX);
    listing.edges = calloc((size_t)query.limit, sizeof *listing.edges);
    listing.starts = calloc((size_t)query.limit + 1, sizeof *listing.starts);
    query.ctx = &listing;
    if (!listing.edges || !listing.starts)
        status = pti_fail(&error, PINTLE_ERR_MEMORY, "out of memory; ask again later");
    else
        status = pti_edges_list(listener->routes->storage, &query, &error);
    if (status == PINTLE_OK)
        status = write_rows(&list, listener->routes->storage, &listing, &error);
    free(listing.edges);
    free(listing.starts);
    pti_buf_clear(&listing.documents);
    pti_list_answer(&list, listener, exchange, PTI_ROUTE_EDGES, status, &error);
}

/* ---- where else to look ---- */

static enum pintle_status set_target(struct pti_target *target, const char *repository, const char *host,
                                     const char *address, uint16_t port, struct pti_error *error)
{
    struct pti_endpoint name;

    memset(target, 0, sizeof *target);
    target->source = PTI_TARGET_API;
    if (pti_copy_text(target->repository, sizeof target->repository, repository) >= sizeof target->repository)
        return pti_fail(error, PINTLE_ERR_INPUT, "the name of a repository has at most %d bytes",
                        PTI_REPOSITORY_NAME_SIZE - 1);
    if (pti_endpoint_parse(host, 0, &name, error) != PINTLE_OK)
        return pti_error_prefix(error, "host");
    if (pti_endpoint_parse(address, 0, &target->where, error) != PINTLE_OK)
        return pti_error_prefix(error, "address");
    if (name.port != 0 || target->where.port != 0)
        return pti_fail(error, PINTLE_ERR_INPUT, "expected host and address without port; \"port\" is for that");
    pti_copy_text(target->host, sizeof target->host, name.host);
    target->where.port = port;
    return PINTLE_OK;
}

static enum pintle_status read_text(const struct pti_json_value *object, const char *name, char *out, size_t size,
                                    struct pti_error *error)
{
    struct pintle_bytes string;
    enum pintle_status status = pti_json_get_string(object, name, &string, error);

    if (status != PINTLE_OK)
        return status;
    if (string.size >= size || memchr(string.data, '\0', string.size))
        return pti_fail(error, PINTLE_ERR_INPUT, "\"%s\" must have at most %zu bytes and no NUL", name, size - 1);
    memcpy(out, string.data, string.size);
    out[string.size] = '\0';
    return PINTLE_OK;
}

static enum pintle_status read_target(struct pintle_bytes body, struct pti_target *target, struct pti_error *error)
{
    char repository[PTI_REPOSITORY_NAME_SIZE] = "", host[PINTLE_HOST_MAX + 8] = "", address[PINTLE_HOST_MAX + 8] = "";
    struct pti_json *json = NULL;
    const struct pti_json_value *object;
    int64_t port = PTI_HTTPS_PORT;
    enum pintle_status status = pti_json_parse(body, &json, error);

    object = pti_json_root(json);
    if (status == PINTLE_OK)
        status = pti_members_check(object, target_names, error);
    if (status == PINTLE_OK && pti_json_member(object, "repository"))
        status = read_text(object, "repository", repository, sizeof repository, error);
    if (status == PINTLE_OK)
        status = read_text(object, "host", host, sizeof host, error);
    if (status == PINTLE_OK)
        status = read_text(object, "address", address, sizeof address, error);
    if (status == PINTLE_OK && pti_json_member(object, "port"))
        status = pti_json_get_integer(object, "port", 1, UINT16_MAX, &port, error);
    if (status == PINTLE_OK)
        status = set_target(target, repository, host, address, (uint16_t)port, error);
    pti_json_free(json);
    return status;
}

static void answer_code(const struct pti_listener *listener, struct pti_http_exchange *exchange, unsigned code)
{
    struct pti_http_response response = PTI_HTTP_RESPONSE(code);

    response.cache_control = "no-store";
    pti_answer(listener, exchange, PTI_ROUTE_EDGES, &response);
}

static void answer_status(const struct pti_listener *listener, struct pti_http_exchange *exchange,
                          enum pintle_status status, const struct pti_error *error)
{
    pti_answer_error(listener, exchange, PTI_ROUTE_EDGES, status == PINTLE_ERR_INPUT ? 400 : 503, error->detail);
}

/* Kept first: what is said to be done is there after the next start, too. */
void pti_answer_edge_add(const struct pti_listener *listener, struct pti_http_exchange *exchange)
{
    static const char *const none[] = {NULL};
    const struct pti_routes *routes = listener->routes;
    struct pti_target target;
    struct pti_error error;
    enum pintle_status status;
    bool added = false;

    if (!pti_query_is(listener, exchange, PTI_ROUTE_EDGES, none) ||
        !pti_body_is_json(listener, exchange, PTI_ROUTE_EDGES))
        return;
    status = read_target(pti_http_request(exchange)->body, &target, &error);
    if (status == PINTLE_OK)
        status = pti_prober_may_add(routes->prober, &target, &error);
    if (status == PINTLE_OK)
        status = pti_targets_add(routes->changes, &target, (int64_t)time(NULL), pti_http_request(exchange)->actor,
                                 &added, &error);
    if (status == PINTLE_OK)
        status = pti_prober_add(routes->prober, &target, &error);
    if (status == PINTLE_OK)
        answer_code(listener, exchange, added ? 201 : 200);
    else
        answer_status(listener, exchange, status, &error);
}

static const char *query_or(struct pti_http_exchange *exchange, const char *name, const char *otherwise)
{
    const char *value = pti_http_query(exchange, name);

    return value ? value : otherwise;
}

void pti_answer_edge_remove(const struct pti_listener *listener, struct pti_http_exchange *exchange)
{
    const struct pti_routes *routes = listener->routes;
    struct pti_target target;
    struct pti_error error;
    uint16_t port = 0;
    bool removed = false;
    enum pintle_status status;

    if (!pti_query_is(listener, exchange, PTI_ROUTE_EDGES, target_names))
        return;
    if (!pti_port_parse(query_or(exchange, "port", "443"), &port)) {
        pti_answer_error(listener, exchange, PTI_ROUTE_EDGES, 400, "port must be a number from 1 to 65535");
        return;
    }
    status = set_target(&target, repository_of(exchange, ""), query_or(exchange, "host", ""),
                        query_or(exchange, "address", ""), port, &error);
    if (status == PINTLE_OK)
        status = pti_targets_remove(routes->changes, &target, pti_http_request(exchange)->actor, &removed, &error);
    if (status != PINTLE_OK) {
        answer_status(listener, exchange, status, &error);
        return;
    }
    if (!removed) {
        pti_answer_error(
            listener, exchange, PTI_ROUTE_EDGES, 404,
            "no such edge was added by the API; those of the manifest and of --edge go where they came from");
        return;
    }
    pti_prober_remove(routes->prober, &target);
    answer_code(listener, exchange, 204);
}
