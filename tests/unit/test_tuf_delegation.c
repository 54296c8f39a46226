/* SPDX-License-Identifier: Apache-2.0 */
/* Which paths a delegated role is trusted with, and names that become part of URLs and of files' names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "providers.h"
#include "tuf/delegation.h"
#include "tuf/escape.h"

static void test_patterns(void **state)
{
    static const struct {
        const char *pattern, *path;
        bool matches;
    } cases[] = {
        {"file", "file", true},
        {"file", "File", false},
        {"file", "file2", false},
        {"file", "fil", false},
        {"*", "file", true},
        {"*", "", true},
        {"*", "dir/file", false},
        {"*/*", "dir/file", true},
        {"*/*", "file", false},
        {"*/*", "a/b/c", false},
        {"dir/*", "dir/file", true},
        {"dir/*", "dir/sub/file", false},
        {"dir/*", "dir/", true},
        {"dir/*", "dir", false},
        {"*/file", "/file", true},
        {"?", "a", true},
        {"?", "", false},
        {"?", "/", false},
        {"a?c", "abc", true},
        {"a?c", "a/c", false},
        {"a*c", "abbbc", true},
        {"a*c", "abbb/c", false},
        {"*.tgz", "x.tar.tgz", true},
        {"*.tgz", "x.tgz.sig", false},
        {"*a*b*", "xaxxbxx", true},
        {"*a*b*", "xbxxaxx", false},
        {"**", "anything", true},
        {"a*/b*", "a1/b2", true},
        {"a*/b*", "a1/c/b2", false},
        {"*aab", "aaaab", true},
        {"x*y?z", "x12y3y4z", true},
        {"[ab]", "a", false}, /* no sets: everything else stands for itself */
        {"[ab]", "[ab]", true},
        {"a\\*", "a\\b", true},
        {"", "", true},
        {"", "a", false},
        {"zones/main.json", "zones/main.json", true},
        {"zones/ma*n.json/", "zones/main.json", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (pti_target_path_matches(pti_bytes_text(cases[i].pattern), pti_bytes_text(cases[i].path)) !=
            cases[i].matches)
            fail_msg("\"%s\" and \"%s\": expected %s", cases[i].pattern, cases[i].path,
                     cases[i].matches ? "a match" : "none");
}

/* The classic bomb: as many stars as fit, and a mismatch at the very end. */
static void test_a_pattern_of_stars_ends_soon(void **state)
{
    static char pattern[20001], path[20001];

    (void)state;
    for (size_t i = 0; i + 2 < sizeof pattern; i += 2)
        memcpy(pattern + i, "a*", 2);
    pattern[sizeof pattern - 2] = 'b';
    memset(path, 'a', sizeof path - 1);
    assert_false(pti_target_path_matches(pti_bytes_text(pattern), pti_bytes_text(path)));
}

static bool covers(const char *member, const char *list, const char *path)
{
    struct pti_tuf_delegation delegation = {.paths = NULL};
    struct pti_target_path target;
    struct pintle_crypto *crypto;
    struct pti_error error;
    struct pti_json *json;
    bool covered;

    assert_int_equal(provider_new(&crypto), PINTLE_OK);
    assert_int_equal(pti_json_parse(pti_bytes_text(list), &json, &error), PINTLE_OK);
    assert_int_equal(pti_target_path_init(&target, pti_bytes_text(path), crypto, &error), PINTLE_OK);
    if (strcmp(member, "paths") == 0)
        delegation.paths = pti_json_root(json);
    else
        delegation.path_hash_prefixes = pti_json_root(json);
    covered = pti_tuf_delegation_covers(&delegation, &target);
    pti_json_free(json);
    pintle_crypto_free(crypto);
    return covered;
}

static void test_delegations(void **state)
{
    /* printf %s file1.txt | sha256sum */
    static const char hash[] = "\"55ae75d991c770d8f3ef07cbfde124ffce9c420da5db6203afab700b27e10cf9\"";
    char list[128];

    (void)state;
    assert_true(covers("paths", "[\"other\",\"file*\"]", "file1.txt"));
    assert_false(covers("paths", "[]", "file1.txt"));
    assert_false(covers("paths", "[1,null]", "file1.txt"));
    (void)snprintf(list, sizeof list, "[%s]", hash);
    assert_true(covers("path_hash_prefixes", list, "file1.txt"));
    assert_false(covers("path_hash_prefixes", list, "file2.txt"));
    assert_true(covers("path_hash_prefixes", "[\"0\",\"55\"]", "file1.txt"));
    assert_false(covers("path_hash_prefixes", "[\"54\",\"5 \"]", "file1.txt"));
    assert_true(covers("path_hash_prefixes", "[\"\"]", "file1.txt"));
    (void)snprintf(list, sizeof list, "[\"%.64s0\"]", hash + 1); /* longer than a hash */
    assert_false(covers("path_hash_prefixes", list, "file1.txt"));
}

static void test_escaping(void **state)
{
    static const struct {
        const char *name;
        size_t size;
        const char *want; /* NULL: refused */
    } cases[] = {
        {"payments", 8, "payments"},
        {"A-z_0.9~", 8, "A-z_0.9~"},
        {"../x", 4, "..%2Fx"},
        {"a/../../b", 9, "a%2F..%2F..%2Fb"},
        {"%2e", 3, "%252e"},
        {"a\0b", 3, "a%00b"},
        {" ", 1, "%20"},
        {"\xc3\xa4", 2, "%C3%A4"},
        {"?#&=", 4, "%3F%23%26%3D"},
        {"\\", 1, "%5C"},
        {"", 0, NULL},
    };
    static uint8_t longest[PTI_TUF_ESCAPED_MAX + 1];
    struct pti_error error;
    struct pti_buf out;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pintle_bytes name = {(const uint8_t *)cases[i].name, cases[i].size};
        pti_buf_init(&out, 4096);
        assert_int_equal(pti_tuf_escape(name, &out, &error), cases[i].want != NULL ? PINTLE_OK : PINTLE_ERR_INPUT);
        if (cases[i].want != NULL)
            assert_string_equal(pti_buf_cstr(&out), cases[i].want);
        pti_buf_clear(&out);
    }
    memset(longest, 'x', sizeof longest);
    pti_buf_init(&out, 4096);
    pti_buf_text(&out, "before");
    assert_int_equal(pti_tuf_escape((struct pintle_bytes){longest, sizeof longest - 1}, &out, &error), PINTLE_OK);
    assert_int_equal(out.size, 6 + PTI_TUF_ESCAPED_MAX);
    assert_int_equal(pti_tuf_escape((struct pintle_bytes){longest, sizeof longest}, &out, &error), PINTLE_ERR_INPUT);
    longest[0] = '/';
    assert_int_equal(pti_tuf_escape((struct pintle_bytes){longest, sizeof longest - 1}, &out, &error),
                     PINTLE_ERR_INPUT);
    assert_int_equal(out.size, 6 + PTI_TUF_ESCAPED_MAX); /* what was there before stays */
    pti_buf_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_patterns),
        cmocka_unit_test(test_a_pattern_of_stars_ends_soon),
        cmocka_unit_test(test_delegations),
        cmocka_unit_test(test_escaping),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
