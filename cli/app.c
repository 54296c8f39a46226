/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/app.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pintle/curl_transport.h>

#include "base/datetime.h"
#include "base/json.h"
#include "cli/ca_file.h"
#include "cli/directory_transport.h"
#include "cli/given_file.h"
#include "cli/memory_store.h"
#include "cli/session.h"
#include "client/config.h"
#include "client/header.h"
#include "publish/file.h"

#define REPORT_DEADLINE_MS 3000
#define SECONDS_A_DAY 86400
#define FOREIGN_STORE "; is --store that of another repository? Give each one of its own, or remove what was damaged"

const struct pti_option pti_app_options[] = {
    PTI_OPTION_REPO,
    {"roots", "FILE", "the trust anchor, as an app embeds it (default: DIR/app/roots)", false},
    {"shipped", "FILE", "the generation that ships with the app (app/shipped)", false},
    {"url", "BASEURL",
     "where the manifest is served; repeat it for mirrors\n"
     "(default: read DIR/public, unless only --roots, --shipped or --store are given)",
     true},
    {"store", "DIR", "keep accepted manifests there (default: in memory, so every run is a first start)", false},
    {"ca", "FILE", "PEM certificates to validate HTTPS with, instead of this machine's trust store", false},
    {"connect", "ADDR[:PORT]", "connect there instead of resolving HOST", false},
    {"require", NULL, "refuse HOST if no pins are known for it", false},
    {"no-refresh", NULL, "fetch nothing: enforce what is stored or shipped", false},
    {"timeout", "SECONDS", "for each refresh and each connection (default 10)", false},
    PTI_OPTION_END,
};

/* ---- events ---- */

/* One line on standard error, with the time in front where lines come over a long time. */
static void say(struct pti_app *app, const char *format, ...) PTI_PRINTF(2, 3);

static void say(struct pti_app *app, const char *format, ...)
{
    char stamp[PTI_DATETIME_SIZE + 1] = "", line[2 * PTI_ERROR_DETAIL_MAX];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (app->stamped) {
        pti_datetime_format(pti_session_time(), stamp);
    }
    /* One call: other threads write lines too. */
    fprintf(app->cli->err, "%s%s%s\n", stamp, *stamp ? " " : "", line);
}

/* What the store holds can be read, and is not what the trust anchor signed. */
static bool is_foreign(const struct pintle_event *event)
{
    return event->kind == PINTLE_EVENT_STORAGE &&
           (event->status == PINTLE_ERR_TRUST || event->status == PINTLE_ERR_INPUT);
}

static void on_event(void *ctx, const struct pintle_event *event)
{
    struct pti_app *app = ctx;
    bool said = event->kind == PINTLE_EVENT_UP_TO_DATE || event->kind == PINTLE_EVENT_REPORT ||
                event->kind == PINTLE_EVENT_STARTED ||
                (event->kind == PINTLE_EVENT_APPLIED && !app->stamped); /* nothing a person has to know */

    pthread_mutex_lock(&app->lock);
    app->reported = app->reported || event->kind == PINTLE_EVENT_REFUSED || event->kind == PINTLE_EVENT_REPORT_ONLY;
    if (event->kind == PINTLE_EVENT_REFUSED && event->verdict) {
        app->refused = *event->verdict;
        said = true; /* by the command */
    }
    if (app->quiet && (event->kind == PINTLE_EVENT_FETCH_FAILED || event->kind == PINTLE_EVENT_REJECTED)) {
        said = true;
    }
    pthread_mutex_unlock(&app->lock);
    if (!said) {
        say(app, "%s: %s%s", pintle_event_name(event->kind), event->message, is_foreign(event) ? FOREIGN_STORE : "");
    }
}

/* ---- making one ---- */

static enum pintle_status config_failed(struct pti_app *app, enum pintle_status status)
{
    /* What a setter calls misuse was given on the command line. */
    return status == PINTLE_ERR_MISUSE ? pti_cli_usage(app->cli, "%s", pintle_config_error(app->config))
                                       : pti_fail(&app->cli->error, status, "%s", pintle_config_error(app->config));
}

/* --roots, else DIR/app/roots. */
static enum pintle_status find_roots(struct pti_app *app, char path[PTI_PATH_MAX])
{
    const char *given = pti_cli_text(app->cli, "roots");

    if (given) {
        (void)pti_copy_text(path, PTI_PATH_MAX, given);
        return PINTLE_OK;
    }
    if (pti_file_path(path, pti_cli_repo(app->cli), "app/roots", &app->cli->error) != PINTLE_OK) {
        return app->cli->error.status;
    }
    return pti_file_exists(path) ? PINTLE_OK
                                 : pti_fail(&app->cli->error, PINTLE_ERR_STORAGE,
                                            "expected a trust anchor at %.300s, found none; name a repository with "
                                            "--repo DIR, or its app/roots with --roots FILE",
                                            path);
}

