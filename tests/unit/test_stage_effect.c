/* SPDX-License-Identifier: Apache-2.0 */
/* What a person is told that clients will do, and what they may regret. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "scratch.h"

#define HOST "api.example.com"

struct told {
    struct pti_change *changes;
    size_t count;
    char warnings[4096];
};

static void take_warning(void *ctx, const char *line)
{
    struct told *told = ctx;
    const size_t length = strlen(told->warnings);

    (void)snprintf(told->warnings + length, sizeof(told->warnings) - length, "%s\n", line);
}

static void tell(struct scratch *scratch, struct pti_repository *repository, struct told *told)
{
    memset(told, 0, sizeof(*told));
    scratch_ok(scratch, pti_stage_update(&repository->stage, SCRATCH_NOW, &scratch->error));
    scratch_ok(scratch, pti_stage_diff(&repository->stage, &told->changes, &told->count, &scratch->error));
    scratch_ok(scratch,
               pti_stage_warnings(&repository->stage, told->changes, told->count, take_warning, told, &scratch->error));
}

static const char *effect(const struct told *told, enum pti_change_kind kind, const char *host)
{
    for (size_t i = 0; i < told->count; i++)
        if (told->changes[i].kind == kind && strcmp(told->changes[i].host, host) == 0)
            return told->changes[i].effect;
    fail_msg("no change of kind %s", pti_change_kind_name(kind));
    return "";
}

static void host_with(struct scratch *scratch, struct pti_repository *repository, const char *host,
                      enum pintle_mode mode, bool subdomains)
{
    const struct pti_host_edit edit = {.mode = mode, .set_subdomains = true, .subdomains = subdomains};

    scratch_ok(scratch, pti_stage_host_add(&repository->stage, host, &edit, &scratch->error));
}

/* number is the byte that the hash consists of. */
static void pin_with(struct scratch *scratch, struct pti_repository *repository, const char *host, int number,
                     bool permanent, bool deny)
{
    struct pti_pin_edit edit = {
        .pin = {.of = PINTLE_OF_SPKI, .at = PINTLE_AT_LEAF}, .permanent = permanent, .deny = deny};
    bool added;

    memset(edit.pin.sha256, number, sizeof(edit.pin.sha256));
    scratch_ok(scratch, pti_stage_pin_add(&repository->stage, host, &edit, &added, &scratch->error));
}

static void unpin(struct scratch *scratch, struct pti_repository *repository, const char *host, int number,
                  bool permanent)
{
    struct pti_pin_edit edit = {.permanent = permanent};

    memset(edit.pin.sha256, number, sizeof(edit.pin.sha256));
    scratch_ok(scratch, pti_stage_pin_remove(&repository->stage, host, &edit, &scratch->error));
}

static void publish(struct scratch *scratch, struct pti_repository *repository)
{
    scratch_ok(scratch, pti_stage_update(&repository->stage, SCRATCH_NOW, &scratch->error));
    (void)scratch_publish(scratch, repository, SCRATCH_NOW);
}

static struct pti_repository *published(struct scratch *scratch)
{
    struct pti_repository *repository;

    scratch_init(scratch, "repo", 0, 0);
    repository = scratch_open(scratch, "repo", PTI_REPOSITORY_WRITE);
    host_with(scratch, repository, HOST, PINTLE_MODE_ENFORCE, true);
    pin_with(scratch, repository, HOST, 1, false, false);
    pin_with(scratch, repository, HOST, 2, true, false);
    publish(scratch, repository);
    return repository;
}

static void test_hosts_and_modes(void **state)
{
    struct scratch *scratch = *state;
    struct pti_repository *repository = published(scratch);
    struct told told;

    host_with(scratch, repository, HOST, PINTLE_MODE_REPORT, false);
    host_with(scratch, repository, "new.example.com", PINTLE_MODE_ENFORCE, true);
    host_with(scratch, repository, "watched.example.com", PINTLE_MODE_REPORT, false);
    tell(scratch, repository, &told);
    assert_string_equal(effect(&told, PTI_CHANGE_MODE, HOST),
                        "report a chain without a pinned key, and connect all the same");
    assert_string_equal(effect(&told, PTI_CHANGE_SUBDOMAINS, HOST),
                        "connect to names below it that have no entry of their own after ordinary validation alone; "
                        "apps that require pins for it refuse it");
    assert_string_equal(effect(&told, PTI_CHANGE_HOST_ADDED, "new.example.com"),
                        "refuse it, and every name below it, without a pinned key in its chain");
    assert_string_equal(effect(&told, PTI_CHANGE_HOST_ADDED, "watched.example.com"),
                        "report a chain without a pinned key, and connect all the same");
    assert_string_equal(told.warnings, "new.example.com: no usable pin is left: every client would be locked out\n");
    free(told.changes);
    pti_repository_close(repository);
}

