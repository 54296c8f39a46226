/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/verification.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <pintle/curl_transport.h>
#include <pintle/pintle.h>

#include "base/buf.h"
#include "cli/ca_file.h"
#include "cli/directory_transport.h"
#include "cli/given_file.h"
#include "cli/memory_store.h"
#include "cli/shared_lock.h"
#include "client/config.h"

#define RETRIES 3 /* beside a publisher whose lock cannot be had */
#define RETRY_PAUSE_MS 200
#define LOCK_WAIT_MS 15000

/* ---- where ---- */

static bool is_url(const char *text)
{
    return strncmp(text, "http://", 7) == 0 || strncmp(text, "https://", 8) == 0;
}

static enum pintle_status find_directory(struct pti_verification *verification, const char *path)
{
    struct pti_error *error = &verification->cli->error;
    char inside[PTI_PATH_MAX];

    if (pti_file_path(inside, path, "public", error) != PINTLE_OK) {
        return error->status;
    }
    if (pti_file_exists(inside)) {
        pti_copy_text(verification->directory, sizeof verification->directory, inside);
        pti_copy_text(verification->repository, sizeof verification->repository, path);
        return PINTLE_OK;
    }
    pti_copy_text(verification->directory, sizeof verification->directory, path);
    if (pti_file_path(inside, path, "metadata", error) != PINTLE_OK) {
        return error->status;
    }
    if (!pti_file_exists(inside)) {
        return pti_fail(error, PINTLE_ERR_STORAGE,
                        "expected a repository, its public/ directory or a URL, found \"%.200s\"; `pintle init` makes "
                        "one",
                        path);
    }
    return PINTLE_OK;
}

static enum pintle_status transport_new(struct pti_verification *verification, struct pintle_transport *transport)
{
    enum pintle_status status = verification->remote
                                    ? pintle_curl_transport_init(transport, verification->ca)
                                    : pti_directory_transport_init(transport, verification->directory, NULL);

    return status == PINTLE_OK ? PINTLE_OK
                               : pti_fail(&verification->cli->error, status, "no transport can be made: %s",
                                          pintle_status_name(status));
}

/* ---- the trust anchor ---- */

/* Root 1 as the repository itself shows it. */
static enum pintle_status fetch_root(struct pti_verification *verification)
{
    struct pti_error *error = &verification->cli->error;
    struct pintle_transport transport;
    struct pintle_response response = {.size = sizeof response};
    char url[PTI_URL_MAX + 64], detail[PTI_ERROR_DETAIL_MAX] = "";
    struct pti_buf root;
    struct pintle_sink sink;
    struct pintle_request request = {.size = sizeof request,
                                     .method = "GET",
                                     .url = url,
                                     .max_response = PTI_ROOT_SIZE_MAX,
                                     .timeout_ms = verification->timeout_ms,
                                     .min_bytes_per_second = PTI_MIN_BYTES_PER_SECOND};
    size_t length = strlen(verification->url);
    enum pintle_status status = transport_new(verification, &transport);

    if (status != PINTLE_OK) {
        return status;
    }
    snprintf(url, sizeof url, "%.*s/metadata/1.root.json",
             (int)(length > 0 && verification->url[length - 1] == '/' ? length - 1 : length), verification->url);
    pti_buf_init(&root, PTI_ROOT_SIZE_MAX);
    sink = pti_buf_sink(&root);
    status = transport.perform(transport.ctx, &request, &sink, &response, detail, sizeof detail);
    if (status != PINTLE_OK) {
        pti_fail(error, status, "%.200s: %.200s; check the URL and that it is served", url, detail);
    } else if (response.status != 200) {
        status = pti_fail(error, PINTLE_ERR_NETWORK,
                          "%.200s: expected root 1, found HTTP status %d; is it the base URL?", url, response.status);
    } else if (pti_bytes_copy(pti_buf_bytes(&root), &verification->roots) != PINTLE_OK) {
        status = pti_fail(error, PINTLE_ERR_MEMORY, "no memory for a root");
    }
    pti_buf_clear(&root);
    transport.free(transport.ctx);
    return status;
}

