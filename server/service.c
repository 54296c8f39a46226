/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon: starts its parts in the one order that is safe, waits for signals, and stops them in the reverse order. */
#include "server/service.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "server/confine.h"
#include "server/limits.h"
#include "server/log.h"
#include "server/notify.h"
#include "server/resign.h"
#include "server/routes.h"

#define DESCRIPTORS_WANTED 8192 /* connections and the files that go out on them */

/* Two listeners at most: for clients, and for administrators. */
struct endpoint {
    struct pti_address address;
    struct pti_listener listener;
    struct pti_http *http;
    int socket;
};

struct server {
    const struct pti_server_options *options;
    struct pti_signer signer;
    struct pti_notify notify;
    struct pintle_crypto *crypto;
    int data_lock;
    struct pti_database *storage; /* of the main thread and of lists */
    struct pti_database *intake_storage;
    struct pti_status_board board;
    struct pti_metrics metrics;
    struct pti_intake *intake;
    struct pti_resigner resigner;
    struct pti_routes routes;
    struct endpoint endpoints[2];
    size_t endpoint_count;
};

static int64_t now(void)
{
    return (int64_t)time(NULL);
}

static enum pintle_status check_repository(struct server *server, struct pti_error *error)
{
    const char *directory = server->options->repository;
    char path[PTI_PATH_MAX];
    enum pintle_status status = pti_file_path(path, directory, "repository.json", error);

    if (status != PINTLE_OK)
        return status;
    if (!pti_file_exists(path))
        return pti_fail(error, PINTLE_ERR_STORAGE,
                        "%s is not a repository: it has no repository.json; make one with "
                        "`pintle init --repo %s`",
                        directory, directory);
    status = pti_file_path(path, directory, "public", error);
    if (status != PINTLE_OK)
        return status;
    server->routes.public_directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (server->routes.public_directory < 0)
        return pti_fail(error, PINTLE_ERR_STORAGE, "%s cannot be opened: %s", path, strerror(errno));
    return PINTLE_OK;
}

/* Comes first: the signer must inherit neither threads nor descriptors.  Without it the server still serves. */
static void start_signer(struct server *server)
{
    struct pti_error error;

    if (pti_signer_start(server->options->repository, server->options->keys, &server->signer, &error) == PINTLE_OK) {
        pti_status_set_signer(&server->board, PTI_SIGNER_UP);
        pti_log(PTI_LOG_INFO, "signer: process %ld holds the online keys", (long)server->signer.pid);
        return;
    }
    pti_status_set_signer(&server->board, PTI_SIGNER_OFF);
    pti_log(PTI_LOG_ERROR, "signer: NOTHING WILL BE RE-SIGNED, clients become stale once the timestamp expires: %s",
            error.detail);
}

static enum pintle_status lock_data(struct server *server, struct pti_error *error)
{
    const char *directory = server->options->data;
    char path[PTI_PATH_MAX];
    enum pintle_status status = pti_file_path(path, directory, "lock", error);

    if (status != PINTLE_OK)
        return status;
    if (pti_file_lock(path, 0, &server->data_lock, error) != PINTLE_OK)
        return pti_error_prefix(error,
                                "--data %s cannot be locked; if it is in use by another pintled, stop that one or "
                                "give this one another directory",
                                directory);
    return PINTLE_OK;
}

/* What lies below public/ goes to everybody who asks. */
static enum pintle_status check_not_public(const struct server *server, const char *option, const char *directory,
                                           struct pti_error *error)
{
    if (!pti_file_directory_is_below(directory, server->routes.public_directory))
        return PINTLE_OK;
    return pti_fail(error, PINTLE_ERR_MISUSE, "%s %s lies among the public files, which everybody can read; move it",
                    option, directory);
}

static enum pintle_status open_data(struct server *server, struct pti_error *error)
{
    enum pintle_status status = check_not_public(server, "--data", server->options->data, error);

    if (status == PINTLE_OK)
        status = check_not_public(server, "--keys", server->options->keys, error);
    if (status == PINTLE_OK)
        status = pti_file_make_directory(server->options->data, 0700, error);
    if (status == PINTLE_OK)
        status = lock_data(server, error);
    if (status == PINTLE_OK)
        status = pti_database_open_sqlite(server->options->data, &server->storage, error);
    if (status == PINTLE_OK)
        status = pti_database_open_sqlite(server->options->data, &server->intake_storage, error);
    return status;
}

