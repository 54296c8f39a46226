/* SPDX-License-Identifier: Apache-2.0 */
/* Asking for the token that a route wants; server/access.h decides. */
#ifndef PTI_SERVER_AUTHORIZE_H
#define PTI_SERVER_AUTHORIZE_H

#include "server/access.h"
#include "server/answer.h"

/*
 * Whether the request may go on; then its actor is set.  If not, it has been answered: 400, 401, 403, 429 or 503, in
 * the words of RFC 6750.
 */
bool pti_authorize(const struct pti_listener *listener, struct pti_http_exchange *exchange, unsigned route,
                   enum pti_scope scope);

#endif
