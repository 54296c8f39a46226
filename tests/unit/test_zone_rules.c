/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Charter and zones over many publications, by the publisher's own edits: nothing that it lets through strands a client,
 * however many versions that one has skipped (docs/design/0012-charter-and-zone-rules.md), and what sizes there may be.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "publish/stage.h"
#include "sim_repository.h"

#define HOST "api.example.com"
#define ADDRESS "192.0.2.1"
#define HISTORY_MAX 64

static const struct pti_expiry_days days = {365, 365, 90, 7, 3};

/* What is published, the stage over it, and every charter that was ever published: some client holds each. */
struct world {
    struct sim *sim;
    struct pti_published base;
    struct pti_file_source source;
    struct pti_stage stage;
    struct pti_charter history[HISTORY_MAX];
    size_t history_count;
    struct pti_error error;
};

static void ok(struct world *world, enum pintle_status status)
{
    if (status != PINTLE_OK)
        fail_msg("%s: %s", pintle_status_name(status), world->error.detail);
}

static void refused(struct world *world, enum pintle_status status, const char *text)
{
    if (status != PINTLE_ERR_INPUT || strstr(world->error.detail, text) == NULL)
        fail_msg("expected input with \"%s\", found %s: %s", text, pintle_status_name(status), world->error.detail);
}

static void read_base(struct world *world)
{
    sim_published(world->sim, &world->base);
    ok(world, pti_stage_init(&world->stage, &world->base, &days, world->sim->crypto, &world->error));
    assert_true(world->history_count < HISTORY_MAX);
    ok(world, pti_charter_parse(world->base.charter, &world->history[world->history_count++], &world->error));
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));

    assert_non_null(world);
    world->sim = sim_new();
    world->source = sim_source(world->sim);
    (void)sim_add_zone(world->sim, "other");
    sim_publish(world->sim);
    read_base(world);
    *state = world;
    return 0;
}

static void drop_base(struct world *world)
{
    pti_stage_clear(&world->stage);
    pti_published_clear(&world->base);
}

static int teardown(void **state)
{
    struct world *world = *state;

    drop_base(world);
    for (size_t i = 0; i < world->history_count; i++)
        pti_charter_clear(&world->history[i]);
    sim_free(world->sim);
    free(world);
    return 0;
}

/* What would be signed now passes, and may follow whatever charter a client holds. */
static void check(struct world *world)
{
    ok(world, pti_stage_update(&world->stage, SIM_START, &world->error));
    ok(world, pti_stage_check(&world->stage, &world->error));
    for (size_t i = 0; i < world->history_count; i++)
        ok(world, pti_charter_check_successor(&world->history[i], &world->stage.charter, &world->error));
}

/* Publishes the staged content: the simulated repository signs it, and a new stage is made over that. */
static void publish(struct world *world)
{
    struct pti_buf text;

    check(world);
    pti_buf_init(&text, PTI_CHARTER_SIZE_MAX);
    pti_charter_write(&world->stage.charter, &text);
    pti_charter_clear(&world->sim->charter);
    ok(world, pti_charter_parse(pti_buf_bytes(&text), &world->sim->charter, &world->error));
    for (size_t i = 0; i < world->stage.zone_count; i++) {
        struct sim_zone *zone = sim_zone(world->sim, world->stage.zones[i].name);
        pti_buf_clear(&text);
        pti_zone_write(&world->stage.zones[i].zone, &text);
        pti_zone_clear(&zone->content);
        ok(world, pti_zone_parse(pti_buf_bytes(&text), zone->name, &zone->content, &world->error));
    }
    pti_buf_clear(&text);
    sim_publish(world->sim);
    drop_base(world);
    read_base(world);
}

static void add(struct world *world, const char *host, bool subdomains)
{
    const struct pti_host_edit edit = {.zone = "main", .set_subdomains = subdomains, .subdomains = subdomains};
    const struct pti_pin_edit pin = {.pin = sim_pin(1)};
    bool added;

    ok(world, pti_stage_host_add(&world->stage, host, &edit, &world->error));
    ok(world, pti_stage_pin_add(&world->stage, host, &pin, &added, &world->error));
}

static void release(struct world *world, const char *host)
{
    ok(world, pti_stage_host_release(&world->stage, host, &world->error));
}