static enum pintle_status find_anchor(struct pti_verification *verification)
{
    const char *path = pti_cli_text(verification->cli, "roots");
    enum pintle_status status = PINTLE_OK;

    verification->anchored = path != NULL;
    if (!path) {
        return fetch_root(verification);
    }
    if (verification->roots.size == 0) {
        status = pti_fail(&verification->cli->error, PINTLE_ERR_INPUT,
                          "%.300s: expected app/roots of a repository, found an empty file", path);
    }
    return status;
}

/* ---- a client ---- */

static void on_event(void *ctx, const struct pintle_event *event)
{
    struct pti_verification *verification = ctx;

    if (event->kind != PINTLE_EVENT_NOTICE || verification->notice_count == PTI_VERIFICATION_NOTICES_MAX) {
        return;
    }
    for (size_t i = 0; i < verification->notice_count; i++) {
        if (strcmp(verification->notices[i], event->message) == 0) {
            return; /* both clients see the same files */
        }
    }
    verification->notices[verification->notice_count] = pti_bytes_strdup(pti_bytes_text(event->message));
    verification->notice_count += verification->notices[verification->notice_count] != NULL;
}

static enum pintle_status configure(struct pti_verification *verification, struct pintle_config *config,
                                    const struct pintle_transport *transport, const struct pintle_store *store)
{
    enum pintle_status status = pintle_config_set_roots_mem(config, verification->roots);

    if (status == PINTLE_OK && transport) {
        status = pintle_config_set_transport(config, transport);
    }
    if (status == PINTLE_OK && transport) {
        status = pintle_config_add_url(config, verification->url);
    }
    if (status == PINTLE_OK) {
        status = pintle_config_set_store(config, store);
    }
    return status == PINTLE_OK ? pintle_config_set_events(config, on_event, verification) : status;
}

static struct pti_json *info_of(struct pintle_client *client)
{
    size_t size = pintle_client_info(client, NULL, 0);
    char *text = malloc(size + 1);
    struct pti_json *json = NULL;

    if (text) {
        (void)pintle_client_info(client, text, size + 1);
        (void)pti_json_parse(pti_bytes_text(text), &json, NULL);
    }
    free(text);
    return json;
}

/*
 * A first start and one refresh over transport; or, without transport, a first start with the generation in the file
 * shipped.  *info receives what the client then holds; the caller frees it.
 */
static enum pintle_status run_client(struct pti_verification *verification, const struct pintle_transport *transport,
                                     const char *shipped, struct pti_json **info)
{
    struct pti_error *error = &verification->cli->error;
    struct pintle_config *config = NULL;
    struct pintle_client *client = NULL;
    struct pintle_store store;
    char detail[PTI_ERROR_DETAIL_MAX] = "no memory for a client";
    enum pintle_status status = pti_memory_store_init(&store);

    if (status == PINTLE_OK) {
        status = pintle_config_new(&config);
    }
    if (status == PINTLE_OK) {
        config->uncounted = true;
        status = pintle_config_set_crypto(config, verification->crypto);
    }
    if (status == PINTLE_OK) {
        status = configure(verification, config, transport, &store);
    }
    if (status == PINTLE_OK && shipped) {
        status = pintle_config_set_shipped_file(config, shipped);
    }
    if (status == PINTLE_OK) {
        status = pintle_client_new(config, &client);
    }
    if (status != PINTLE_OK && config) {
        pti_copy_text(detail, sizeof detail, pintle_config_error(config));
    }
    if (status == PINTLE_OK && transport) {
        status = pintle_client_refresh(client, verification->timeout_ms);
        if (status != PINTLE_OK) {
            pintle_client_error(client, detail, sizeof detail);
        }
    }
    if (status == PINTLE_OK) {
        *info = info_of(client);
        status = *info ? PINTLE_OK : pti_fail(error, PINTLE_ERR_MEMORY, "no memory for what the client holds");
    } else {
        pti_fail(error, status, "%s", detail);
    }
    pintle_client_free(client);
    pintle_config_free(config);
    if (store.free) {
        store.free(store.ctx);
    }
    return status;
}

