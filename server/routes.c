/* SPDX-License-Identifier: Apache-2.0 */
#include "server/routes.h"

#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "server/adoption_metrics.h"
#include "server/authorize.h"
#include "server/edges_metrics.h"
#include "server/limits.h"
#include "server/source.h"

#define PAGE_MAX (24u << 20) /* of PTI_SERVED_MAX repositories with PTI_STATUS_ROLES_MAX roles each */
#define API "/v1/"
#define NOT_FOUND_CACHE "public, max-age=30" /* a client asks for the next root before there is one */

typedef void (*answer_fn)(const struct pti_listener *listener, struct pti_http_exchange *exchange);

/* Of everything at /healthz, of one repository at /NAME/healthz. */
static void answer_health(const struct pti_listener *listener, struct pti_http_exchange *exchange)
{
    const char *rest = NULL;
    struct pti_served *served = pti_routes_find(listener->routes, pti_http_request(exchange)->path, &rest);
    enum pti_health health;
    struct pti_buf body;

    pti_buf_init(&body, PAGE_MAX);
    health = pti_service_status_write(listener->routes->status, served && served->name[0] ? &served->board : NULL,
                                      (int64_t)time(NULL), listener->administrators, &body);
    pti_answer_body(listener, exchange, PTI_ROUTE_HEALTHZ, health == PTI_HEALTH_FAILING ? 503 : 200, "application/json",
                    &body);
}

static void answer_metrics(const struct pti_listener *listener, struct pti_http_exchange *exchange)
{
    bool known = false;
    struct pti_disk_use disk;
    struct pti_buf body;

    known = pti_disk_look(listener->routes->data, &disk);
    pti_buf_init(&body, PAGE_MAX);
    pti_metrics_write(listener->routes->metrics, listener->routes->status, known ? &disk : NULL, &body);
    pti_edges_write_metrics(listener->routes->storage, &body);
    pti_adoption_write_metrics(listener->routes, (int64_t)time(NULL), &body);
    pti_answer_body(listener, exchange, PTI_ROUTE_METRICS, 200, "text/plain; version=0.0.4; charset=utf-8", &body);
}

/* A client says which versions it held before this poll. */
static void count_poll(const struct pti_listener *listener, struct pti_http_exchange *exchange, const char *repository)
{
    const struct pti_http_request *request = pti_http_request(exchange);

    if (request->manifest != NULL && request->method == PTI_HTTP_GET)
        pti_census_count_poll(listener->routes->census, repository, pti_bytes_text(request->manifest),
                              pti_source_network(listener, exchange), (int64_t)time(NULL));
}

/*
 * Small ones come from memory, others, and what is not there, from the disk: the compressed form, if gzip is taken
 * and there is one, before the plain one.
 */
static void answer_file(const struct pti_listener *listener, struct pti_http_exchange *exchange)
{
    const char *path = NULL;
    const struct pti_served *served = pti_routes_find(listener->routes, pti_http_request(exchange)->path, &path);
    int directory = served->public_directory;
    enum pti_file_kind kind = pti_file_kind(path);
    bool gzip = pti_file_has_compressed(kind) && pti_file_accepts_gzip(pti_http_request(exchange)->accept_encoding);
    bool answered = pti_file_cache_answer(listener->routes->files, directory, path, gzip, exchange);
    struct pti_http_response response = PTI_HTTP_RESPONSE(200);
    struct pti_error error;
    enum pintle_status status = PINTLE_OK;

    if (!answered && gzip) {
        gzip = pti_file_open_compressed(directory, path, &response.fd, &response.fd_size);
        answered = !gzip && pti_file_cache_answer(listener->routes->files, directory, path, false, exchange);
    }
    if (answered) {
        pti_metrics_count_request(listener->routes->metrics, kind, 200);
        if (kind == PTI_FILE_HEAD)
            count_poll(listener, exchange, served->name);
        return;
    }
    if (!gzip)
        status = pti_file_open(directory, path, &response.fd, &response.fd_size, &error);
    if (status == PINTLE_OK) {
        pti_file_describe(&response, kind, path, gzip);
    } else if (status == PINTLE_ERR_INPUT) {
        response.code = 404;
        response.cache_control = NOT_FOUND_CACHE;
    } else {
        response.code = 503;
        response.retry_after_s = PTI_HTTP_RETRY_AFTER_S;
    }
    if (kind == PTI_FILE_HEAD && response.code == 200)
        count_poll(listener, exchange, served->name);
    pti_answer(listener, exchange, kind, &response);
}