/* ---- released ---- */

static void test_a_released_host_can_be_added_again(void **state)
{
    static const struct {
        const char *host;
        bool wide, wide_again;
        const char *left; /* of the release, when it is listed again; NULL: nothing */
    } cases[] = {
        {HOST, false, false, "*." HOST}, {HOST, true, false, "*." HOST}, {HOST, true, true, NULL},
        {HOST, false, true, NULL},       {ADDRESS, false, false, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        void *made;
        struct world *world;

        (void)setup(&made);
        world = made;
        for (int round = 0; round < 2; round++) {
            add(world, cases[i].host, cases[i].wide);
            publish(world);
            release(world, cases[i].host);
            publish(world);
            assert_true(pti_charter_has_released(&world->stage.charter, cases[i].host));
            add(world, cases[i].host, cases[i].wide_again);
            publish(world);
            assert_false(pti_charter_has_released(&world->stage.charter, cases[i].host));
            assert_int_equal(world->stage.charter.released_count, cases[i].left != NULL ? 1 : 0);
            if (cases[i].left != NULL)
                assert_string_equal(world->stage.charter.released[0], cases[i].left);
            release(world, cases[i].host);
            publish(world);
        }
        (void)teardown(&made);
    }
}

static uint32_t draw(uint32_t *seed, uint32_t below)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (*seed >> 16) % below;
}

/* Any edit that is refused as such is skipped; whatever was let through can be signed, and followed from anywhere. */
static void edit_at_random(struct world *world, uint32_t *seed)
{
    static const char *const hosts[] = {HOST, "example.com", "old.example.com", ADDRESS};
    static const char *const zones[] = {"main", "other"};
    const char *host = hosts[draw(seed, 4)];
    const struct pti_pin_edit pin = {.pin = sim_pin((uint8_t)(1 + draw(seed, 3))), .permanent = draw(seed, 2) == 0};
    const struct pti_host_edit edit = {.zone = zones[draw(seed, 2)],
                                       .mode = draw(seed, 3) == 0 ? PINTLE_MODE_REPORT : PINTLE_MODE_ENFORCE,
                                       .set_subdomains = draw(seed, 2) == 0,
                                       .subdomains = draw(seed, 2) == 0};
    bool added;

    if (draw(seed, 3) == 0) {
        (void)pti_stage_host_release(&world->stage, host, &world->error);
    } else if (pti_stage_host_add(&world->stage, host, &edit, &world->error) == PINTLE_OK) {
        ok(world, pti_stage_pin_add(&world->stage, host, &pin, &added, &world->error));
    }
}

static void test_no_edits_strand_a_client_that_skipped_versions(void **state)
{
    (void)state;
    for (uint32_t walk = 1; walk <= 12; walk++) {
        uint32_t seed = walk;
        void *made;

        (void)setup(&made);
        for (int step = 0; step < 40; step++) {
            struct world *world = made;
            edit_at_random(world, &seed);
            check(world);
            if (draw(&seed, 3) == 0)
                publish(world);
        }
        (void)teardown(&made);
    }
}

/* ---- other keys ---- */

static struct pti_role_keys keys_of(struct world *world, const char *zone, size_t more, int64_t threshold)
{
    struct pti_role_keys keys = {NULL, 0, threshold};
    struct pti_signing_key *key;

    if (zone != NULL)
        ok(world, pti_role_keys_add(&keys, pti_signing_key_public(sim_zone(world->sim, zone)->signers.keys[0]),
                                    &world->error));
    for (size_t i = 0; i < more; i++) {
        ok(world, pti_signing_key_generate(PTI_KEY_ED25519, &key, &world->error));
        ok(world, pti_role_keys_add(&keys, pti_signing_key_public(key), &world->error));
        pti_signing_key_free(key);
    }
    keys.threshold = threshold;
    return keys;
}