static int64_t integer_of(const struct pti_json *info, const char *name)
{
    int64_t integer = -1;

    (void)pti_json_as_integer(pti_json_member(pti_json_root(info), name), &integer);
    return integer;
}

/* ---- the steps ---- */

static enum pintle_status follow_heads(struct pti_verification *verification)
{
    struct pintle_transport transport;
    enum pintle_status status = transport_new(verification, &transport);

    if (status != PINTLE_OK) {
        return status;
    }
    status = run_client(verification, &transport, NULL, &verification->info);
    transport.free(transport.ctx);
    return status;
}

static enum pintle_status follow_plain_files(struct pti_verification *verification)
{
    struct pintle_transport inner, transport;
    struct pti_json *info = NULL;
    enum pintle_status status = transport_new(verification, &inner);

    if (status != PINTLE_OK) {
        return status;
    }
    status = pti_plain_transport_init(&transport, &inner);
    if (status != PINTLE_OK) {
        inner.free(inner.ctx);
        return pti_fail(&verification->cli->error, status, "no memory for a transport");
    }
    status = run_client(verification, &transport, NULL, &info);
    transport.free(transport.ctx);
    if (status != PINTLE_OK) {
        return pti_error_prefix(&verification->cli->error, "the plain TUF files");
    }
    /* A live repository may have been renewed in between; it never goes back. */
    if (integer_of(info, "timestamp") < integer_of(verification->info, "timestamp")) {
        status = pti_fail(&verification->cli->error, PINTLE_ERR_TRUST,
                          "the plain TUF files are older than head and body: expected timestamp %" PRId64
                          " or newer, found %" PRId64 "; a cache in between may be stale",
                          integer_of(verification->info, "timestamp"), integer_of(info, "timestamp"));
    }
    pti_json_free(info);
    return status;
}

/* What an app would embed: app/roots as trust anchor, app/shipped as its first generation. */
static enum pintle_status check_app(struct pti_verification *verification)
{
    struct pti_verification app = {.cli = verification->cli, .crypto = verification->crypto};
    struct pti_error *error = &verification->cli->error;
    struct pti_json *info = NULL;
    char roots[PTI_PATH_MAX], shipped[PTI_PATH_MAX];
    enum pintle_status status = pti_file_path(roots, verification->repository, "app/roots", error);

    if (status == PINTLE_OK) {
        status = pti_file_path(shipped, verification->repository, "app/shipped", error);
    }
    if (status == PINTLE_OK) {
        status = pti_file_read(roots, PTI_STORE_BLOB_MAX, &app.roots, error);
    }
    if (status == PINTLE_OK) {
        status = run_client(&app, NULL, shipped, &info);
    }
    if (status != PINTLE_OK) {
        (void)pti_error_prefix(error, "app/");
    } else if (integer_of(info, "timestamp") != integer_of(verification->info, "timestamp")) {
        status = pti_fail(error, PINTLE_ERR_INPUT,
                          "app/shipped: expected the published timestamp %" PRId64 ", found %" PRId64
                          "; `pintle publish` writes it anew",
                          integer_of(verification->info, "timestamp"), integer_of(info, "timestamp"));
    }
    for (size_t i = 0; i < app.notice_count; i++) {
        free(app.notices[i]);
    }
    pti_json_free(info);
    pti_bytes_free(&app.roots);
    return status;
}

static enum pintle_status check_directory(struct pti_verification *verification)
{
    enum pintle_status status = pti_agreement_check(verification->directory, verification->crypto,
                                                    &verification->agreement, &verification->cli->error);

    if (status == PINTLE_OK && *verification->repository) {
        status = check_app(verification);
    }
    return status;
}

