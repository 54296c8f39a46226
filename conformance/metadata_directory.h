/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One repository for pti_updater: its metadata URL, and the directory in which the verified files are kept, one
 * "<escaped role>.json" each.  Nothing else ends in .json there.
 */
#ifndef PTI_CONFORMANCE_METADATA_DIRECTORY_H
#define PTI_CONFORMANCE_METADATA_DIRECTORY_H

#include "conformance/fetch.h"
#include "tuf/updater.h"

struct pti_metadata_directory {
    const char *path;
    const char *url;                   /* NULL: nothing can be fetched */
    const struct pti_fetcher *fetcher; /* borrowed */
};

struct pti_updater_io pti_metadata_directory_io(struct pti_metadata_directory *directory);

/* Puts the first trusted root there.  PINTLE_ERR_TRUST, PINTLE_ERR_INPUT: it does not verify itself. PINTLE_ERR_STORAGE. */
enum pintle_status pti_metadata_directory_start(struct pti_metadata_directory *directory, const char *root,
                                                struct pintle_crypto *crypto, struct pti_error *error);

/* The file at path, through no symbolic link; *found false if there is none, or one of more than out->max bytes. */
enum pintle_status pti_regular_read(const char *path, struct pti_buf *out, bool *found, struct pti_error *error);

/*
 * Makes the directory if it is missing, and waits until nobody else uses it: who writes there holds *lock, a descriptor to
 * close.  PINTLE_ERR_STORAGE, after wait_ms too.
 */
enum pintle_status pti_directory_hold(const char *path, int wait_ms, int *lock, struct pti_error *error);

#endif
