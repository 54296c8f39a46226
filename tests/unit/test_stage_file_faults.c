/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stage file that is signed elsewhere and merged, while processes are killed and memory runs out: the stage, and the
 * file, are the old one or the new one, whole, and doing it again succeeds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "faults.h"
#include "publish/stage_file.h"
#include "publish/stage_merge.h"
#include "publish_scene.h"

static const struct pti_key_names nobody = {NULL, 0};

struct ceremony {
    struct scratch *scratch;
    char directory[PTI_PATH_MAX], file[PTI_PATH_MAX];
    struct tree base;
    struct pti_buf exported, signed_by_one;
    struct pti_signing_key *key;
};

static void write_file(struct ceremony *ceremony, const struct pti_repository *repository, struct pti_buf *out)
{
    scratch_ok(ceremony->scratch, pti_stage_file_write(repository, &nobody, out, &ceremony->scratch->error));
}

static struct pti_repository *read_file(struct ceremony *ceremony, struct pintle_bytes bytes)
{
    struct pti_repository *repository;
    struct pti_key_names names;

    scratch_ok(ceremony->scratch, pti_stage_file_read(bytes, SCRATCH_NOW, ceremony->scratch->crypto, &repository,
                                                      &names, &ceremony->scratch->error));
    pti_key_names_clear(&names);
    return repository;
}

/* Two of three must sign targets; a change is staged; one has signed what was exported. */
static void begin(struct ceremony *ceremony, struct scratch *scratch)
{
    struct pti_signed_roles roles;
    struct pti_repository *repository, *away;

    *ceremony = (struct ceremony){.scratch = scratch};
    (void)pti_copy_text(ceremony->directory, sizeof(ceremony->directory), scratch_path(scratch, "repo"));
    (void)pti_copy_text(ceremony->file, sizeof(ceremony->file), scratch_path(scratch, "stage-file"));
    scratch_init(scratch, "repo", 3, 2);
    repository = scratch_open(scratch, "repo", PTI_REPOSITORY_WRITE);
    scratch_add_host(scratch, repository, SCENE_HOST, 1);
    write_file(ceremony, repository, &ceremony->exported);
    scratch_ok(scratch, pti_signing_key_load(scratch_path(scratch, "repo/keys/targets-1.pem"), NULL, &ceremony->key,
                                             &scratch->error));
    away = read_file(ceremony, pti_buf_bytes(&ceremony->exported));
    scratch_ok(scratch, pti_stage_sign(&away->stage, ceremony->key, &roles, &scratch->error));
    assert_int_equal(roles.count, 1);
    write_file(ceremony, away, &ceremony->signed_by_one);
    pti_repository_close(away);
    pti_repository_close(repository);
    tree_read(scratch, ceremony->directory, &ceremony->base);
}

static void end(struct ceremony *ceremony)
{
    pti_signing_key_free(ceremony->key);
    pti_buf_clear(&ceremony->exported);
    pti_buf_clear(&ceremony->signed_by_one);
    tree_clear(&ceremony->base);
}

/* What `pintle stage import` does. */
static int import(void *ctx)
{
    struct ceremony *ceremony = ctx;
    struct pti_error *error = &ceremony->scratch->error;
    struct pti_repository *repository = NULL, *away = NULL;
    struct pti_key_names names = {NULL, 0};
    struct pti_merge merge = {NULL, 0};
    enum pintle_status status = pti_repository_open(ceremony->directory, PTI_REPOSITORY_WRITE, SCRATCH_NOW,
                                                    ceremony->scratch->crypto, &repository, error);

    if (status == PINTLE_OK)
        status = pti_stage_file_read(pti_buf_bytes(&ceremony->signed_by_one), SCRATCH_NOW, ceremony->scratch->crypto,
                                     &away, &names, error);
    if (status == PINTLE_OK)
        status = pti_stage_merge(&repository->stage, &away->stage, &merge, error);
    if (status == PINTLE_OK)
        status = pti_repository_save_stage(repository, error);
    pti_merge_clear(&merge);
    pti_key_names_clear(&names);
    pti_repository_close(away);
    pti_repository_close(repository);
    return (int)status;
}