static enum pintle_status verify_all(struct pti_verification *verification)
{
    enum pintle_status status = find_anchor(verification);

    if (status != PINTLE_OK) {
        return status;
    }
    status = follow_heads(verification);
    if ((status == PINTLE_ERR_TRUST || status == PINTLE_ERR_INPUT) && verification->anchored) {
        return pti_error_prefix(&verification->cli->error, "under the trust anchor %.200s (is it this repository's?)",
                                pti_cli_text(verification->cli, "roots"));
    }
    if (status == PINTLE_OK) {
        status = follow_plain_files(verification);
    }
    if (status == PINTLE_OK && !verification->remote) {
        status = check_directory(verification);
    }
    return status;
}

static enum pintle_status verify(struct pti_verification *verification)
{
    enum pintle_status status = pti_cli_crypto_new(verification->cli, &verification->crypto);

    if (status == PINTLE_OK) {
        status = verify_all(verification);
    }
    pintle_crypto_free(verification->crypto);
    verification->crypto = NULL;
    return status;
}

/* As before the first step, but for a trust anchor that was given. */
static void forget(struct pti_verification *verification)
{
    struct pintle_bytes roots = verification->roots;

    if (verification->anchored) {
        verification->roots = (struct pintle_bytes){NULL, 0};
    }
    pti_verification_clear(verification);
    verification->info = NULL;
    verification->roots = verification->anchored ? roots : (struct pintle_bytes){NULL, 0};
    verification->notice_count = 0;
    memset(&verification->agreement, 0, sizeof verification->agreement);
    verification->cli->error = (struct pti_error){.status = PINTLE_OK};
}

/*
 * Files that disagree may only be between two publications.  So what fails is looked at once more while no publisher
 * is at work; without their lock a few times, since a publication is a matter of milliseconds.
 */
static enum pintle_status verify_directory(struct pti_verification *verification)
{
    enum pintle_status status = verify(verification);
    char above[PTI_PATH_MAX];
    int lock = -1;

    if (status == PINTLE_OK || status == PINTLE_ERR_MEMORY) {
        return status;
    }
    if (*verification->repository) {
        lock = pti_shared_lock(verification->repository, LOCK_WAIT_MS);
    } else if (pti_file_path(above, verification->directory, "..", NULL) == PINTLE_OK) {
        lock = pti_shared_lock(above, LOCK_WAIT_MS);
    }
    for (int i = 0; i < RETRIES && status != PINTLE_OK; i++) {
        if (lock < 0) {
            pti_pause(RETRY_PAUSE_MS);
        }
        forget(verification);
        status = verify(verification);
        if (lock >= 0) {
            break;
        }
    }
    pti_shared_unlock(lock);
    return status;
}

enum pintle_status pti_verification_run(struct pti_verification *verification, struct pti_cli *cli,
                                        struct pintle_bytes roots)
{
    int64_t seconds = 30;
    enum pintle_status status = pti_cli_number(cli, "timeout", 1, 600, &seconds);

    memset(verification, 0, sizeof *verification);
    verification->cli = cli;
    verification->roots = roots;
    verification->timeout_ms = seconds * 1000;
    verification->url = cli->operands[0];
    verification->remote = is_url(cli->operands[0]);
    if (status == PINTLE_OK) {
        status = pti_cli_ca_file(cli, &verification->ca);
    }
    if (status == PINTLE_OK && !verification->remote) {
        verification->url = PTI_DIRECTORY_URL;
        status = find_directory(verification, cli->operands[0]);
    }
    if (status != PINTLE_OK) {
        return status;
    }
    return verification->remote ? verify(verification) : verify_directory(verification);
}

void pti_verification_clear(struct pti_verification *verification)
{
    for (size_t i = 0; i < verification->notice_count; i++) {
        free(verification->notices[i]);
    }
    pti_json_free(verification->info);
    pti_bytes_free(&verification->roots);
}
