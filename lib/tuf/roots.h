/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The chain of roots, every one from version 1 on, each verified by its predecessor and by itself.  It only grows.
 */
#ifndef PTI_TUF_ROOTS_H
#define PTI_TUF_ROOTS_H

#include "tuf/metadata.h"

struct pti_roots {
    struct pintle_crypto *crypto;    /* borrowed */
    struct pti_tuf_metadata **items; /* items[0] is version 1 */
    size_t count;
};

void pti_roots_init(struct pti_roots *roots, struct pintle_crypto *crypto);
void pti_roots_clear(struct pti_roots *roots);

/*
 * Adds version count + 1: it must meet the threshold of the newest root and of itself, have exactly that version, and
 * carry the same repository name.  The first root is trusted as given, once it meets its own threshold.
 * PINTLE_ERR_INPUT, PINTLE_ERR_TRUST, PINTLE_ERR_MEMORY; the chain is unchanged on failure.
 */
enum pintle_status pti_roots_add(struct pti_roots *roots, struct pintle_bytes bytes, struct pti_error *error);

/*
 * Adds every root of a roots file (container of "1.root.json", "2.root.json", ...; or the JSON of one root) that is newer
 * than the chain; those that are not newer are skipped unread.
 */
enum pintle_status pti_roots_add_file(struct pti_roots *roots, struct pintle_bytes file, struct pti_error *error);
void pti_roots_write(const struct pti_roots *roots, struct pti_buf *out);

/* The n of a path "<n>.root.json" without leading zeros; 0 for any other path. */
size_t pti_roots_path_version(struct pintle_bytes path);

const struct pti_tuf_metadata *pti_roots_newest(const struct pti_roots *roots);                   /* NULL if empty */
const struct pti_tuf_metadata *pti_roots_version(const struct pti_roots *roots, int64_t version); /* NULL if absent */

#endif
