/* SPDX-License-Identifier: Apache-2.0 */
/* The chain of roots: each by its predecessor and by itself, one after the other, of one repository. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "tuf/container.h"
#include "tuf/roots.h"
#include "tuf_fixture.h"

#define MAX 4000000

/* Root n of which role root is {"keyids":[...],"threshold":m} as given, signed by signers; owned. */
static struct pintle_bytes root_file(struct tuf_fixture *fixture, int version, const char *role, const char *signers)
{
    char number[32], *keys = tuf_edit(tuf_root, "@K3", "@K3,@K4,@K5"), *roles, *text;
    struct pintle_bytes envelope;

    roles = tuf_edit(keys, "[@I0],'threshold':1", role);
    (void)snprintf(number, sizeof number, "'version':%d", version);
    text = tuf_edit(roles, "'version':1", number);
    envelope = tuf_envelope(fixture, text, signers);
    free(text);
    free(roles);
    free(keys);
    return envelope;
}

/* Adds it, and says what came of that. */
static enum pintle_status add(struct tuf_fixture *fixture, struct pti_roots *roots, int version, const char *role,
                              const char *signers)
{
    struct pintle_bytes file = root_file(fixture, version, role, signers);
    enum pintle_status status;

    fixture->error = (struct pti_error){PINTLE_OK, ""};
    status = pti_roots_add(roots, file, &fixture->error);
    pti_bytes_free(&file);
    return status;
}

static void test_first_root(void **state)
{
    static const struct {
        const char *name;
        int version;
        const char *role, *signers, *want;
    } cases[] = {
        {"good", 1, "[@I0],'threshold':1", "0", NULL},
        {"two of three", 1, "[@I0,@I4,@I5],'threshold':2", "50", NULL},
        {"version 2", 2, "[@I0],'threshold':1", "0", "root: expected version 1, found 2"},
        {"not signed", 1, "[@I0],'threshold':1", "", "root: 0 of 1 required signatures"},
        {"signed by another role's key", 1, "[@I0],'threshold':1", "1", "root: 0 of 1 required signatures"},
        {"one of two", 1, "[@I0,@I4,@I5],'threshold':2", "0", "root: 1 of 2 required signatures"},
        {"nobody can sign", 1, "[],'threshold':1", "0", "root: 0 of 1 required signatures"},
    };
    struct tuf_fixture fixture;

    (void)state;
    tuf_init(&fixture);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pti_roots roots;
        enum pintle_status status;

        pti_roots_init(&roots, fixture.crypto);
        assert_null(pti_roots_newest(&roots));
        status = add(&fixture, &roots, cases[i].version, cases[i].role, cases[i].signers);
        if (cases[i].want == NULL
                ? status != PINTLE_OK || roots.count != 1
                : status != PINTLE_ERR_TRUST || roots.count != 0 || strstr(fixture.error.detail, cases[i].want) == NULL)
            fail_msg("%s: found %s: %s", cases[i].name, pintle_status_name(status), fixture.error.detail);
        pti_roots_clear(&roots);
    }
    tuf_clear(&fixture);
}

/* After root 1 (key 0 alone) and root 2 (2 of keys 4 and 5). */
static void test_successors(void **state)
{
    static const struct {
        const char *name;
        int version;
        const char *role, *signers, *want;
    } cases[] = {
        {"same keys", 3, "[@I4,@I5],'threshold':2", "45", NULL},
        {"new key, signed by old and new", 3, "[@I0],'threshold':1", "045", NULL},
        {"new key, not signed by it", 3, "[@I0],'threshold':1", "45", "root: 0 of 1"},
        {"new key, signed by it alone", 3, "[@I0],'threshold':1", "0", "root (by its predecessor): 0 of 2"},
        {"half of the old", 3, "[@I0],'threshold':1", "04", "root (by its predecessor): 1 of 2"},
        {"signed by the keys of root 1", 3, "[@I4,@I5],'threshold':2", "0", "root (by its predecessor): 0 of 2"},
        {"threshold lowered by one key", 3, "[@I4,@I5],'threshold':1", "4", "root (by its predecessor): 1 of 2"},
        {"threshold lowered by both", 3, "[@I4,@I5],'threshold':1", "45", NULL},
        {"threshold raised, but not met", 3, "[@I4,@I5,@I0],'threshold':3", "45", "root: 2 of 3"},
        {"same version again", 2, "[@I4,@I5],'threshold':2", "45", "expected version 3, found 2"},
        {"an old one", 1, "[@I4,@I5],'threshold':2", "45", "expected version 3, found 1"},
        {"one skipped (CVE-2025-2885)", 4, "[@I4,@I5],'threshold':2", "45", "expected version 3, found 4"},
    };
    struct tuf_fixture fixture;

    (void)state;
    tuf_init(&fixture);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pti_roots roots;
        enum pintle_status status;

        pti_roots_init(&roots, fixture.crypto);
        assert_int_equal(add(&fixture, &roots, 1, "[@I0],'threshold':1", "0"), PINTLE_OK);
        assert_int_equal(add(&fixture, &roots, 2, "[@I4,@I5],'threshold':2", "045"), PINTLE_OK);
        status = add(&fixture, &roots, cases[i].version, cases[i].role, cases[i].signers);
        if (cases[i].want == NULL
                ? status != PINTLE_OK || roots.count != 3
                : status != PINTLE_ERR_TRUST || roots.count != 2 || strstr(fixture.error.detail, cases[i].want) == NULL)
            fail_msg("%s: found %s: %s", cases[i].name, pintle_status_name(status), fixture.error.detail);
        assert_int_equal(pti_roots_newest(&roots)->version, roots.count);
        pti_roots_clear(&roots);
    }
    tuf_clear(&fixture);
}

