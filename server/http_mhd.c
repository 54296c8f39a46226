/* SPDX-License-Identifier: Apache-2.0 */
/* The listener over GNU libmicrohttpd. */
#include "server/http.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <microhttpd.h>

#include "base/buf.h"
#include "report/holding.h"
#include "server/connections.h"
#include "server/limits.h"
#include "server/steady.h"
#include "server/tls.h"

struct pti_http {
    struct pti_http_handler handler;
    bool asks_certificates; /* of clients */
    struct MHD_Daemon *daemon;
    int socket;
    atomic_bool stopping;
    pthread_mutex_t mutex;
    pthread_cond_t idle;
    struct pti_connections connections;
    size_t under_way; /* requests between their headers and the last byte of their answer */
};

struct pti_http_exchange {
    struct pti_http *http;
    struct MHD_Connection *connection;
    struct pti_connection *open; /* the same as it is counted; NULL if it is not */
    struct pti_http_request request;
    struct pti_buf body;
    size_t excess;   /* bytes read beyond body.max */
    int framings;    /* what tells where the body ends: more than one, and a proxy may have read another request */
    bool dispatched; /* handle() has been called */
    bool deferred;
    struct MHD_Response *answer; /* of a deferred exchange, until it is queued */
    unsigned answer_code;
    enum MHD_Result queued; /* of an exchange answered inside handle() */
};

static struct pti_connection *connection_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    return info ? info->socket_context : NULL;
}

static enum pti_http_method parse_method(const char *method)
{
    if (strcmp(method, "GET") == 0)
        return PTI_HTTP_GET;
    if (strcmp(method, "HEAD") == 0)
        return PTI_HTTP_HEAD;
    if (strcmp(method, "DELETE") == 0)
        return PTI_HTTP_DELETE;
    return strcmp(method, "POST") == 0 ? PTI_HTTP_POST : PTI_HTTP_OTHER;
}

const struct pti_http_request *pti_http_request(const struct pti_http_exchange *exchange)
{
    return &exchange->request;
}

const char *pti_http_query(const struct pti_http_exchange *exchange, const char *name)
{
    return MHD_lookup_connection_value(exchange->connection, MHD_GET_ARGUMENT_KIND, name);
}

struct each {
    bool (*take)(void *ctx, const char *name, const char *value);
    void *ctx;
};

static enum MHD_Result take_parameter(void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
    const struct each *each = cls;

    (void)kind;
    return each->take(each->ctx, name, value ? value : "") ? MHD_YES : MHD_NO;
}

void pti_http_query_each(const struct pti_http_exchange *exchange,
                         bool (*take)(void *ctx, const char *name, const char *value), void *ctx)
{
    struct each each = {take, ctx};

    MHD_get_connection_values(exchange->connection, MHD_GET_ARGUMENT_KIND, take_parameter, &each);
}

const struct sockaddr *pti_http_source(const struct pti_http_exchange *exchange)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(exchange->connection,
                                                                   MHD_CONNECTION_INFO_CLIENT_ADDRESS);

    return info ? info->client_addr : NULL;
}

void pti_http_set_actor(struct pti_http_exchange *exchange, const char *actor)
{
    pti_copy_text(exchange->request.actor, sizeof exchange->request.actor, actor);
}

struct authorization {
    const char *value;
    size_t count;
};

static enum MHD_Result take_header(void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct authorization *authorization = cls;

    (void)kind;
    if (strcasecmp(name, "Authorization") == 0 && authorization->count++ == 0)
        authorization->value = value ? value : "";
    return MHD_YES;
}

const char *pti_http_authorization(const struct pti_http_exchange *exchange, size_t *count)
{
    struct authorization authorization = {NULL, 0};

    MHD_get_connection_values(exchange->connection, MHD_HEADER_KIND, take_header, &authorization);
    *count = authorization.count;
    return authorization.value;
}

static bool add_header(struct MHD_Response *response, const char *name, const char *value)
{
    return !value || MHD_add_response_header(response, name, value) == MHD_YES;
}

static bool add_headers(struct MHD_Response *made, const struct pti_http_response *response, bool closing)
{
    char seconds[16];

    snprintf(seconds, sizeof seconds, "%u", response->retry_after_s);
    return add_header(made, "Content-Type", response->content_type) &&
           add_header(made, "Cache-Control", response->cache_control) && add_header(made, "Allow", response->allow) &&
           add_header(made, "WWW-Authenticate", response->authenticate) &&
           add_header(made, "Retry-After", response->retry_after_s ? seconds : NULL) &&
           add_header(made, "Vary", response->varies ? "Accept-Encoding" : NULL) &&
           add_header(made, "Content-Encoding", response->gzip ? "gzip" : NULL) &&
           add_header(made, "X-Content-Type-Options", "nosniff") &&
           add_header(made, "Connection", closing ? "close" : NULL);
}

