/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/url.h"

#include <arpa/inet.h>
#include <string.h>

enum pintle_status pti_url_host(const char *url, struct pti_endpoint *host, struct pti_error *error)
{
    const char *start = strstr(url, "://");
    char authority[PINTLE_HOST_MAX + 16];
    size_t length = 0;

    start = start ? start + 3 : url;
    length = strcspn(start, "/?#");
    if (length >= sizeof authority) {
        return pti_fail(error, PINTLE_ERR_INPUT, "expected a host name of at most %d bytes in the URL, found %zu",
                        PINTLE_HOST_MAX, length);
    }
    memcpy(authority, start, length);
    authority[length] = '\0';
    return pti_endpoint_parse(authority, PTI_HTTPS_PORT, host, error);
}

bool pti_host_is_loopback(const char *host)
{
    uint8_t address[4];

    return strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0 ||
           (inet_pton(AF_INET, host, address) == 1 && address[0] == 127);
}