/* From here on the key files are out of reach of this process, where the kernel can do that. */
static void confine(const struct server *server)
{
    static const char *const writable_names[] = {"public", "app", "stage", "lock"};
    char settings[PTI_PATH_MAX], paths[4][PTI_PATH_MAX];
    const char *readable[] = {settings, "/dev/null", "/dev/urandom", "/proc/self", NULL};
    const char *writable[] = {paths[0], paths[1], paths[2], paths[3], server->options->data, NULL};
    struct pti_error error;
    enum pintle_status status = pti_file_path(settings, server->options->repository, "repository.json", &error);

    for (size_t i = 0; i < 4 && status == PINTLE_OK; i++)
        status = pti_file_path(paths[i], server->options->repository, writable_names[i], &error);
    if (status == PINTLE_OK)
        status = pti_confine_server(readable, writable, &error);
    if (status != PINTLE_OK)
        pti_log(PTI_LOG_WARNING, "the server could read the key files, as it is not confined: %s", error.detail);
}

static void add_endpoint(struct server *server, const struct pti_address *address, bool clients, bool administrators)
{
    struct endpoint *endpoint = &server->endpoints[server->endpoint_count++];

    endpoint->address = *address;
    endpoint->listener = (struct pti_listener){&server->routes, clients, administrators};
    endpoint->socket = -1;
}

static enum pintle_status bind_endpoints(struct server *server, struct pti_error *error)
{
    enum pintle_status status = PINTLE_OK;

    add_endpoint(server, &server->options->listen, true, server->options->admin_on_listen);
    if (server->options->admin.size > 0)
        add_endpoint(server, &server->options->admin, false, true);
    for (size_t i = 0; i < server->endpoint_count && status == PINTLE_OK; i++)
        status = pti_address_listen(&server->endpoints[i].address, &server->endpoints[i].socket, error);
    return status;
}

static enum pintle_status serve(struct server *server, struct pti_error *error)
{
    enum pintle_status status = pti_intake_new(server->intake_storage, server->options->keep_reports, &server->metrics,
                                               &server->board, &server->intake, error);

    server->routes.metrics = &server->metrics;
    server->routes.board = &server->board;
    server->routes.intake = server->intake;
    server->routes.storage = server->storage;
    for (size_t i = 0; i < server->endpoint_count && status == PINTLE_OK; i++) {
        struct endpoint *endpoint = &server->endpoints[i];
        struct pti_http_handler handler = pti_routes_handler(&endpoint->listener);
        int socket = endpoint->socket;

        endpoint->socket = -1; /* the listener owns it now */
        status = pti_http_start(socket, &handler, &endpoint->http, error);
    }
    return status;
}

static void announce(const struct server *server)
{
    char client[PTI_ADDRESS_TEXT_MAX], administrator[PTI_ADDRESS_TEXT_MAX];

    pti_address_format(&server->endpoints[0].address, client);
    pti_address_format(&server->endpoints[server->endpoint_count - 1].address, administrator);
    printf("pintled: ready, public http://%s/, ", client);
    if (server->endpoint_count > 1 || server->options->admin_on_listen)
        printf("admin http://%s/\n", administrator);
    else
        printf("no admin (see --admin)\n");
    if (fflush(stdout) != 0)
        pti_log(PTI_LOG_WARNING, "the line that says it is ready cannot be written to standard output: %s",
                strerror(errno));
}

static void notice_dead_signer(struct server *server)
{
    struct pti_status status;

    if (pti_signer_alive(&server->signer))
        return;
    pti_status_board_read(&server->board, &status);
    if (status.signer != PTI_SIGNER_UP)
        return;
    pti_status_set_signer(&server->board, PTI_SIGNER_DOWN);
    pti_log(PTI_LOG_ERROR, "signer: it has died; nothing will be re-signed until pintled is restarted");
}

static const char *describe(struct server *server)
{
    struct pti_status status;

    pti_status_board_read(&server->board, &status);
    switch (pti_status_health(&status, now())) {
    case PTI_HEALTH_OK:
        return "serving, all is well";
    case PTI_HEALTH_DEGRADED:
        return "serving, but somebody has to act: see the log and /healthz";
    case PTI_HEALTH_FAILING:
        return "failing: see the log and /healthz";
    }
    return "";
}