/* Takes over what response owns, whatever happens; NULL without memory. */
static struct MHD_Response *make_response(const struct pti_http_response *response, bool closing)
{
    void *body = (void *)(uintptr_t)response->body.data; /* ours from here on, so no longer const */
    struct MHD_Response *made = NULL;

    if (response->fd >= 0)
        made = MHD_create_response_from_fd64(response->fd_size, response->fd);
    else
        made = MHD_create_response_from_buffer_with_free_callback(response->body.size, body, free);
    if (!made) {
        if (response->fd >= 0)
            close(response->fd);
        free(body);
        return NULL;
    }
    if (!add_headers(made, response, closing)) {
        MHD_destroy_response(made);
        return NULL;
    }
    return made;
}

static enum MHD_Result queue(struct pti_http_exchange *exchange, struct MHD_Response *response, unsigned code)
{
    enum MHD_Result result = MHD_NO;

    if (!response) /* out of memory: the connection is cut, which no client can mistake for an answer */
        return MHD_NO;
    pti_connection_enter(exchange->open, PTI_PHASE_ANSWERED, pti_steady_ms());
    result = MHD_queue_response(exchange->connection, code, response);
    MHD_destroy_response(response);
    return result;
}

void pti_http_defer(struct pti_http_exchange *exchange)
{
    exchange->deferred = true;
    MHD_suspend_connection(exchange->connection);
}

void pti_http_answer(struct pti_http_exchange *exchange, const struct pti_http_response *response)
{
    struct MHD_Response *made = make_response(response,
                                              exchange->framings > 1 || atomic_load(&exchange->http->stopping));

    if (!exchange->deferred) {
        exchange->queued = queue(exchange, made, response->code);
        return;
    }
    /* The listener's thread comes back to the exchange once it is resumed, and queues this. */
    exchange->answer = made;
    exchange->answer_code = response->code;
    MHD_resume_connection(exchange->connection);
}

/* A prepared answer is the library's, which counts its users. */
struct pti_http_prepared *pti_http_prepare(const struct pti_http_response *response)
{
    return (struct pti_http_prepared *)make_response(response, false);
}

void pti_http_prepared_free(struct pti_http_prepared *prepared)
{
    if (prepared)
        MHD_destroy_response((struct MHD_Response *)prepared);
}

bool pti_http_answer_prepared(struct pti_http_exchange *exchange, struct pti_http_prepared *prepared)
{
    if (atomic_load(&exchange->http->stopping))
        return false;
    pti_connection_enter(exchange->open, PTI_PHASE_ANSWERED, pti_steady_ms());
    exchange->queued = MHD_queue_response(exchange->connection, MHD_HTTP_OK, (struct MHD_Response *)prepared);
    return true;
}

static void exchange_free(struct pti_http_exchange *exchange)
{
    struct pti_http *http = exchange->http;

    pti_connection_enter(exchange->open, PTI_PHASE_ASKING, pti_steady_ms());
    if (exchange->answer)
        MHD_destroy_response(exchange->answer);
    pti_buf_clear(&exchange->body);
    free(exchange);
    pthread_mutex_lock(&http->mutex);
    if (--http->under_way == 0)
        pthread_cond_broadcast(&http->idle);
    pthread_mutex_unlock(&http->mutex);
}

static struct pti_http_exchange *exchange_new(struct pti_http *http, struct MHD_Connection *connection,
                                              const char *path, enum pti_http_method method)
{
    struct pti_http_exchange *exchange = calloc(1, sizeof *exchange);

    if (!exchange)
        return NULL;
    exchange->http = http;
    exchange->connection = connection;
    exchange->open = connection_of(connection);
    exchange->request.method = method;
    exchange->request.path = path; /* the library keeps it as long as the request */
    pti_buf_init(&exchange->body, http->handler.body_max(http->handler.ctx, method, path));
    pthread_mutex_lock(&http->mutex);
    http->under_way++;
    pthread_mutex_unlock(&http->mutex);
    return exchange;
}

