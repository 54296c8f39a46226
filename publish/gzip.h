/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file as it may go over the wire: one gzip member (RFC 1952), the same for the same bytes (no time, no name).
 * It lies beside the file, under its name with PTI_GZIP_SUFFIX.
 */
#ifndef PTI_PUBLISH_GZIP_H
#define PTI_PUBLISH_GZIP_H

#include <stdbool.h>

#include "base/buf.h"

#define PTI_GZIP_SUFFIX ".gz"

/* out is empty before; its maximum is set here.  PINTLE_ERR_MEMORY. */
enum pintle_status pti_gzip(struct pintle_bytes bytes, struct pti_buf *out, struct pti_error *error);

/* Whether a compressed form is so much smaller that it deserves a file of its own. */
bool pti_gzip_is_worth_it(size_t plain, size_t compressed);

#endif