static void test_a_zone_is_handed_over(void **state)
{
    struct world *world = *state;
    struct pti_role_keys before = keys_of(world, "other", 0, 1), joined = keys_of(world, "other", 1, 2);
    struct pti_role_keys too_few = keys_of(world, "other", 0, 2), none = keys_of(world, NULL, 1, 0);
    struct pti_role_keys of_root = {NULL, 0, 1};

    ok(world,
       pti_role_keys_add(&of_root, pti_signing_key_public(world->sim->signers[SIM_SNAPSHOT].keys[0]), &world->error));
    refused(world, pti_stage_zone_set_keys(&world->stage, "other", &too_few, &world->source, &world->error),
            "needs at least that many keys");
    refused(world, pti_stage_zone_set_keys(&world->stage, "other", &none, &world->source, &world->error),
            "must not be 0");
    refused(world, pti_stage_zone_set_keys(&world->stage, "other", &of_root, &world->source, &world->error),
            "signs snapshot, so it may not sign a zone too");
    refused(world, pti_stage_zone_set_keys(&world->stage, "nowhere", &joined, &world->source, &world->error),
            "there is no zone");
    ok(world, pti_stage_zone_set_keys(&world->stage, "other", &joined, &world->source, &world->error));
    ok(world, pti_stage_update(&world->stage, SIM_START, &world->error));
    assert_true(world->stage.targets.size > 0);
    assert_true(pti_stage_zone(&world->stage, "other")->draft.size > 0); /* those who may sign now prove it */
    assert_int_equal(pti_stage_zone(&world->stage, "other")->file.size, 0);
    ok(world, pti_stage_zone_set_keys(&world->stage, "other", &before, &world->source, &world->error));
    ok(world, pti_stage_update(&world->stage, SIM_START, &world->error));
    assert_int_equal(world->stage.targets.size, 0); /* it never left: the change was only staged */

    sim_rotate_zone_keys(world->sim, "other");
    sim_publish(world->sim);
    drop_base(world);
    read_base(world);
    refused(world, pti_stage_zone_set_keys(&world->stage, "other", &before, &world->source, &world->error),
            "a removed key never returns");
    pti_role_keys_clear(&before);
    pti_role_keys_clear(&joined);
    pti_role_keys_clear(&too_few);
    pti_role_keys_clear(&none);
    pti_role_keys_clear(&of_root);
}

/* ---- a part of the stage ---- */

static void test_a_part_holds_one_draft_and_gives_its_signatures_back(void **state)
{
    static const char *const other = "other", *const nowhere = "nowhere", *const targets = "targets";
    struct world *world = *state;
    struct pti_signed_roles done;
    struct pti_stage part;
    const struct pti_pin_edit pin = {.pin = sim_pin(5)};
    const struct pti_host_edit moved = {.zone = "other"};
    bool added;

    add(world, HOST, false);
    ok(world, pti_stage_host_add(&world->stage, "b.example.com", &moved, &world->error));
    ok(world, pti_stage_pin_add(&world->stage, "b.example.com", &pin, &added, &world->error));
    publish(world);
    ok(world, pti_stage_pin_remove(&world->stage, "b.example.com", &pin, &world->error)); /* nobody may sign this */
    ok(world,
       pti_stage_host_add(&world->stage, "b.example.com", &(struct pti_host_edit){.zone = "main"}, &world->error));
    ok(world, pti_stage_pin_add(&world->stage, HOST, &pin, &added, &world->error));
    ok(world, pti_stage_update(&world->stage, SIM_START, &world->error));
    refused(world, pti_stage_part(&world->stage, &nowhere, 1, SIM_START, &part, &world->error),
            "expected root, targets or a zone");
    ok(world, pti_stage_part(&world->stage, (const char *const[]){"main"}, 1, SIM_START, &part, &world->error));
    assert_true(pti_stage_zone(&part, "main")->draft.size > 0);
    assert_int_equal(part.targets.size + part.charter_file.size + pti_stage_zone(&part, "other")->draft.size, 0);
    assert_string_equal(pti_charter_find(&part.charter, "b.example.com")->zone, "other");
    ok(world, pti_stage_check(&part, &world->error));
    ok(world, pti_stage_sign(&part, sim_zone(world->sim, "main")->signers.keys[0], &done, &world->error));
    assert_int_equal(done.count, 1);
    ok(world, pti_stage_part_return(&part, (const char *const[]){"main"}, 1, &world->stage, &world->error));
    assert_true(pti_bytes_equal(pti_stage_zone(&part, "main")->draft, pti_stage_zone(&world->stage, "main")->draft));
    pti_stage_clear(&part);
    /* The charter alone would leave the zones behind: the client's own check says so. */
    ok(world, pti_stage_part(&world->stage, &targets, 1, SIM_START, &part, &world->error));
    refused(world, pti_stage_check(&part, &world->error), "b.example.com: enforced without any usable pin");
    pti_stage_clear(&part);
    ok(world, pti_stage_part(&world->stage, &other, 1, SIM_START, &part, &world->error));
    refused(world, pti_stage_check(&part, &world->error), "without any usable pin");
    pti_stage_clear(&part);
}