typedef enum pintle_status (*file_setter)(struct pintle_config *config, struct pintle_bytes bytes);

static enum pintle_status set_file(struct pti_app *app, const char *path, const char *what, file_setter set)
{
    struct pintle_bytes bytes = {NULL, 0};
    enum pintle_status status = pti_given_file_read(path, PTI_STORE_BLOB_MAX, &bytes, &app->cli->error);

    if (status == PINTLE_OK && bytes.size == 0) {
        status = pti_fail(&app->cli->error, PINTLE_ERR_INPUT,
                          "%.300s: expected %s of a repository, found an empty file", path, what);
    }
    if (status == PINTLE_OK && set(app->config, bytes) != PINTLE_OK) {
        status = pti_fail(&app->cli->error, PINTLE_ERR_MEMORY, "no memory for %.300s", path);
    }
    pti_given_file_clear(&bytes);
    return status;
}

static enum pintle_status set_anchor(struct pti_app *app)
{
    const char *shipped = pti_cli_text(app->cli, "shipped");
    char path[PTI_PATH_MAX];
    enum pintle_status status = find_roots(app, path);

    if (status == PINTLE_OK) {
        status = set_file(app, path, "app/roots", pintle_config_set_roots_mem);
    }
    return status == PINTLE_OK && shipped ? set_file(app, shipped, "app/shipped", pintle_config_set_shipped_mem)
                                          : status;
}

static enum pintle_status set_store(struct pti_app *app)
{
    const char *directory = pti_cli_text(app->cli, "store");
    char detail[PTI_ERROR_DETAIL_MAX] = "no memory for a store";
    enum pintle_status status = directory ? pintle_store_posix_init(&app->store, directory, detail, sizeof detail)
                                          : pti_memory_store_init(&app->store);

    if (status != PINTLE_OK) {
        return pti_fail(&app->cli->error, status, "%s", detail);
    }
    app->config->uncounted = directory == NULL;
    status = pintle_config_set_store(app->config, &app->store);
    return status == PINTLE_OK ? PINTLE_OK : config_failed(app, status);
}

/* Without --url the repository itself is the server, unless the client is meant to live on what it holds. */
static bool reads_directory(const struct pti_cli *cli)
{
    char path[PTI_PATH_MAX];

    if (pti_cli_count(cli, "url") > 0) {
        return false;
    }
    if (!pti_cli_text(cli, "repo") && (pti_cli_text(cli, "roots") || pti_cli_text(cli, "shipped"))) {
        return false;
    }
    return pti_file_path(path, pti_cli_repo(cli), "public", NULL) == PINTLE_OK && pti_file_exists(path);
}

static enum pintle_status set_transport(struct pti_app *app)
{
    struct pintle_transport curl;
    char path[PTI_PATH_MAX];
    const char *ca = NULL;
    enum pintle_status status = pti_cli_ca_file(app->cli, &ca);

    if (status != PINTLE_OK) {
        return status;
    }
    status = pintle_curl_transport_init(&curl, ca);
    if (status != PINTLE_OK) {
        return pti_fail(&app->cli->error, status, "the HTTPS transport cannot be made: %s", pintle_status_name(status));
    }
    app->transport = curl;
    if (reads_directory(app->cli)) {
        status = pti_file_path(path, pti_cli_repo(app->cli), "public", &app->cli->error);
        if (status == PINTLE_OK && pti_directory_transport_init(&app->transport, path, &curl) != PINTLE_OK) {
            app->transport = curl;
            status = pti_fail(&app->cli->error, PINTLE_ERR_MEMORY, "no memory for a transport");
        }
        if (status != PINTLE_OK) {
            return status;
        }
        status = pintle_config_add_url(app->config, PTI_DIRECTORY_URL);
        app->has_url = true;
    }
    for (size_t i = 0; i < pti_cli_count(app->cli, "url") && status == PINTLE_OK; i++) {
        status = pintle_config_add_url(app->config, pti_cli_nth(app->cli, "url", i));
        app->has_url = true;
    }
    if (status == PINTLE_OK) {
        status = pintle_config_set_transport(app->config, &app->transport);
    }
    return status == PINTLE_OK ? PINTLE_OK : config_failed(app, status);
}

/* The trust anchor, or what ships with the app, is not what it should be: which files those were. */
static enum pintle_status anchor_failed(struct pti_app *app, enum pintle_status status)
{
    const char *shipped = pti_cli_text(app->cli, "shipped");
    char roots[PTI_PATH_MAX];

    if (find_roots(app, roots) != PINTLE_OK) {
        return app->cli->error.status;
    }
    return pti_fail(&app->cli->error, status, "%.240s; expected app/roots%s of one repository, found %.100s%s%.100s",
                    pintle_config_error(app->config), shipped ? " and app/shipped" : "", roots, shipped ? " and " : "",
                    shipped ? shipped : "");
}

