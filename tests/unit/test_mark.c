/* SPDX-License-Identifier: Apache-2.0 */
/* A mark is that of the content, however it was cut into pieces, and every change of the content changes it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "client/mark.h"

#define SIZE 61

static struct pti_mark mark_of(const uint8_t *data, size_t size, size_t piece)
{
    struct pti_mark mark;

    pti_mark_init(&mark);
    for (size_t at = 0; at < size; at += piece)
        pti_mark_update(&mark, data + at, size - at < piece ? size - at : piece);
    return mark;
}

static void pieces_do_not_matter(void **state)
{
    uint8_t data[SIZE];

    (void)state;
    for (size_t i = 0; i < SIZE; i++)
        data[i] = (uint8_t)(i * 37);
    for (size_t size = 0; size <= SIZE; size++) {
        struct pti_mark whole = mark_of(data, size, SIZE);
        for (size_t piece = 1; piece < 20; piece++) {
            struct pti_mark mark = mark_of(data, size, piece);
            assert_true(pti_mark_equal(&whole, &mark));
        }
    }
}

static void every_bit_and_every_length_counts(void **state)
{
    uint8_t data[SIZE] = {0};
    struct pti_mark zeros[SIZE + 1];

    (void)state;
    for (size_t size = 0; size <= SIZE; size++) {
        zeros[size] = mark_of(data, size, SIZE);
        for (size_t other = 0; other < size; other++)
            assert_false(pti_mark_equal(&zeros[size], &zeros[other]));
    }
    for (size_t bit = 0; bit < 8 * (size_t)SIZE; bit++) {
        struct pti_mark mark;
        data[bit / 8] = (uint8_t)(1u << bit % 8);
        mark = mark_of(data, SIZE, SIZE);
        assert_false(pti_mark_equal(&zeros[SIZE], &mark));
        data[bit / 8] = 0;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_do_not_matter),
        cmocka_unit_test(every_bit_and_every_length_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
