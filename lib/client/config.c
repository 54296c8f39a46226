/* SPDX-License-Identifier: Apache-2.0 */
#include "client/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "pin/host.h"

enum pintle_status pintle_config_new(struct pintle_config **config)
{
    if (config == NULL)
        return PINTLE_ERR_MISUSE;
    *config = calloc(1, sizeof **config);
    if (*config == NULL)
        return PINTLE_ERR_MEMORY;
    (*config)->stale_days = -1;
    pintle_clock_system_init(&(*config)->clock);
    return PINTLE_OK;
}

void pintle_config_free(struct pintle_config *config)
{
    if (config == NULL)
        return;
    pti_bytes_free(&config->roots);
    pti_bytes_free(&config->shipped);
    for (size_t i = 0; i < config->url_count; i++)
        free(config->urls[i]);
    for (size_t i = 0; i < config->required_count; i++)
        free(config->required[i]);
    pintle_crypto_free(config->crypto);
    free(config);
}

const char *pintle_config_error(const struct pintle_config *config)
{
    return config != NULL ? config->error.detail : "";
}

static enum pintle_status out_of_memory(struct pintle_config *config)
{
    return pti_fail(&config->error, PINTLE_ERR_MEMORY, "out of memory");
}

static enum pintle_status set_bytes(struct pintle_config *config, struct pintle_bytes *field, struct pintle_bytes bytes,
                                    const char *what)
{
    struct pintle_bytes copy;

    if (config == NULL)
        return PINTLE_ERR_MISUSE;
    if (bytes.data == NULL || bytes.size == 0)
        return pti_fail(&config->error, PINTLE_ERR_MISUSE, "%s: expected bytes, found none", what);
    if (pti_bytes_copy(bytes, &copy) != PINTLE_OK)
        return out_of_memory(config);
    pti_bytes_free(field);
    *field = copy;
    return PINTLE_OK;
}

static enum pintle_status read_stream(FILE *file, struct pti_buf *out)
{
    uint8_t chunk[8192];
    size_t size;

    while ((size = fread(chunk, 1, sizeof chunk, file)) > 0)
        pti_buf_append(out, chunk, size);
    return ferror(file) ? PINTLE_ERR_STORAGE : out->status;
}

static enum pintle_status set_file(struct pintle_config *config, struct pintle_bytes *field, const char *path,
                                   const char *what)
{
    struct pti_buf content;
    enum pintle_status status;
    FILE *file;

    if (config == NULL)
        return PINTLE_ERR_MISUSE;
    if (path == NULL || path[0] == '\0')
        return pti_fail(&config->error, PINTLE_ERR_MISUSE, "%s: expected a path, found none", what);
    file = fopen(path, "rb");
    if (file == NULL)
        return pti_fail(&config->error, PINTLE_ERR_STORAGE, "%s: cannot open %s: %s", what, path, strerror(errno));
    pti_buf_init(&content, PTI_STORE_BLOB_MAX);
    status = read_stream(file, &content);
    if (status == PINTLE_OK)
        status = set_bytes(config, field, pti_buf_bytes(&content), what);
    else
        (void)pti_fail(&config->error, status, "%s: cannot read %s (%s)", what, path, pintle_status_name(status));
    pti_buf_clear(&content);
    (void)fclose(file);
    return status;
}

enum pintle_status pintle_config_set_roots_mem(struct pintle_config *config, struct pintle_bytes roots)
{
    return set_bytes(config, config != NULL ? &config->roots : NULL, roots, "roots");
}

enum pintle_status pintle_config_set_roots_file(struct pintle_config *config, const char *path)
{
    return set_file(config, config != NULL ? &config->roots : NULL, path, "roots");
}

enum pintle_status pintle_config_set_shipped_mem(struct pintle_config *config, struct pintle_bytes shipped)
{
    return set_bytes(config, config != NULL ? &config->shipped : NULL, shipped, "shipped generation");
}

enum pintle_status pintle_config_set_shipped_file(struct pintle_config *config, const char *path)
{
    return set_file(config, config != NULL ? &config->shipped : NULL, path, "shipped generation");
}

