/* SPDX-License-Identifier: Apache-2.0 */
/* The request header `Pintle-Manifest`: which pins this client holds, for whoever counts; grammar in pintle_client(3). */
#ifndef PTI_CLIENT_HEADER_H
#define PTI_CLIENT_HEADER_H

#include "client/client.h"

#define PTI_HEADER_MAX 1024 /* with terminator */

/* pintle_client_header() without flags, which are for requests: for people and messages. */
void pti_header_versions(struct pintle_client *client, const char *host, char *out, size_t size);

/* What the client's own polls say: charter, as many zones as fit, application and platform.  With the turn. */
void pti_header_of_poll(struct pintle_client *client, char out[PTI_HEADER_MAX]);

/* Appends the flags (bits of enum pti_adoption_flag) to a text of at most size bytes with terminator. */
void pti_header_add_flags(char *text, size_t size, unsigned flags);

#endif
