/* SPDX-License-Identifier: Apache-2.0 */
/* HOST[:PORT] as people write it. */
#ifndef PTI_PROBE_ENDPOINT_H
#define PTI_PROBE_ENDPOINT_H

#include <pintle/verdict.h>

#include "base/error.h"

#define PTI_HTTPS_PORT 443

struct pti_endpoint {
    char host[PINTLE_HOST_MAX + 1]; /* normalised; IPv6 without brackets */
    uint16_t port;
};

/*
 * Reads "host", "host:port", "[v6]", "[v6]:port" or "v6".  Without a port, port is used.  PINTLE_ERR_INPUT: no host
 * name or address, a port that is none, or a URL where a host was expected.
 */
enum pintle_status pti_endpoint_parse(const char *text, uint16_t port, struct pti_endpoint *endpoint,
                                      struct pti_error *error);

/* 1 to 65535, decimal. */
bool pti_port_parse(const char *text, uint16_t *port);

#endif
