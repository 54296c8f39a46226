/* SPDX-License-Identifier: Apache-2.0 */
/* Containers: what is written is read again, and nothing else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tuf/container.h"

#define MAX 4000000

/* A container of count entries "0", "1", ... with one byte each. */
static void write_many(struct pti_buf *out, uint32_t count)
{
    pti_buf_init(out, MAX);
    pti_container_write_begin(out, count);
    for (uint32_t i = 0; i < count; i++) {
        struct pti_buf path;

        pti_buf_init(&path, 32);
        pti_buf_printf(&path, "%u", i);
        pti_container_write_entry(out, pti_buf_cstr(&path), (struct pintle_bytes){(const uint8_t *)"x", 1});
        pti_buf_clear(&path);
    }
    assert_int_equal(out->status, PINTLE_OK);
}

static void write_three(struct pti_buf *out)
{
    pti_buf_init(out, MAX);
    pti_container_write_begin(out, 3);
    pti_container_write_entry(out, "b", pti_bytes_text("second letter"));
    pti_container_write_entry(out, "a/x.json", (struct pintle_bytes){NULL, 0});
    pti_container_write_entry(out, "c", (struct pintle_bytes){(const uint8_t *)"\0\xff", 2});
    assert_int_equal(out->status, PINTLE_OK);
}

static void test_round_trip(void **state)
{
    struct pti_container container;
    struct pintle_bytes data;
    struct pti_buf file;

    (void)state;
    write_three(&file);
    assert_int_equal(pti_container_parse(pti_buf_bytes(&file), &container, NULL), PINTLE_OK);
    assert_int_equal(container.count, 3);
    assert_true(pti_bytes_equal_text(container.entries[0].path, "b")); /* the order is kept */
    assert_true(pti_bytes_equal_text(container.entries[1].path, "a/x.json"));
    assert_true(pti_container_find(&container, "a/x.json", &data));
    assert_int_equal(data.size, 0);
    assert_true(pti_container_find(&container, "c", &data));
    assert_memory_equal(data.data, "\0\xff", 2);
    assert_false(pti_container_find(&container, "a", &data));
    assert_null(data.data);
    pti_container_clear(&container);
    pti_container_clear(&container);
    pti_buf_clear(&file);
}

/* The layout of docs/design.md, section 5.4, byte by byte. */
static void test_layout(void **state)
{
    static const uint8_t want[] = "PNTL0001\0\0\0\1\0\2\0\0\0\3abxyz";
    struct pti_buf file;

    (void)state;
    pti_buf_init(&file, MAX);
    pti_container_write_begin(&file, 1);
    pti_container_write_entry(&file, "ab", pti_bytes_text("xyz"));
    assert_int_equal(file.size, sizeof want - 1);
    assert_memory_equal(file.data, want, sizeof want - 1);
    pti_buf_clear(&file);
}

static void test_cut_anywhere(void **state)
{
    struct pti_container container;
    struct pti_error error;
    struct pti_buf file;

    (void)state;
    write_three(&file);
    for (size_t size = 0; size < file.size; size++) {
        uint8_t *cut = malloc(size + 1); /* exactly so much, so that a read past the end is seen */

        assert_non_null(cut);
        memcpy(cut, file.data, size);
        error.detail[0] = '\0';
        assert_int_equal(pti_container_parse((struct pintle_bytes){cut, size}, &container, &error), PINTLE_ERR_INPUT);
        assert_null(container.entries);
        assert_int_equal(container.count, 0);
        assert_non_null(strstr(error.detail, size < 8 ? "does not start with PNTL0001" : "cut short at byte"));
        free(cut);
    }
    pti_buf_clear(&file);
}

/* Whatever byte is flipped, nothing is read outside; what still parses is what it says it is. */
static void test_flipped_anywhere(void **state)
{
    struct pti_container container;
    struct pti_buf file;

    (void)state;
    write_three(&file);
    for (size_t at = 0; at < file.size; at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            struct pti_error error = {PINTLE_OK, ""};
            enum pintle_status status;

            file.data[at] ^= (uint8_t)(1u << bit);
            status = pti_container_parse(pti_buf_bytes(&file), &container, &error);
            assert_true(status == PINTLE_OK ? container.count == 3 : error.detail[0] != '\0');
            pti_container_clear(&container);
            file.data[at] ^= (uint8_t)(1u << bit);
        }
    }
    pti_buf_clear(&file);
}

