/* SPDX-License-Identifier: Apache-2.0 */
#include "server/source.h"

#include <string.h>

#include "report/network.h"

/* What the proxy has added to X-Forwarded-For: its last element.  Those before it are the client's word. */
static const char *forwarded_for(const struct pti_listener *listener, const struct pti_http_exchange *exchange)
{
    const char *list = listener->routes->behind_proxy ? pti_http_request(exchange)->forwarded_for : NULL;
    const char *comma = list ? strrchr(list, ',') : NULL;

    if (!list)
        return NULL;
    list = comma ? comma + 1 : list;
    return list + strspn(list, " \t");
}

uint64_t pti_source_network(const struct pti_listener *listener, const struct pti_http_exchange *exchange)
{
    const char *client = forwarded_for(listener, exchange);

    return client ? pti_network_parse(client) : pti_address_network(pti_http_source(exchange));
}

bool pti_source_is_here(const struct pti_listener *listener, const struct pti_http_exchange *exchange)
{
    const struct sockaddr *peer = pti_http_source(exchange);
    struct pti_address address = {.size = 0};

    if (forwarded_for(listener, exchange) || !peer)
        return false;
    address.socket.any = *peer;
    if (peer->sa_family == AF_INET)
        address.socket.v4 = *(const struct sockaddr_in *)(const void *)peer;
    else if (peer->sa_family == AF_INET6)
        address.socket.v6 = *(const struct sockaddr_in6 *)(const void *)peer;
    else
        return false;
    return pti_address_is_loopback(&address);
}
