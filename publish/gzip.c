/* SPDX-License-Identifier: Apache-2.0 */
#include "publish/gzip.h"

#include <limits.h>

#include <zlib.h>

#define GZIP_ONLY (16 + MAX_WBITS)
#define MEMORY_LEVEL 8
#define OS_UNKNOWN 255 /* RFC 1952, section 2.3.1: where it was made is nobody's business */
#define PIECE 16384
#define SAVED_MIN 64 /* bytes; and a tenth: what is less vanishes beside the headers of an answer */

static enum pintle_status deflate_all(z_stream *stream, struct pti_buf *out, struct pti_error *error)
{
    uint8_t piece[PIECE];
    int result = Z_OK;

    while (result == Z_OK) {
        stream->next_out = piece;
        stream->avail_out = sizeof piece;
        result = deflate(stream, Z_FINISH);
        pti_buf_append(out, piece, sizeof piece - stream->avail_out);
    }
    return result == Z_STREAM_END ? pti_buf_check(out, error, "gzip") : pti_fail(error, PINTLE_ERR_MEMORY, "gzip");
}

enum pintle_status pti_gzip(struct pintle_bytes bytes, struct pti_buf *out, struct pti_error *error)
{
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)bytes.data};
    gz_header header = {.os = OS_UNKNOWN};
    enum pintle_status status;

    pti_buf_init(out, bytes.size + bytes.size / 1000 + 1024); /* what does not compress grows by less */
    if (bytes.size > UINT_MAX)
        return pti_fail(error, PINTLE_ERR_INPUT, "gzip: expected at most %u bytes, found %zu", UINT_MAX, bytes.size);
    stream.avail_in = (uInt)bytes.size;
    if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_ONLY, MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK)
        return pti_fail(error, PINTLE_ERR_MEMORY, "gzip: out of memory");
    status = deflateSetHeader(&stream, &header) == Z_OK ? deflate_all(&stream, out, error)
                                                        : pti_fail(error, PINTLE_ERR_MEMORY, "gzip");
    deflateEnd(&stream);
    return status;
}

bool pti_gzip_is_worth_it(size_t plain, size_t compressed)
{
    return compressed <= plain && plain - compressed >= SAVED_MIN && plain - compressed >= plain / 10;
}