static void test_a_release_says_what_still_covers_the_name(void **state)
{
    struct scratch *scratch = *state;
    struct pti_repository *repository = published(scratch);
    struct told told;

    host_with(scratch, repository, "a.api.example.com", PINTLE_MODE_ENFORCE, false);
    pin_with(scratch, repository, "a.api.example.com", 3, false, false);
    publish(scratch, repository);
    scratch_ok(scratch, pti_stage_host_release(&repository->stage, "a.api.example.com", &scratch->error));
    tell(scratch, repository, &told);
    assert_string_equal(effect(&told, PTI_CHANGE_HOST_RELEASED, "a.api.example.com"), "hold it to the pins of " HOST);
    assert_string_equal(effect(&told, PTI_CHANGE_PIN_REMOVED, "a.api.example.com"),
                        "nothing more: the host is pinned no more");
    free(told.changes);
    scratch_ok(scratch, pti_stage_host_release(&repository->stage, HOST, &scratch->error));
    tell(scratch, repository, &told);
    assert_string_equal(effect(&told, PTI_CHANGE_HOST_RELEASED, HOST),
                        "connect to it after ordinary validation alone; apps that require pins for it refuse it");
    assert_string_equal(told.warnings, "");
    free(told.changes);
    pti_repository_close(repository);
}

static void test_pins_and_denials(void **state)
{
    struct scratch *scratch = *state;
    struct pti_repository *repository = published(scratch);
    struct told told;

    pin_with(scratch, repository, HOST, 3, false, false);
    pin_with(scratch, repository, HOST, 4, false, true);
    unpin(scratch, repository, HOST, 1, false);
    tell(scratch, repository, &told);
    assert_string_equal(effect(&told, PTI_CHANGE_PIN_ADDED, HOST), "accept a chain with this key as its leaf");
    assert_string_equal(effect(&told, PTI_CHANGE_PIN_REMOVED, HOST), "refuse a chain that no other pin matches");
    assert_string_equal(effect(&told, PTI_CHANGE_DENIAL_ADDED, HOST),
                        "refuse every chain that holds it, whatever else matches, in mode report too");
    assert_string_equal(told.warnings, ""); /* key 2 stays, and there are two */
    free(told.changes);
    pti_repository_close(repository);
}

static void test_what_somebody_may_regret(void **state)
{
    struct scratch *scratch = *state;
    struct pti_repository *repository = published(scratch);
    struct told told;

    unpin(scratch, repository, HOST, 1, false);
    tell(scratch, repository, &told);
    assert_string_equal(told.warnings, HOST ": one pin alone: if that key is lost, every client is locked out\n");
    free(told.changes);
    unpin(scratch, repository, HOST, 2, true);
    pin_with(scratch, repository, HOST, 3, false, false);
    pin_with(scratch, repository, HOST, 4, false, false);
    tell(scratch, repository, &told);
    assert_string_equal(
        told.warnings,
        HOST ": none of the keys that clients accept now stays: a server that still has one is refused\n" HOST
             ": its last permanent pin goes: who holds its zone's keys can then lock every client out\n");
    free(told.changes);
    /* A denial takes a pin away as well as a removal does. */
    pin_with(scratch, repository, HOST, 3, true, true);
    tell(scratch, repository, &told);
    assert_non_null(strstr(told.warnings, HOST ": one pin alone"));
    free(told.changes);
    pti_repository_close(repository);
}

static void test_keys_and_thresholds(void **state)
{
    struct scratch *scratch = *state;
    struct pti_repository *repository;
    struct told told;

    scratch_init(scratch, "repo", 3, 2);
    repository = scratch_open(scratch, "repo", PTI_REPOSITORY_WRITE);
    scratch_ok(scratch, pti_stage_root_threshold(&repository->stage, PTI_TUF_TARGETS, 1, &scratch->error));
    scratch_ok(scratch, pti_stage_root_threshold(&repository->stage, PTI_TUF_ROOT, 3, &scratch->error));
    tell(scratch, repository, &told);
    assert_string_equal(told.changes[0].effect,
                        "ask for as many signatures on new roots, and with them every other key");
    assert_string_equal(told.warnings, "root: all of its 3 keys must sign, so none of them may ever be lost\n"
                                       "targets: one key alone can then sign it, and so can who steals it\n");
    free(told.changes);
    pti_repository_close(repository);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_hosts_and_modes),     SCRATCH_TEST(test_a_release_says_what_still_covers_the_name),
        SCRATCH_TEST(test_pins_and_denials),    SCRATCH_TEST(test_what_somebody_may_regret),
        SCRATCH_TEST(test_keys_and_thresholds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
