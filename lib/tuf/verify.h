/* SPDX-License-Identifier: Apache-2.0 */
/* The one routine that verifies signatures, for all roles. */
#ifndef PTI_TUF_VERIFY_H
#define PTI_TUF_VERIFY_H

#include "tuf/metadata.h"

/*
 * PINTLE_OK if at least signers->threshold distinct public keys of signers have signed metadata.  Two keyids of one public
 * key count once.  Bad signatures beside enough good ones do no harm.  who names the role in the error:
 * PINTLE_ERR_TRUST, "payments: 1 of 2 required signatures verify".
 */
enum pintle_status pti_tuf_verify(const struct pti_tuf_metadata *metadata, const struct pti_tuf_signers *signers,
                                  const struct pti_tuf_keys *keys, const char *who, struct pti_error *error);

/* Does root meet its own threshold? */
enum pintle_status pti_tuf_root_verifies_itself(const struct pti_tuf_metadata *root, struct pti_error *error);
/*
 * Section 5.3: next has exactly the version after previous, meets the thresholds of both, and carries the same repository
 * name.  PINTLE_ERR_TRUST, PINTLE_ERR_MEMORY.
 */
enum pintle_status pti_tuf_root_succeeds(const struct pti_tuf_metadata *previous, const struct pti_tuf_metadata *next,
                                         struct pti_error *error);
/* Do two roots list the same keyids for a role? */
bool pti_tuf_same_signers(const struct pti_tuf_metadata *a, const struct pti_tuf_metadata *b, enum pti_tuf_type type);

/* Length and hash of a file as another file lists them.  PINTLE_ERR_TRUST; PINTLE_ERR_UNSUPPORTED if no hash is sha256. */
enum pintle_status pti_tuf_verify_file(struct pintle_bytes bytes, const struct pti_tuf_file *expected,
                                       struct pintle_crypto *crypto, struct pti_error *error);

/* Rollback: next may not be older than previous (TUF specification 5.4.3 and 5.5.5).  PINTLE_ERR_TRUST. */
enum pintle_status pti_tuf_timestamp_succeeds(const struct pti_tuf_metadata *previous,
                                              const struct pti_tuf_metadata *next, struct pti_error *error);
enum pintle_status pti_tuf_snapshot_succeeds(const struct pti_tuf_metadata *previous,
                                             const struct pti_tuf_metadata *next, struct pti_error *error);

#endif