static void test_repository_name_never_changes(void **state)
{
    static const struct {
        const char *first, *second;
        bool accepted;
    } cases[] = {
        {"'test'", "'test'", true}, {"'test'", "'other'", false},       {"'test'", "''", false}, {"'test'", "5", false},
        {"''", "'test'", false},    {"'test'", "'test\\u0000'", false}, {"5", "'test'", false},  {"5", "''", true},
    };
    struct tuf_fixture fixture;

    (void)state;
    tuf_init(&fixture);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *const names[2] = {cases[i].first, cases[i].second};
        struct pti_roots roots;
        enum pintle_status status = PINTLE_OK;

        pti_roots_init(&roots, fixture.crypto);
        for (size_t n = 0; n < 2; n++) {
            char *named = tuf_edit(tuf_root, "'test'", names[n]);
            char *text = tuf_edit(named, "'version':1", n == 0 ? "'version':1" : "'version':2");
            struct pintle_bytes file = tuf_envelope(&fixture, text, "0");

            status = pti_roots_add(&roots, file, &fixture.error);
            assert_true(n == 1 || status == PINTLE_OK);
            pti_bytes_free(&file);
            free(text);
            free(named);
        }
        if ((status == PINTLE_OK) != cases[i].accepted || (status != PINTLE_OK && status != PINTLE_ERR_TRUST))
            fail_msg("%s, then %s: %s", cases[i].first, cases[i].second, fixture.error.detail);
        assert_true(cases[i].accepted || strstr(fixture.error.detail, "belongs to repository") != NULL);
        pti_roots_clear(&roots);
    }
    tuf_clear(&fixture);
}

