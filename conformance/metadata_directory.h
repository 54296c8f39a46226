/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One repository for pti_updater: its metadata URL, and the directory in which the verified files are kept, one
 * "<escaped role>.json" each.  Nothing else ends in .json there.
 */
#ifndef PTI_CONFORMANCE_METADATA_DIRECTORY_H
#define PTI_CONFORMANCE_METADATA_DIRECTORY_H

#include <pintle/transport.h>

#include "tuf/updater.h"

struct pti_metadata_directory {
    const char *path;
    const char *url;                          /* NULL: nothing can be fetched */
    const struct pintle_transport *transport; /* borrowed */
};

struct pti_updater_io pti_metadata_directory_io(struct pti_metadata_directory *directory);

/* Puts the first trusted root there.  PINTLE_ERR_TRUST, PINTLE_ERR_INPUT: it does not verify itself. PINTLE_ERR_STORAGE. */
enum pintle_status pti_metadata_directory_start(struct pti_metadata_directory *directory, const char *root,
                                                struct pintle_crypto *crypto, struct pti_error *error);

/* GET base followed by name, at most out->max bytes.  404 and 403 are PINTLE_OK with *found false. PINTLE_ERR_NETWORK. */
enum pintle_status pti_metadata_get(const struct pintle_transport *transport, const char *base, const char *name,
                                    struct pti_buf *out, bool *found, struct pti_error *error);

#endif
