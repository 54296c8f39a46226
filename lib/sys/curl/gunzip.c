/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/curl/gunzip.h"

#include <limits.h>
#include <stdlib.h>

#include <zlib.h>

const char pti_gunzip_too_large[] = "gzip: more bytes than the reader takes";
static const char trailing[] = "gzip: something follows the end of the member";

#define GZIP_ONLY (16 + MAX_WBITS) /* not zlib's own format, not raw deflate */

struct pti_gunzip {
    z_stream stream;
    const struct pintle_sink *sink;
    size_t left; /* what may still come out */
    bool ended;
    uint8_t out[PTI_GUNZIP_CHUNK];
};

struct pti_gunzip *pti_gunzip_new(const struct pintle_sink *sink, size_t max)
{
    struct pti_gunzip *gunzip = calloc(1, sizeof *gunzip);

    if (gunzip == NULL)
        return NULL;
    gunzip->sink = sink;
    gunzip->left = max;
    if (inflateInit2(&gunzip->stream, GZIP_ONLY) != Z_OK) {
        free(gunzip);
        return NULL;
    }
    return gunzip;
}

void pti_gunzip_free(struct pti_gunzip *gunzip)
{
    if (gunzip == NULL)
        return;
    inflateEnd(&gunzip->stream);
    free(gunzip);
}

/* One bufferful; Z_OK as long as there may be more. */
static const char *step(struct pti_gunzip *gunzip)
{
    size_t size;
    int result;

    gunzip->stream.next_out = gunzip->out;
    gunzip->stream.avail_out = sizeof gunzip->out;
    result = inflate(&gunzip->stream, Z_NO_FLUSH);
    size = sizeof gunzip->out - gunzip->stream.avail_out;
    if (result == Z_MEM_ERROR)
        return "gzip: out of memory";
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
        return "gzip: damaged";
    if (size > gunzip->left || (size > 0 && !gunzip->sink->write(gunzip->sink->ctx, gunzip->out, size)))
        return pti_gunzip_too_large;
    gunzip->left -= size;
    gunzip->ended = result == Z_STREAM_END;
    return NULL;
}

const char *pti_gunzip_write(struct pti_gunzip *gunzip, const uint8_t *data, size_t size)
{
    const char *wrong = NULL;

    while (size > 0 && wrong == NULL) {
        uInt piece = size > INT_MAX ? INT_MAX : (uInt)size;

        gunzip->stream.next_in = (Bytef *)(uintptr_t)data; /* zlib's const is a matter of how it was built */
        gunzip->stream.avail_in = piece;
        do {
            if (gunzip->ended)
                return trailing;
            wrong = step(gunzip);
            /* A full buffer may have left bytes in zlib's window. */
        } while (wrong == NULL && !gunzip->ended && (gunzip->stream.avail_in > 0 || gunzip->stream.avail_out == 0));
        if (wrong == NULL && gunzip->stream.avail_in > 0)
            wrong = trailing;
        data += piece;
        size -= piece;
    }
    return wrong;
}

const char *pti_gunzip_end(const struct pti_gunzip *gunzip)
{
    return gunzip != NULL && gunzip->ended ? NULL : "gzip: cut short";
}
