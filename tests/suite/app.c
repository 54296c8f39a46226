/* SPDX-License-Identifier: Apache-2.0 */
/* The application's client: a real one, with a store, over what the order names. */
#include <stdio.h>
#include <string.h>

#include "frame.h"

static void hear(void *ctx, const struct pintle_event *event)
{
    struct frame_app *app = ctx;

    if (event->kind == PINTLE_EVENT_REFUSED)
        atomic_fetch_add(&app->refused, 1);
    if (event->kind == PINTLE_EVENT_REPORT_ONLY)
        atomic_fetch_add(&app->reported, 1);
}

static enum pintle_status set(struct pintle_config *config, const char *word, const char *value)
{
    if (strcmp(word, "roots") == 0)
        return pintle_config_set_roots_file(config, value);
    if (strcmp(word, "shipped") == 0)
        return pintle_config_set_shipped_file(config, value);
    if (strcmp(word, "url") == 0)
        return pintle_config_add_url(config, value);
    if (strcmp(word, "require") == 0)
        return pintle_config_require_host(config, value);
    if (strcmp(word, "unlisted") == 0)
        return pintle_config_set_unlisted(config, strcmp(value, "refuse") == 0 ? PINTLE_UNLISTED_REFUSE
                                                                               : PINTLE_UNLISTED_ACCEPT);
    return PINTLE_ERR_MISUSE;
}

static enum pintle_status configure(struct frame_app *app, struct pintle_config *config, char *line, char *detail,
                                    size_t size)
{
    enum pintle_status status = connector.crypto_new(&app->crypto);
    char *word, *value;

    if (status == PINTLE_OK)
        status = pintle_config_set_crypto(config, app->crypto);
    if (status == PINTLE_OK)
        status = pintle_config_set_transport(config, &frame_transport);
    if (status == PINTLE_OK)
        status = pintle_config_set_events(config, hear, app);
    while (status == PINTLE_OK && (word = frame_word(&line, &value)) != NULL) {
        if (strcmp(word, "store") == 0 && app->store.free == NULL)
            status = pintle_store_posix_init(&app->store, value, detail, size);
        else
            status = set(config, word, value);
    }
    if (status == PINTLE_OK)
        status = pintle_config_set_store(config, &app->store);
    return status;
}

bool frame_app_start(struct frame_app *app, char *line, char *detail, size_t size)
{
    struct pintle_config *config = NULL;
    enum pintle_status status;

    memset(app, 0, sizeof *app);
    detail[0] = '\0';
    status = pintle_config_new(&config);
    if (status == PINTLE_OK)
        status = configure(app, config, line, detail, size);
    if (status == PINTLE_OK)
        status = pintle_client_new(config, &app->client);
    if (status == PINTLE_OK)
        status = pintle_client_checker(app->client, &app->checker);
    if (status != PINTLE_OK && detail[0] == '\0')
        (void)snprintf(detail, size, "%s %s", pintle_status_name(status),
                       config != NULL ? pintle_config_error(config) : "");
    pintle_config_free(config);
    if (status != PINTLE_OK)
        frame_app_end(app);
    return status == PINTLE_OK;
}

void frame_app_release(struct frame_app *app)
{
    pintle_client_free(app->client);
    if (app->store.free != NULL)
        app->store.free(app->store.ctx);
    pintle_crypto_free(app->crypto);
    app->client = NULL;
    app->store.free = NULL;
    app->crypto = NULL;
}

void frame_app_end(struct frame_app *app)
{
    frame_app_release(app);
    pintle_checker_free(app->checker);
    memset(app, 0, sizeof *app);
}
