/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gzip undone as it arrives, and the lines that announce it: the first byte says how the rest is cut into pieces.  Whole or
 * in pieces it comes to the same, and never to more than the bound.
 */
#include "base/buf.h"
#include "fuzz.h"
#include "sys/curl/encoding.h"
#include "sys/curl/gunzip.h"

#define OUT_MAX 65536

static bool run(const uint8_t *data, size_t size, size_t piece, struct pti_buf *out)
{
    struct pintle_sink sink = pti_buf_sink(out);
    struct pti_gunzip *gunzip = pti_gunzip_new(&sink, OUT_MAX);
    const char *wrong = NULL;

    REQUIRE(gunzip != NULL);
    for (size_t at = 0; at < size && wrong == NULL; at += piece)
        wrong = pti_gunzip_write(gunzip, data + at, size - at < piece ? size - at : piece);
    if (wrong == NULL)
        wrong = pti_gunzip_end(gunzip);
    pti_gunzip_free(gunzip);
    REQUIRE(out->size <= OUT_MAX);
    return wrong == NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pti_encoding encoding = {PTI_ENCODING_NONE, true, false};
    struct pti_buf whole, pieces;
    bool good;

    if (size < 2)
        return 0;
    pti_encoding_read(&encoding, (const char *)data + 1, size - 1);
    pti_buf_init(&whole, OUT_MAX + 1);
    pti_buf_init(&pieces, OUT_MAX + 1);
    good = run(data + 1, size - 1, size - 1, &whole);
    REQUIRE(good == run(data + 1, size - 1, (size_t)data[0] + 1, &pieces));
    REQUIRE(!good || pti_bytes_equal(pti_buf_bytes(&whole), pti_buf_bytes(&pieces)));
    pti_buf_clear(&whole);
    pti_buf_clear(&pieces);
    return 0;
}
