/* SPDX-License-Identifier: Apache-2.0 */
/* The stage, over what a simulated repository has published: edits, drafts, signatures, differences. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "publish/output.h"
#include "publish/stage.h"
#include "sim_repository.h"

#define NOW SIM_START

static const struct pti_expiry_days days = {365, 365, 90, 7, 3};

/* Published: targets 2 of 3 keys; zones "main" and "other"; api.example.com in main with pin 1 and permanent pin 9. */
struct world {
    struct sim *sim;
    struct pti_published base;
    struct pti_file_source source;
    struct pti_stage stage;
    struct pti_signing_key *spare; /* of no role */
    struct pti_error error;
};

static void ok(struct world *world, enum pintle_status status)
{
    if (status != PINTLE_OK)
        fail_msg("%s: %s", pintle_status_name(status), world->error.detail);
}

static void refused(struct world *world, enum pintle_status status, const char *text)
{
    if (status != PINTLE_ERR_INPUT)
        fail_msg("expected input, found %s", pintle_status_name(status));
    if (strstr(world->error.detail, text) == NULL)
        fail_msg("expected \"%s\" in \"%s\"", text, world->error.detail);
}

static void open_stage(struct world *world)
{
    sim_published(world->sim, &world->base);
    ok(world, pti_stage_init(&world->stage, &world->base, &days, world->sim->crypto, &world->error));
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));

    assert_non_null(world);
    world->sim = sim_new_with(PTI_KEY_ED25519, 3, 2);
    world->source = sim_source(world->sim);
    (void)sim_add_zone(world->sim, "other");
    (void)sim_add_host(world->sim, "api.example.com", "main");
    sim_add_pin(world->sim, "api.example.com", 1);
    sim_add_permanent_pin(world->sim, "api.example.com", 9);
    sim_publish(world->sim);
    open_stage(world);
    ok(world, pti_signing_key_generate(PTI_KEY_ED25519, &world->spare, &world->error));
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;

    pti_stage_clear(&world->stage);
    pti_published_clear(&world->base);
    sim_free(world->sim);
    pti_signing_key_free(world->spare);
    free(world);
    return 0;
}

static struct pti_pin_edit edit_of(uint8_t seed, bool permanent, bool deny)
{
    return (struct pti_pin_edit){sim_pin(seed), permanent, deny};
}

static void add_pin(struct world *world, const char *host, uint8_t seed)
{
    const struct pti_pin_edit edit = edit_of(seed, false, false);
    bool added;

    ok(world, pti_stage_pin_add(&world->stage, host, &edit, &added, &world->error));
    assert_true(added);
}

static void remove_pin(struct world *world, const char *host, uint8_t seed)
{
    const struct pti_pin_edit edit = edit_of(seed, false, false);

    ok(world, pti_stage_pin_remove(&world->stage, host, &edit, &world->error));
}

static void add_host(struct world *world, const char *host, const char *zone)
{
    const struct pti_host_edit edit = {.zone = zone};

    ok(world, pti_stage_host_add(&world->stage, host, &edit, &world->error));
}

static void update(struct world *world)
{
    ok(world, pti_stage_update(&world->stage, NOW, &world->error));
}

static struct pti_role_state state_of(struct world *world, const char *role)
{
    struct pti_role_state *states, found = {.version = -1};
    size_t count;

    ok(world, pti_stage_roles(&world->stage, &states, &count, &world->error));
    for (size_t i = 0; i < count; i++)
        if (strcmp(states[i].name, role) == 0)
            found = states[i];
    pti_role_states_free(states, count);
    found.has_signed = NULL; /* freed; only the numbers are asked for */
    assert_int_not_equal(found.version, -1);
    return found;
}

static void sign(struct world *world, const struct pti_signing_key *key, const char *want)
{
    struct pti_signed_roles done;
    char names[256] = "";
    size_t used = 0;

    ok(world, pti_stage_sign(&world->stage, key, &done, &world->error));
    for (size_t i = 0; i < done.count; i++)
        used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s", i == 0 ? "" : " ", done.names[i]);
    assert_string_equal(names, want);
}

/* ---- drafts ---- */

static void test_a_fresh_stage_has_no_drafts_and_no_differences(void **state)
{
    struct world *world = *state;
    struct pti_change *changes;
    size_t count;

    update(world);
    assert_false(pti_stage_has_drafts(&world->stage));
    ok(world, pti_stage_diff(&world->stage, &changes, &count, &world->error));
    assert_int_equal(count, 0);
    free(changes);
}

