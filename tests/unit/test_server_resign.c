/* SPDX-License-Identifier: Apache-2.0 */
/* Keeping a publication fresh: when it is renewed, under which numbers, and what stops it or does not. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "publish/bundle.h"
#include "publish/init.h"
#include "scratch.h"
#include "server/publication.h"
#include "server/resign.h"

#define DAY_S 86400
#define EVERY_S 60

struct machine {
    char scratch[64], repository[96], keys[128], data[96];
    int64_t now; /* the machine's; what is published is made in its past */
    struct pintle_crypto *crypto;
    struct pti_signer signer;
    struct pti_database *storage;
    struct pti_status_board board;
    struct pti_resigner resigner;
    struct pti_error error;
};

static int make_machine(void **state)
{
    struct machine *machine = calloc(1, sizeof *machine);

    if (!machine)
        return -1;
    snprintf(machine->scratch, sizeof machine->scratch, "/tmp/pintle-resign-XXXXXX");
    if (!mkdtemp(machine->scratch))
        return -1;
    snprintf(machine->repository, sizeof machine->repository, "%s/repo", machine->scratch);
    snprintf(machine->keys, sizeof machine->keys, "%s/repo/keys", machine->scratch);
    snprintf(machine->data, sizeof machine->data, "%s/data", machine->scratch);
    machine->now = (int64_t)time(NULL);
    machine->signer = (struct pti_signer){-1, -1};
    pti_status_board_init(&machine->board, "");
    *state = machine;
    return mkdir(machine->data, 0700) == 0 && pintle_crypto_openssl_new(&machine->crypto) == PINTLE_OK ? 0 : -1;
}

static int remove_machine(void **state)
{
    struct machine *machine = *state;

    pti_signer_stop(&machine->signer);
    pti_database_close(machine->storage);
    pti_status_board_clear(&machine->board);
    pintle_crypto_free(machine->crypto);
    scratch_remove_tree(machine->scratch);
    free(machine);
    return 0;
}

/* A repository published age_s seconds ago (timestamps live 3 days, snapshots 7), and everything around it. */
static void begin(struct machine *machine, int64_t age_s, bool signer)
{
    struct pti_init_options options = {.kind = PTI_KEY_ED25519, .name = "test", .now = machine->now - age_s};

    options.directory = machine->repository;
    if (pti_init(&options, machine->crypto, &machine->error) != PINTLE_OK ||
        (signer &&
         pti_signer_start(machine->repository, machine->keys, &machine->signer, &machine->error) != PINTLE_OK) ||
        pti_database_open_sqlite(machine->data, &machine->storage, &machine->error) != PINTLE_OK)
        fail_msg("%s", machine->error.detail);
    machine->resigner = (struct pti_resigner){.directory = machine->repository,
                                              .name = "",
                                              .crypto = machine->crypto,
                                              .storage = machine->storage,
                                              .signer = &machine->signer,
                                              .board = &machine->board,
                                              .every_s = EVERY_S};
}

static void tick(struct machine *machine, int64_t later_s)
{
    pti_resigner_tick(&machine->resigner, machine->now + later_s, false);
}

/* What is published now: these versions, and a client takes it. */
static void assert_published(struct machine *machine, int64_t timestamp, int64_t snapshot)
{
    struct pti_publication publication;
    struct pti_generation *generation = NULL;
    struct pti_roots roots;

    if (pti_publication_load(machine->repository, machine->crypto, &publication, &machine->error) != PINTLE_OK ||
        pti_bundle_verify_baseline(&publication.published, machine->now, machine->crypto, &roots, &generation,
                                   &machine->error) != PINTLE_OK)
        fail_msg("%s", machine->error.detail);
    assert_int_equal(publication.published.timestamp_version, timestamp);
    assert_int_equal(publication.published.snapshot_version, snapshot);
    pti_generation_free(generation);
    pti_roots_clear(&roots);
    pti_publication_clear(&publication);
}

static struct pti_status status_of(struct machine *machine)
{
    struct pti_status status;

    pti_status_board_read(&machine->board, &status);
    return status;
}

static const char *in_repository(struct machine *machine, const char *name)
{
    static char path[2][256];
    static unsigned next;
    char *out = path[next++ % 2];

    snprintf(out, sizeof path[0], "%s/%s", machine->repository, name);
    return out;
}

static void what_is_fresh_stays(void **state)
{
    struct machine *machine = *state;
    struct pti_status status;

    begin(machine, DAY_S, true);
    tick(machine, 0);
    tick(machine, 1);
    assert_published(machine, 1, 1);
    status = status_of(machine);
    assert_true(status.readable);
    assert_false(status.resign_failing);
    assert_int_equal(status.role_count, 5);
    assert_string_equal(status.roles[1].name, "timestamp");
    assert_int_equal(status.roles[1].expires, machine->now + 2 * DAY_S);
    assert_string_equal(status.roles[4].name, "main");
}

