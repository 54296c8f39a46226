/* SPDX-License-Identifier: Apache-2.0 */
#include "server/routes.h"

#include <string.h>
#include <time.h>

#include "server/limits.h"

#define PAGE_MAX (1u << 20)
#define NOT_FOUND_CACHE "public, max-age=30" /* a client asks for the next root before there is one */

typedef void (*answer_fn)(const struct pti_listener *listener, struct pti_http_exchange *exchange);

static void answer_health(const struct pti_listener *listener, struct pti_http_exchange *exchange)
{
    struct pti_status status;
    struct pti_buf body;
    int64_t now = (int64_t)time(NULL);
    bool failing = false;

    pti_status_board_read(listener->routes->board, &status);
    failing = pti_status_health(&status, now) == PTI_HEALTH_FAILING;
    pti_buf_init(&body, PAGE_MAX);
    pti_status_write(&status, now, listener->administrators, &body);
    pti_answer_body(listener, exchange, PTI_ROUTE_HEALTHZ, failing ? 503 : 200, "application/json", &body);
}

static void answer_metrics(const struct pti_listener *listener, struct pti_http_exchange *exchange)
{
    struct pti_status status;
    struct pti_buf body;

    pti_status_board_read(listener->routes->board, &status);
    pti_buf_init(&body, PAGE_MAX);
    pti_metrics_write(listener->routes->metrics, &status, &body);
    pti_answer_body(listener, exchange, PTI_ROUTE_METRICS, 200, "text/plain; version=0.0.4; charset=utf-8", &body);
}

static void answer_file(const struct pti_listener *listener, struct pti_http_exchange *exchange)
{
    const char *path = pti_http_request(exchange)->path;
    enum pti_file_kind kind = pti_file_kind(path);
    struct pti_http_response response = PTI_HTTP_RESPONSE(200);
    int directory = listener->routes->public_directory;
    struct pti_error error;
    enum pintle_status status = PINTLE_OK;

    response.varies = kind == PTI_FILE_BODY;
    response.gzip = response.varies && pti_file_accepts_gzip(pti_http_request(exchange)->accept_encoding) &&
                    pti_file_open_compressed(directory, path, &response.fd, &response.fd_size);
    if (!response.gzip)
        status = pti_file_open(directory, path, &response.fd, &response.fd_size, &error);

    if (status == PINTLE_OK) {
        response.content_type = pti_file_content_type(path);
        response.cache_control = pti_file_cache_control(kind);
    } else if (status == PINTLE_ERR_INPUT) {
        response.code = 404;
        response.cache_control = NOT_FOUND_CACHE;
    } else {
        response.code = 503;
        response.retry_after_s = PTI_HTTP_RETRY_AFTER_S;
    }
    pti_answer(listener, exchange, kind, &response);
}

static const struct route {
    const char *path;             /* NULL: every other path */
    enum pti_http_method method;  /* GET stands for HEAD too */
    bool clients, administrators; /* whose listeners offer it */
    unsigned label;
    answer_fn answer;
} routes[] = {
    {"/healthz", PTI_HTTP_GET, true, true, PTI_ROUTE_HEALTHZ, answer_health},
    {"/metrics", PTI_HTTP_GET, false, true, PTI_ROUTE_METRICS, answer_metrics},
    {"/v1/reports", PTI_HTTP_POST, true, false, PTI_ROUTE_REPORTS, pti_answer_report},
    {"/v1/reports", PTI_HTTP_GET, false, true, PTI_ROUTE_REPORT_LIST, pti_answer_report_list},
    {NULL, PTI_HTTP_GET, true, false, PTI_FILE_OTHER, answer_file},
};
#define ROUTES (sizeof routes / sizeof routes[0])

static bool is_named(const char *path)
{
    for (size_t i = 0; i < ROUTES; i++)
        if (routes[i].path && strcmp(routes[i].path, path) == 0)
            return true;
    return false;
}

/* The next route after index that this listener has for path; NULL at the end. */
static const struct route *next_route(const struct pti_listener *listener, const char *path, size_t *index)
{
    bool named = is_named(path);

    while (*index < ROUTES) {
        const struct route *route = &routes[(*index)++];
        bool offered = (route->clients && listener->clients) || (route->administrators && listener->administrators);

        if (offered && (named ? route->path && strcmp(route->path, path) == 0 : !route->path))
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

    for (const struct route *route = next_route(ctx, path, &index); route; route = next_route(ctx, path, &index))
        if (route->method == PTI_HTTP_POST && takes(route, method))
            return PTI_REPORT_BATCH_SIZE_MAX;
    return 0;
}

static const char *allowed_methods(bool get, bool post)
{
    if (get && post)
        return "GET, HEAD, POST";
    return get ? "GET, HEAD" : "POST";
}

static void handle(void *ctx, struct pti_http_exchange *exchange)
{
    const struct pti_listener *listener = ctx;
    const struct pti_http_request *request = pti_http_request(exchange);
    struct pti_http_response response = PTI_HTTP_RESPONSE(404);
    unsigned label = PTI_FILE_OTHER;
    bool get = false, post = false;
    size_t index = 0;

    for (const struct route *route = next_route(listener, request->path, &index); route;
         route = next_route(listener, request->path, &index)) {
        if (takes(route, request->method)) {
            route->answer(listener, exchange);
            return;
        }
        label = route->label;
        get = get || route->method == PTI_HTTP_GET;
        post = post || route->method == PTI_HTTP_POST;
    }
    if (get || post) {
        response.code = 405;
        response.allow = allowed_methods(get, post);
    }
    response.cache_control = NOT_FOUND_CACHE;
    pti_answer(listener, exchange, label, &response);
}

struct pti_http_handler pti_routes_handler(struct pti_listener *listener)
{
    return (struct pti_http_handler){.ctx = listener, .body_max = body_max, .handle = handle};
}