static void test_a_pin_drafts_its_zone_alone(void **state)
{
    struct world *world = *state;

    add_pin(world, "api.example.com", 2);
    update(world);
    assert_int_equal(state_of(world, "main").draft_version, 2);
    assert_int_equal(state_of(world, "main").draft_expires, NOW + 90 * SIM_DAY);
    assert_int_equal(state_of(world, "other").draft_version, 0);
    assert_int_equal(state_of(world, "targets").draft_version, 0);
    assert_int_equal(pti_stage_zone(&world->stage, "main")->zone.version, 2);
}

static void test_a_permanent_pin_drafts_targets_alone(void **state)
{
    struct world *world = *state;
    const struct pti_pin_edit edit = edit_of(8, true, false);
    bool added;

    ok(world, pti_stage_pin_add(&world->stage, "api.example.com", &edit, &added, &world->error));
    update(world);
    assert_int_equal(state_of(world, "targets").draft_version, 2);
    assert_int_equal(state_of(world, "main").draft_version, 0);
    assert_int_equal(world->stage.charter.version, 2);
}

static void test_a_reverted_edit_removes_the_draft(void **state)
{
    struct world *world = *state;
    const struct pti_pin_edit denial = edit_of(7, true, true);
    bool added;

    add_pin(world, "api.example.com", 2);
    ok(world, pti_stage_pin_add(&world->stage, "api.example.com", &denial, &added, &world->error));
    update(world);
    assert_true(pti_stage_has_drafts(&world->stage));
    remove_pin(world, "api.example.com", 2);
    ok(world, pti_stage_pin_remove(&world->stage, "api.example.com", &denial, &world->error));
    update(world);
    assert_false(pti_stage_has_drafts(&world->stage));
    assert_int_equal(world->stage.charter.version, 1);
    assert_int_equal(pti_stage_zone(&world->stage, "main")->zone.version, 1);
}

/* "released" is cumulative, but what was never in force leaves no trace there. */
static void test_releases_are_written_only_where_somebody_needs_them(void **state)
{
    struct world *world = *state;
    const struct pti_host_edit back = {.zone = "main"};
    const struct pti_pin_edit permanent = edit_of(9, true, false);
    bool added;

    add_host(world, "new.example.com", "main");
    ok(world, pti_stage_host_release(&world->stage, "new.example.com", &world->error));
    ok(world, pti_stage_host_release(&world->stage, "api.example.com", &world->error));
    update(world);
    assert_int_equal(world->stage.charter.released_count, 1);
    assert_string_equal(world->stage.charter.released[0], "api.example.com");
    assert_null(pti_zone_find(&pti_stage_zone(&world->stage, "main")->zone, "api.example.com"));
    ok(world, pti_stage_host_add(&world->stage, "api.example.com", &back, &world->error));
    ok(world, pti_stage_pin_add(&world->stage, "api.example.com", &permanent, &added, &world->error));
    add_pin(world, "api.example.com", 1);
    update(world);
    assert_int_equal(world->stage.charter.released_count, 0);
    assert_false(pti_stage_has_drafts(&world->stage));
}

static void test_an_edit_voids_the_signatures_of_its_drafts_only(void **state)
{
    struct world *world = *state;
    struct pti_signing_key *const *targets = world->sim->signers[SIM_TARGETS].keys;
    const struct pti_signing_key *zone_key = sim_zone(world->sim, "main")->signers.keys[0];

    add_host(world, "new.example.com", "main");
    add_pin(world, "new.example.com", 2);
    update(world);
    sign(world, targets[0], "targets");
    sign(world, zone_key, "main");
    add_pin(world, "new.example.com", 3);
    update(world);
    assert_int_equal(state_of(world, "targets").signatures, 1);
    assert_int_equal(state_of(world, "main").signatures, 0);
    assert_int_equal(state_of(world, "main").draft_version, 2); /* still one above what is published */
    update(world);
    assert_int_equal(state_of(world, "targets").signatures, 1); /* nothing changed: nothing is lost */
}

