/* SPDX-License-Identifier: Apache-2.0 */
#include "client/mark.h"

#include <string.h>

void pti_mark_init(struct pti_mark *mark)
{
    *mark = (struct pti_mark){UINT64_C(0x243f6a8885a308d3), 0, 0};
}

/* Multiplication carries low bits up, the shift brings high ones down. */
static void mix(struct pti_mark *mark, uint64_t word)
{
    mark->mixed = (mark->mixed ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    mark->mixed ^= mark->mixed >> 32;
}

void pti_mark_update(struct pti_mark *mark, const uint8_t *data, size_t size)
{
    while (size > 0) {
        if (mark->size % 8 == 0 && size >= 8) {
            uint64_t word;
            memcpy(&word, data, sizeof word);
            mix(mark, word);
            mark->size += 8;
            data += 8;
            size -= 8;
            continue;
        }
        uint8_t bytes[8];
        memcpy(bytes, &mark->word, sizeof bytes);
        bytes[mark->size % 8] = *data++;
        memcpy(&mark->word, bytes, sizeof bytes);
        mark->size++;
        size--;
        if (mark->size % 8 == 0) {
            mix(mark, mark->word);
            mark->word = 0;
        }
    }
}

bool pti_mark_equal(const struct pti_mark *a, const struct pti_mark *b)
{
    return a->mixed == b->mixed && a->word == b->word && a->size == b->size;
}