enum place {
    AT_ROOT,       /* of the service */
    IN_REPOSITORY, /* of the repository at the root, if there is one, and of each below /NAME */
    EVERYWHERE
};

static const struct route {
    const char *path;             /* "{}" is any one segment; NULL: every other path */
    enum pti_http_method method;  /* GET stands for HEAD too */
    bool clients, administrators; /* whose listeners offer it */
    enum place place;
    enum pti_scope scope; /* what a token must have for it */
    size_t body_max;
    unsigned label;
    answer_fn answer;
} routes[] = {
    {"/healthz", PTI_HTTP_GET, true, true, EVERYWHERE, PTI_SCOPE_NONE, 0, PTI_ROUTE_HEALTHZ, answer_health},
    {"/metrics", PTI_HTTP_GET, false, true, AT_ROOT, PTI_SCOPE_NONE, 0, PTI_ROUTE_METRICS, answer_metrics},
    {"/v1/reports", PTI_HTTP_POST, true, false, IN_REPOSITORY, PTI_SCOPE_NONE, PTI_REPORT_BATCH_SIZE_MAX,
     PTI_ROUTE_REPORTS, pti_answer_report},
    {"/v1/reports", PTI_HTTP_GET, false, true, AT_ROOT, PTI_SCOPE_READER, 0, PTI_ROUTE_REPORT_LIST,
     pti_answer_report_list},
    {"/v1/cells", PTI_HTTP_GET, false, true, AT_ROOT, PTI_SCOPE_READER, 0, PTI_ROUTE_CELLS, pti_answer_cells},
    {"/v1/repositories", PTI_HTTP_GET, false, true, AT_ROOT, PTI_SCOPE_READER, 0, PTI_ROUTE_REPOSITORIES,
     pti_answer_repository_list},
    {"/v1/repositories/{}/refresh", PTI_HTTP_POST, false, true, AT_ROOT, PTI_SCOPE_PUBLISHER, 0, PTI_ROUTE_REPOSITORIES,
     pti_answer_repository_refresh},
    {"/v1/zones", PTI_HTTP_GET, false, true, AT_ROOT, PTI_SCOPE_READER, 0, PTI_ROUTE_ZONES, pti_answer_zone_list},
    {"/v1/hosts", PTI_HTTP_GET, false, true, AT_ROOT, PTI_SCOPE_READER, 0, PTI_ROUTE_HOSTS, pti_answer_host_list},
    {"/v1/versions", PTI_HTTP_GET, false, true, AT_ROOT, PTI_SCOPE_READER, 0, PTI_ROUTE_VERSIONS,
     pti_answer_version_list},
    {"/v1/adoption", PTI_HTTP_GET, false, true, AT_ROOT, PTI_SCOPE_READER, 0, PTI_ROUTE_ADOPTION, pti_answer_adoption},
    {"/v1/adoption", PTI_HTTP_POST, false, true, AT_ROOT, PTI_SCOPE_OPERATOR, PTI_ADOPTION_BODY_MAX, PTI_ROUTE_ADOPTION,
     pti_answer_adoption_add},
    {"/v1/adoption/zones", PTI_HTTP_GET, false, true, AT_ROOT, PTI_SCOPE_READER, 0, PTI_ROUTE_ADOPTION,
     pti_answer_adoption_zones},
    {"/v1/releases", PTI_HTTP_GET, false, true, AT_ROOT, PTI_SCOPE_READER, 0, PTI_ROUTE_RELEASES,
     pti_answer_release_list},
    {"/v1/releases", PTI_HTTP_POST, false, true, AT_ROOT, PTI_SCOPE_OPERATOR, PTI_ADMIN_BODY_MAX, PTI_ROUTE_RELEASES,
     pti_answer_release_add},
    {"/v1/releases/{}/{}", PTI_HTTP_DELETE, false, true, AT_ROOT, PTI_SCOPE_OPERATOR, 0, PTI_ROUTE_RELEASES,
     pti_answer_release_remove},
    {"/v1/alerts", PTI_HTTP_GET, false, true, AT_ROOT, PTI_SCOPE_READER, 0, PTI_ROUTE_ALERTS, pti_answer_alerts},
    {"/v1/journal", PTI_HTTP_GET, false, true, AT_ROOT, PTI_SCOPE_READER, 0, PTI_ROUTE_JOURNAL, pti_answer_journal},
    {"/v1/tokens", PTI_HTTP_GET, false, true, AT_ROOT, PTI_SCOPE_ADMIN, 0, PTI_ROUTE_TOKENS, pti_answer_token_list},
    {"/v1/tokens", PTI_HTTP_POST, false, true, AT_ROOT, PTI_SCOPE_ADMIN, PTI_ADMIN_BODY_MAX, PTI_ROUTE_TOKENS,
     pti_answer_token_add},
    {"/v1/tokens/{}", PTI_HTTP_DELETE, false, true, AT_ROOT, PTI_SCOPE_ADMIN, 0, PTI_ROUTE_TOKENS,
     pti_answer_token_revoke},
    {"/v1/edges", PTI_HTTP_GET, false, true, AT_ROOT, PTI_SCOPE_READER, 0, PTI_ROUTE_EDGES, pti_answer_edge_list},
    {"/v1/edges", PTI_HTTP_POST, false, true, AT_ROOT, PTI_SCOPE_OPERATOR, PTI_ADMIN_BODY_MAX, PTI_ROUTE_EDGES,
     pti_answer_edge_add},
    {"/v1/edges", PTI_HTTP_DELETE, false, true, AT_ROOT, PTI_SCOPE_OPERATOR, 0, PTI_ROUTE_EDGES,
     pti_answer_edge_remove},
    {NULL, PTI_HTTP_GET, true, false, IN_REPOSITORY, PTI_SCOPE_NONE, 0, PTI_FILE_OTHER, answer_file},
};
#define ROUTES (sizeof routes / sizeof routes[0])