static void test_a_draft_that_expired_on_the_stage_is_made_again(void **state)
{
    struct world *world = *state;
    const int64_t later = NOW + 91 * SIM_DAY;

    add_pin(world, "api.example.com", 2);
    update(world);
    sign(world, sim_zone(world->sim, "main")->signers.keys[0], "main");
    ok(world, pti_stage_update(&world->stage, later, &world->error));
    assert_int_equal(state_of(world, "main").signatures, 0);
    assert_int_equal(state_of(world, "main").draft_expires, later + 90 * SIM_DAY);
}

static void test_renewing_keeps_content_and_moves_the_expiry(void **state)
{
    struct world *world = *state;
    struct pti_change *changes;
    size_t count;

    ok(world, pti_stage_renew(&world->stage, "targets", NOW + SIM_DAY, &world->error));
    update(world); /* does not take it back */
    assert_int_equal(state_of(world, "targets").draft_version, 2);
    assert_int_equal(state_of(world, "targets").draft_expires, NOW + SIM_DAY + 365 * SIM_DAY);
    assert_int_equal(world->stage.charter.version, 1);
    ok(world, pti_stage_diff(&world->stage, &changes, &count, &world->error));
    assert_int_equal(count, 1);
    assert_int_equal(changes[0].kind, PTI_CHANGE_RENEWED);
    free(changes);
    refused(world, pti_stage_renew(&world->stage, "snapshot", NOW, &world->error), "renewed by publishing");
}

/* ---- signatures ---- */

static void test_two_of_three_keys_and_no_others(void **state)
{
    struct world *world = *state;
    struct pti_signing_key *const *targets = world->sim->signers[SIM_TARGETS].keys;

    add_host(world, "new.example.com", "main");
    add_pin(world, "new.example.com", 2);
    update(world);
    assert_int_equal(state_of(world, "targets").threshold, 2);
    sign(world, targets[2], "targets");
    sign(world, targets[2], "targets");
    assert_int_equal(state_of(world, "targets").signatures, 1);
    sign(world, world->sim->signers[SIM_ROOT].keys[0], "");
    sign(world, world->sim->signers[SIM_SNAPSHOT].keys[0], "");
    assert_int_equal(state_of(world, "targets").signatures, 1);
    sign(world, targets[0], "targets");
    assert_int_equal(state_of(world, "targets").signatures, 2);
}

static void test_one_key_of_two_roles_signs_both(void **state)
{
    struct world *world = *state;
    struct pti_role_keys keys = {NULL, 0, 1};
    const struct pti_signing_key *key = sim_zone(world->sim, "main")->signers.keys[0];

    ok(world, pti_role_keys_add(&keys, pti_signing_key_public(key), &world->error));
    ok(world, pti_stage_zone_add(&world->stage, "shared", &keys, &world->source, &world->error));
    add_pin(world, "api.example.com", 2);
    update(world);
    sign(world, key, "main shared");
    pti_role_keys_clear(&keys);
}

static void test_nobody_signs_what_a_client_would_ignore(void **state)
{
    struct world *world = *state;
    struct pti_signed_roles done;

    add_host(world, "bare.example.com", "main");
    update(world);
    refused(world, pti_stage_sign(&world->stage, world->sim->signers[SIM_TARGETS].keys[0], &done, &world->error),
            "bare.example.com: enforced without any usable pin");
    assert_int_equal(done.count, 0);
}

/* ---- edits that are refused, with the stage unchanged ---- */

struct attempt {
    const char *name;
    enum pintle_status (*edit)(struct world *world);
    const char *text;
};

static enum pintle_status host_with(struct world *world, const char *host, const struct pti_host_edit *edit)
{
    return pti_stage_host_add(&world->stage, host, edit, &world->error);
}

static enum pintle_status pin_with(struct world *world, const char *host, uint8_t seed, bool permanent, bool deny)
{
    const struct pti_pin_edit edit = edit_of(seed, permanent, deny);
    bool added;

    return pti_stage_pin_add(&world->stage, host, &edit, &added, &world->error);
}

static enum pintle_status zone_with(struct world *world, const char *name, int64_t threshold)
{
    struct pti_role_keys keys = {NULL, 0, threshold};
    enum pintle_status status;

    ok(world,
       pti_role_keys_add(&keys, pti_signing_key_public(sim_zone(world->sim, "main")->signers.keys[0]), &world->error));
    keys.threshold = threshold;
    status = pti_stage_zone_add(&world->stage, name, &keys, &world->source, &world->error);
    pti_role_keys_clear(&keys);
    return status;
}

