/* SPDX-License-Identifier: Apache-2.0 */
/* Members that nobody asked for are refused by name, with what was expected. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/array.h"
#include "base/buf.h"
#include "server/members.h"

static void known_members_alone(void **state)
{
    static const char *const names[] = {"host", "port", "address", NULL}, *const one[] = {"host", NULL};
    static const struct {
        const char *text;
        const char *const *names;
        const char *want; /* NULL: it passes */
    } cases[] = {
        {"{}", names, NULL},
        {"{\"address\":1,\"host\":2}", names, NULL},
        {"[]", names, "expected an object, found an array"},
        {"{\"host\":1,\"hosts\":2}", names, "expected the members host, port and address, found \"hosts\""},
        {"{\"hos\":1}", one, "expected the members host, found \"hos\""},
    };

    (void)state;
    for (size_t i = 0; i < PTI_COUNT(cases); i++) {
        struct pti_error error = {.detail = ""};
        struct pti_json *json = NULL;
        enum pintle_status status;

        assert_int_equal(pti_json_parse(pti_bytes_text(cases[i].text), &json, NULL), PINTLE_OK);
        status = pti_members_check(pti_json_root(json), cases[i].names, &error);
        assert_int_equal(status, cases[i].want ? PINTLE_ERR_INPUT : PINTLE_OK);
        if (cases[i].want)
            assert_string_equal(error.detail, cases[i].want);
        pti_json_free(json);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(known_members_alone)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
