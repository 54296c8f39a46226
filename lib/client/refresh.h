/* SPDX-License-Identifier: Apache-2.0 */
/* A refresh: every copy of the repository in turn until one serves, then the schedule, the events and the reports. */
#ifndef PTI_CLIENT_REFRESH_H
#define PTI_CLIENT_REFRESH_H

#include "client/client.h"

/* With the turn.  The errors are those of pintle_client_refresh(). */
enum pintle_status pti_refresh(struct pintle_client *client, int64_t deadline, struct pti_error *error);

/* For a thread of our own: as pintle_client_refresh(), unless nothing is due, also after waiting for the turn. */
enum pintle_status pti_refresh_if_due(struct pintle_client *client, int64_t deadline_ms);

#endif