/* What is due waits for the first tick: nobody is kept waiting by a publisher who holds the lock. */
static void the_first_look_renews_nothing_and_tells_all(void **state)
{
    struct machine *machine = *state;
    struct pti_status status;

    begin(machine, 2 * DAY_S, true);
    pti_resigner_look(&machine->resigner, machine->now);
    assert_published(machine, 1, 1);
    status = status_of(machine);
    assert_true(status.readable);
    assert_false(status.resign_failing);
    assert_int_equal(status.role_count, 5);
    tick(machine, 0);
    assert_published(machine, 2, 1);
}

static void half_a_life_is_the_limit(void **state)
{
    static const struct {
        const char *name;
        int64_t age_s;
        int64_t timestamp, snapshot; /* versions wanted */
    } cases[] = {
        {"just before half of the timestamp's life", 3 * DAY_S / 2 - 30, 1, 1},
        {"just after", 3 * DAY_S / 2 + 1, 2, 1},
        {"half of the snapshot's life too", 7 * DAY_S / 2 + 1, 2, 2},
        {"everything online has expired", 30 * DAY_S, 2, 2},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (i > 0) { /* a machine of its own for each */
            assert_int_equal(remove_machine(state), 0);
            assert_int_equal(make_machine(state), 0);
        }
        {
            struct machine *machine = *state;
            struct pti_status status;

            print_message("%s\n", cases[i].name);
            begin(machine, cases[i].age_s, true);
            tick(machine, 0);
            assert_published(machine, cases[i].timestamp, cases[i].snapshot);
            tick(machine, 0);
            assert_published(machine, cases[i].timestamp, cases[i].snapshot);
            status = status_of(machine);
            assert_false(status.resign_failing);
            assert_true(status.roles[1].expires > machine->now);
            assert_int_equal(status.roles[1].version, cases[i].timestamp);
        }
    }
}

/* The next due date comes while it runs: seen at the first look after it. */
static void it_is_renewed_when_its_time_comes(void **state)
{
    struct machine *machine = *state;

    begin(machine, 3 * DAY_S / 2 - 2 * EVERY_S, true);
    tick(machine, 0);
    assert_published(machine, 1, 1);
    tick(machine, 3 * EVERY_S);
    assert_published(machine, 2, 1);
}

static void a_broken_stage_does_not_matter(void **state)
{
    struct machine *machine = *state;
    FILE *file = NULL;

    begin(machine, 5 * DAY_S, true);
    mkdir(in_repository(machine, "stage"), 0755);
    file = fopen(in_repository(machine, "stage/charter.json"), "w");
    assert_non_null(file);
    fputs("{\"half an ed", file);
    fclose(file);
    tick(machine, 0);
    assert_published(machine, 2, 2);
}

/* Something was signed before a crash, or the repository was restored from a backup: go on above it, and at once. */
/* Allocates the version after floor, as a server did that then died, or as another one on the same database. */
static void allocate(struct machine *machine, const char *role, int64_t floor)
{
    struct pti_publication publication;
    char series[PTI_SERIES_SIZE];
    int64_t version = 0;

    if (pti_publication_load(machine->repository, machine->crypto, &publication, &machine->error) != PINTLE_OK ||
        pti_resigner_series(&machine->resigner, &publication.published, role, series, &machine->error) != PINTLE_OK ||
        pti_storage_allocate_version(machine->storage, series, floor, &version, &machine->error) != PINTLE_OK)
        fail_msg("%s", machine->error.detail);
    assert_int_equal(version, floor + 1);
    pti_publication_clear(&publication);
}

static void allocated_versions_are_left_behind(void **state)
{
    struct machine *machine = *state;

    begin(machine, 0, true);
    allocate(machine, "timestamp", 8);
    allocate(machine, "snapshot", 3);
    tick(machine, 0);
    assert_published(machine, 10, 5);
    assert_false(status_of(machine).resign_failing);
    tick(machine, EVERY_S);
    assert_published(machine, 10, 5);
}

static void versions_of_other_keys_do_not_count(void **state)
{
    struct machine *machine = *state;
    struct machine other = *machine;
    const int64_t nearly_all = INT64_C(9007199254740990);

    begin(machine, 2 * DAY_S, true);
    snprintf(other.repository, sizeof other.repository, "%s/other", machine->scratch);
    if (pti_init(&(struct pti_init_options){.directory = other.repository, .name = "test", .now = machine->now},
                 machine->crypto, &machine->error) != PINTLE_OK)
        fail_msg("%s", machine->error.detail);
    other.storage = machine->storage;
    other.resigner = machine->resigner;
    allocate(&other, "timestamp", nearly_all);
    allocate(&other, "snapshot", nearly_all);
    tick(machine, 2 * DAY_S);
    assert_published(machine, 2, 2);
    assert_false(status_of(machine).resign_failing);
}

/* Else two repositories that share their online keys would drive each other's versions up for ever. */
static void versions_of_another_repository_do_not_count(void **state)
{
    struct machine *machine = *state;

    begin(machine, 2 * DAY_S, true);
    machine->resigner.name = "shop";
    allocate(machine, "timestamp", 100);
    machine->resigner.name = "";
    tick(machine, 0);
    assert_published(machine, 2, 1);
    machine->resigner.name = "shop";
    tick(machine, 2 * DAY_S);
    assert_published(machine, 102, 2);
}

