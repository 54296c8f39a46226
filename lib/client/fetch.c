/* SPDX-License-Identifier: Apache-2.0 */
#include "client/fetch.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/encode.h"
#include "client/header.h"

static enum pintle_status perform(struct pti_fetch *fetch, const char *url, size_t size_max, struct pti_buf *out,
                                  struct pintle_response *response, struct pti_error *error)
{
    const struct pintle_config *config = fetch->client->config;
    int64_t left_ms = fetch->deadline_ms - config->clock.monotonic_ms(config->clock.ctx);
    char detail[PTI_ERROR_DETAIL_MAX] = "";
    struct pintle_sink sink = pti_buf_sink(out);
    char header[PTI_HEADER_MAX];
    struct pintle_request request = {
        .size = sizeof request,
        .method = "GET",
        .url = url,
        .max_response = size_max,
        .timeout_ms = left_ms,
        .min_bytes_per_second = PTI_MIN_BYTES_PER_SECOND,
        .manifest = header,
    };
    enum pintle_status status;

    if (pti_live_closed(fetch->client->live))
        return pti_fail(error, PINTLE_ERR_NETWORK, "%s: the client is going", url);
    if (left_ms <= 0)
        return pti_fail(error, PINTLE_ERR_NETWORK, "%s: the deadline has passed", url);
    (void)pti_copy_text(header, sizeof header, fetch->header);
    pti_header_add_flags(header, sizeof header, fetch->flags);
    fetch->flags = 0;
    status = config->transport.perform(config->transport.ctx, &request, &sink, response, detail, sizeof detail);
    fetch->answered = fetch->answered || status == PINTLE_OK;
    if (out->status != PINTLE_OK) /* whatever the transport makes of a sink that refused */
        return pti_buf_check(out, error, url);
    return status == PINTLE_OK ? status : pti_fail(error, PINTLE_ERR_NETWORK, "%s: %s", url, detail);
}

enum pintle_status pti_fetch_get(struct pti_fetch *fetch, const char *path, size_t size_max, struct pti_buf *out,
                                 bool *found, struct pti_error *error)
{
    struct pintle_response response = {sizeof response, 0, -1};
    char url[PTI_URL_MAX + PTI_CONTAINER_PATH_MAX + 64];
    enum pintle_status status;

    *found = false;
    pti_buf_clear(out);
    out->max = size_max;
    (void)snprintf(url, sizeof url, "%s/%s", fetch->base, path);
    status = perform(fetch, url, size_max, out, &response, error);
    if (status != PINTLE_OK)
        return status;
    if (response.retry_after_s > fetch->client->retry_after_s)
        fetch->client->retry_after_s = response.retry_after_s;
    if (response.status == 404 || response.status == 403)
        return PINTLE_OK;
    if (response.status != 200)
        return pti_fail(error, PINTLE_ERR_NETWORK, "%s: expected HTTP status 200, found %d", url, response.status);
    *found = true;
    return PINTLE_OK;
}

static void metadata_path(const struct pti_item *item, const char *role, char *out, size_t size)
{
    (void)snprintf(out, size, "metadata/%" PRId64 ".%s.json", item->expected->version, role);
}

/* "targets/<hash>.charter.json", "targets/zones/<hash>.<zone>.json": consistent snapshots (specification, section 6.2). */
static void target_path(const struct pti_item *item, const char *folder, const char *name, char *out, size_t size)
{
    char hash[PTI_HEX_SIZE(PINTLE_SHA256_SIZE) + 1];

    pti_hex_encode(item->expected->sha256, PINTLE_SHA256_SIZE, hash);
    (void)snprintf(out, size, "targets/%s%s.%s.json", folder, hash, name);
}

static void plain_path(const struct pti_item *item, char *out, size_t size)
{
    switch (item->kind) {
    case PTI_ITEM_SNAPSHOT:
        metadata_path(item, "snapshot", out, size);
        return;
    case PTI_ITEM_TARGETS:
        metadata_path(item, "targets", out, size);
        return;
    case PTI_ITEM_ROLE:
        metadata_path(item, item->zone, out, size);
        return;
    case PTI_ITEM_CHARTER:
        target_path(item, "", "charter", out, size);
        return;
    case PTI_ITEM_ZONE:
        target_path(item, "zones/", item->zone, out, size);
        return;
    }
}

static enum pintle_status get_plain(void *ctx, const struct pti_item *item, struct pintle_bytes *bytes,
                                    struct pti_error *error)
{
    struct pti_fetch *fetch = ctx;
    char path[PTI_CONTAINER_PATH_MAX + 1];
    bool found;
    enum pintle_status status;

    plain_path(item, path, sizeof path);
    status = pti_fetch_get(fetch, path, item->size_max, &fetch->buf, &found, error);
    if (status == PINTLE_OK && !found)
        status = pti_fail(error, PINTLE_ERR_NETWORK, "%s/%s: not found", fetch->base, path);
    *bytes = pti_buf_bytes(&fetch->buf);
    return status;
}

struct pti_manifest_source pti_fetch_source(struct pti_fetch *fetch)
{
    return (struct pti_manifest_source){get_plain, fetch, false};
}
