/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon: starts its parts in the one order that is safe, waits for signals, and stops them in the reverse order.
 */
#include "server/service.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "server/access.h"
#include "server/alerts.h"
#include "server/census.h"
#include "server/check.h"
#include "server/data.h"
#include "server/endpoint.h"
#include "server/journal_head.h"
#include "server/limits.h"
#include "server/log.h"
#include "server/notify.h"
#include "server/process.h"
#include "server/tls.h"

#define INTAKE_WAITS 1 /* for another writer, beyond PTI_STORAGE_BUSY_MS: less than clients wait for an answer */

struct server {
    const struct pti_server_options *options;
    struct pti_served *served; /* as many as options has */
    size_t served_count;
    struct pti_notify notify;
    struct pti_tls *tls; /* NULL: plain HTTP */
    char *client_authorities;
    struct pintle_crypto *crypto;
    int data_lock;
    struct pti_database *storage; /* for the main thread and what administrators change */
    struct pti_database *list_storage;
    struct pti_database *intake_storage;
    struct pti_database *alert_storage;
    struct pti_service_status status;
    struct pti_metrics metrics;
    struct pti_database *census_storage;
    struct pti_intake *intake;
    struct pti_census *census;
    struct pti_limiter limiter;
    struct pti_database *prober_storage;
    struct pti_prober *prober;
    struct pti_access access;
    struct pti_journal_head journal_head; /* what journal.head says */
    bool tending_fails;
    struct pti_alerts *alerts;
    struct pti_file_cache *files;
    struct pti_routes routes;
    struct pti_server_endpoint endpoints[2]; /* for clients, and for administrators */
    size_t endpoint_count;
};

static int64_t now(void)
{
    return (int64_t)time(NULL);
}

/* One that cannot be served does not stop the others; if none can, the error is that of the last. */
static enum pintle_status open_repositories(struct server *server, struct pti_error *error)
{
    size_t count = server->options->served_count;
    enum pintle_status status = PINTLE_ERR_MISUSE; /* options have one at least */
    bool usable = false;

    server->served = calloc(count, sizeof *server->served);
    if (!server->served)
        return pti_fail(error, PINTLE_ERR_MEMORY, "no memory for %zu repositories", count);
    for (size_t i = 0; i < count; i++) {
        struct pti_served *served = &server->served[server->served_count++];

        pti_served_init(served, &server->options->served[i]);
        pti_service_status_add(&server->status, &served->board);
        status = pti_served_open(served, error);
        if (status == PINTLE_OK)
            usable = true;
        else if (count > 1)
            pti_log(PTI_LOG_ERROR, "repository%s%s: IT IS NOT SERVED, restart pintled once it can be: %s",
                    served->name[0] ? " " : "", served->name, error->detail);
    }
    return usable ? PINTLE_OK : status;
}

static enum pintle_status open_data(struct server *server, struct pti_error *error)
{
    enum pintle_status status = pti_check_private(server->served, server->served_count, server->options->data, error);

    if (status == PINTLE_OK)
        status = pti_file_make_directory(server->options->data, 0700, error);
    if (status == PINTLE_OK)
        status = pti_data_lock(server->options->data, &server->data_lock, error);
    if (status == PINTLE_OK)
        status = pti_database_open_sqlite(server->options->data, &server->storage, error);
    if (status == PINTLE_OK)
        status = pti_database_open_sqlite(server->options->data, &server->list_storage, error);
    if (status == PINTLE_OK)
        status = pti_database_open_sqlite(server->options->data, &server->intake_storage, error);
    if (status == PINTLE_OK)
        status = pti_database_open_sqlite(server->options->data, &server->alert_storage, error);
    if (status == PINTLE_OK)
        status = pti_database_open_sqlite(server->options->data, &server->census_storage, error);
    if (status == PINTLE_OK)
        status = pti_database_open_sqlite(server->options->data, &server->prober_storage, error);
    if (status == PINTLE_OK)
        server->intake_storage->waits = INTAKE_WAITS; /* its thread may, and who waits for it would only send again */
    return status;
}

static enum pintle_status prepare_alerts(struct server *server, struct pti_error *error)
{
    const struct pti_alert_sources sources = {&server->status, server->alert_storage, server->options->data,
                                              &server->metrics.checks};

