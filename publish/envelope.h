/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The envelope of signed metadata: {"signatures":[{"keyid":..,"sig":..}],"signed":{..}}.  Pure.  What is signed is the
 * canonical form of "signed"; the file is compact, valid JSON.
 */
#ifndef PTI_PUBLISH_ENVELOPE_H
#define PTI_PUBLISH_ENVELOPE_H

#include "publish/metadata_write.h"

/* An envelope without signatures around signed_json.  PINTLE_ERR_INPUT: that is no JSON object. */
enum pintle_status pti_envelope_write(struct pintle_bytes signed_json, struct pti_buf *out, struct pti_error *error);

/*
 * The same envelope with key's signature added, or replaced if it had one.  The signature is verified, through crypto
 * and over the bytes as they will be read back, before anything is returned.
 * PINTLE_ERR_INPUT (no envelope, too many signatures), PINTLE_ERR_TRUST (the signature made does not verify).
 */
enum pintle_status pti_envelope_sign(struct pintle_bytes envelope, const struct pti_signing_key *key,
                                     struct pintle_crypto *crypto, struct pti_buf *out, struct pti_error *error);

/*
 * The same envelope with a signature in hex by keyid added, or replaced if it had one; made elsewhere, and not verified.
 */
enum pintle_status pti_envelope_put(struct pintle_bytes envelope, const char *keyid, struct pintle_bytes hex,
                                    struct pti_buf *out, struct pti_error *error);
/* What signatures are made over, as a hash: SHA-256 of the canonical form of "signed". */
enum pintle_status pti_envelope_digest(struct pintle_bytes envelope, struct pintle_crypto *crypto,
                                       uint8_t sha256[PINTLE_SHA256_SIZE], struct pti_error *error);

/* Whether key has signed envelope, and the signature is right. */
enum pintle_status pti_envelope_signed_by(struct pintle_bytes envelope, const struct pti_public_key *key,
                                          struct pintle_crypto *crypto, bool *good, struct pti_error *error);

/*
 * Which keys of role have signed envelope rightly (has_signed has role->key_count entries), and how many distinct
 * public keys that are; compare with role->threshold.
 */
enum pintle_status pti_envelope_signers(struct pintle_bytes envelope, const struct pti_role_keys *role,
                                        struct pintle_crypto *crypto, bool *has_signed, int64_t *count,
                                        struct pti_error *error);
/* The number alone. */
enum pintle_status pti_envelope_count(struct pintle_bytes envelope, const struct pti_role_keys *role,
                                      struct pintle_crypto *crypto, int64_t *count, struct pti_error *error);

/* version and expires (Unix seconds) of the signed part. PINTLE_ERR_INPUT. */
enum pintle_status pti_envelope_dates(struct pintle_bytes envelope, int64_t *version, int64_t *expires,
                                      struct pti_error *error);

#endif
