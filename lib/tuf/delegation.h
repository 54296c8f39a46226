/* SPDX-License-Identifier: Apache-2.0 */
/* Which target paths a delegated role is trusted with (TUF specification 1.0.34, section 4.5). */
#ifndef PTI_TUF_DELEGATION_H
#define PTI_TUF_DELEGATION_H

#include "tuf/metadata.h"

/* A target's path, and the hash that path_hash_prefixes speak of. */
struct pti_target_path {
    struct pintle_bytes path;              /* borrowed */
    char hash[2 * PINTLE_SHA256_SIZE + 1]; /* SHA-256 of path in lower-case hex */
};

/* PINTLE_ERR_INPUT for an empty path, PINTLE_ERR_MEMORY. */
enum pintle_status pti_target_path_init(struct pti_target_path *target, struct pintle_bytes path,
                                        struct pintle_crypto *crypto, struct pti_error *error);

/*
 * Does pattern match path?  Both are split at '/' and have the same number of parts; within a part '*' stands for any
 * characters and '?' for one.  Everything else stands for itself, "[" and "\\" as well.
 */
bool pti_target_path_matches(struct pintle_bytes pattern, struct pintle_bytes path);

bool pti_tuf_delegation_covers(const struct pti_tuf_delegation *delegation, const struct pti_target_path *target);

#endif
