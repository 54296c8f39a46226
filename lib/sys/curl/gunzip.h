/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One gzip member (RFC 1952), undone as it arrives, in 32 KB of window and a buffer of PTI_GUNZIP_CHUNK bytes.
 *
 * It promises that no more than max bytes ever reach the sink, that nothing follows the member, and that
 * pti_gunzip_end() succeeds only when its length and checksum were there and right.  Several members in a row, which
 * RFC 1952 allows and no server sends, are refused.  What it does not promise: that few bytes go in (whoever reads from
 * the network bounds that), or that a prefix that reached the sink is right: only pti_gunzip_end() says so.
 */
#ifndef PTI_SYS_CURL_GUNZIP_H
#define PTI_SYS_CURL_GUNZIP_H

#include <pintle/bytes.h>

#define PTI_GUNZIP_CHUNK 16384

struct pti_gunzip;

/* sink is borrowed.  NULL without memory. */
struct pti_gunzip *pti_gunzip_new(const struct pintle_sink *sink, size_t max);
void pti_gunzip_free(struct pti_gunzip *gunzip);

/* NULL, or what is wrong, in static words; after that only pti_gunzip_free() may follow. */
const char *pti_gunzip_write(struct pti_gunzip *gunzip, const uint8_t *data, size_t size);
/* Likewise: nothing more will come.  Of NULL nothing ever came. */
const char *pti_gunzip_end(const struct pti_gunzip *gunzip);

/* Among the answers of both: more than max bytes, or a sink that refused. */
extern const char pti_gunzip_too_large[];

#endif