static enum pintle_status unknown_zone(struct world *world)
{
    return host_with(world, "a.example.com", &(struct pti_host_edit){.zone = "payments"});
}

static enum pintle_status no_zone(struct world *world)
{
    return host_with(world, "a.example.com", &(struct pti_host_edit){.zone = NULL});
}

static enum pintle_status bad_host(struct world *world)
{
    return host_with(world, "a..example.com", &(struct pti_host_edit){.zone = "main"});
}

static enum pintle_status subdomains_of_address(struct world *world)
{
    return host_with(world, "192.0.2.1",
                     &(struct pti_host_edit){.zone = "main", .set_subdomains = true, .subdomains = true});
}

static enum pintle_status release_unknown(struct world *world)
{
    return pti_stage_host_release(&world->stage, "b.example.com", &world->error);
}

static enum pintle_status pin_of_unknown(struct world *world)
{
    return pin_with(world, "b.example.com", 1, false, false);
}

static enum pintle_status deny_charter_pin(struct world *world)
{
    return pin_with(world, "api.example.com", 9, false, true);
}

static enum pintle_status deny_own_pin(struct world *world)
{
    return pin_with(world, "api.example.com", 1, false, true);
}

static enum pintle_status remove_unknown(struct world *world)
{
    const struct pti_pin_edit edit = edit_of(5, false, false);

    return pti_stage_pin_remove(&world->stage, "api.example.com", &edit, &world->error);
}

static enum pintle_status zone_twice(struct world *world)
{
    return zone_with(world, "main", 1);
}

static enum pintle_status zone_called_root(struct world *world)
{
    return zone_with(world, "root", 1);
}

static enum pintle_status zone_with_slash(struct world *world)
{
    return zone_with(world, "../x", 1);
}

static enum pintle_status zone_below_threshold(struct world *world)
{
    return zone_with(world, "new", 2);
}

static enum pintle_status zone_with_threshold_zero(struct world *world)
{
    return zone_with(world, "new", 0);
}

static enum pintle_status remove_zone_in_use(struct world *world)
{
    return pti_stage_zone_remove(&world->stage, "main", &world->error);
}

static void test_edits_that_make_no_sense_change_nothing(void **state)
{
    static const struct attempt table[] = {
        {"unknown zone", unknown_zone, "pintle zone add payments"},
        {"no zone", no_zone, "--zone"},
        {"bad host", bad_host, "label"},
        {"subdomains of an address", subdomains_of_address, "no subdomains"},
        {"release of an unknown host", release_unknown, "pintle host add b.example.com"},
        {"pin of an unknown host", pin_of_unknown, "pintle host add b.example.com"},
        {"zone denial of a charter pin", deny_charter_pin, "--permanent"},
        {"denial of a pin", deny_own_pin, "remove that pin first"},
        {"removal of an unknown pin", remove_unknown, "no such pin"},
        {"zone twice", zone_twice, "already"},
        {"zone called root", zone_called_root, "TUF role"},
        {"zone with a slash", zone_with_slash, "a-z, 0-9"},
        {"zone below its threshold", zone_below_threshold, "found 1 keys"},
        {"zone with threshold zero", zone_with_threshold_zero, "must not be 0"},
        {"removal of a zone in use", remove_zone_in_use, "gives api.example.com to zone main"},
    };
    struct world *world = *state;

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        print_message("    %s\n", table[i].name);
        refused(world, table[i].edit(world), table[i].text);
        update(world);
        assert_false(pti_stage_has_drafts(&world->stage));
    }
}

static void test_the_charter_may_deny_what_a_zone_pins(void **state)
{
    struct world *world = *state;

    ok(world, pin_with(world, "api.example.com", 1, true, true));
    update(world);
    ok(world, pti_stage_check(&world->stage, &world->error));
}

static void test_names_are_normalised_before_they_are_compared(void **state)
{
    struct world *world = *state;

    ok(world, host_with(world, "API.Example.COM.", &(struct pti_host_edit){.mode = PINTLE_MODE_REPORT}));
    assert_int_equal(world->stage.charter.host_count, 1);
    assert_int_equal(pti_charter_find(&world->stage.charter, "api.example.com")->mode, PINTLE_MODE_REPORT);
}