static enum pintle_status set_crypto(struct pti_app *app)
{
    struct pintle_crypto *crypto;
    enum pintle_status status = pti_cli_crypto_new(app->cli, &crypto);

    if (status != PINTLE_OK) {
        return status;
    }
    status = pintle_config_set_crypto(app->config, crypto);
    pintle_crypto_free(crypto);
    return status == PINTLE_OK ? PINTLE_OK : config_failed(app, status);
}

static enum pintle_status make_client(struct pti_app *app)
{
    enum pintle_status status = pintle_config_set_events(app->config, on_event, app);

    if (status == PINTLE_OK) {
        status = pintle_config_set_app(app->config, "pintle-cli", "1");
    }
    if (status == PINTLE_OK && pti_cli_flag(app->cli, "require")) {
        status = pintle_config_require_host(app->config, app->host);
    }
    if (status == PINTLE_OK) {
        status = pintle_client_new(app->config, &app->client);
    }
    if (status == PINTLE_ERR_INPUT || status == PINTLE_ERR_TRUST) {
        return anchor_failed(app, status);
    }
    if (status != PINTLE_OK) {
        return config_failed(app, status);
    }
    status = pintle_client_checker(app->client, &app->checker);
    if (status != PINTLE_OK) {
        return pti_fail(&app->cli->error, status, "no checker can be made: %s", pintle_status_name(status));
    }
    return PINTLE_OK;
}

enum pintle_status pti_app_open(struct pti_app *app, struct pti_cli *cli, const char *host)
{
    int64_t seconds = 10;
    enum pintle_status status = pti_cli_number(cli, "timeout", 1, 600, &seconds);

    memset(app, 0, sizeof *app);
    app->cli = cli;
    app->timeout_ms = seconds * 1000;
    pti_copy_text(app->host, sizeof app->host, host);
    if (status != PINTLE_OK) {
        return status;
    }
    pthread_mutex_init(&app->lock, NULL);
    status = pintle_config_new(&app->config);
    if (status != PINTLE_OK) {
        pti_fail(&cli->error, status, "no memory for a configuration");
        goto fail;
    }
    status = set_crypto(app);
    if (status != PINTLE_OK) {
        goto fail;
    }
    status = set_anchor(app);
    if (status != PINTLE_OK) {
        goto fail;
    }
    status = set_store(app);
    if (status != PINTLE_OK) {
        goto fail;
    }
    status = set_transport(app);
    if (status != PINTLE_OK) {
        goto fail;
    }
    status = make_client(app);
    if (status == PINTLE_OK) {
        return PINTLE_OK;
    }
fail:
    pti_app_close(app);
    return status;
}

void pti_app_close(struct pti_app *app)
{
    if (!app->cli) {
        return;
    }
    pintle_checker_free(app->checker);
    pintle_client_free(app->client);
    pintle_config_free(app->config);
    if (app->transport.free) {
        app->transport.free(app->transport.ctx);
    }
    if (app->store.free) {
        app->store.free(app->store.ctx);
    }
    pthread_mutex_destroy(&app->lock);
    memset(app, 0, sizeof *app);
}

/* ---- asking it ---- */

static struct pti_json *parse_info(struct pti_app *app)
{
    size_t size = pintle_client_info(app->client, NULL, 0);
    char *text = malloc(size + 1);
    struct pti_json *json = NULL;

    if (text && pintle_client_info(app->client, text, size + 1) <= size && size > 0) {
        (void)pti_json_parse(pti_bytes_text(text), &json, NULL);
    }
    free(text);
    return json;
}

/* The zone that has the keys of app's host, as the header for it says: "charter=3,payments=41"; "" without one. */
static void zone_of_host(struct pti_app *app, char *out, size_t size)
{
    char header[256], *zone = NULL;

    pti_header_versions(app->client, app->host, header, sizeof header);
    zone = strchr(header, ',');
    if (zone) {
        zone[strcspn(zone, "=")] = '\0';
    }
    pti_copy_text(out, size, zone ? zone + 1 : "");
}

/* What info says of one zone; of all together if it knows none of that name. */
static const struct pti_json_value *state_of(const struct pti_json_value *info, const char *zone)
{
    const struct pti_json_value *item = pti_json_first(pti_json_member(info, "zones"));
    struct pintle_bytes name;

    for (; item; item = pti_json_next(item)) {
        if (pti_json_as_string(pti_json_member(item, "zone"), &name) && pti_bytes_equal_text(name, zone)) {
            return pti_json_member(item, "state");
        }
    }
    return pti_json_member(info, "state");
}

