/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The copy of a publication in another directory, `pintle publish --to`: in which order it appears, what is left of it
 * when the process is killed or the disk fails at any call, and what is not written over.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <utime.h>

#include <cmocka.h>

#include "faults.h"
#include "publish/gzip.h"
#include "publish/mirror.h"
#include "publish_scene.h"

#define WWW "www/public" /* so that www is a repository directory to served_follow() */

static enum pintle_status mirror_to(struct scratch *scratch, const char *repository, const char *relative,
                                    struct pti_mirror_result *result)
{
    struct pti_repository *open = scratch_open(scratch, repository, PTI_REPOSITORY_PUBLISHED);
    enum pintle_status status = pti_mirror_write(open, scratch_path(scratch, relative), SCRATCH_NOW, result,
                                                 &scratch->error);

    pti_repository_close(open);
    return status;
}

/* For a child: in a fresh process, as `pintle publish` is. */
static int mirror_in_child(void *ctx)
{
    struct pti_mirror_result result;

    return (int)mirror_to(ctx, "repo", WWW, &result);
}

/* The copy, file by file, against what it is a copy of. */
static void check_complete(struct scratch *scratch)
{
    struct tree from, to;

    tree_read(scratch, scratch_path(scratch, "repo/public"), &from);
    tree_read(scratch, scratch_path(scratch, WWW), &to);
    assert_true(from.count > 8);
    assert_true(tree_same(&from, &to));
    tree_clear(&from);
    tree_clear(&to);
}

/* With a published host, a copy of that in WWW, and then another publication. */
static void make_two_publications(struct scratch *scratch)
{
    struct pti_repository *repository;
    struct pti_mirror_result result;

    scratch_init(scratch, "repo", 1, 1);
    repository = scratch_open(scratch, "repo", PTI_REPOSITORY_WRITE);
    scratch_add_host(scratch, repository, SCENE_HOST, 1);
    scratch_publish(scratch, repository, SCRATCH_NOW);
    assert_int_equal(mkdir(scratch_path(scratch, "www"), 0755), 0);
    pti_repository_close(repository);
    scratch_ok(scratch, mirror_to(scratch, "repo", WWW, &result));
    check_complete(scratch);
    repository = scratch_open(scratch, "repo", PTI_REPOSITORY_WRITE);
    scratch_add_host(scratch, repository, "other.example.com", 2);
    scratch_publish(scratch, repository, SCRATCH_NOW);
    pti_repository_close(repository);
}

/* A client, by either way, sees one of these two, compressed or not. */
static void check_clients(struct scratch *scratch, const char *old, const char *new)
{
    static const enum served_way ways[] = {SERVED_BUNDLES, SERVED_PLAIN};
    struct tree tree;

    tree_read(scratch, scratch_path(scratch, WWW), &tree);
    tree_check_compressed(&tree);
    tree_clear(&tree);
    for (size_t i = 0; i < 2; i++) {
        char manifest[SERVED_MANIFEST_MAX];

        if (!served_follow(scratch, scratch_path(scratch, "www"), ways[i], SCENE_HOST, manifest))
            fail_msg("way %zu: %s", i, manifest);
        if (strcmp(manifest, old) != 0 && strcmp(manifest, new) != 0)
            fail_msg("way %zu: %s", i, manifest);
    }
}

static void test_killed_at_every_change(void **state)
{
    struct scratch *scratch = *state;
    enum faults_end end = faults_available() ? FAULTS_KILLED : FAULTS_ENDED;
    struct tree before;
    long kills = 0;

    make_two_publications(scratch);
    tree_read(scratch, scratch_path(scratch, "www"), &before);
    for (long n = 0; end == FAULTS_KILLED; n += scene_step(3, 1)) {
        tree_write(&before, scratch_path(scratch, "www"));
        end = faults_in_child(FAULTS_CHANGES, n, FAULTS_KILL_HALFWAY, mirror_in_child, scratch);
        assert_int_not_equal(end, FAULTS_BROKEN);
        kills += end == FAULTS_KILLED;
        check_clients(scratch, "charter=2,main=2", "charter=3,main=3");
        assert_int_equal(mirror_in_child(scratch), PINTLE_OK);
        check_clients(scratch, "charter=3,main=3", "charter=3,main=3");
        check_complete(scratch);
    }
    assert_true(!faults_available() || kills > 10);
    tree_clear(&before);
}