static void tick(struct server *server, bool reload)
{
    if (reload)
        pti_notify_reloading(&server->notify);
    notice_dead_signer(server);
    pti_resigner_tick(&server->resigner, now(), reload);
    notice_dead_signer(server);
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
    pti_status_set_stopping(&server->board);
    for (size_t i = 0; i < server->endpoint_count; i++)
        if (server->endpoints[i].http)
            pti_http_quiesce(server->endpoints[i].http);
    for (size_t i = 0; i < server->endpoint_count; i++)
        if (server->endpoints[i].http && !pti_http_drain(server->endpoints[i].http, PTI_HTTP_DRAIN_S * 1000))
            pti_log(PTI_LOG_WARNING, "stopping: some requests did not end within %d s", PTI_HTTP_DRAIN_S);
    if (server->intake)
        pti_intake_stop(server->intake);
    for (size_t i = 0; i < server->endpoint_count; i++) {
        pti_http_free(server->endpoints[i].http);
        if (server->endpoints[i].socket >= 0)
            close(server->endpoints[i].socket);
    }
    pti_intake_free(server->intake);
}

static void stop(struct server *server)
{
    stop_serving(server);
    pti_database_close(server->intake_storage);
    pti_database_close(server->storage);
    if (server->data_lock >= 0)
        close(server->data_lock);
    pti_signer_stop(&server->signer);
    pintle_crypto_free(server->crypto);
    if (server->routes.public_directory >= 0)
        close(server->routes.public_directory);
    pti_status_board_clear(&server->board);
    pti_notify_close(&server->notify);
}

static void find_manager(struct server *server)
{
    struct pti_error error;

    if (pti_notify_open(&server->notify, getenv("NOTIFY_SOCKET"), getenv("WATCHDOG_USEC"), getenv("WATCHDOG_PID"),
                        &error) != PINTLE_OK)
        pti_log(PTI_LOG_WARNING, "%s", error.detail);
}

static void prepare_process(sigset_t *signals)
{
    struct rlimit files;

    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file size limit is a full disk, not the end */
    sigemptyset(signals);
    sigaddset(signals, SIGTERM);
    sigaddset(signals, SIGINT);
    sigaddset(signals, SIGHUP);
    sigaddset(signals, SIGCHLD);
    sigprocmask(SIG_BLOCK, signals, NULL); /* threads inherit it: signals are taken in wait_for_end() alone */
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < DESCRIPTORS_WANTED) {
        files.rlim_cur = files.rlim_max < DESCRIPTORS_WANTED ? files.rlim_max : DESCRIPTORS_WANTED;
        setrlimit(RLIMIT_NOFILE, &files);
    }
}

static enum pintle_status start(struct server *server, sigset_t *signals, struct pti_error *error)
{
    enum pintle_status status = check_repository(server, error);

    if (status != PINTLE_OK)
        return status;
    start_signer(server);
    prepare_process(signals);
    find_manager(server);
    status = pintle_crypto_openssl_new(&server->crypto);
    if (status != PINTLE_OK)
        return pti_fail(error, status, "OpenSSL cannot be used: %s", pintle_status_name(status));
    status = bind_endpoints(server, error);
    if (status == PINTLE_OK)
        status = open_data(server, error);
    if (status != PINTLE_OK)
        return status;
    confine(server);
    pti_resigner_init(&server->resigner, server->options->repository, server->crypto, server->storage, &server->signer,
                      &server->board, server->options->resign_every_s);
    pti_resigner_look(&server->resigner, now());
    return serve(server, error);
}

int pti_service_run(const struct pti_server_options *options)
{
    struct server server = {
        .options = options, .signer = {-1, -1}, .notify.socket = -1, .data_lock = -1, .routes.public_directory = -1};
    struct pti_error error;
    sigset_t signals;
    enum pintle_status status = PINTLE_ERR_STORAGE;

    pti_log_setup(
        &(struct pti_log_style){options->log_level, options->log_json, pti_log_is_journal(getenv("JOURNAL_STREAM"))});
    pti_status_board_init(&server.board);
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
