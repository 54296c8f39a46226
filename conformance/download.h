/* SPDX-License-Identifier: Apache-2.0 */
/* Target files: fetched by the hash that verified metadata give, kept under one escaped name. */
#ifndef PTI_CONFORMANCE_DOWNLOAD_H
#define PTI_CONFORMANCE_DOWNLOAD_H

#include "conformance/fetch.h"
#include "tuf/updater.h"

#define PTI_TARGET_SIZE_MAX (256u << 20) /* bytes */

/*
 * Finds path, and fetches it from base into directory, which the caller holds, unless the very bytes are there.  Written
 * only once length and hash are right, and through no symbolic link.  PINTLE_ERR_INPUT: no such target; and everything that updater and transport say.
 */
enum pintle_status pti_download(struct pti_updater *updater, const struct pti_fetcher *fetcher, const char *base,
                                const char *directory, const char *path, struct pti_error *error);

#endif