/* GnuTLS takes connections without a certificate, or with any, so that they can be told what was expected. */
static bool is_welcome(const struct pti_http_exchange *exchange)
{
    const union MHD_ConnectionInfo *info;

    if (!exchange->http->asks_certificates)
        return true;
    info = MHD_get_connection_info(exchange->connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    return info && pti_tls_client_is_verified(info->tls_session);
}

static const char without_certificate[] = "{\"error\":\"expected a certificate of a client, issued by an authority of "
                                          "--admin-client-ca and in force; found none\"}";
static const char without_end[] = "{\"error\":\"expected one Content-Length, or chunks, and no space after a name\"}";

static void turn_away(struct pti_http_exchange *exchange, unsigned code, const char *text)
{
    struct pti_http_response response = PTI_HTTP_RESPONSE(code);

    response.content_type = "application/json";
    response.cache_control = "no-store";
    if (pti_bytes_copy(pti_bytes_text(text), &response.body) != PINTLE_OK)
        response.content_type = NULL;
    pti_http_answer(exchange, &response);
}

/* RFC 9112, sections 5.1 and 6.3. */
static int count_framings(const char *name, const char *value)
{
    const size_t length = strlen(name);

    if (length > 0 && (name[length - 1] == ' ' || name[length - 1] == '\t'))
        return 2;
    if (strcasecmp(name, "Transfer-Encoding") == 0)
        return value && strcasecmp(value, "chunked") == 0 ? 1 : 2;
    return strcasecmp(name, "Content-Length") == 0;
}

/* The first of each name counts, but what a proxy has added stands in the last: some add a header of their own. */
static enum MHD_Result note_header(void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct pti_http_exchange *exchange = cls;
    struct pti_http_request *request = &exchange->request;
    const struct {
        const char *name;
        const char **place;
    } wanted[] = {
        {"Accept-Encoding", &request->accept_encoding},
        {PTI_HOLDING_HEADER, &request->manifest},
        {"Content-Type", &request->content_type},
        {"Content-Encoding", &request->content_encoding},
    };

    (void)kind;
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        if (!*wanted[i].place && strcasecmp(name, wanted[i].name) == 0)
            *wanted[i].place = value;
    if (strcasecmp(name, "X-Forwarded-For") == 0)
        request->forwarded_for = value;
    exchange->framings += count_framings(name, value);
    return MHD_YES;
}

static enum MHD_Result dispatch(struct pti_http_exchange *exchange)
{
    struct pti_http *http = exchange->http;

    exchange->dispatched = true;
    exchange->queued = MHD_NO;
    MHD_get_connection_values(exchange->connection, MHD_HEADER_KIND, note_header, exchange);
    exchange->request.body = pti_buf_bytes(&exchange->body);
    pti_connection_enter(exchange->open, PTI_PHASE_WAITING, pti_steady_ms());
    if (exchange->framings > 1)
        turn_away(exchange, 400, without_end);
    else if (is_welcome(exchange))
        http->handler.handle(http->handler.ctx, exchange);
    else
        turn_away(exchange, 403, without_certificate);
    /* A deferred exchange may be answered already, but only this thread frees it, and not before it is back in MHD. */
    return exchange->deferred ? MHD_YES : exchange->queued;
}

/* Whether the request announces more than it may carry; then it is answered before the body is sent. */
static bool announces_too_much(const struct pti_http_exchange *exchange)
{
    const char *length = MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND, "Content-Length");

    return length && strtoull(length, NULL, 10) > exchange->body.max;
}

static enum MHD_Result take_body(struct pti_http_exchange *exchange, const char *data, size_t *size)
{
    struct pti_buf *body = &exchange->body;

    if (!exchange->request.too_large && *size <= body->max - body->size) {
        pti_buf_append(body, data, *size);
        if (body->status != PINTLE_OK)
            return MHD_NO;
    } else {
        exchange->request.too_large = true;
        exchange->excess += *size;
        if (exchange->excess > PTI_HTTP_EXCESS_MAX)
            return MHD_NO;
    }
    *size = 0;
    return MHD_YES;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
                                  const char *version, const char *upload_data, size_t *upload_size, void **con_cls)
{
    struct pti_http_exchange *exchange = *con_cls;

    (void)version;
    if (!exchange) {
        exchange = exchange_new(cls, connection, url, parse_method(method));
        *con_cls = exchange;
        if (!exchange)
            return MHD_NO;
        if (!announces_too_much(exchange))
            return MHD_YES;
        exchange->request.too_large = true;
        return dispatch(exchange);
    }
    if (*upload_size > 0)
        return take_body(exchange, upload_data, upload_size);
    if (exchange->dispatched) {
        struct MHD_Response *answer = exchange->answer;

        exchange->answer = NULL;
        return queue(exchange, answer, exchange->answer_code);
    }
    if (exchange->request.too_large)
        pti_buf_clear(&exchange->body);
    return dispatch(exchange);
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **con_cls,
                         enum MHD_RequestTerminationCode why)
{
    (void)cls;
    (void)connection;
    (void)why;
    if (*con_cls)
        exchange_free(*con_cls);
    *con_cls = NULL;
}