/* "https://host/path": printable, without query, fragment or credentials. */
static bool url_is_acceptable(const char *url)
{
    size_t scheme = strncmp(url, "https://", 8) == 0 ? 8 : strncmp(url, "http://", 7) == 0 ? 7 : 0;
    size_t size = strlen(url);

    if (scheme == 0 || size == scheme || size > PTI_URL_MAX || url[scheme] == '/')
        return false;
    for (size_t i = 0; i < size; i++)
        if (url[i] <= ' ' || url[i] > '~' || url[i] == '?' || url[i] == '#' || url[i] == '@' || url[i] == '"')
            return false;
    return true;
}

enum pintle_status pintle_config_add_url(struct pintle_config *config, const char *url)
{
    size_t size;
    char *copy;

    if (config == NULL)
        return PINTLE_ERR_MISUSE;
    if (url == NULL || !url_is_acceptable(url))
        return pti_fail(&config->error, PINTLE_ERR_MISUSE,
                        "url: expected https://host/path without query, fragment or credentials, found \"%s\"",
                        url != NULL ? url : "");
    if (config->url_count == PTI_URLS_MAX)
        return pti_fail(&config->error, PINTLE_ERR_MISUSE, "url: at most %d are allowed", PTI_URLS_MAX);
    size = strlen(url);
    while (url[size - 1] == '/')
        size--;
    copy = pti_bytes_strdup((struct pintle_bytes){(const uint8_t *)url, size});
    if (copy == NULL)
        return out_of_memory(config);
    config->urls[config->url_count++] = copy;
    return PINTLE_OK;
}

enum pintle_status pintle_config_require_host(struct pintle_config *config, const char *host)
{
    struct pti_host normal;
    enum pintle_status status;

    if (config == NULL)
        return PINTLE_ERR_MISUSE;
    if (host == NULL)
        return pti_fail(&config->error, PINTLE_ERR_MISUSE, "required host: expected a host name, found none");
    status = pti_host_parse(host, &normal, &config->error);
    if (status != PINTLE_OK)
        return status;
    for (size_t i = 0; i < config->required_count; i++)
        if (strcmp(config->required[i], normal.name) == 0)
            return PINTLE_OK;
    if (config->required_count == PTI_REQUIRED_HOSTS_MAX)
        return pti_fail(&config->error, PINTLE_ERR_MISUSE, "required host: at most %d are allowed",
                        PTI_REQUIRED_HOSTS_MAX);
    config->required[config->required_count] = pti_bytes_strdup(pti_bytes_text(normal.name));
    if (config->required[config->required_count] == NULL)
        return out_of_memory(config);
    config->required_count++;
    return PINTLE_OK;
}

enum pintle_status pintle_config_set_unlisted(struct pintle_config *config, enum pintle_unlisted unlisted)
{
    if (config == NULL)
        return PINTLE_ERR_MISUSE;
    if (unlisted != PINTLE_UNLISTED_ACCEPT && unlisted != PINTLE_UNLISTED_REFUSE)
        return pti_fail(&config->error, PINTLE_ERR_MISUSE, "unlisted: expected accept or refuse, found %d",
                        (int)unlisted);
    config->unlisted = unlisted;
    return PINTLE_OK;
}

enum pintle_status pintle_config_set_stale(struct pintle_config *config, int days)
{
    if (config == NULL)
        return PINTLE_ERR_MISUSE;
    if (days < 0 || days > PTI_STALE_DAYS_MAX)
        return pti_fail(&config->error, PINTLE_ERR_MISUSE, "stale: expected 0 to %d days, found %d", PTI_STALE_DAYS_MAX,
                        days);
    config->stale_days = days;
    return PINTLE_OK;
}

static bool app_text_is_acceptable(const char *text)
{
    size_t size = strlen(text);

    for (size_t i = 0; i < size; i++)
        if (text[i] < ' ' || text[i] > '~' || text[i] == '"' || text[i] == '\'' || text[i] == '\\')
            return false;
    return size <= PTI_APP_TEXT_MAX;
}

static enum pintle_status set_named(struct pintle_config *config, const char *what, const char *name,
                                    const char *version, char out_name[PTI_APP_TEXT_MAX + 1],
                                    char out_version[PTI_APP_TEXT_MAX + 1])
{
    if (name == NULL || version == NULL || !app_text_is_acceptable(name) || !app_text_is_acceptable(version))
        return pti_fail(&config->error, PINTLE_ERR_MISUSE,
                        "%s: expected a name and a version of at most %d printable ASCII characters without quotes",
                        what, PTI_APP_TEXT_MAX);
    (void)pti_copy_text(out_name, PTI_APP_TEXT_MAX + 1, name);
    (void)pti_copy_text(out_version, PTI_APP_TEXT_MAX + 1, version);
    return PINTLE_OK;
}