static void test_a_first_copy_that_was_killed_is_completed(void **state)
{
    struct scratch *scratch = *state;
    enum faults_end end = faults_available() ? FAULTS_KILLED : FAULTS_ENDED;

    make_two_publications(scratch);
    for (long n = 0; end == FAULTS_KILLED; n += scene_step(n < 12 ? 1 : 11, 1)) {
        scratch_remove_tree(scratch_path(scratch, WWW));
        end = faults_in_child(FAULTS_CHANGES, n, FAULTS_KILL_HALFWAY, mirror_in_child, scratch);
        assert_int_not_equal(end, FAULTS_BROKEN);
        assert_int_equal(mirror_in_child(scratch), PINTLE_OK);
        check_complete(scratch);
    }
}

static void test_a_disk_that_fails_is_told(void **state)
{
    struct scratch *scratch = *state;
    struct pti_mirror_result result;
    struct tree before;
    bool more = true;

    if (!faults_available())
        skip();
    make_two_publications(scratch);
    tree_read(scratch, scratch_path(scratch, "www"), &before);
    for (long n = 0; more; n += scene_step(9, 1)) {
        struct pti_repository *repository = scratch_open(scratch, "repo", PTI_REPOSITORY_PUBLISHED);
        enum pintle_status status;

        tree_write(&before, scratch_path(scratch, "www"));
        faults_arm(FAULTS_CHANGES, n, FAULTS_FAIL_ON, ENOSPC);
        status = pti_mirror_write(repository, scratch_path(scratch, WWW), SCRATCH_NOW, &result, &scratch->error);
        more = faults_disarm();
        pti_repository_close(repository);
        if (status != PINTLE_OK)
            scratch_refused(scratch, status, PINTLE_ERR_STORAGE, strerror(ENOSPC));
        check_clients(scratch, "charter=2,main=2", "charter=3,main=3");
    }
    tree_clear(&before);
}

static void test_what_is_not_ours_is_not_written_over(void **state)
{
    static const struct {
        const char *name;
        const char *file, *want; /* file: put there instead of a copy */
    } cases[] = {
        {"a web site", "index.html", "holds something else"},
        {"files of another kind", "metadata/timestamp.json", "holds something else"},
        {"another repository", "metadata/1.root.json", "holds another repository"},
    };
    struct scratch *scratch = *state;
    struct pti_mirror_result result;

    make_two_publications(scratch);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char path[64];
        struct tree before, after;

        scratch_remove_tree(scratch_path(scratch, WWW));
        assert_int_equal(mkdir(scratch_path(scratch, WWW), 0755), 0);
        assert_int_equal(mkdir(scratch_path(scratch, WWW "/metadata"), 0755), 0);
        snprintf(path, sizeof path, WWW "/%s", cases[i].file);
        scratch_write(scratch, scratch_path(scratch, path), "{}");
        tree_read(scratch, scratch_path(scratch, WWW), &before);
        print_message("%s\n", cases[i].name);
        scratch_refused(scratch, mirror_to(scratch, "repo", WWW, &result), PINTLE_ERR_STORAGE, cases[i].want);
        tree_read(scratch, scratch_path(scratch, WWW), &after);
        assert_true(tree_same(&before, &after));
        tree_clear(&before);
        tree_clear(&after);
    }
}

/* A backup of the repository, restored, must not take clients back. */
static void test_a_newer_publication_is_not_written_over(void **state)
{
    struct scratch *scratch = *state;
    struct pti_mirror_result result;
    struct pti_repository *repository;
    struct tree old;

    make_two_publications(scratch);
    tree_read(scratch, scratch_path(scratch, "repo"), &old);
    repository = scratch_open(scratch, "repo", PTI_REPOSITORY_WRITE);
    scratch_publish(scratch, repository, SCRATCH_NOW + 1);
    pti_repository_close(repository);
    scratch_ok(scratch, mirror_to(scratch, "repo", WWW, &result));
    tree_write(&old, scratch_path(scratch, "repo"));
    scratch_refused(scratch, mirror_to(scratch, "repo", WWW, &result), PINTLE_ERR_STORAGE, "newer than timestamp");
    repository = scratch_open(scratch, "repo", PTI_REPOSITORY_WRITE);
    scratch_publish(scratch, repository, SCRATCH_NOW + 2);
    pti_repository_close(repository);
    scratch_refused(scratch, mirror_to(scratch, "repo", WWW, &result), PINTLE_ERR_STORAGE, "another than timestamp");
    tree_clear(&old);
}