    return pti_alerts_new(&server->options->alerts, &sources, server->crypto, &server->metrics, &server->alerts, error);
}

static enum pintle_status bind_endpoint(struct server *server, const struct pti_address *address, bool clients,
                                        bool administrators, struct pti_error *error)
{
    const struct pti_listener listener = {&server->routes, clients, administrators};

    return pti_endpoint_bind(&server->endpoints[server->endpoint_count++], address, &listener, error);
}

static enum pintle_status bind_endpoints(struct server *server, struct pti_error *error)
{
    const struct pti_server_options *options = server->options;
    enum pintle_status status = bind_endpoint(server, &options->listen, true, options->admin_on_listen, error);

    if (status == PINTLE_OK && options->admin.size > 0)
        status = bind_endpoint(server, &options->admin, false, true, error);
    return status;
}

static enum pintle_status start_census(struct server *server, struct pti_error *error)
{
    const struct pti_census_setup setup = {
        .storage = server->census_storage,
        .metrics = &server->metrics,
        .flush_every_s = server->options->adoption_flush_s,
        .per_source = server->options->adoption_per_source,
    };

    return pti_census_new(&setup, &server->census, error);
}

static enum pintle_status serve(struct server *server, struct pti_error *error)
{
    const struct pti_server_options *options = server->options;
    const struct pti_http_options http[] = {
        {server->tls != NULL, pti_process_allow_connections(options->connections), (unsigned)options->per_source, NULL},
        {server->tls != NULL, PTI_HTTP_ADMIN_CONNECTIONS, PTI_HTTP_ADMIN_CONNECTIONS, server->client_authorities},
    };
    const struct pti_intake_settings settings = {
        .storage = server->intake_storage,
        .crypto = server->crypto,
        .keep = server->options->keep_reports,
        .sample = server->options->sample_reports,
        .metrics = &server->metrics,
        .census = server->census,
        .status = &server->status,
    };
    enum pintle_status status = pti_intake_new(&settings, &server->intake, error);

    server->files = pti_file_cache_new();
    server->routes = (struct pti_routes){.served = server->served,
                                         .served_count = server->served_count,
                                         .files = server->files,
                                         .metrics = &server->metrics,
                                         .status = &server->status,
                                         .intake = server->intake,
                                         .limiter = &server->limiter,
                                         .behind_proxy = server->options->behind_proxy,
                                         .census = server->census,
                                         .prober = server->prober,
                                         .storage = server->list_storage,
                                         .changes = server->storage,
                                         .access = &server->access,
                                         .crypto = server->crypto,
                                         .data = server->options->data};
    for (size_t i = 0; i < server->endpoint_count && status == PINTLE_OK; i++)
        status = pti_endpoint_serve(&server->endpoints[i], &http[i], error);
    return status;
}

/* Its threads start last: what they look at is there, and they can reach no more than the server. */
static enum pintle_status start_prober(struct server *server, struct pti_error *error)
{
    const struct pti_server_options *options = server->options;
    enum pintle_status status = pti_check_probing(options, error);

    for (size_t i = 0; i < server->served_count && status == PINTLE_OK; i++)
        status = pti_prober_add_repository(server->prober, server->served[i].name, server->served[i].directory, error);
    for (size_t i = 0; i < options->edge_count && status == PINTLE_OK; i++) {
        struct pti_target target;

        status = pti_target_parse(options->edges[i], &target, error);
        target.source = PTI_TARGET_OPTION;
        if (status == PINTLE_OK)
            status = pti_prober_add(server->prober, &target, error);
        if (status != PINTLE_OK)
            status = pti_error_prefix(error, "--edge %s", options->edges[i]);
    }
    return status == PINTLE_OK ? pti_prober_start(server->prober, error) : status;
}

