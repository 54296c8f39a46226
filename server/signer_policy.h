/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the signer signs and what it refuses.  Pure: bytes and a time in, bytes out; the process around it is
 * server/signer_process.c.
 *
 * It never signs content that it is handed.  It is shown the publication, verifies it as a client would, under the
 * roots it knows and against the newest publication it has seen, and then builds timestamp and snapshot itself: same
 * content, later dates, versions higher than any it has seen or signed.  So whoever steers the requests can neither
 * roll back, drop or add a role, nor stretch a lifetime, nor use up the version numbers.
 *
 * A request is a container: "request.json" {"timestamp":version,"snapshot":version}, "roots" (every root from 1),
 * "timestamp.json" and "body" as published.  Version 0 means that this role is not to be signed; with both 0 the
 * publication is only shown, so that it becomes what later ones are measured against.
 * A reply is a container: "reply.json" {"refused":null} or {"refused":"why"}, and what was signed.
 */
#ifndef PTI_SERVER_SIGNER_POLICY_H
#define PTI_SERVER_SIGNER_POLICY_H

#include "manifest/generation.h"
#include "publish/resign.h"

struct pti_signer_policy {
    struct pintle_crypto *crypto; /* borrowed */
    struct pti_keyring keys;      /* owned */
    struct pti_expiry_days days;
    struct pti_roots roots;
    struct pti_generation *seen; /* the newest publication that verified; NULL before the first */
    int64_t timestamp_version;   /* the highest seen or signed */
    int64_t snapshot_version;
};

/* Takes keys over.  days says how long what it signs lives. */
void pti_signer_policy_init(struct pti_signer_policy *policy, struct pintle_crypto *crypto, struct pti_keyring *keys,
                            const struct pti_expiry_days *days);
void pti_signer_policy_clear(struct pti_signer_policy *policy);

/*
 * Verifies and, if asked to, signs.  A publication whose root names online keys that it does not hold is seen, and
 * refused: keys are read when the process starts.  On success *resigned holds what was signed.  PINTLE_ERR_INPUT or
 * _TRUST: refused, and the detail is the reason; what was seen before still counts.  PINTLE_ERR_MEMORY.
 */
enum pintle_status pti_signer_policy_decide(struct pti_signer_policy *policy, struct pintle_bytes request, int64_t now,
                                            struct pti_resigned *resigned, struct pti_error *error);

/* Whether it can sign what the newest root asks of timestamp and snapshot; PINTLE_ERR_TRUST says what is missing. */
enum pintle_status pti_signer_policy_check_keys(const struct pti_signer_policy *policy, struct pti_error *error);

/* The two messages. */
enum pintle_status pti_signer_request_write(const struct pti_published *published, int64_t timestamp_version,
                                            int64_t snapshot_version, struct pti_buf *out, struct pti_error *error);
void pti_signer_reply_write(enum pintle_status status, const struct pti_error *error,
                            const struct pti_resigned *resigned, struct pti_buf *out);
/* PINTLE_ERR_TRUST: the signer refused, the detail is its reason.  PINTLE_ERR_INPUT: no reply at all. */
enum pintle_status pti_signer_reply_read(struct pintle_bytes reply, struct pti_resigned *resigned,
                                         struct pti_error *error);

#endif