static void a_lost_database_repeats_no_version(void **state)
{
    struct machine *machine = *state;
    char database[128];

    begin(machine, 2 * DAY_S, true);
    tick(machine, 0);
    assert_published(machine, 2, 1);
    pti_database_close(machine->storage);
    snprintf(database, sizeof database, "%s/pintled.db", machine->data);
    assert_int_equal(remove(database), 0);
    assert_int_equal(pti_database_open_sqlite(machine->data, &machine->storage, NULL), PINTLE_OK);
    machine->resigner.storage = machine->storage;
    tick(machine, 2 * DAY_S);
    assert_published(machine, 3, 2);
}

static void without_a_signer_it_says_so(void **state)
{
    struct machine *machine = *state;
    struct pti_status status;

    begin(machine, 2 * DAY_S, false);
    tick(machine, 0);
    assert_published(machine, 1, 1);
    status = status_of(machine);
    assert_true(status.resign_failing);
    assert_true(status.readable);
    assert_int_equal(status.role_count, 5);
}

static void a_dead_signer_is_noticed(void **state)
{
    struct machine *machine = *state;

    begin(machine, 2 * DAY_S, true);
    kill(machine->signer.pid, SIGKILL);
    tick(machine, 0);
    assert_published(machine, 1, 1);
    assert_true(status_of(machine).resign_failing);
    assert_false(pti_signer_alive(&machine->signer));
}

/* Though nothing changes and nothing is due, it is asked every hour, so that one that hangs is found. */
static void a_silent_signer_is_noticed_within_the_hour(void **state)
{
    struct machine *machine = *state;

    begin(machine, 0, true);
    tick(machine, 1);
    kill(machine->signer.pid, SIGKILL);
    tick(machine, 3600);
    assert_true(machine->signer.pid > 0);
    tick(machine, 3601);
    assert_false(machine->signer.pid > 0);
}

static void what_cannot_be_read_is_told_and_tried_again(void **state)
{
    struct machine *machine = *state;
    struct pti_status status;

    begin(machine, 0, true);
    tick(machine, 0);
    assert_int_equal(rename(in_repository(machine, "public/metadata/1.targets.json"),
                            in_repository(machine, "public/metadata/away")),
                     0);
    pti_resigner_tick(&machine->resigner, machine->now + 1, true);
    status = status_of(machine);
    assert_false(status.readable);
    assert_true(status.resign_failing);
    assert_int_equal(status.role_count, 5); /* what was known stays */
    assert_int_equal(rename(in_repository(machine, "public/metadata/away"),
                            in_repository(machine, "public/metadata/1.targets.json")),
                     0);
    tick(machine, 2); /* not yet: every second would be too often */
    assert_false(status_of(machine).readable);
    tick(machine, 1 + EVERY_S);
    status = status_of(machine);
    assert_true(status.readable);
    assert_false(status.resign_failing);
}

/* A publication that does not follow from the one seen is refused when it appears, not when it is to be renewed. */
static void a_rollback_on_disk_is_noticed_at_once(void **state)
{
    struct machine *machine = *state;
    char command[512];

    begin(machine, 2 * DAY_S, true);
    snprintf(command, sizeof command, "cp -a '%s/public' '%s/old'", machine->repository, machine->scratch);
    assert_int_equal(system(command), 0);
    tick(machine, 0);
    assert_published(machine, 2, 1);
    snprintf(command, sizeof command, "rm -rf '%s/public' && cp -a '%s/old' '%s/public'", machine->repository,
             machine->scratch, machine->repository);
    assert_int_equal(system(command), 0);
    tick(machine, 1);
    assert_true(status_of(machine).resign_failing);
    assert_published(machine, 1, 1);
}

int main(void)
{
#define MACHINE_TEST(f) cmocka_unit_test_setup_teardown(f, make_machine, remove_machine)
    const struct CMUnitTest tests[] = {
        MACHINE_TEST(what_is_fresh_stays),
        MACHINE_TEST(the_first_look_renews_nothing_and_tells_all),
        MACHINE_TEST(half_a_life_is_the_limit),
        MACHINE_TEST(it_is_renewed_when_its_time_comes),
        MACHINE_TEST(a_broken_stage_does_not_matter),
        MACHINE_TEST(allocated_versions_are_left_behind),
        MACHINE_TEST(versions_of_other_keys_do_not_count),
        MACHINE_TEST(versions_of_another_repository_do_not_count),
        MACHINE_TEST(a_lost_database_repeats_no_version),
        MACHINE_TEST(without_a_signer_it_says_so),
        MACHINE_TEST(a_dead_signer_is_noticed),
        MACHINE_TEST(a_silent_signer_is_noticed_within_the_hour),
        MACHINE_TEST(what_cannot_be_read_is_told_and_tried_again),
        MACHINE_TEST(a_rollback_on_disk_is_noticed_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
