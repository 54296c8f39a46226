/* SPDX-License-Identifier: Apache-2.0 */
/* Who answers what: one table of routes over health, metrics and reports; every other path is a published file. */
#ifndef PTI_SERVER_ROUTES_H
#define PTI_SERVER_ROUTES_H

#include "server/answer.h"

/* listener is borrowed by the handler. */
struct pti_http_handler pti_routes_handler(struct pti_listener *listener);

#endif
