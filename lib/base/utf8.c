/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 (RFC 3629, section 4: the table of well-formed sequences). */
#include "base/utf8.h"

size_t pti_utf8_length(const uint8_t *text, size_t size)
{
    uint8_t first = text[0];
    if (first < 0x80) {
        return 1;
    }
    size_t length = 0;
    /* The second byte's range is what excludes overlong forms, surrogates and values past U+10FFFF. */
    uint8_t low = 0x80;
    uint8_t high = 0xbf;
    if (first >= 0xc2 && first <= 0xdf) {
        length = 2;
    } else if (first >= 0xe0 && first <= 0xef) {
        length = 3;
        low = first == 0xe0 ? 0xa0 : low;
        high = first == 0xed ? 0x9f : high;
    } else if (first >= 0xf0 && first <= 0xf4) {
        length = 4;
        low = first == 0xf0 ? 0x90 : low;
        high = first == 0xf4 ? 0x8f : high;
    }
    if (length == 0 || length > size || text[1] < low || text[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return length;
}

size_t pti_utf8_encode(uint32_t scalar, uint8_t out[4])
{
    if (scalar < 0x80) {
        out[0] = (uint8_t)scalar;
        return 1;
    }
    size_t length = scalar < 0x800 ? 2 : scalar < 0x10000 ? 3 : 4;
    for (size_t i = length; i-- > 1; scalar >>= 6) {
        out[i] = (uint8_t)(0x80 | (scalar & 0x3f));
    }
    static const uint8_t marks[] = {0xc0, 0xe0, 0xf0};
    out[0] = (uint8_t)(marks[length - 2] | scalar);
    return length;
}
