/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"

static void detail_is_printable(void **state)
{
    (void)state;
    struct pti_error error;
    assert_int_equal(pti_fail(&error, PINTLE_ERR_TRUST, "host \"%s\"", "a\x1b[31m\nb\xc3\xa9\x7f"), PINTLE_ERR_TRUST);
    assert_int_equal(error.status, PINTLE_ERR_TRUST);
    assert_string_equal(error.detail, "host \"a?[31m?b???\"");
    assert_int_equal(pti_fail(NULL, PINTLE_ERR_MEMORY, "%s", "nobody listens"), PINTLE_ERR_MEMORY);
}

static void detail_may_quote_itself(void **state)
{
    (void)state;
    struct pti_error error;
    pti_fail(&error, PINTLE_ERR_INPUT, "inner");
    pti_fail(&error, PINTLE_ERR_TRUST, "outer: %s", error.detail);
    assert_string_equal(error.detail, "outer: inner");
    assert_int_equal(pti_error_prefix(&error, "zone %d (%s)", 7, error.detail), PINTLE_ERR_TRUST);
    assert_string_equal(error.detail, "zone 7 (outer: inner): outer: inner");
}

static void detail_is_cut(void **state)
{
    (void)state;
    char text[2 * PTI_ERROR_DETAIL_MAX];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    struct pti_error error;
    pti_fail(&error, PINTLE_ERR_INPUT, "%s", text);
    assert_int_equal(strlen(error.detail), PTI_ERROR_DETAIL_MAX - 1);
    for (size_t length = PTI_ERROR_DETAIL_MAX - 4; length < PTI_ERROR_DETAIL_MAX + 2; length++) {
        pti_fail(&error, PINTLE_ERR_INPUT, "end");
        pti_error_prefix(&error, "%.*s", (int)length, text);
        assert_int_equal(strlen(error.detail), PTI_ERROR_DETAIL_MAX - 1);
        assert_int_equal(error.detail[PTI_ERROR_DETAIL_MAX - 5], 'x');
    }
}

static void copy_text_is_like_snprintf(void **state)
{
    (void)state;
    static const struct {
        size_t size;
        const char *want;
    } cases[] = {{1, ""}, {2, "a"}, {3, "ab"}, {4, "abc"}, {8, "abc"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char out[8];
        memset(out, '#', sizeof out);
        assert_int_equal(pti_copy_text(out, cases[i].size, "abc"), 3);
        assert_string_equal(out, cases[i].want);
    }
    assert_int_equal(pti_copy_text(NULL, 0, "abc"), 3);
}

static void every_status_has_its_name(void **state)
{
    (void)state;
    for (int a = PINTLE_OK; a <= PINTLE_ERR_UNSUPPORTED; a++) {
        assert_string_not_equal(pintle_status_name((enum pintle_status)a), "unknown");
        for (int b = PINTLE_OK; b < a; b++) {
            assert_string_not_equal(pintle_status_name((enum pintle_status)a),
                                    pintle_status_name((enum pintle_status)b));
        }
    }
    assert_string_equal(pintle_status_name(PINTLE_ERR_PIN_MISMATCH), "pin_mismatch");
    assert_string_equal(pintle_status_name((enum pintle_status)(PINTLE_ERR_UNSUPPORTED + 1)), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(detail_is_printable),
        cmocka_unit_test(detail_may_quote_itself),
        cmocka_unit_test(detail_is_cut),
        cmocka_unit_test(copy_text_is_like_snprintf),
        cmocka_unit_test(every_status_has_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