enum pintle_status pintle_config_set_app(struct pintle_config *config, const char *id, const char *version)
{
    if (config == NULL)
        return PINTLE_ERR_MISUSE;
    return set_named(config, "app", id, version, config->app_id, config->app_version);
}

enum pintle_status pintle_config_set_platform(struct pintle_config *config, const char *os, const char *version)
{
    if (config == NULL)
        return PINTLE_ERR_MISUSE;
    return set_named(config, "platform", os, version, config->os, config->os_version);
}

enum pintle_status pintle_config_set_crypto(struct pintle_config *config, struct pintle_crypto *crypto)
{
    if (config == NULL)
        return PINTLE_ERR_MISUSE;
    if (crypto == NULL)
        return pti_fail(&config->error, PINTLE_ERR_MISUSE, "crypto: expected a provider, found none");
    (void)pti_crypto_ref(crypto);
    pintle_crypto_free(config->crypto);
    config->crypto = crypto;
    return PINTLE_OK;
}

/* The first field of a vtable says how much of it the caller knows; what this library needs must be among it. */
static enum pintle_status vtable_too_small(struct pintle_config *config, const char *what)
{
    return pti_fail(&config->error, PINTLE_ERR_MISUSE, "%s: size or a function of the vtable is missing", what);
}

enum pintle_status pintle_config_set_transport(struct pintle_config *config, const struct pintle_transport *transport)
{
    if (config == NULL)
        return PINTLE_ERR_MISUSE;
    if (transport == NULL || transport->size < sizeof *transport || transport->perform == NULL)
        return vtable_too_small(config, "transport");
    config->transport = *transport;
    return PINTLE_OK;
}

enum pintle_status pintle_config_set_store(struct pintle_config *config, const struct pintle_store *store)
{
    if (config == NULL)
        return PINTLE_ERR_MISUSE;
    if (store == NULL || store->size < sizeof *store || store->load == NULL || store->save == NULL ||
        store->remove == NULL || store->lock == NULL || store->unlock == NULL)
        return vtable_too_small(config, "store");
    config->store = *store;
    return PINTLE_OK;
}

enum pintle_status pintle_config_set_clock(struct pintle_config *config, const struct pintle_clock *clock)
{
    if (config == NULL)
        return PINTLE_ERR_MISUSE;
    if (clock == NULL || clock->size < sizeof *clock || clock->now == NULL || clock->monotonic_ms == NULL ||
        clock->random == NULL)
        return vtable_too_small(config, "clock");
    config->clock = *clock;
    return PINTLE_OK;
}

enum pintle_status pintle_config_set_events(struct pintle_config *config, pintle_event_fn on_event, void *ctx)
{
    if (config == NULL)
        return PINTLE_ERR_MISUSE;
    config->on_event = on_event;
    config->event_ctx = ctx;
    return PINTLE_OK;
}

static bool copy_texts(char *const *from, size_t count, char **to, size_t *to_count)
{
    for (; *to_count < count; (*to_count)++) {
        to[*to_count] = pti_bytes_strdup(pti_bytes_text(from[*to_count]));
        if (to[*to_count] == NULL)
            return false;
    }
    return true;
}

struct pintle_config *pti_config_copy(const struct pintle_config *config)
{
    struct pintle_config *copy = malloc(sizeof *copy);

    if (copy == NULL)
        return NULL;
    *copy = *config;
    copy->roots = copy->shipped = (struct pintle_bytes){NULL, 0};
    copy->url_count = copy->required_count = 0;
    copy->crypto = config->crypto != NULL ? pti_crypto_ref(config->crypto) : NULL;
    pti_error_clear(&copy->error);
    if (pti_bytes_copy(config->roots, &copy->roots) == PINTLE_OK &&
        pti_bytes_copy(config->shipped, &copy->shipped) == PINTLE_OK &&
        copy_texts(config->urls, config->url_count, copy->urls, &copy->url_count) &&
        copy_texts(config->required, config->required_count, copy->required, &copy->required_count))
        return copy;
    pintle_config_free(copy);
    return NULL;
}
