/* SPDX-License-Identifier: Apache-2.0 */
/* The turn that a long call of a client has while it works, so that there is one refresh or sending at a time. */
#ifndef PTI_CLIENT_TURN_H
#define PTI_CLIENT_TURN_H

#include "client/client.h"

#define PTI_LOOK_AGAIN_MS 20

/*
 * Around a call that may take long.  pti_client_begin() waits for the turn until deadline_ms milliseconds have passed, and
 * says in *deadline when that is; if it fails, the call has ended.  pti_client_end() gives the turn back.  A failure is
 * left for pintle_client_error(), and its status returned; pintle_client_free() waits until then, so that the client may
 * be gone afterwards; with NULL what failed before stays to be asked for.  PINTLE_ERR_MISUSE (deadline_ms is not above 0), PINTLE_ERR_NETWORK (it has passed).
 */
enum pintle_status pti_client_begin(struct pintle_client *client, const char *what, int64_t deadline_ms,
                                    int64_t *deadline);
enum pintle_status pti_client_end(struct pintle_client *client, const struct pti_error *error);

/*
 * pti_client_begin() for whoever waits for a refresh that serves this wish.  Other calls go first, because a refresh among
 * them serves it too; once one has, *served is true, the call has no turn, and pti_client_end_served() ends it.
 */
enum pintle_status pti_client_begin_heal(struct pintle_client *client, uint64_t wish, int64_t deadline_ms,
                                         int64_t *deadline, bool *served);
enum pintle_status pti_client_end_served(struct pintle_client *client, const struct pti_error *error);

#endif
