/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/collector.h"

#include <string.h>

#include "cli/url.h"
#include "pin/pinset.h"

static enum pintle_status check_url(struct pti_cli *cli, const struct pintle_pinset *pinset, const char *url)
{
    const struct pti_policy *policy = NULL;
    struct pti_endpoint endpoint;
    struct pti_host host;

    if (pti_url_host(url, &endpoint, &cli->error) != PINTLE_OK ||
        pti_host_parse(endpoint.host, &host, &cli->error) != PINTLE_OK) {
        return pti_error_prefix(&cli->error, "%.200s", url);
    }
    policy = pti_pinset_effective(pinset, &host);
    if (policy) {
        return pti_fail(&cli->error, PINTLE_ERR_INPUT,
                        "expected reports to go to a host that is not pinned, found %.200s, which %s covers: who "
                        "intercepts it would get the reports; name another host with `pintle charter set "
                        "--report-url URL`",
                        url, policy->host);
    }
    if (strncmp(url, "http://", 7) == 0 && !pti_host_is_loopback(host.name)) {
        fprintf(cli->err, "warning: reports to %s can be read and dropped by everybody on the way; use https://\n",
                url);
    }
    return PINTLE_OK;
}

enum pintle_status pti_cli_check_collectors(struct pti_cli *cli, const struct pti_charter *charter)
{
    const struct pti_pinset_input input = {.charter = charter, .refuse_after = PTI_NEVER};
    struct pintle_pinset *pinset = NULL;
    enum pintle_status status = PINTLE_OK;

    if (charter->report_url_count > 0) {
        status = pti_pinset_compile(&input, &pinset, &cli->error); /* what covers a host is the client's to say */
    }
    for (size_t i = 0; status == PINTLE_OK && i < charter->report_url_count; i++) {
        status = check_url(cli, pinset, charter->report_urls[i]);
    }
    pintle_pinset_free(pinset);
    return status;
}