static void test_surplus_goes_after_the_grace(void **state)
{
    static const struct {
        const char *path;
        int64_t age;
        bool stays;
    } files[] = {
        {WWW "/body/0000", PTI_MIRROR_GRACE_S - 10, true},
        {WWW "/body/0001", PTI_MIRROR_GRACE_S + 10, false},
        {WWW "/body/0001.gz", PTI_MIRROR_GRACE_S - 10, false}, /* of a file that goes */
        {WWW "/metadata/1.gone.json", 0, true},
        {WWW "/head/99", 0, false},
        {WWW "/targets/zones/old", 2 * PTI_MIRROR_GRACE_S, false},
        {WWW "/index.html", 2 * PTI_MIRROR_GRACE_S, true},
    };
    struct scratch *scratch = *state;
    struct pti_mirror_result result;

    make_two_publications(scratch);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        const struct utimbuf times = {SCRATCH_NOW - files[i].age, SCRATCH_NOW - files[i].age};

        scratch_write(scratch, scratch_path(scratch, files[i].path), "x");
        assert_int_equal(utime(scratch_path(scratch, files[i].path), &times), 0);
    }
    scratch_ok(scratch, mirror_to(scratch, "repo", WWW, &result));
    assert_int_equal(result.removed, 4);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        if (pti_file_exists(scratch_path(scratch, files[i].path)) != files[i].stays)
            fail_msg("%s", files[i].path);
    scratch_ok(scratch, mirror_to(scratch, "repo", WWW, &result));
    assert_int_equal(result.written, 0); /* what is the same is left alone */
}

static void put_with_compressed(struct scratch *scratch, const char *relative, const char *text)
{
    struct pti_buf compressed;
    char beside[64];

    snprintf(beside, sizeof beside, "%s" PTI_GZIP_SUFFIX, relative);
    assert_int_equal(pti_gzip(pti_bytes_text(text), &compressed, NULL), PINTLE_OK);
    scratch_write(scratch, scratch_path(scratch, relative), text);
    scratch_ok(scratch,
               pti_file_replace(scratch_path(scratch, beside), pti_buf_bytes(&compressed), 0644, &scratch->error));
    pti_buf_clear(&compressed);
}

/* Killed in between, it would stand for a file that is gone, or for another content. */
static void test_a_compressed_form_goes_before_its_file(void **state)
{
    struct scratch *scratch = *state;
    const struct utimbuf long_ago = {SCRATCH_NOW - 2 * PTI_MIRROR_GRACE_S, SCRATCH_NOW - 2 * PTI_MIRROR_GRACE_S};
    enum faults_end end = faults_available() ? FAULTS_KILLED : FAULTS_ENDED;
    struct tree before;

    make_two_publications(scratch);
    assert_int_equal(mirror_in_child(scratch), PINTLE_OK);
    put_with_compressed(scratch, WWW "/body/0001", "surplus");
    put_with_compressed(scratch, WWW "/metadata/1.main.json", "another content under this name");
    tree_read(scratch, scratch_path(scratch, "www"), &before);
    for (long n = 0; end == FAULTS_KILLED; n++) {
        struct tree tree;

        tree_write(&before, scratch_path(scratch, "www"));
        assert_int_equal(utime(scratch_path(scratch, WWW "/body/0001"), &long_ago), 0);
        end = faults_in_child(FAULTS_CHANGES, n, FAULTS_KILL_HALFWAY, mirror_in_child, scratch);
        assert_int_not_equal(end, FAULTS_BROKEN);
        tree_read(scratch, scratch_path(scratch, WWW), &tree);
        tree_check_compressed(&tree);
        tree_clear(&tree);
    }
    tree_clear(&before);
    assert_int_equal(mirror_in_child(scratch), PINTLE_OK);
    check_complete(scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_killed_at_every_change),
        SCRATCH_TEST(test_a_first_copy_that_was_killed_is_completed),
        SCRATCH_TEST(test_a_disk_that_fails_is_told),
        SCRATCH_TEST(test_what_is_not_ours_is_not_written_over),
        SCRATCH_TEST(test_a_newer_publication_is_not_written_over),
        SCRATCH_TEST(test_surplus_goes_after_the_grace),
        SCRATCH_TEST(test_a_compressed_form_goes_before_its_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