static void announce(const struct server *server)
{
    const char *scheme = server->tls ? "https" : "http";
    char client[PTI_ADDRESS_TEXT_MAX], administrator[PTI_ADDRESS_TEXT_MAX];

    pti_address_format(&server->endpoints[0].address, client);
    pti_address_format(&server->endpoints[server->endpoint_count - 1].address, administrator);
    printf("pintled: ready, public %s://%s/, ", scheme, client);
    if (server->endpoint_count > 1 || server->options->admin_on_listen)
        printf("admin %s://%s/\n", scheme, administrator);
    else
        printf("no admin (see --admin)\n");
    if (fflush(stdout) != 0)
        pti_log(PTI_LOG_WARNING, "the line that says it is ready cannot be written to standard output: %s",
                strerror(errno));
}

static const char *describe(struct server *server)
{
    switch (pti_service_status_health(&server->status, NULL, now())) {
    case PTI_HEALTH_OK:
        return "serving, all is well";
    case PTI_HEALTH_DEGRADED:
        return "serving, but somebody has to act: see the log and /healthz";
    case PTI_HEALTH_FAILING:
        return "failing: see the log and /healthz";
    }
    return "";
}

/* What may come late: when tokens were used, and the head of the journal beside it. */
static void tend_database(struct server *server)
{
    struct pti_error error;
    enum pintle_status status = pti_access_flush(&server->access, server->storage, now(), &error);

    if (status == PINTLE_OK)
        status = pti_journal_head_follow(server->storage, server->options->data, &server->journal_head, &error);
    if (status != PINTLE_OK && !server->tending_fails)
        pti_log(PTI_LOG_ERROR, "database: use of tokens and head of the journal cannot be noted: %s", error.detail);
    server->tending_fails = status != PINTLE_OK;
}

static void begin_administration(struct server *server)
{
    struct pti_error error;

    pti_limiter_init(&server->limiter, server->options->reports_per_source);
    pti_access_init(&server->access, server->list_storage, server->crypto);
    if (pti_journal_head_start(server->storage, server->options->data, &server->journal_head, &error) != PINTLE_OK)
        pti_log(PTI_LOG_ERROR, "journal: it cannot be compared with its head: %s", error.detail);
}

static void reload_tls(struct server *server)
{
    struct pti_error error;
    bool changed = false;

    if (!server->tls)
        return;
    if (pti_tls_reload(server->tls, &changed, &error) != PINTLE_OK)
        pti_log(PTI_LOG_ERROR, "TLS: the certificate and key that are in use stay, the files cannot be used: %s",
                error.detail);
    else if (changed)
        pti_log(PTI_LOG_INFO, "TLS: the new certificate is in use");
}

static void tick(struct server *server, bool reload)
{
    if (reload) {
        pti_notify_reloading(&server->notify);
        reload_tls(server);
    }
    for (size_t i = 0; i < server->served_count; i++)
        pti_served_tick(&server->served[i], now(), reload);
    pti_prober_tick(server->prober, now());
    for (size_t i = 0; i < server->endpoint_count; i++)
        pti_endpoint_tick(&server->endpoints[i]);
    tend_database(server);
    if (reload)
        pti_notify_ready(&server->notify);
    pti_notify_alive(&server->notify, describe(server));
}

/* Returns the signal that ends the server. */
static int wait_for_end(struct server *server, const sigset_t *signals)
{
    static const struct timespec second = {.tv_sec = 1};

    for (int signal_number = 0;; signal_number = sigtimedwait(signals, NULL, &second)) {
        if (signal_number == SIGTERM || signal_number == SIGINT)
            return signal_number;
        tick(server, signal_number == SIGHUP);
    }
}

/* Every request that was taken gets its answer: listeners stop taking, the intake stores what it has, then all end. */
static void stop_serving(struct server *server)
{
    pti_notify_stopping(&server->notify);
    pti_service_status_set_stopping(&server->status);
    for (size_t i = 0; i < server->endpoint_count; i++)
        pti_endpoint_quiesce(&server->endpoints[i]);
    for (size_t i = 0; i < server->endpoint_count; i++)
        pti_endpoint_drain(&server->endpoints[i]);
    if (server->intake)
        pti_intake_stop(server->intake);
    if (server->census)
        pti_census_stop(server->census); /* after those who count */
    for (size_t i = 0; i < server->endpoint_count; i++)
        pti_endpoint_clear(&server->endpoints[i]);
    pti_file_cache_free(server->files);
    pti_intake_free(server->intake);
    pti_census_free(server->census);
}

