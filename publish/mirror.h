/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The published files, written to another directory: for any web server, or as the source of a CDN.
 *
 * Each file is replaced atomically and durably, in an order in which nothing that is there refers to something that is
 * not: bodies, zones and charter, versioned metadata, roots, then the timestamp and the heads; the compressed form of
 * a file comes after it and goes before it.  A process that is killed at
 * any instruction leaves the old publication or the new one, and the next run completes it.
 */
#ifndef PTI_PUBLISH_MIRROR_H
#define PTI_PUBLISH_MIRROR_H

#include "publish/repository.h"

#define PTI_MIRROR_GRACE_S (14 * 86400) /* longer than a client needs a file that nothing refers to any more */

struct pti_mirror_result {
    size_t written; /* files that were not there, or had other bytes */
    size_t removed; /* that the repository no longer has */
};

/*
 * repository is held by the caller (PTI_REPOSITORY_WRITE or _PUBLISHED); directory is made if it is absent.  Files that the
 * repository no longer has go: heads at once, others PTI_MIRROR_GRACE_S after they were written; whatever else lies in
 * directory stays.  PINTLE_ERR_STORAGE: it cannot be written, it holds something else, another repository, or a newer
 * publication; then nothing in it was changed.
 */
enum pintle_status pti_mirror_write(const struct pti_repository *repository, const char *directory, int64_t now,
                                    struct pti_mirror_result *result, struct pti_error *error);

#endif