static void test_paths(void **state)
{
    static const struct {
        const char *path;
        size_t want;
    } cases[] = {
        {"1.root.json", 1},
        {"10.root.json", 10},
        {"1024.root.json", 1024},
        {"0.root.json", 0},
        {"01.root.json", 0},
        {"-1.root.json", 0},
        {"+1.root.json", 0},
        {"1.root.jso", 0},
        {"1.root.json ", 0},
        {"root.json", 0},
        {"", 0},
        {"1", 0},
        {"x.root.json", 0},
        {"1x.root.json", 0},
        {"../1.root.json", 0},
        {"1.root.json/", 0},
        {"18446744073709551617.root.json", 0}, /* 2^64 + 1 */
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (pti_roots_path_version(pti_bytes_text(cases[i].path)) != cases[i].want)
            fail_msg("%s: expected %zu", cases[i].path, cases[i].want);
}

struct entry {
    const char *path;
    int version; /* of the file; 0: rubbish */
};

static void write_file(struct tuf_fixture *fixture, const struct entry *entries, size_t count, struct pti_buf *out)
{
    pti_buf_init(out, MAX);
    pti_container_write_begin(out, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        struct pintle_bytes file = {NULL, 0};

        if (entries[i].version > 0)
            file = root_file(fixture, entries[i].version, "[@I0],'threshold':1", "0");
        pti_container_write_entry(out, entries[i].path, entries[i].version > 0 ? file : pti_bytes_text("rubbish"));
        pti_bytes_free(&file);
    }
}

static void test_files(void **state)
{
    static const struct {
        const char *name;
        struct entry entries[4];
        size_t count, have, want; /* entries; roots before and after */
        const char *text;         /* of the failure, or NULL */
    } cases[] = {
        {"three", {{"1.root.json", 1}, {"2.root.json", 2}, {"3.root.json", 3}}, 3, 0, 3, NULL},
        {"those not newer are skipped unread", {{"1.root.json", 0}, {"2.root.json", 2}}, 2, 1, 2, NULL},
        {"none newer", {{"1.root.json", 1}, {"2.root.json", 0}}, 2, 2, 2, NULL},
        {"empty", {{NULL, 0}}, 0, 1, 1, NULL},
        {"a gap", {{"1.root.json", 1}, {"3.root.json", 3}}, 2, 0, 1, "expected version 2, found 3"},
        {"another order", {{"2.root.json", 2}, {"1.root.json", 1}}, 2, 0, 0, "expected version 1, found 2"},
        {"a false name", {{"1.root.json", 1}, {"2.root.json", 3}}, 2, 0, 1, "expected version 2, found 3"},
        {"rubbish for a new one", {{"1.root.json", 1}, {"2.root.json", 0}}, 2, 0, 1, "root: byte 0"},
        {"another kind of entry", {{"1.root.json", 1}, {"timestamp.json", 0}}, 2, 0, 1, "found timestamp.json"},
    };
    struct tuf_fixture fixture;

    (void)state;
    tuf_init(&fixture);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        enum pintle_status status;
        struct pti_roots roots;
        struct pti_buf file;

        pti_roots_init(&roots, fixture.crypto);
        for (size_t n = 0; n < cases[i].have; n++)
            assert_int_equal(add(&fixture, &roots, (int)n + 1, "[@I0],'threshold':1", "0"), PINTLE_OK);
        write_file(&fixture, cases[i].entries, cases[i].count, &file);
        status = pti_roots_add_file(&roots, pti_buf_bytes(&file), &fixture.error);
        if ((status == PINTLE_OK) != (cases[i].text == NULL) || roots.count != cases[i].want ||
            (cases[i].text != NULL && strstr(fixture.error.detail, cases[i].text) == NULL))
            fail_msg("%s: %zu roots, %s: %s", cases[i].name, roots.count, pintle_status_name(status),
                     fixture.error.detail);
        pti_buf_clear(&file);
        pti_roots_clear(&roots);
    }
    tuf_clear(&fixture);
}

static void test_write_and_read(void **state)
{
    struct pti_roots roots, again;
    struct tuf_fixture fixture;
    struct pti_buf file, same;

    (void)state;
    tuf_init(&fixture);
    pti_roots_init(&roots, fixture.crypto);
    pti_roots_init(&again, fixture.crypto);
    pti_buf_init(&file, MAX);
    pti_buf_init(&same, MAX);
    for (int version = 1; version <= 3; version++)
        assert_int_equal(add(&fixture, &roots, version, "[@I0],'threshold':1", "0"), PINTLE_OK);
    pti_roots_write(&roots, &file);
    assert_int_equal(pti_roots_add_file(&again, pti_buf_bytes(&file), NULL), PINTLE_OK);
    pti_roots_write(&again, &same);
    assert_true(pti_bytes_equal(pti_buf_bytes(&file), pti_buf_bytes(&same)));
    assert_int_equal(pti_roots_version(&again, 2)->version, 2);
    assert_null(pti_roots_version(&again, 0));
    assert_null(pti_roots_version(&again, -1));
    assert_null(pti_roots_version(&again, 4));
    assert_null(pti_roots_version(&again, INT64_MAX));
    pti_buf_clear(&file);
    pti_buf_clear(&same);
    pti_roots_clear(&roots);
    pti_roots_clear(&again);
    tuf_clear(&fixture);
}

/* An app may ship the JSON of root 1 alone. */
static void test_bare_root(void **state)
{
    struct tuf_fixture fixture;
    struct pintle_bytes file;
    struct pti_roots roots;

    (void)state;
    tuf_init(&fixture);
    pti_roots_init(&roots, fixture.crypto);
    file = root_file(&fixture, 1, "[@I0],'threshold':1", "0");
    assert_int_equal(pti_roots_add_file(&roots, file, NULL), PINTLE_OK);
    assert_int_equal(pti_roots_add_file(&roots, file, NULL), PINTLE_OK); /* not newer: skipped */
    assert_int_equal(roots.count, 1);
    pti_bytes_free(&file);
    pti_roots_clear(&roots);
    assert_int_equal(pti_roots_add_file(&roots, pti_bytes_text("{}"), &fixture.error), PINTLE_ERR_INPUT);
    assert_int_equal(pti_roots_add_file(&roots, (struct pintle_bytes){NULL, 0}, &fixture.error), PINTLE_ERR_INPUT);
    pti_roots_clear(&roots);
    tuf_clear(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_root),
        cmocka_unit_test(test_successors),
        cmocka_unit_test(test_repository_name_never_changes),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_write_and_read),
        cmocka_unit_test(test_bare_root),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