static void stop(struct server *server)
{
    stop_serving(server);
    pti_prober_free(server->prober);
    pti_database_close(server->prober_storage);
    pti_alerts_free(server->alerts);
    pti_checks_clear(&server->metrics.checks); /* after all who look at hosts */
    if (server->access.database) {
        tend_database(server);
        pti_limiter_clear(&server->limiter);
        pti_access_clear(&server->access);
    }
    pti_database_close(server->alert_storage);
    pti_database_close(server->intake_storage);
    pti_database_close(server->list_storage);
    pti_database_close(server->census_storage);
    pti_database_close(server->storage);
    if (server->data_lock >= 0)
        close(server->data_lock);
    for (size_t i = 0; i < server->served_count; i++)
        pti_served_clear(&server->served[i]);
    free(server->served);
    pti_tls_close(server->tls);
    free(server->client_authorities);
    pintle_crypto_free(server->crypto);
    pti_notify_close(&server->notify);
}

static void find_manager(struct server *server)
{
    struct pti_error error;

    if (pti_notify_open(&server->notify, getenv("NOTIFY_SOCKET"), getenv("WATCHDOG_USEC"), getenv("WATCHDOG_PID"),
                        &error) != PINTLE_OK)
        pti_log(PTI_LOG_WARNING, "%s", error.detail);
}

static enum pintle_status start(struct server *server, sigset_t *signals, struct pti_error *error)
{
    const struct pti_server_options *options = server->options;
    enum pintle_status status = open_repositories(server, error);

    if (status == PINTLE_OK && options->tls_certificate)
        status = pti_tls_open(options->tls_certificate, options->tls_key, &server->tls, error);
    if (status == PINTLE_OK && options->admin_client_ca)
        status = pti_tls_load_authorities(options->admin_client_ca, &server->client_authorities, error);
    if (status != PINTLE_OK)
        return status;
    for (size_t i = 0; i < server->served_count; i++)
        pti_served_start_signer(&server->served[i]);
    pti_process_prepare(signals);
    find_manager(server);
    status = pintle_crypto_openssl_new(&server->crypto);
    if (status != PINTLE_OK)
        return pti_fail(error, status, "OpenSSL cannot be used: %s", pintle_status_name(status));
    status = bind_endpoints(server, error);
    if (status == PINTLE_OK)
        status = open_data(server, error);
    if (status == PINTLE_OK)
        status = prepare_alerts(server, error);
    if (status != PINTLE_OK)
        return status;
    pti_process_confine(options, server->served, server->served_count);
    begin_administration(server);
    status = start_census(server, error);
    if (status != PINTLE_OK)
        return status;
    for (size_t i = 0; i < server->served_count; i++)
        pti_served_begin(&server->served[i], server->crypto, server->storage, server->census, &server->metrics.checks,
                         server->options->resign_every_s, now());
    status = pti_prober_new(&(struct pti_prober_settings){server->prober_storage, server->crypto,
                                                          server->options->probe_every_s, server->options->probe_ca},
                            &server->prober, error);
    if (status == PINTLE_OK)
        status = start_prober(server, error);
    if (status == PINTLE_OK)
        status = serve(server, error);
    return status == PINTLE_OK ? pti_alerts_start(server->alerts, error) : status;
}

int pti_service_run(const struct pti_server_options *options)
{
    struct server server = {.options = options, .notify.socket = -1, .data_lock = -1};
    struct pti_error error;
    sigset_t signals;
    enum pintle_status status = PINTLE_ERR_STORAGE;

    pti_log_setup(
        &(struct pti_log_style){options->log_level, options->log_json, pti_log_is_journal(getenv("JOURNAL_STREAM"))});
    pti_service_status_init(&server.status);
    status = start(&server, &signals, &error);
    if (status == PINTLE_OK) {
        announce(&server);
        pti_notify_ready(&server.notify);
        pti_log(PTI_LOG_INFO, "stopping: %s", wait_for_end(&server, &signals) == SIGTERM ? "SIGTERM" : "SIGINT");
    } else {
        pti_log_end(error.detail);
    }
    stop(&server);
    return status == PINTLE_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