static void test_hostile_files(void **state)
{
#define HEAD "PNTL0001"
#define TEXT(bytes)                                                                                                    \
    {                                                                                                                  \
        (const uint8_t *)(bytes), sizeof(bytes) - 1                                                                    \
    }
    /* clang-format off */
    static const struct {
        const char *name;
        struct pintle_bytes input;
        const char *want; /* NULL: it is read */
    } cases[] = {
        {"empty", TEXT(HEAD "\0\0\0\0"), NULL},
        {"another version", TEXT("PNTL0002\0\0\0\0"), "does not start with"},
        {"JSON", TEXT("{\"signed\":{}}"), "does not start with"},
        {"a byte too much", TEXT(HEAD "\0\0\0\0x"), "1 bytes after the last entry"},
        {"most entries there can be", TEXT(HEAD "\xff\xff\xff\xff"), "4294967295 entries, at most"},
        {"one entry too many", TEXT(HEAD "\0\0\4\x89"), "1161 entries, at most 1160"},
        {"an entry that is not there", TEXT(HEAD "\0\0\0\1"), "cut short at byte 12"},
        {"no path", TEXT(HEAD "\0\0\0\1\0\0\0\0\0\0"), "path of 0 bytes"},
        {"a path too long", TEXT(HEAD "\0\0\0\1\1\0\0\0\0\0"), "path of 256 bytes"},
        {"the longest path, cut", TEXT(HEAD "\0\0\0\1\0\xff\0\0\0\0x"), "cut short"},
        {"data longer than the file", TEXT(HEAD "\0\0\0\1\0\1\xff\xff\xff\xffx"), "cut short"},
        {"data one byte too long", TEXT(HEAD "\0\0\0\1\0\1\0\0\0\2xy"), "cut short"},
        {"a space in a path", TEXT(HEAD "\0\0\0\1\0\1\0\0\0\0 "), "not printable"},
        {"NUL in a path", TEXT(HEAD "\0\0\0\1\0\1\0\0\0\0\0"), "not printable"},
        {"UTF-8 in a path", TEXT(HEAD "\0\0\0\1\0\2\0\0\0\0\xc3\xa9"), "not printable"},
        {"a path twice", TEXT(HEAD "\0\0\0\2\0\1\0\0\0\0a\0\1\0\0\0\1ax"), "two entries are called a"},
        {"a path twice, apart", TEXT(HEAD "\0\0\0\3\0\1\0\0\0\0a\0\1\0\0\0\0b\0\1\0\0\0\0a"), "called a"},
        {"a path and its beginning", TEXT(HEAD "\0\0\0\2\0\1\0\0\0\0a\0\2\0\0\0\0ab"), NULL},
    };
    /* clang-format on */
    struct pti_container container;
    struct pti_error error;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        enum pintle_status status = pti_container_parse(cases[i].input, &container, &error);

        if (cases[i].want == NULL ? status != PINTLE_OK
                                  : status != PINTLE_ERR_INPUT || strstr(error.detail, cases[i].want) == NULL)
            fail_msg("%s: expected \"%s\", found %s: %s", cases[i].name, cases[i].want != NULL ? cases[i].want : "",
                     pintle_status_name(status), error.detail);
        pti_container_clear(&container);
    }
}

static void test_as_many_as_allowed(void **state)
{
    struct pti_container container;
    struct pintle_bytes data;
    struct pti_buf file;

    (void)state;
    write_many(&file, PTI_CONTAINER_ENTRIES_MAX);
    assert_int_equal(pti_container_parse(pti_buf_bytes(&file), &container, NULL), PINTLE_OK);
    assert_int_equal(container.count, PTI_CONTAINER_ENTRIES_MAX);
    assert_true(pti_container_find(&container, "1159", &data));
    pti_container_clear(&container);
    pti_buf_clear(&file);
    write_many(&file, PTI_CONTAINER_ENTRIES_MAX + 1);
    assert_int_equal(pti_container_parse(pti_buf_bytes(&file), &container, NULL), PINTLE_ERR_INPUT);
    pti_buf_clear(&file);
}

static void test_write_refuses_paths(void **state)
{
    char path[PTI_CONTAINER_PATH_MAX + 2];
    struct pti_buf file;

    (void)state;
    memset(path, 'p', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    pti_buf_init(&file, MAX);
    pti_container_write_entry(&file, path + 1, (struct pintle_bytes){NULL, 0});
    assert_int_equal(file.status, PINTLE_OK);
    pti_container_write_entry(&file, path, (struct pintle_bytes){NULL, 0});
    assert_int_equal(file.status, PINTLE_ERR_INPUT);
    pti_buf_clear(&file);
    pti_container_write_entry(&file, "", (struct pintle_bytes){NULL, 0});
    assert_int_equal(file.status, PINTLE_ERR_INPUT);
    pti_buf_clear(&file);
    file.status = PINTLE_ERR_MEMORY;
    pti_container_write_entry(&file, "", (struct pintle_bytes){NULL, 0});
    assert_int_equal(file.status, PINTLE_ERR_MEMORY); /* the first failure stays */
    pti_buf_clear(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),          cmocka_unit_test(test_layout),
        cmocka_unit_test(test_cut_anywhere),        cmocka_unit_test(test_flipped_anywhere),
        cmocka_unit_test(test_hostile_files),       cmocka_unit_test(test_as_many_as_allowed),
        cmocka_unit_test(test_write_refuses_paths),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
