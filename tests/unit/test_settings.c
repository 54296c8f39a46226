/* SPDX-License-Identifier: Apache-2.0 */
/* repository.json, which people edit by hand: what is read, what is refused and why. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "publish/settings.h"

#define NAME_64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void reads(void **state)
{
    static const struct {
        const char *name;
        const char *text;
        const char *repository;
        struct pti_expiry_days want;
    } cases[] = {
        {"name and spec alone", "{\"name\":\"pins\",\"spec\":1}", "pins", {365, 365, 90, 7, 3}},
        {"one period", "{\"name\":\"p\",\"spec\":1,\"expires_days\":{\"zone\":30}}", "p", {365, 365, 30, 7, 3}},
        {"every period",
         "{\"name\":\"p\",\"spec\":1,\"expires_days\":"
         "{\"root\":1,\"targets\":2,\"zone\":3,\"snapshot\":4,\"timestamp\":3650}}",
         "p",
         {1, 2, 3, 4, 3650}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pti_repository_settings settings;
        struct pti_error error;

        if (pti_repository_settings_parse(pti_bytes_text(cases[i].text), &settings, &error) != PINTLE_OK)
            fail_msg("%s: %s", cases[i].name, error.detail);
        assert_string_equal(settings.name, cases[i].repository);
        if (memcmp(&settings.days, &cases[i].want, sizeof settings.days) != 0)
            fail_msg("%s: other days", cases[i].name);
    }
}

static void refuses(void **state)
{
    static const struct {
        const char *name;
        const char *text;
        const char *want; /* a part of the message */
    } cases[] = {
        {"empty", "", "found an empty file; put back a copy"},
        {"cut short", "{\"name\":\"pins\",", "byte 15"},
        {"no JSON", "name: pins", "byte 1"},
        {"no object", "[]", "spec"},
        {"no spec", "{\"name\":\"p\"}", "spec"},
        {"another spec", "{\"name\":\"p\",\"spec\":2}", "expected \"spec\" 1, found 2; use the version"},
        {"a newer spec, with what it may hold", "{\"spec\":2,\"colour\":\"red\"}", "found 2; use the version"},
        {"an unknown setting", "{\"name\":\"p\",\"spec\":1,\"expire_days\":{}}",
         "expected name, spec and expires_days, found an unknown setting \"expire_days\""},
        {"days of an unknown role", "{\"name\":\"p\",\"spec\":1,\"expires_days\":{\"target\":9}}",
         "in \"expires_days\", found an unknown setting \"target\""},
        {"days as a list", "{\"name\":\"p\",\"spec\":1,\"expires_days\":[]}", "\"expires_days\" must be an object"},
        {"no name", "{\"spec\":1}", "name"},
        {"empty name", "{\"name\":\"\",\"spec\":1}", "1 to 63 characters"},
        {"long name", "{\"name\":\"" NAME_64 "\",\"spec\":1}", "1 to 63 characters"},
        {"a name that ends early", "{\"name\":\"pins\\u0000x\",\"spec\":1}", "1 to 63 characters"},
        {"a name of two words", "{\"name\":\"my pins\",\"spec\":1}", "1 to 63 characters"},
        {"no days at all", "{\"name\":\"p\",\"spec\":1,\"expires_days\":{\"root\":0}}", "root"},
        {"eleven years", "{\"name\":\"p\",\"spec\":1,\"expires_days\":{\"timestamp\":4000}}", "timestamp"},
        {"days as text", "{\"name\":\"p\",\"spec\":1,\"expires_days\":{\"zone\":\"9\"}}", "zone"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pti_repository_settings settings;
        struct pti_error error;

        if (pti_repository_settings_parse(pti_bytes_text(cases[i].text), &settings, &error) != PINTLE_ERR_INPUT)
            fail_msg("%s: not refused", cases[i].name);
        if (strstr(error.detail, cases[i].want) == NULL)
            fail_msg("%s: %s", cases[i].name, error.detail);
    }
}

static void reads_what_it_writes(void **state)
{
    struct pti_repository_settings settings, again;
    struct pti_error error;
    struct pti_buf text;

    (void)state;
    pti_repository_settings_init(&settings, "pins-2");
    settings.days.snapshot = 14;
    pti_buf_init(&text, PTI_SETTINGS_SIZE_MAX);
    pti_repository_settings_write(&settings, &text);
    assert_int_equal(pti_repository_settings_parse(pti_buf_bytes(&text), &again, &error), PINTLE_OK);
    assert_string_equal(again.name, settings.name);
    assert_memory_equal(&again.days, &settings.days, sizeof again.days);
    pti_buf_clear(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads),
        cmocka_unit_test(refuses),
        cmocka_unit_test(reads_what_it_writes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
