/* SPDX-License-Identifier: Apache-2.0 */
/* The journal of a stage: whoever reads it while it is there, who put it there, and what it may not say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "scratch.h"
#include "tuf/container.h"

#define HOST "api.example.com"
#define JOURNAL "repo/stage/.pending"

/* A journal with one file. */
static void write_journal(struct scratch *scratch, const char *path, struct pintle_bytes bytes)
{
    struct pti_buf text;

    pti_buf_init(&text, 1000000);
    pti_container_write_begin(&text, 1);
    pti_container_write_entry(&text, path, bytes);
    scratch_ok(scratch, pti_file_make_directory(scratch_path(scratch, "repo/stage"), 0755, &scratch->error));
    scratch_ok(scratch, pti_file_replace(scratch_path(scratch, JOURNAL), pti_buf_bytes(&text), 0644, &scratch->error));
    pti_buf_clear(&text);
}

/* A charter with HOST in it, as a stage would hold it. */
static struct pintle_bytes charter_with_host(struct scratch *scratch)
{
    struct pti_repository *repository = scratch_open(scratch, "repo", PTI_REPOSITORY_WRITE);
    struct pintle_bytes charter;

    scratch_add_host(scratch, repository, HOST, 1);
    charter = scratch_read(scratch, scratch_path(scratch, "repo/stage/charter.json"));
    scratch_ok(scratch, pti_repository_drop_stage(repository, &scratch->error));
    assert_false(pti_file_exists(scratch_path(scratch, JOURNAL)));
    assert_false(pti_file_exists(scratch_path(scratch, "repo/stage/zones/main.json")));
    pti_repository_close(repository);
    return charter;
}

static bool stages_host(const struct pti_repository *repository)
{
    return pti_charter_find(&repository->stage.charter, HOST) != NULL;
}

static void test_a_journal_that_was_left_is_the_stage(void **state)
{
    struct scratch *scratch = *state;
    struct pti_repository *repository;
    struct pintle_bytes charter;

    scratch_init(scratch, "repo", 0, 0);
    charter = charter_with_host(scratch);
    write_journal(scratch, "charter.json", charter);
    pti_bytes_free(&charter);
    scratch_write(scratch, scratch_path(scratch, "repo/stage/charter.json"), "half a char");

    repository = scratch_open(scratch, "repo", PTI_REPOSITORY_READ);
    assert_true(stages_host(repository));
    pti_repository_close(repository);
    assert_true(pti_file_exists(scratch_path(scratch, JOURNAL))); /* who only reads leaves it */

    repository = scratch_open(scratch, "repo", PTI_REPOSITORY_WRITE);
    assert_true(stages_host(repository));
    pti_repository_close(repository);
    assert_false(pti_file_exists(scratch_path(scratch, JOURNAL)));
    charter = scratch_read(scratch, scratch_path(scratch, "repo/stage/charter.json"));
    assert_true(charter.size > 100);
    pti_bytes_free(&charter);
}

static void refuses(struct scratch *scratch, enum pti_repository_access access, const char *text)
{
    struct pti_repository *repository;

    scratch_refused(scratch,
                    pti_repository_open(scratch_path(scratch, "repo"), access, SCRATCH_NOW, scratch->crypto,
                                        &repository, &scratch->error),
                    PINTLE_ERR_INPUT, text);
}

static void test_a_journal_writes_nothing_outside_of_the_stage(void **state)
{
    static const char *const paths[] = {
        "../charter.json",
        "../../evil.json",
        "/tmp/evil.json",
        "zones/../../evil.json",
        "metadata/a/b.json",
        "metadata/../evil.json",
        "zones/.json",
        "zones/.x.json",
        ".x.json",
        "charter.txt",
        "../public/metadata/9.root.json",
        ".json",
    };
    struct scratch *scratch = *state;

    scratch_init(scratch, "repo", 0, 0);
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        print_message("%s\n", paths[i]);
        write_journal(scratch, paths[i], pti_bytes_text("evil"));
        refuses(scratch, PTI_REPOSITORY_WRITE,
                "stage/.pending holds a file that is none of a stage; throw the draft away");
        refuses(scratch, PTI_REPOSITORY_READ,
                "stage/.pending holds a file that is none of a stage; throw the draft away");
    }
    assert_false(pti_file_exists(scratch_path(scratch, "evil.json")));
    assert_false(pti_file_exists(scratch_path(scratch, "repo/evil.json")));
    assert_false(pti_file_exists(scratch_path(scratch, "repo/public/metadata/9.root.json")));
}

static void test_a_damaged_journal_is_told(void **state)
{
    struct scratch *scratch = *state;
    struct pti_repository *repository;

    scratch_init(scratch, "repo", 0, 0);
    write_journal(scratch, "charter.json", pti_bytes_text("{}"));
    scratch_write(scratch, scratch_path(scratch, JOURNAL), "PNTL0001");
    refuses(scratch, PTI_REPOSITORY_WRITE, "stage/.pending is damaged; throw the draft away");
    /* A server renews all the same; and a draft can be thrown away that cannot be read. */
    repository = scratch_open(scratch, "repo", PTI_REPOSITORY_PUBLISHED);
    scratch_ok(scratch, pti_repository_drop_stage(repository, &scratch->error));
    pti_repository_close(repository);
    pti_repository_close(scratch_open(scratch, "repo", PTI_REPOSITORY_WRITE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_a_journal_that_was_left_is_the_stage),
        SCRATCH_TEST(test_a_journal_writes_nothing_outside_of_the_stage),
        SCRATCH_TEST(test_a_damaged_journal_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
