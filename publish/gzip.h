/* SPDX-License-Identifier: Apache-2.0 */
/* A file as it may go over the wire: one gzip member (RFC 1952), the same for the same bytes (no time, no name). */
#ifndef PTI_PUBLISH_GZIP_H
#define PTI_PUBLISH_GZIP_H

#include "base/buf.h"

/* out is empty before; its maximum is set here.  PINTLE_ERR_MEMORY. */
enum pintle_status pti_gzip(struct pintle_bytes bytes, struct pti_buf *out, struct pti_error *error);

#endif
