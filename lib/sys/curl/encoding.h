/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which Content-Encoding a response has (RFC 9110, section 8.4), read line by line.  At most one is taken: gzip if it was
 * asked for (x-gzip is its other name), or identity, which changes nothing.  Two, of whatever kind and in however many
 * lines, are refused like an unknown one: a response compressed twice is nothing that a server of manifests sends.
 */
#ifndef PTI_SYS_CURL_ENCODING_H
#define PTI_SYS_CURL_ENCODING_H

#include <stdbool.h>
#include <stddef.h>

enum pti_encoding_kind { PTI_ENCODING_NONE, PTI_ENCODING_GZIP, PTI_ENCODING_OTHER };

struct pti_encoding {
    enum pti_encoding_kind kind; /* so far */
    bool gzip_asked;
    bool named; /* some encoding stood in this response already */
};

/* One line of a response's head; a status line begins the next response. */
void pti_encoding_read(struct pti_encoding *encoding, const char *line, size_t size);

#endif
