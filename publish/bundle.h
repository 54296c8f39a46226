/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The forms of a published state that clients and apps take: body, heads, the roots file and the shipped generation
 * (docs/design.md, section 5.4); and its verification, by the client's own code.  Pure.
 */
#ifndef PTI_PUBLISH_BUNDLE_H
#define PTI_PUBLISH_BUNDLE_H

#include "manifest/generation.h"
#include "publish/published.h"

/* Containers.  out is empty before; its maximum is set here.  PINTLE_ERR_INPUT (too large), PINTLE_ERR_MEMORY. */
enum pintle_status pti_bundle_body(const struct pti_published *published, struct pti_buf *out, struct pti_error *error);
/* head/<root_version>: the roots after that version, then the timestamp. */
enum pintle_status pti_bundle_head(const struct pti_published *published, size_t root_version, struct pti_buf *out,
                                   struct pti_error *error);
/*
 * The oldest root version that has a head: a head holds at most PTI_ROOT_ROTATIONS_MAX roots and PTI_HEAD_SIZE_MAX bytes.
 * Older clients catch up with the plain files.
 */
size_t pti_bundle_first_head(const struct pti_published *published);
enum pintle_status pti_bundle_roots(const struct pti_published *published, struct pti_buf *out,
                                    struct pti_error *error);
/* The generation file that an app embeds; generation is what pti_bundle_verify() built. */
enum pintle_status pti_bundle_shipped(const struct pti_generation *generation, struct pti_buf *out,
                                      struct pti_error *error);

/*
 * Verifies everything as a client does that starts with root 1 at time now (Unix seconds).  A zone role past its expiry
 * is no failure, as for clients.  On success the caller owns *roots (pti_roots_clear) and *generation; on failure they
 * are empty. PINTLE_ERR_TRUST, PINTLE_ERR_INPUT.
 */
enum pintle_status pti_bundle_verify(const struct pti_published *published, int64_t now, struct pintle_crypto *crypto,
                                     struct pti_roots *roots, struct pti_generation **generation,
                                     struct pti_error *error);
/*
 * The same with every expiry waived, and under the newest root that accepts it: what is published now may have expired,
 * or lag behind a root that came out alone, and is still the baseline.
 */
enum pintle_status pti_bundle_verify_baseline(const struct pti_published *published, int64_t now,
                                              struct pintle_crypto *crypto, struct pti_roots *roots,
                                              struct pti_generation **generation, struct pti_error *error);

/*
 * May somebody who signs trust what a stage is compared with?  Everything published verifies from root 1 on, expiry
 * waived, and continues exactly the roots of anchor: a roots file or root 1 alone, kept since the ceremony; empty: none.
 * Without an anchor a repository that somebody made up passes too.  PINTLE_ERR_TRUST, PINTLE_ERR_INPUT.
 */
enum pintle_status pti_bundle_check_base(const struct pti_published *published, struct pintle_bytes anchor, int64_t now,
                                         struct pintle_crypto *crypto, struct pti_error *error);

#endif