static void test_a_host_takes_its_pins_to_another_zone(void **state)
{
    struct world *world = *state;
    const struct pti_zone_host *entry;

    add_host(world, "api.example.com", "other");
    update(world);
    assert_null(pti_zone_find(&pti_stage_zone(&world->stage, "main")->zone, "api.example.com"));
    entry = pti_zone_find(&pti_stage_zone(&world->stage, "other")->zone, "api.example.com");
    assert_non_null(entry);
    assert_int_equal(entry->pins.count, 1);
    ok(world, pti_stage_check(&world->stage, &world->error));
}

static void test_subdomains_given_up_are_released(void **state)
{
    struct world *world = *state;
    const struct pti_host_edit on = {.set_subdomains = true, .subdomains = true};
    const struct pti_host_edit off = {.set_subdomains = true, .subdomains = false};

    ok(world, host_with(world, "api.example.com", &on));
    ok(world, host_with(world, "api.example.com", &off));
    update(world);
    assert_false(pti_stage_has_drafts(&world->stage)); /* never in force: nothing to release */
    pti_charter_find(&world->sim->charter, "api.example.com")->subdomains = true;
    sim_publish(world->sim);
    pti_stage_clear(&world->stage);
    pti_published_clear(&world->base);
    open_stage(world);
    ok(world, host_with(world, "api.example.com", &off));
    update(world);
    assert_int_equal(world->stage.charter.released_count, 1);
    assert_string_equal(world->stage.charter.released[0], "*.api.example.com");
    ok(world, pti_stage_check(&world->stage, &world->error));
}

/* ---- zones ---- */

static void test_a_zone_that_comes_back_needs_keys_it_never_had(void **state)
{
    struct world *world = *state;
    struct pti_role_keys old = {NULL, 0, 1}, fresh = {NULL, 0, 1};

    ok(world,
       pti_role_keys_add(&old, pti_signing_key_public(sim_zone(world->sim, "other")->signers.keys[0]), &world->error));
    ok(world, pti_role_keys_add(&fresh, pti_signing_key_public(world->spare), &world->error));
    sim_remove_zone(world->sim, "other");
    sim_publish(world->sim);
    pti_stage_clear(&world->stage);
    pti_published_clear(&world->base);
    open_stage(world);
    assert_int_equal(world->base.zone_count, 2); /* the snapshot remembers it */
    refused(world, pti_stage_zone_add(&world->stage, "other", &old, &world->source, &world->error),
            "keys that it never had");
    assert_null(pti_stage_zone(&world->stage, "other"));
    ok(world, pti_stage_zone_add(&world->stage, "other", &fresh, &world->source, &world->error));
    update(world);
    assert_int_equal(state_of(world, "other").draft_version, 2); /* numbers go on */
    pti_role_keys_clear(&old);
    pti_role_keys_clear(&fresh);
}

/* ---- files ---- */

static enum pintle_status read_output(void *ctx, const char *path, size_t max, struct pintle_bytes *data, bool *found,
                                      struct pti_error *error)
{
    const struct pti_output_file *file = pti_output_find(ctx, path);

    (void)max;
    (void)error;
    *data = (struct pintle_bytes){NULL, 0};
    *found = file != NULL;
    return *found ? pti_bytes_copy(file->bytes, data) : PINTLE_OK;
}

static void test_a_stage_survives_its_files(void **state)
{
    struct world *world = *state;
    struct pti_output files = {NULL, 0};
    const struct pti_file_source source = {read_output, &files};
    struct pti_role_keys keys = {NULL, 0, 1};

    ok(world, pti_role_keys_add(&keys, pti_signing_key_public(world->spare), &world->error));
    ok(world, pti_stage_zone_add(&world->stage, "third", &keys, &world->source, &world->error));
    pti_role_keys_clear(&keys);
    add_host(world, "new.example.com", "third");
    add_pin(world, "new.example.com", 2);
    update(world);
    sign(world, world->sim->signers[SIM_TARGETS].keys[1], "targets");
    ok(world, pti_stage_write(&world->stage, &files, &world->error));
    assert_int_equal(files.count, 4); /* charter.json zones/third.json metadata/third.json metadata/targets.json */
    assert_non_null(pti_output_find(&files, "zones/third.json"));
    pti_stage_clear(&world->stage);
    ok(world, pti_stage_init(&world->stage, &world->base, &days, world->sim->crypto, &world->error));
    ok(world, pti_stage_load(&world->stage, &source, NOW + SIM_DAY, &world->error));
    assert_int_equal(state_of(world, "targets").signatures, 1);
    assert_int_equal(state_of(world, "third").draft_version, 1);
    assert_non_null(pti_zone_find(&pti_stage_zone(&world->stage, "third")->zone, "new.example.com"));
    pti_output_clear(&files);
}