/* What `pintle sign --stage` does. */
static int sign(void *ctx)
{
    struct ceremony *ceremony = ctx;
    struct pti_error *error = &ceremony->scratch->error;
    struct pti_repository *away = NULL;
    struct pti_key_names names = {NULL, 0};
    struct pintle_bytes bytes = {NULL, 0};
    struct pti_signed_roles roles;
    struct pti_buf out;
    enum pintle_status status = pti_file_read(ceremony->file, PTI_STAGE_FILE_SIZE_MAX, &bytes, error);

    pti_buf_init(&out, 0);
    if (status == PINTLE_OK)
        status = pti_stage_file_read(bytes, SCRATCH_NOW, ceremony->scratch->crypto, &away, &names, error);
    if (status == PINTLE_OK)
        status = pti_stage_sign(&away->stage, ceremony->key, &roles, error);
    if (status == PINTLE_OK)
        status = pti_stage_file_write(away, &names, &out, error);
    if (status == PINTLE_OK)
        status = pti_file_replace(ceremony->file, pti_buf_bytes(&out), 0644, error);
    pti_buf_clear(&out);
    pti_key_names_clear(&names);
    pti_repository_close(away);
    pti_bytes_free(&bytes);
    return (int)status;
}

static int64_t signatures(struct ceremony *ceremony)
{
    struct pti_repository *repository = scratch_open(ceremony->scratch, "repo", PTI_REPOSITORY_READ);
    struct pti_role_state *states;
    int64_t found = -1;
    size_t count;

    scratch_ok(ceremony->scratch, pti_stage_roles(&repository->stage, &states, &count, &ceremony->scratch->error));
    for (size_t i = 0; i < count; i++)
        if (strcmp(states[i].name, "targets") == 0 && states[i].draft_version == 2)
            found = states[i].signatures;
    pti_role_states_free(states, count);
    assert_non_null(pti_charter_find(&repository->stage.charter, SCENE_HOST));
    pti_repository_close(repository);
    return found;
}

static void test_an_import_that_is_killed(void **state)
{
    enum faults_end how = FAULTS_KILLED;
    struct ceremony ceremony;
    long kills = 0, old = 0;

    if (!faults_available())
        skip();
    begin(&ceremony, *state);
    for (long n = 0; how == FAULTS_KILLED; n++) {
        int64_t found;
        tree_write(&ceremony.base, ceremony.directory);
        how = faults_in_child(FAULTS_CHANGES, n, FAULTS_KILL_HALFWAY, import, &ceremony);
        assert_int_not_equal(how, FAULTS_BROKEN);
        kills += how == FAULTS_KILLED;
        found = signatures(&ceremony);
        assert_in_range(found, 0, 1);
        old += found == 0;
        assert_int_equal(import(&ceremony), PINTLE_OK);
        assert_int_equal(signatures(&ceremony), 1);
    }
    assert_true(kills > 10 && old > 0 && old < kills);
    end(&ceremony);
}

static void test_a_signature_into_a_file_that_is_killed(void **state)
{
    enum faults_end how = FAULTS_KILLED;
    struct ceremony ceremony;
    long kills = 0;

    if (!faults_available())
        skip();
    begin(&ceremony, *state);
    for (long n = 0; how == FAULTS_KILLED; n++) {
        struct pintle_bytes found;
        scratch_ok(*state,
                   pti_file_replace(ceremony.file, pti_buf_bytes(&ceremony.exported), 0644, &ceremony.scratch->error));
        how = faults_in_child(FAULTS_CHANGES, n, FAULTS_KILL_HALFWAY, sign, &ceremony);
        assert_int_not_equal(how, FAULTS_BROKEN);
        kills += how == FAULTS_KILLED;
        found = scratch_read(*state, ceremony.file);
        if (!pti_bytes_equal(found, pti_buf_bytes(&ceremony.exported)))
            pti_repository_close(read_file(&ceremony, found)); /* the new one, whole */
        pti_bytes_free(&found);
        assert_int_equal(sign(&ceremony), PINTLE_OK);
    }
    assert_true(kills > 3);
    end(&ceremony);
}

static void test_an_import_without_memory(void **state)
{
    struct ceremony ceremony;
    bool more = true;

    if (!faults_available())
        skip();
    begin(&ceremony, *state);
    for (long n = 0; more; n += scene_step(23, 1)) {
        enum pintle_status status;
        tree_write(&ceremony.base, ceremony.directory);
        faults_arm(FAULTS_MEMORY, n, FAULTS_FAIL, 0);
        status = (enum pintle_status)import(&ceremony);
        more = faults_disarm();
        if (status != PINTLE_OK) {
            scratch_refused(*state, status, PINTLE_ERR_MEMORY, "");
            assert_in_range(signatures(&ceremony), 0, 1); /* once the journal is written, it is the new one */
        }
        assert_int_equal(import(&ceremony), PINTLE_OK);
        assert_int_equal(signatures(&ceremony), 1);
    }
    end(&ceremony);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_an_import_that_is_killed),
        SCRATCH_TEST(test_a_signature_into_a_file_that_is_killed),
        SCRATCH_TEST(test_an_import_without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