/* %00 stays as it is: decoded, it would cut the path, and one file would have many names. */
static size_t unescape(void *cls, struct MHD_Connection *connection, char *text)
{
    (void)cls;
    (void)connection;
    if (strstr(text, "%00"))
        return strlen(text);
    return MHD_http_unescape(text);
}

static enum MHD_Result on_accept(void *cls, const struct sockaddr *address, socklen_t size)
{
    struct pti_http *http = cls;

    (void)size;
    return pti_connections_may(&http->connections, address) ? MHD_YES : MHD_NO;
}

/* The library closes the socket after it has told that the connection ends. */
static void on_connection(void *cls, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode what)
{
    struct pti_http *http = cls;
    const union MHD_ConnectionInfo *socket = NULL, *address = NULL;

    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
        pti_connections_remove(&http->connections, *context);
        return;
    }
    socket = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    address = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    if (socket && address)
        *context = pti_connections_add(&http->connections, address->client_addr, socket->connect_fd, pti_steady_ms());
}

void pti_http_tick(struct pti_http *http)
{
    pti_connections_cut(&http->connections, pti_steady_ms());
}

static struct MHD_Daemon *start_daemon(struct pti_http *http, const struct pti_http_options *options)
{
    const unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | (options->tls ? MHD_USE_TLS : 0u);
    /* Without TLS the list ends where its options begin. */
    const enum MHD_OPTION tls = options->tls ? MHD_OPTION_HTTPS_PRIORITIES : MHD_OPTION_END;
    const enum MHD_OPTION trust = options->client_authorities ? MHD_OPTION_HTTPS_MEM_TRUST : MHD_OPTION_END;

    return MHD_start_daemon(
        flags, 0, on_accept, http, on_request, http, MHD_OPTION_LISTEN_SOCKET, http->socket,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_CONNECTION_LIMIT, options->connections,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, http, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)PTI_HTTP_IDLE_TIMEOUT_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)PTI_HTTP_CONNECTION_MEMORY,
        MHD_OPTION_THREAD_POOL_SIZE, (unsigned)PTI_HTTP_THREADS, MHD_OPTION_UNESCAPE_CALLBACK, unescape, NULL,
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, tls, pti_tls_priorities,
        MHD_OPTION_HTTPS_CERT_CALLBACK, pti_tls_retriever(), trust, options->client_authorities, MHD_OPTION_END);
}

enum pintle_status pti_http_start(int socket, const struct pti_http_options *options,
                                  const struct pti_http_handler *handler, struct pti_http **http,
                                  struct pti_error *error)
{
    struct pti_http *made = calloc(1, sizeof *made);

    *http = NULL;
    if (!made) {
        close(socket);
        return pti_fail(error, PINTLE_ERR_MEMORY, "no memory for a listener");
    }
    made->handler = *handler;
    made->asks_certificates = options->client_authorities != NULL;
    made->socket = socket;
    pthread_mutex_init(&made->mutex, NULL);
    pti_steady_condition_init(&made->idle);
    if (!pti_connections_init(&made->connections, options->connections, options->per_source)) {
        pti_http_free(made);
        return pti_fail(error, PINTLE_ERR_MEMORY, "no memory for a listener");
    }
    made->daemon = start_daemon(made, options);
    if (!made->daemon) {
        int why = errno;

        pti_http_free(made);
        return pti_fail(error, PINTLE_ERR_NETWORK, "expected libmicrohttpd to start, found: %s", strerror(why));
    }
    *http = made;
    return PINTLE_OK;
}

void pti_http_quiesce(struct pti_http *http)
{
    atomic_store(&http->stopping, true);
    /* The socket is ours again, but stays open until the daemon has stopped; shut down, it refuses connects. */
    if (MHD_quiesce_daemon(http->daemon) != MHD_INVALID_SOCKET)
        shutdown(http->socket, SHUT_RDWR);
}

bool pti_http_drain(struct pti_http *http, int64_t timeout_ms)
{
    const struct timespec until = pti_steady_after_ms(timeout_ms);
    bool drained = false;

    pthread_mutex_lock(&http->mutex);
    while (http->under_way > 0 && pthread_cond_timedwait(&http->idle, &http->mutex, &until) == 0)
        continue;
    drained = http->under_way == 0;
    pthread_mutex_unlock(&http->mutex);
    return drained;
}

void pti_http_free(struct pti_http *http)
{
    if (!http)
        return;
    if (http->daemon) {
        pti_http_quiesce(http); /* else the library would close the socket, and so would we */
        MHD_stop_daemon(http->daemon);
    }
    close(http->socket);
    pti_connections_clear(&http->connections);
    pthread_cond_destroy(&http->idle);
    pthread_mutex_destroy(&http->mutex);
    free(http);
}