/*
 * A crash while the stage is written leaves some new files and some old ones: signatures never cover what was not
 * signed.
 */
static void test_half_a_stage_voids_signatures(void **state)
{
    struct world *world = *state;
    struct pti_output files = {NULL, 0}, newer = {NULL, 0};
    const struct pti_file_source source = {read_output, &files};

    add_host(world, "new.example.com", "main");
    add_pin(world, "new.example.com", 2);
    update(world);
    sign(world, world->sim->signers[SIM_TARGETS].keys[0], "targets");
    ok(world, pti_stage_write(&world->stage, &files, &world->error));
    add_host(world, "two.example.com", "main");
    add_pin(world, "two.example.com", 3);
    update(world);
    ok(world, pti_stage_write(&world->stage, &newer, &world->error));
    for (size_t i = 0; i < files.count; i++)
        if (strcmp(files.files[i].path, "charter.json") == 0) {
            pti_bytes_free(&files.files[i].bytes);
            assert_int_equal(pti_bytes_copy(pti_output_find(&newer, "charter.json")->bytes, &files.files[i].bytes),
                             PINTLE_OK);
        }
    pti_stage_clear(&world->stage);
    ok(world, pti_stage_init(&world->stage, &world->base, &days, world->sim->crypto, &world->error));
    ok(world, pti_stage_load(&world->stage, &source, NOW, &world->error));
    assert_int_equal(state_of(world, "targets").signatures, 0);
    pti_output_clear(&files);
    pti_output_clear(&newer);
}

/* The stage is emptied last, so a crash leaves one whose content is out already. */
static void test_a_stage_that_was_published_is_empty(void **state)
{
    struct world *world = *state;
    struct pti_output files = {NULL, 0};
    const struct pti_file_source source = {read_output, &files};

    add_pin(world, "api.example.com", 2);
    update(world);
    sign(world, sim_zone(world->sim, "main")->signers.keys[0], "main");
    ok(world, pti_stage_write(&world->stage, &files, &world->error));
    sim_add_pin(world->sim, "api.example.com", 2); /* the same, published by a process that died then */
    sim_publish(world->sim);
    pti_stage_clear(&world->stage);
    pti_published_clear(&world->base);
    open_stage(world);
    ok(world, pti_stage_load(&world->stage, &source, NOW, &world->error));
    assert_false(pti_stage_has_drafts(&world->stage));
    pti_output_clear(&files);
}

static void test_what_this_version_would_lose_is_not_edited(void **state)
{
    struct world *world = *state;
    static const char
        newer[] = "{\"type\":\"pintle-zone\",\"format\":1,\"zone\":\"main\",\"version\":1,\"critical\":[],"
                  "\"hosts\":[],\"future\":true}";
    struct pti_stage stage;

    for (size_t i = 0; i < world->base.zone_count; i++)
        if (strcmp(world->base.zones[i].name, "main") == 0) {
            pti_bytes_free(&world->base.zones[i].file);
            assert_int_equal(pti_bytes_copy(pti_bytes_text(newer), &world->base.zones[i].file), PINTLE_OK);
        }
    refused(world, pti_stage_init(&stage, &world->base, &days, world->sim->crypto, &world->error), "would lose");
}

/* ---- differences ---- */

