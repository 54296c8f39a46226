/* SPDX-License-Identifier: Apache-2.0 */
/* Signing snapshot and timestamp with the online keys that are at hand.  Pure. */
#ifndef PTI_PUBLISH_ONLINE_H
#define PTI_PUBLISH_ONLINE_H

#include "publish/envelope.h"

/*
 * Writes and signs with as many keys of ring as the newest root (the whole file) asks for.  *out is owned by the
 * caller. PINTLE_ERR_TRUST: "snapshot: 0 of 1 keys are at hand; ...".
 */
enum pintle_status pti_online_snapshot(const struct pti_snapshot_fields *fields, struct pintle_bytes root,
                                       const struct pti_keyring *ring, struct pintle_crypto *crypto,
                                       struct pintle_bytes *out, struct pti_error *error);
enum pintle_status pti_online_timestamp(const struct pti_timestamp_fields *fields, struct pintle_bytes root,
                                        const struct pti_keyring *ring, struct pintle_crypto *crypto,
                                        struct pintle_bytes *out, struct pti_error *error);

#endif
