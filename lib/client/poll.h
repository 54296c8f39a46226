/* SPDX-License-Identifier: Apache-2.0 */
/* One poll of one copy of the repository, from the first request to pins in force. */
#ifndef PTI_CLIENT_POLL_H
#define PTI_CLIENT_POLL_H

#include "client/client.h"

/*
 * Called with the client's turn.  base is a URL without trailing slash; deadline_ms is of the client's monotonic
 * clock.  *applied: a manifest with another content than before came into force.  On failure everything stays as it was.
 */
enum pintle_status pti_poll(struct pintle_client *client, const char *base, int64_t deadline_ms, bool *applied,
                            struct pti_error *error);

#endif