struct pti_served *pti_routes_find(const struct pti_routes *all, const char *path, const char **rest)
{
    size_t length = *path == '/' ? strcspn(path + 1, "/") : 0;
    struct pti_served *at_root = NULL;

    *rest = path;
    for (size_t i = 0; i < all->served_count; i++) {
        struct pti_served *served = &all->served[i];

        if (!served->name[0])
            at_root = served;
        else if (path[1 + length] == '/' && strlen(served->name) == length &&
                 memcmp(served->name, path + 1, length) == 0) {
            *rest = path + 1 + length;
            return served;
        }
    }
    return at_root;
}

static bool matches(const char *pattern, const char *path)
{
    while (*pattern == '/' && *path == '/') {
        size_t wanted = strcspn(++pattern, "/"), found = strcspn(++path, "/");
        bool any = wanted == 2 && memcmp(pattern, "{}", 2) == 0;

        if (found == 0 || (!any && (wanted != found || memcmp(pattern, path, found) != 0)))
            return false;
        pattern += wanted;
        path += found;
    }
    return *pattern == '\0' && *path == '\0';
}

static bool is_named(const char *path)
{
    for (size_t i = 0; i < ROUTES; i++)
        if (routes[i].path && matches(routes[i].path, path))
            return true;
    return false;
}

static bool is_offered(const struct route *route, const struct pti_listener *listener, const struct pti_served *served,
                       const char *rest)
{
    if ((!route->clients || !listener->clients) && (!route->administrators || !listener->administrators))
        return false;
    if (!route->path && strncmp(rest, API, sizeof API - 1) == 0)
        return false; /* no file is ever published there */
    switch (route->place) {
    case AT_ROOT:
        return !served || !served->name[0];
    case IN_REPOSITORY:
        return served != NULL;
    case EVERYWHERE:
        return true;
    }
    return false;
}

/* The next route after index that this listener has for path; NULL at the end. */
static const struct route *next_route(const struct pti_listener *listener, const char *path, size_t *index)
{
    const char *rest = NULL;
    const struct pti_served *served = pti_routes_find(listener->routes, path, &rest);
    bool named = is_named(rest);

    while (*index < ROUTES) {
        const struct route *route = &routes[(*index)++];

        if (is_offered(route, listener, served, rest) &&
            (named ? route->path && matches(route->path, rest) : !route->path))
            return route;
    }
    return NULL;
}

