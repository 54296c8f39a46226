/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stage as one file that travels: with what it replaces, so that who has the file, their key and their own copy of the
 * trust anchor needs nothing else to verify, to read and to sign it (docs/design/0013-stage-file.md).
 *
 * It is a container (tuf/container.h) of the repository's own files under their own names: repository.json, names.json,
 * what public/ serves now, and stage/.  It may come from anybody.  Nothing in it is trusted but what verifies, no name in
 * it is ever a path on this machine, and what is not byte for byte as pti_stage_file_write() writes it is refused.
 */
#ifndef PTI_PUBLISH_STAGE_FILE_H
#define PTI_PUBLISH_STAGE_FILE_H

#include "publish/key_names.h"
#include "publish/repository.h"

#define PTI_STAGE_FILE_SIZE_MAX PTI_STORE_BLOB_MAX /* bytes */

/* out is empty before; its maximum is set here. */
enum pintle_status pti_stage_file_write(const struct pti_repository *repository, const struct pti_key_names *names,
                                        struct pti_buf *out, struct pti_error *error);

/*
 * A repository in memory alone: no directory, no lock, and nothing can be saved in it.  Freed with
 * pti_repository_close(); *names with pti_key_names_clear().  Signatures are not looked at: pti_bundle_check_base() does,
 * for what is published, and pti_stage_merge(), for the drafts.  A draft that has expired at now (Unix seconds), or does
 * not say what the staged content says, is refused: it cannot be published.  PINTLE_ERR_INPUT, PINTLE_ERR_STORAGE.
 */
enum pintle_status pti_stage_file_read(struct pintle_bytes file, int64_t now, struct pintle_crypto *crypto,
                                       struct pti_repository **repository, struct pti_key_names *names,
                                       struct pti_error *error);

#endif