void pti_app_state(struct pti_app *app, char *out, size_t size)
{
    struct pti_json *json = parse_info(app);
    struct pintle_bytes state = {NULL, 0};
    char zone[PINTLE_ZONE_NAME_MAX + 1];

    pti_copy_text(out, size, "unknown");
    zone_of_host(app, zone, sizeof zone);
    if (json && pti_json_as_string(state_of(pti_json_root(json), zone), &state) && state.size < size) {
        memcpy(out, state.data, state.size);
        out[state.size] = '\0';
    }
    pti_json_free(json);
}

static void say_age(struct pti_app *app)
{
    struct pti_json *json = parse_info(app);
    const struct pti_json_value *root = json ? pti_json_root(json) : NULL;
    char state[32], header[256], age[64] = "of unknown age";
    int64_t seconds = -1;

    pti_app_state(app, state, sizeof state);
    pti_header_versions(app->client, app->host, header, sizeof header);
    if (pti_json_as_integer(pti_json_member(root, "age_seconds"), &seconds)) {
        snprintf(age, sizeof age, "issued %" PRId64 " %s ago",
                 seconds < 120                 ? seconds
                 : seconds < 2 * 3600          ? seconds / 60
                 : seconds < 2 * SECONDS_A_DAY ? seconds / 3600
                                               : seconds / SECONDS_A_DAY,
                 seconds < 120                 ? "seconds"
                 : seconds < 2 * 3600          ? "minutes"
                 : seconds < 2 * SECONDS_A_DAY ? "hours"
                                               : "days");
    }
    if (*header) {
        say(app, "enforcing the last good pins: %s, %s, %s", header, age, state);
    } else {
        say(app, "no stored pins could be verified: hosts that are not shipped with pins are refused");
    }
    pti_json_free(json);
}

static bool holds_nothing(struct pti_app *app)
{
    char state[32];

    pti_app_state(app, state, sizeof state);
    return strcmp(state, "none") == 0;
}

static bool may_refresh(const struct pti_app *app)
{
    return app->has_url && !pti_cli_flag(app->cli, "no-refresh");
}

enum pintle_status pti_app_refresh(struct pti_app *app)
{
    char detail[PTI_ERROR_DETAIL_MAX];
    enum pintle_status status = PINTLE_OK;

    if (may_refresh(app)) {
        /* With nothing to fall back to, the failure ends the command and is said there. */
        app->quiet = holds_nothing(app);
        status = pintle_client_refresh(app->client, app->timeout_ms);
        app->quiet = false;
    }
    if (!holds_nothing(app)) {
        if (status != PINTLE_OK) {
            say_age(app);
        }
        return PINTLE_OK;
    }
    if (status == PINTLE_OK) {
        return pti_fail(&app->cli->error, PINTLE_ERR_TRUST,
                        "no manifest is stored or shipped, so nothing would be pinned; leave --no-refresh out, or give "
                        "--store or --shipped");
    }
    pintle_client_error(app->client, detail, sizeof detail);
    return pti_fail(&app->cli->error, status,
                    status == PINTLE_ERR_TRUST
                        ? "the manifest was rejected and none is stored: %.350s; is the trust anchor this repository's?"
                    : status == PINTLE_ERR_INPUT
                        ? "the manifest was rejected and none is stored: %.400s"
                        : "no manifest is to be had and none is stored: %.350s; check the URL and that it is served",
                    detail);
}

bool pti_app_heal(struct pti_app *app)
{
    if (!may_refresh(app)) {
        return false;
    }
    if (pintle_client_heal(app->client, app->host, app->timeout_ms) != PINTLE_OK) {
        say(app, "no pin matched, and the refresh that might have brought one failed");
        return false;
    }
    say(app, "no pin matched; refreshed the manifest, connecting once more");
    return true;
}

bool pti_app_take_refusal(struct pti_app *app, struct pintle_verdict *verdict)
{
    bool refused = false;

    pthread_mutex_lock(&app->lock);
    refused = app->refused.status != PINTLE_OK;
    *verdict = app->refused;
    memset(&app->refused, 0, sizeof app->refused);
    pthread_mutex_unlock(&app->lock);
    return refused;
}

void pti_app_describe(const struct pintle_verdict *verdict, char *out, size_t size)
{
    struct pintle_verdict final = *verdict;

    if (final.status == PINTLE_ERR_RETRY) {
        final.status = PINTLE_ERR_PIN_MISMATCH; /* the advice to refresh has been taken, or was not wanted */
    }
    pintle_verdict_describe(&final, out, size);
}

void pti_app_send_reports(struct pti_app *app)
{
    char detail[PTI_ERROR_DETAIL_MAX];

    if (app->reported && pintle_client_send_reports(app->client, REPORT_DEADLINE_MS) != PINTLE_OK) {
        pintle_client_error(app->client, detail, sizeof detail);
        say(app, "the report could not be sent: %s", detail);
    }
}
