/* SPDX-License-Identifier: Apache-2.0 */
/* Whose request this is, as coarse as report/network.h has it: of the peer or, behind a proxy, of who that says. */
#ifndef PTI_SERVER_SOURCE_H
#define PTI_SERVER_SOURCE_H

#include "server/answer.h"

uint64_t pti_source_network(const struct pti_listener *listener, const struct pti_http_exchange *exchange);
/* Whether it is this machine, which no limit is for. */
bool pti_source_is_here(const struct pti_listener *listener, const struct pti_http_exchange *exchange);

#endif
