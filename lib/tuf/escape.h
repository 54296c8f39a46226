/* SPDX-License-Identifier: Apache-2.0 */
/* The one function by which a name from metadata becomes part of a URL or the name of a file. */
#ifndef PTI_TUF_ESCAPE_H
#define PTI_TUF_ESCAPE_H

#include "base/buf.h"

/* Bytes that an escaped name has at most: with a version, ".json" and what a writer adds it still is a file's name. */
#define PTI_TUF_ESCAPED_MAX 200

/*
 * Appends name to out with every byte percent-encoded (RFC 3986, section 2.1, upper-case hex) but A-Z a-z 0-9 '.' '_' '-'
 * '~'.  So what is appended holds no '/' and no NUL, and no two names become one; "." and ".." stay what they are, for
 * something always follows: ".json", or a hash goes before.  PINTLE_ERR_INPUT: empty, or longer than PTI_TUF_ESCAPED_MAX when escaped.
 */
enum pintle_status pti_tuf_escape(struct pintle_bytes name, struct pti_buf *out, struct pti_error *error);

#endif
