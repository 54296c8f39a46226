/* SPDX-License-Identifier: Apache-2.0 */
/* Which paths name a published file, what caches are told of them, and that nothing else is ever opened. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/files.h"

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define LONG_NAME                                                                                                      \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"                                                 \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"                                                 \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"                                                 \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void paths_are_checked(void **state)
{
    static const struct {
        const char *path;
        bool want;
    } cases[] = {
        {"/metadata/timestamp.json", true},
        {"/head/1", true},
        {"/targets/zones/" HASH ".payments-eu.json", true},
        {"/robots.txt", true},
        {"/a/b/c", true},

        {"", false},
        {"/", false},
        {"//", false},
        {"metadata/timestamp.json", false},
        {"/metadata/", false},
        {"//metadata/timestamp.json", false},
        {"/metadata//timestamp.json", false},
        {"/..", false},
        {"/../keys/timestamp.pem", false},
        {"/metadata/../../keys/timestamp.pem", false},
        {"/metadata/..", false},
        {"/./metadata/timestamp.json", false},
        {"/.git/config", false},
        {"/metadata/.timestamp.json.tmp", false},
        {"/metadata/timestamp.json%00", false},
        {"/metadata/a b", false},
        {"/metadata/a\\b", false},
        {"/metadata/a\nb", false},
        {"/metadata/\xc3\xa4", false},
        {"/a/b/c/d", false},
        {"/" LONG_NAME, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (pti_file_path_valid(cases[i].path) != cases[i].want)
            fail_msg("%s: expected %d", cases[i].path, cases[i].want);
}

#define FRESH "public, max-age=60, stale-if-error=86400"
#define FOREVER "public, max-age=31536000, immutable"
#define SHORT "public, max-age=60"
#define JSON "application/json"
#define BYTES "application/octet-stream"

static void caches_are_told(void **state)
{
    static const struct {
        const char *path;
        const char *cache_control;
        const char *content_type;
    } cases[] = {
        {"/head/1", FRESH, BYTES},
        {"/head/17", FRESH, BYTES},
        {"/metadata/timestamp.json", FRESH, JSON},
        {"/body/" HASH, FOREVER, BYTES},
        {"/metadata/1.root.json", FOREVER, JSON},
        {"/metadata/12.snapshot.json", FOREVER, JSON},
        {"/metadata/3.payments.json", FOREVER, JSON},
        {"/targets/" HASH ".charter.json", FOREVER, JSON},
        {"/targets/zones/" HASH ".main.json", FOREVER, JSON},
        /* whatever is not named by its version or its hash may change */
        {"/metadata/root.json", SHORT, JSON},
        {"/body/latest", SHORT, BYTES},
        {"/targets/charter.json", SHORT, JSON},
        {"/targets/" HASH "0.charter.json", SHORT, JSON},
        {"/targets/zones/main.json", SHORT, JSON},
        {"/timestamp.json", SHORT, JSON},
        {"/robots.txt", SHORT, BYTES},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (strcmp(pti_file_cache_control(pti_file_kind(cases[i].path)), cases[i].cache_control) != 0)
            fail_msg("%s: %s", cases[i].path, pti_file_cache_control(pti_file_kind(cases[i].path)));
        assert_string_equal(pti_file_content_type(cases[i].path), cases[i].content_type);
    }
}

/* Published files, and beside and among them what must never be opened. */
static char scratch[64];
static int directory;

static void write_file(const char *name, const char *text)
{
    char path[160];
    FILE *file = NULL;

    snprintf(path, sizeof path, "%s/%s", scratch, name);
    file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void make_directory(const char *name)
{
    char path[160];

    snprintf(path, sizeof path, "%s/%s", scratch, name);
    assert_int_equal(mkdir(path, 0755), 0);
}

static void make_link(const char *target, const char *name)
{
    char path[160];

    snprintf(path, sizeof path, "%s/%s", scratch, name);
    assert_int_equal(symlink(target, path), 0);
}

static int make_public(void **state)
{
    char path[160];

    (void)state;
    snprintf(scratch, sizeof scratch, "/tmp/pintle-files-XXXXXX");
    if (!mkdtemp(scratch))
        return -1;
    make_directory("public");
    make_directory("public/metadata");
    make_directory("outside");
    write_file("secret", "secret");
    write_file("outside/file", "secret");
    write_file("public/plain", "plain");
    write_file("public/empty", "");
    write_file("public/metadata/timestamp.json", "{}");
    write_file("public/metadata/.hidden", "hidden");
    make_link("../secret", "public/link");
    make_link("plain", "public/inside");
    make_link("../outside", "public/sub");
    make_link("metadata", "public/meta");
    snprintf(path, sizeof path, "%s/public/fifo", scratch);
    if (mkfifo(path, 0644) != 0)
        return -1;
    snprintf(path, sizeof path, "%s/public", scratch);
    directory = open(path, O_RDONLY | O_DIRECTORY);
    return directory >= 0 ? 0 : -1;
}

static int remove_public(void **state)
{
    static const char *const names[] = {
        "public/metadata/.hidden",
        "public/metadata/timestamp.json",
        "public/metadata",
        "public/meta",
        "public/sub",
        "public/inside",
        "public/link",
        "public/fifo",
        "public/empty",
        "public/plain",
        "public",
        "outside/file",
        "outside",
        "secret",
    };
    char path[160];

    (void)state;
    close(directory);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", scratch, names[i]);
        if (remove(path) != 0)
            return -1;
    }
    return rmdir(scratch);
}

