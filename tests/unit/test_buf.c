/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"

/* Every way to append, at every distance from the maximum: exactly max fits, one more is refused and stays refused. */
static void maximum_is_exact_and_failure_sticks(void **state)
{
    (void)state;
    enum { MAX = 70 };
    for (int how = 0; how < 3; how++) {
        for (size_t size = 0; size < 5; size++) {
            char text[8] = "12345";
            text[size] = '\0';
            struct pti_buf buf;
            pti_buf_init(&buf, MAX);
            struct pintle_sink sink = pti_buf_sink(&buf);
            for (int i = 0; i < 40; i++) {
                if (how == 0) {
                    pti_buf_text(&buf, text);
                } else if (how == 1) {
                    pti_buf_printf(&buf, "%s", text);
                } else {
                    bool taken = sink.write(sink.ctx, (const uint8_t *)text, size);
                    assert_int_equal(taken, buf.status == PINTLE_OK);
                }
                assert_true(buf.size <= MAX);
            }
            bool fits = size * 40 <= MAX;
            assert_int_equal(buf.status, fits ? PINTLE_OK : PINTLE_ERR_INPUT);
            assert_int_equal(buf.size, fits ? size * 40 : MAX / size * size);
            size_t before = buf.size;
            pti_buf_text(&buf, "");
            pti_buf_text(&buf, "x");
            assert_int_equal(buf.size, fits ? before + 1 : before);
            pti_buf_clear(&buf);
        }
    }
}

static void text_may_be_exactly_max_long(void **state)
{
    (void)state;
    struct pti_buf buf;
    pti_buf_init(&buf, 4);
    pti_buf_text(&buf, "abcd");
    assert_string_equal(pti_buf_cstr(&buf), "abcd");
    assert_int_equal(buf.size, 4);
    pti_buf_text(&buf, "e");
    assert_null(pti_buf_cstr(&buf));
    struct pti_error error;
    assert_int_equal(pti_buf_check(&buf, &error, "zone \"x\""), PINTLE_ERR_INPUT);
    assert_string_equal(error.detail, "zone \"x\": too large, expected at most 4 bytes");
    pti_buf_clear(&buf);
    assert_string_equal(pti_buf_cstr(&buf), "");
    assert_int_equal(pti_buf_check(&buf, &error, "zone"), PINTLE_OK);
    pti_buf_clear(&buf);
}

static void impossible_sizes_are_refused(void **state)
{
    (void)state;
    struct pti_buf buf;
    pti_buf_init(&buf, SIZE_MAX);
    pti_buf_text(&buf, "x");
    assert_int_equal(buf.status, PINTLE_ERR_INPUT);
    pti_buf_clear(&buf);
    pti_buf_init(&buf, 10);
    pti_buf_text(&buf, "x");
    pti_buf_append(&buf, "y", SIZE_MAX);
    assert_int_equal(buf.status, PINTLE_ERR_INPUT);
    assert_int_equal(buf.size, 1);
    pti_buf_clear(&buf);
}

static void compare_orders_like_bytes(void **state)
{
    (void)state;
    static const char *const sorted[] = {"", "a", "a\x01", "aa", "b", "\x7f", "\x80", "\xff", "\xff\xff"};
    int count = (int)(sizeof sorted / sizeof sorted[0]);
    for (int a = 0; a < count; a++) {
        for (int b = 0; b < count; b++) {
            int order = pti_bytes_compare(pti_bytes_text(sorted[a]), pti_bytes_text(sorted[b]));
            assert_int_equal((order > 0) - (order < 0), (a > b) - (a < b));
            assert_int_equal(pti_bytes_equal_text(pti_bytes_text(sorted[a]), sorted[b]), a == b);
        }
    }
    assert_int_equal(pti_bytes_compare((struct pintle_bytes){NULL, 0}, pti_bytes_text("")), 0);
    assert_true(pti_bytes_equal((struct pintle_bytes){NULL, 0}, pti_bytes_text("")));
}

static void copies_are_whole_or_nothing(void **state)
{
    (void)state;
    struct pintle_bytes with_nul = {(const uint8_t *)"a\0b", 3};
    struct pintle_bytes copy;
    assert_int_equal(pti_bytes_copy(with_nul, &copy), PINTLE_OK);
    assert_true(pti_bytes_equal(copy, with_nul));
    pti_bytes_free(&copy);
    assert_null(copy.data);
    assert_int_equal(pti_bytes_copy((struct pintle_bytes){NULL, 0}, &copy), PINTLE_OK);
    assert_int_equal(copy.size, 0);
    assert_null(copy.data);
    assert_null(pti_bytes_strdup(with_nul));
    char *empty = pti_bytes_strdup((struct pintle_bytes){NULL, 0});
    assert_string_equal(empty, "");
    free(empty);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maximum_is_exact_and_failure_sticks), cmocka_unit_test(text_may_be_exactly_max_long),
        cmocka_unit_test(impossible_sizes_are_refused),        cmocka_unit_test(compare_orders_like_bytes),
        cmocka_unit_test(copies_are_whole_or_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