static bool takes(const struct route *route, enum pti_http_method method)
{
    return route->method == method || (route->method == PTI_HTTP_GET && method == PTI_HTTP_HEAD);
}

static size_t body_max(void *ctx, enum pti_http_method method, const char *path)
{
    size_t index = 0;

    if (method == PTI_HTTP_GET || method == PTI_HTTP_HEAD)
        return 0;
    for (const struct route *route = next_route(ctx, path, &index); route; route = next_route(ctx, path, &index))
        if (takes(route, method))
            return route->body_max;
    return 0;
}

#define BIT(method) (1u << (method))

static const char *allowed_methods(unsigned methods)
{
    static const struct {
        unsigned methods;
        const char *allow;
    } table[] = {
        {BIT(PTI_HTTP_GET), "GET, HEAD"},
        {BIT(PTI_HTTP_POST), "POST"},
        {BIT(PTI_HTTP_DELETE), "DELETE"},
        {BIT(PTI_HTTP_GET) | BIT(PTI_HTTP_POST), "GET, HEAD, POST"},
        {BIT(PTI_HTTP_GET) | BIT(PTI_HTTP_DELETE), "GET, HEAD, DELETE"},
        {BIT(PTI_HTTP_POST) | BIT(PTI_HTTP_DELETE), "POST, DELETE"},
        {BIT(PTI_HTTP_GET) | BIT(PTI_HTTP_POST) | BIT(PTI_HTTP_DELETE), "GET, HEAD, POST, DELETE"},
    };

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (table[i].methods == methods)
            return table[i].allow;
    return NULL;
}

/* What no route takes: 405 where others are offered there, else 404; in words where a program may show them. */
static void answer_none(const struct pti_listener *listener, struct pti_http_exchange *exchange, unsigned label,
                        unsigned methods)
{
    struct pti_http_response response = PTI_HTTP_RESPONSE(404);
    struct pti_error error;

    response.allow = allowed_methods(methods);
    response.code = response.allow ? 405 : 404;
    response.cache_control = NOT_FOUND_CACHE;
    if (!listener->administrators || strncmp(pti_http_request(exchange)->path, API, sizeof API - 1) != 0) {
        pti_answer(listener, exchange, label, &response);
        return;
    }
    if (response.allow)
        (void)pti_fail(&error, PINTLE_ERR_INPUT, "expected one of the methods %s", response.allow);
    else
        (void)pti_fail(&error, PINTLE_ERR_INPUT, "there is nothing here; docs/openapi.yaml lists what there is");
    pti_answer_refusal(listener, exchange, label, &response, error.detail);
}

/* Most requests are for files whose names no route can have; they need no search. */
static bool is_plainly_a_file(const struct pti_listener *listener, const struct pti_http_request *request)
{
    const char *rest = NULL;

    return listener->clients && (request->method == PTI_HTTP_GET || request->method == PTI_HTTP_HEAD) &&
           pti_routes_find(listener->routes, request->path, &rest) && pti_file_kind(rest) != PTI_FILE_OTHER;
}

static void handle(void *ctx, struct pti_http_exchange *exchange)
{
    const struct pti_listener *listener = ctx;
    const struct pti_http_request *request = pti_http_request(exchange);
    unsigned label = PTI_FILE_OTHER, methods = 0;
    size_t index = 0;

    if (is_plainly_a_file(listener, request)) {
        answer_file(listener, exchange);
        return;
    }
    for (const struct route *route = next_route(listener, request->path, &index); route;
         route = next_route(listener, request->path, &index)) {
        if (takes(route, request->method)) {
            if (pti_authorize(listener, exchange, route->label, route->scope))
                route->answer(listener, exchange);
            return;
        }
        label = route->label;
        methods |= BIT(route->method);
    }
    answer_none(listener, exchange, label, methods);
}

struct pti_http_handler pti_routes_handler(struct pti_listener *listener)
{
    return (struct pti_http_handler){.ctx = listener, .body_max = body_max, .handle = handle};
}
