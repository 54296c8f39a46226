/* SPDX-License-Identifier: Apache-2.0 */
/* The compressed form of a published file: which files get one.  When it is there: test_publish_faults.c, test_wire.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "publish/gzip.h"

static void test_what_saves_little_is_not_worth_a_file(void **state)
{
    static const struct {
        size_t plain, compressed;
        bool want;
    } cases[] = {
        {0, 20, false},        {20, 40, false},     {63, 0, false},
        {64, 0, true},         {100, 36, true},     {100, 37, false},
        {639, 575, true},      {640, 576, true},    {640, 577, false},
        {641, 577, true},      {10000, 9000, true}, {10000, 9001, false},
        {10000, 10010, false}, {SIZE_MAX, 0, true}, {SIZE_MAX, SIZE_MAX, false},
        {0, SIZE_MAX, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (pti_gzip_is_worth_it(cases[i].plain, cases[i].compressed) != cases[i].want)
            fail_msg("%zu to %zu", cases[i].plain, cases[i].compressed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_what_saves_little_is_not_worth_a_file)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
