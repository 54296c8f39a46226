/* SPDX-License-Identifier: Apache-2.0 */
/* The content of each type of metadata, called by lib/tuf/metadata once the envelope is read. */
#ifndef PTI_TUF_METADATA_CONTENT_H
#define PTI_TUF_METADATA_CONTENT_H

#include "tuf/metadata.h"

enum pintle_status pti_tuf_root_content(const struct pti_json_value *content, struct pintle_crypto *crypto,
                                        struct pti_tuf_metadata *metadata, struct pti_error *error);
enum pintle_status pti_tuf_timestamp_content(const struct pti_json_value *content, struct pti_tuf_metadata *metadata,
                                             struct pti_error *error);
enum pintle_status pti_tuf_snapshot_content(const struct pti_json_value *content, struct pti_tuf_metadata *metadata,
                                            struct pti_error *error);
enum pintle_status pti_tuf_targets_content(const struct pti_json_value *content, struct pintle_crypto *crypto,
                                           struct pti_tuf_metadata *metadata, struct pti_error *error);

#endif
