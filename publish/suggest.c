/* SPDX-License-Identifier: Apache-2.0 */
#include "publish/suggest.h"

#include <stdint.h>
#include <string.h>

#define NAME_MAX_LENGTH 40

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t pti_suggest_distance(const char *a, const char *b)
{
    size_t rows[3][NAME_MAX_LENGTH + 1];
    size_t a_length = strlen(a), b_length = strlen(b);

    if (a_length > NAME_MAX_LENGTH || b_length > NAME_MAX_LENGTH) {
        return SIZE_MAX;
    }
    for (size_t j = 0; j <= b_length; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= a_length; i++) {
        size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *two_above = rows[(i + 1) % 3];

        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            row[j] = smaller(above[j] + 1, row[j - 1] + 1);
            row[j] = smaller(row[j], above[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                row[j] = smaller(row[j], two_above[j - 2] + 1);
            }
        }
    }
    return rows[a_length % 3][b_length];
}

void pti_suggestion_init(struct pti_suggestion *suggestion, const char *typed)
{
    suggestion->typed = typed;
    suggestion->nearest = NULL;
    suggestion->distance = strlen(typed) < 6 ? 1 : strlen(typed) / 3;
}

void pti_suggestion_offer(struct pti_suggestion *suggestion, const char *candidate)
{
    size_t distance = pti_suggest_distance(suggestion->typed, candidate);

    if (distance > suggestion->distance || (suggestion->nearest && distance == suggestion->distance)) {
        return;
    }
    /* One letter typed, another meant: no relation at all. */
    if (distance >= strlen(suggestion->typed)) {
        return;
    }
    suggestion->nearest = candidate;
    suggestion->distance = distance;
}
