/* SPDX-License-Identifier: Apache-2.0 */
/* Where the server is reached: a socket, what is offered there, and the listener that serves it. */
#ifndef PTI_SERVER_ENDPOINT_H
#define PTI_SERVER_ENDPOINT_H

#include "server/address.h"
#include "server/routes.h"

struct pti_server_endpoint {
    struct pti_address address;
    struct pti_listener listener;
    struct pti_http *http; /* NULL before pti_endpoint_serve() */
    int socket;            /* -1: there is none, or the listener owns it */
};

/* Binds, so that clients may connect already; routes is borrowed.  PINTLE_ERR_NETWORK. */
enum pintle_status pti_endpoint_bind(struct pti_server_endpoint *endpoint, const struct pti_address *address,
                                     const struct pti_listener *listener, struct pti_error *error);
enum pintle_status pti_endpoint_serve(struct pti_server_endpoint *endpoint, const struct pti_http_options *options,
                                      struct pti_error *error);

void pti_endpoint_tick(struct pti_server_endpoint *endpoint); /* once a second */

/* Stopping: every endpoint quiesces, then all drain, then what they ask stops, then they are cleared. */
void pti_endpoint_quiesce(struct pti_server_endpoint *endpoint);
void pti_endpoint_drain(struct pti_server_endpoint *endpoint);
void pti_endpoint_clear(struct pti_server_endpoint *endpoint);

#endif
