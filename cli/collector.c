/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/collector.h"

#include <string.h>

#include "pin/host.h"
#include "probe/endpoint.h"

/* The entry that decides for host; NULL if it is not pinned. */
static const struct pti_charter_host *covering(const struct pti_charter *charter, const char *host)
{
    const struct pti_charter_host *entry = pti_charter_find(charter, host);

    for (const char *parent = pti_host_parent(host); !entry && parent; parent = pti_host_parent(parent)) {
        entry = pti_charter_find(charter, parent);
        entry = entry && entry->subdomains ? entry : NULL;
    }
    return entry;
}

static bool is_loopback(const char *host)
{
    return strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0 || strncmp(host, "127.", 4) == 0;
}

static enum pintle_status host_of(const char *url, struct pti_endpoint *host, struct pti_error *error)
{
    const char *start = strstr(url, "://");
    char authority[PINTLE_HOST_MAX + 16];
    size_t length = 0;

    start = start ? start + 3 : url;
    length = strcspn(start, "/?#");
    if (length >= sizeof authority) {
        return pti_fail(error, PINTLE_ERR_INPUT,
                        "expected a host name of at most %d bytes in the report URL, found %zu", PINTLE_HOST_MAX,
                        length);
    }
    memcpy(authority, start, length);
    authority[length] = '\0';
    return pti_endpoint_parse(authority, PTI_HTTPS_PORT, host, error);
}

enum pintle_status pti_cli_check_collectors(struct pti_cli *cli, const struct pti_charter *charter)
{
    for (size_t i = 0; i < charter->report_url_count; i++) {
        const char *url = charter->report_urls[i];
        const struct pti_charter_host *entry = NULL;
        struct pti_endpoint host;

        if (host_of(url, &host, &cli->error) != PINTLE_OK) {
            return pti_error_prefix(&cli->error, "%.200s", url);
        }
        entry = covering(charter, host.host);
        if (entry) {
            return pti_fail(&cli->error, PINTLE_ERR_INPUT,
                            "expected reports to go to a host that is not pinned, found %.200s, which %s covers: who "
                            "intercepts it would get the reports; name another host with `pintle charter set "
                            "--report-url URL`",
                            url, entry->host);
        }
        if (strncmp(url, "http://", 7) == 0 && !is_loopback(host.host)) {
            fprintf(cli->err, "warning: reports to %s can be read and dropped by everybody on the way; use https://\n",
                    url);
        }
    }
    return PINTLE_OK;
}
