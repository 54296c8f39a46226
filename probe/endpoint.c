/* SPDX-License-Identifier: Apache-2.0 */
#include "probe/endpoint.h"

#include <string.h>

#include "pin/host.h"

bool pti_port_parse(const char *text, uint16_t *port)
{
    unsigned long value = 0;

    if (!*text || strlen(text) > 5) {
        return false;
    }
    for (; *text; text++) {
        if (*text < '0' || *text > '9') {
            return false;
        }
        value = value * 10 + (unsigned long)(*text - '0');
    }
    if (value < 1 || value > UINT16_MAX) {
        return false;
    }
    *port = (uint16_t)value;
    return true;
}

enum pintle_status pti_endpoint_parse(const char *text, uint16_t port, struct pti_endpoint *endpoint,
                                      struct pti_error *error)
{
    const char *colon = strchr(text, ':');
    const char *bracket = strchr(text, ']');
    char name[PINTLE_HOST_MAX + 8];
    struct pti_host host;
    size_t length = strlen(text);

    memset(endpoint, 0, sizeof *endpoint);
    if (strstr(text, "://")) {
        return pti_fail(error, PINTLE_ERR_INPUT, "expected HOST or HOST:PORT, found the URL \"%.80s\"; give the host",
                        text);
    }
    if (bracket) {
        colon = strchr(bracket, ':');
    } else if (colon && strchr(colon + 1, ':')) {
        colon = NULL; /* IPv6 without brackets carries no port */
    }
    if (colon && !pti_port_parse(colon + 1, &port)) {
        return pti_fail(error, PINTLE_ERR_INPUT, "expected a port from 1 to 65535 after the host, found \"%.40s\"",
                        colon + 1);
    }
    if (colon) {
        length = (size_t)(colon - text);
    }
    if (length >= sizeof name) {
        return pti_fail(error, PINTLE_ERR_INPUT, "expected a host name of at most %d bytes, found %zu", PINTLE_HOST_MAX,
                        length);
    }
    memcpy(name, text, length);
    name[length] = '\0';
    if (pti_host_parse(name, &host, error) != PINTLE_OK) {
        return PINTLE_ERR_INPUT;
    }
    pti_copy_text(endpoint->host, sizeof endpoint->host, host.name);
    endpoint->port = port;
    return PINTLE_OK;
}