static void opens_published_files_alone(void **state)
{
    static const struct {
        const char *path;
        const char *want; /* NULL: not opened */
    } cases[] = {
        {"/plain", "plain"},
        {"/empty", ""},
        {"/metadata/timestamp.json", "{}"},

        {"/absent", NULL},
        {"/absent/file", NULL},
        {"/plain/file", NULL},
        {"/metadata", NULL},
        {"/link", NULL},
        {"/inside", NULL},
        {"/sub/file", NULL},
        {"/meta/timestamp.json", NULL},
        {"/fifo", NULL}, /* and it does not wait for a writer */
        {"/metadata/.hidden", NULL},
        {"/../secret", NULL},
        {"/metadata/../plain", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pti_error error;
        uint64_t size = 0;
        int fd = -1;
        enum pintle_status status = pti_file_open(directory, cases[i].path, &fd, &size, &error);

        if (!cases[i].want) {
            if (status != PINTLE_ERR_INPUT || fd != -1)
                fail_msg("%s: status %d, descriptor %d", cases[i].path, (int)status, fd);
            continue;
        }
        if (status != PINTLE_OK)
            fail_msg("%s: %s", cases[i].path, error.detail);
        assert_int_equal(size, strlen(cases[i].want));
        {
            char text[16] = "";

            assert_int_equal(read(fd, text, sizeof text - 1), (ssize_t)size);
            assert_string_equal(text, cases[i].want);
        }
        close(fd);
    }
}

static void what_lies_among_public_files_is_known(void **state)
{
    static const struct {
        const char *name;
        bool want;
    } cases[] = {
        {"public", true},
        {"public/metadata", true},
        {"public/../public/metadata/.", true},
        {"public/meta", true},
        {"public/sub", false}, /* a link that leads out */
        {".", false},
        {"outside", false},
        {"public/plain", false},
        {"absent", false},
        {"public/absent", true},
        {"public/absent/", true},
        {"public/absent/absent", false}, /* cannot be made either */
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char path[160];

        snprintf(path, sizeof path, "%s/%s", scratch, cases[i].name);
        if (pti_file_directory_is_below(path, directory) != cases[i].want)
            fail_msg("%s", cases[i].name);
    }
    assert_false(pti_file_directory_is_below("/", directory));
}

static void leaks_no_descriptor(void **state)
{
    struct pti_error error;
    uint64_t size = 0;
    int before = dup(directory), after = -1, fd = -1;

    (void)state;
    close(before);
    for (int i = 0; i < 100; i++) {
        pti_file_open(directory, "/metadata/absent", &fd, &size, &error);
        pti_file_open(directory, "/metadata", &fd, &size, &error);
        pti_file_open(directory, "/sub/file", &fd, &size, &error);
        pti_file_directory_is_below(scratch, directory);
        if (pti_file_open(directory, "/metadata/timestamp.json", &fd, &size, &error) == PINTLE_OK)
            close(fd);
    }
    after = dup(directory);
    close(after);
    assert_int_equal(before, after);
}

static void gzip_is_sent_to_who_takes_it(void **state)
{
    static const struct {
        const char *header;
        bool want;
    } cases[] = {
        {NULL, false},
        {"", false},
        {"gzip", true},
        {"GZIP", true},
        {"x-gzip", true},
        {"br, gzip;q=0.5", true},
        {"deflate,\tgzip ; q=1", true},
        {"gzip;q=0", false},
        {"gzip; q=0.000, br", false},
        {"gzip;q=0.001", true},
        {"gzip;q=0, br;q=1", false},
        {"*", false}, /* by name only: nobody is surprised */
        {"identity", false},
        {"gzipped", false},
        {"br;q=1, notgzip", false},
        {",,,", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (pti_file_accepts_gzip(cases[i].header) != cases[i].want)
            fail_msg("Accept-Encoding: %s", cases[i].header != NULL ? cases[i].header : "(absent)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gzip_is_sent_to_who_takes_it),
        cmocka_unit_test(paths_are_checked),
        cmocka_unit_test(caches_are_told),
        cmocka_unit_test_setup_teardown(opens_published_files_alone, make_public, remove_public),
        cmocka_unit_test_setup_teardown(what_lies_among_public_files_is_known, make_public, remove_public),
        cmocka_unit_test_setup_teardown(leaks_no_descriptor, make_public, remove_public),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