static void test_differences_in_words(void **state)
{
    static const char *const want[] = {
        "api.example.com: mode report, was enforce: a mismatch is reported and no longer refused",
        "api.example.com: subdomains covered too",
        "new.example.com: host added, zone third, mode enforce",
        "new.example.com: permanent denial added: BQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQU= (spki)",
        "api.example.com: pin removed: AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE= (spki, leaf)",
        "zone third: added, 1 of 1 keys sign it",
        "new.example.com: pin added: AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI= (spki, leaf)",
        "zone other: withdrawn",
    };
    struct world *world = *state;
    struct pti_role_keys keys = {NULL, 0, 1};
    struct pti_change *changes;
    size_t count;

    ok(world, pti_role_keys_add(&keys, pti_signing_key_public(world->spare), &world->error));
    ok(world, pti_stage_zone_add(&world->stage, "third", &keys, &world->source, &world->error));
    pti_role_keys_clear(&keys);
    ok(world, pti_stage_zone_remove(&world->stage, "other", &world->error));
    ok(world,
       host_with(world, "api.example.com",
                 &(struct pti_host_edit){.mode = PINTLE_MODE_REPORT, .set_subdomains = true, .subdomains = true}));
    remove_pin(world, "api.example.com", 1);
    add_host(world, "new.example.com", "third");
    add_pin(world, "new.example.com", 2);
    ok(world, pin_with(world, "new.example.com", 5, true, true));
    update(world);
    ok(world, pti_stage_diff(&world->stage, &changes, &count, &world->error));
    for (size_t i = 0; i < count && i < sizeof(want) / sizeof(want[0]); i++)
        assert_string_equal(changes[i].text, want[i]);
    assert_int_equal(count, sizeof(want) / sizeof(want[0]));
    free(changes);
}

static void test_a_released_host_is_named(void **state)
{
    struct world *world = *state;
    struct pti_change *changes;
    size_t count;

    ok(world, pti_stage_host_release(&world->stage, "api.example.com", &world->error));
    update(world);
    ok(world, pti_stage_diff(&world->stage, &changes, &count, &world->error));
    assert_int_equal(count, 2);
    assert_string_equal(changes[0].text, "api.example.com: host released: clients stop pinning it");
    assert_int_equal(changes[1].kind, PTI_CHANGE_PIN_REMOVED);
    assert_string_equal(changes[1].role, "main");
    free(changes);
}

static void test_settings_are_spelled_out(void **state)
{
    static const char *const want[] = {
        "charter: reports go to https://collector.example.net/v1/reports",
        "charter: clients poll every 60 seconds (300 to 86400), was 3600 (300 to 86400)",
        "charter: shipped pins are never refused, was after 180 days",
        "charter: stale pins are refused after 30 days, was never",
    };
    struct world *world = *state;
    struct pti_charter *charter = &world->stage.charter;
    struct pti_change *changes;
    size_t count;

    charter->report_urls = calloc(1, sizeof(*charter->report_urls));
    assert_non_null(charter->report_urls);
    charter->report_urls[0] = pti_bytes_strdup(pti_bytes_text("https://collector.example.net/v1/reports"));
    charter->report_url_count = 1;
    charter->refresh_default_s = 60;
    charter->max_shipped_age_days = -1;
    charter->refuse_stale_after_days = 30;
    update(world);
    ok(world, pti_stage_diff(&world->stage, &changes, &count, &world->error));
    assert_int_equal(count, sizeof(want) / sizeof(want[0]));
    for (size_t i = 0; i < count; i++)
        assert_string_equal(changes[i].text, want[i]);
    free(changes);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_fresh_stage_has_no_drafts_and_no_differences),
        TEST(test_a_pin_drafts_its_zone_alone),
        TEST(test_a_permanent_pin_drafts_targets_alone),
        TEST(test_a_reverted_edit_removes_the_draft),
        TEST(test_releases_are_written_only_where_somebody_needs_them),
        TEST(test_an_edit_voids_the_signatures_of_its_drafts_only),
        TEST(test_a_draft_that_expired_on_the_stage_is_made_again),
        TEST(test_renewing_keeps_content_and_moves_the_expiry),
        TEST(test_two_of_three_keys_and_no_others),
        TEST(test_one_key_of_two_roles_signs_both),
        TEST(test_nobody_signs_what_a_client_would_ignore),
        TEST(test_edits_that_make_no_sense_change_nothing),
        TEST(test_the_charter_may_deny_what_a_zone_pins),
        TEST(test_names_are_normalised_before_they_are_compared),
        TEST(test_a_host_takes_its_pins_to_another_zone),
        TEST(test_subdomains_given_up_are_released),
        TEST(test_a_zone_that_comes_back_needs_keys_it_never_had),
        TEST(test_a_stage_survives_its_files),
        TEST(test_half_a_stage_voids_signatures),
        TEST(test_a_stage_that_was_published_is_empty),
        TEST(test_what_this_version_would_lose_is_not_edited),
        TEST(test_differences_in_words),
        TEST(test_a_released_host_is_named),
        TEST(test_settings_are_spelled_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
