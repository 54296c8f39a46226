/* SPDX-License-Identifier: Apache-2.0 */
#include "server/endpoint.h"

#include <unistd.h>

#include "server/limits.h"
#include "server/log.h"

enum pintle_status pti_endpoint_bind(struct pti_server_endpoint *endpoint, const struct pti_address *address,
                                     const struct pti_listener *listener, struct pti_error *error)
{
    *endpoint = (struct pti_server_endpoint){.address = *address, .listener = *listener, .socket = -1};
    return pti_address_listen(&endpoint->address, &endpoint->socket, error);
}

enum pintle_status pti_endpoint_serve(struct pti_server_endpoint *endpoint, const struct pti_http_options *options,
                                      struct pti_error *error)
{
    struct pti_http_handler handler = pti_routes_handler(&endpoint->listener);
    int socket = endpoint->socket;

    endpoint->socket = -1; /* the listener owns it now */
    return pti_http_start(socket, options, &handler, &endpoint->http, error);
}

void pti_endpoint_tick(struct pti_server_endpoint *endpoint)
{
    if (endpoint->http)
        pti_http_tick(endpoint->http);
}

void pti_endpoint_quiesce(struct pti_server_endpoint *endpoint)
{
    if (endpoint->http)
        pti_http_quiesce(endpoint->http);
}

void pti_endpoint_drain(struct pti_server_endpoint *endpoint)
{
    if (endpoint->http && !pti_http_drain(endpoint->http, PTI_HTTP_DRAIN_S * 1000))
        pti_log(PTI_LOG_WARNING, "stopping: some requests did not end within %d s", PTI_HTTP_DRAIN_S);
}

void pti_endpoint_clear(struct pti_server_endpoint *endpoint)
{
    pti_http_free(endpoint->http);
    endpoint->http = NULL;
    if (endpoint->socket >= 0)
        close(endpoint->socket);
    endpoint->socket = -1;
}