/* ---- sizes ---- */

static char *name_of(size_t i)
{
    static char name[32];

    (void)snprintf(name, sizeof(name), "h%05zu.example", i);
    return name;
}

/* Copies of the first host under other names; adding each by pti_charter_add_host() takes half a minute under ASan. */
static void fill(struct pti_charter *charter, size_t count)
{
    charter->hosts = realloc(charter->hosts, count * sizeof(*charter->hosts));
    assert_non_null(charter->hosts);
    for (size_t i = charter->host_count; i < count; i++) {
        charter->hosts[i] = charter->hosts[0];
        charter->hosts[i].host = pti_bytes_strdup(pti_bytes_text(name_of(i)));
    }
    charter->host_count = count;
}

static void test_hosts_up_to_the_limit(void **state)
{
    struct world *world = *state;
    struct pti_charter charter, again;
    struct pti_charter_host *entry;
    struct pti_buf text;

    pti_charter_init(&charter);
    ok(world, pti_charter_add_host(&charter, name_of(0), &entry, &world->error));
    (void)pti_copy_text(entry->zone, sizeof(entry->zone), "main");
    fill(&charter, PTI_HOSTS_MAX - 1);
    ok(world, pti_charter_add_host(&charter, name_of(PTI_HOSTS_MAX - 1), &entry, &world->error));
    (void)pti_copy_text(entry->zone, sizeof(entry->zone), "main");
    refused(world, pti_charter_add_host(&charter, name_of(PTI_HOSTS_MAX), &entry, &world->error),
            "at most 20000 hosts");
    pti_buf_init(&text, PTI_CHARTER_SIZE_MAX);
    pti_charter_write(&charter, &text);
    ok(world, pti_charter_parse(pti_buf_bytes(&text), &again, &world->error));
    assert_int_equal(again.host_count, PTI_HOSTS_MAX);
    pti_charter_clear(&again);

    /* One more, as another program might write it. */
    fill(&charter, PTI_HOSTS_MAX + 1);
    pti_buf_clear(&text);
    pti_charter_write(&charter, &text);
    refused(world, pti_charter_parse(pti_buf_bytes(&text), &again, &world->error), "at most 20000");
    pti_buf_clear(&text);
    pti_charter_clear(&charter);
}

static void test_zones_and_pins_up_to_the_limit(void **state)
{
    struct world *world = *state;
    bool added;

    for (size_t i = world->stage.zone_count; i < PTI_ZONES_MAX + 1; i++) {
        struct pti_role_keys keys = keys_of(world, NULL, 1, 1);
        char name[16];
        enum pintle_status status;
        (void)snprintf(name, sizeof(name), "z%zu", i);
        status = pti_stage_zone_add(&world->stage, name, &keys, &world->source, &world->error);
        pti_role_keys_clear(&keys);
        if (i < PTI_ZONES_MAX)
            ok(world, status);
        else
            refused(world, status, "at most 64 zones");
    }
    ok(world, pti_stage_host_add(&world->stage, HOST, &(struct pti_host_edit){.zone = "main"}, &world->error));
    for (size_t i = 0; i <= PTI_PINS_PER_HOST_MAX; i++) {
        const struct pti_pin_edit pin = {.pin = sim_pin((uint8_t)i)};
        enum pintle_status status = pti_stage_pin_add(&world->stage, HOST, &pin, &added, &world->error);
        if (i < PTI_PINS_PER_HOST_MAX)
            ok(world, status);
        else
            refused(world, status, "at most 64; remove old ones");
    }
    check(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_released_host_can_be_added_again),
        cmocka_unit_test(test_no_edits_strand_a_client_that_skipped_versions),
        cmocka_unit_test_setup_teardown(test_a_zone_is_handed_over, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_part_holds_one_draft_and_gives_its_signatures_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hosts_up_to_the_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_zones_and_pins_up_to_the_limit, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
