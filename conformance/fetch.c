/* SPDX-License-Identifier: Apache-2.0 */
#include "conformance/fetch.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"

void pti_fetcher_allow(struct pti_fetcher *fetcher, int64_t milliseconds)
{
    fetcher->deadline_ms = fetcher->clock->monotonic_ms(fetcher->clock->ctx) + milliseconds;
}

enum pintle_status pti_fetcher_get(const struct pti_fetcher *fetcher, const char *base, const char *name,
                                   struct pti_buf *out, bool *found, struct pti_error *error)
{
    int64_t left = fetcher->deadline_ms - fetcher->clock->monotonic_ms(fetcher->clock->ctx);
    struct pintle_response response = {sizeof response, 0, -1};
    struct pintle_sink sink = pti_buf_sink(out);
    char url[2 * PTI_URL_MAX], detail[PTI_ERROR_DETAIL_MAX] = "";
    size_t length = strlen(base);
    enum pintle_status status;

    *found = false;
    if (length + strlen(name) + 2 > sizeof url)
        return pti_fail(error, PINTLE_ERR_INPUT, "expected a URL of at most %d bytes, found %zu", PTI_URL_MAX, length);
    if (left <= 0)
        return pti_fail(error, PINTLE_ERR_NETWORK, "%.200s: the time for all that is fetched is over", name);
    (void)snprintf(url, sizeof url, "%s%s%s", base, length > 0 && base[length - 1] == '/' ? "" : "/", name);
    status = fetcher->transport->perform(fetcher->transport->ctx,
                                         &(struct pintle_request){.size = sizeof(struct pintle_request),
                                                                  .method = "GET",
                                                                  .url = url,
                                                                  .max_response = out->max,
                                                                  .timeout_ms = left,
                                                                  .min_bytes_per_second = PTI_MIN_BYTES_PER_SECOND},
                                         &sink, &response, detail, sizeof detail);
    if (out->status != PINTLE_OK) /* whatever the transport makes of a sink that refused */
        return pti_buf_check(out, error, url);
    if (status != PINTLE_OK)
        return pti_fail(error, PINTLE_ERR_NETWORK, "%s: %s", url, detail);
    if (response.status != 200 && response.status != 404 && response.status != 403)
        return pti_fail(error, PINTLE_ERR_NETWORK, "%s: expected HTTP status 200, found %d", url, response.status);
    *found = response.status == 200;
    return PINTLE_OK;
}
