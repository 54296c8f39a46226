/* SPDX-License-Identifier: Apache-2.0 */
/* The next root in the stage: who may sign what, who must sign it, what is refused, and what a person reads of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "publish/output.h"
#include "publish/root_history.h"
#include "publish/stage.h"
#include "sim_repository.h"

#define NOW SIM_START

static const struct pti_expiry_days days = {365, 365, 90, 7, 3};

/* Published: root and targets 2 of 3, zone "main" with one host.  spare: keys of nobody. */
struct world {
    struct sim *sim;
    struct pti_published base;
    struct pti_file_source source;
    struct pti_stage stage;
    struct pti_signing_key *spare[4];
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
        fail_msg("expected input (%s), found %s", text, pintle_status_name(status));
    if (strstr(world->error.detail, text) == NULL)
        fail_msg("expected \"%s\" in \"%s\"", text, world->error.detail);
}

static void open_stage(struct world *world)
{
    sim_published(world->sim, &world->base);
    ok(world, pti_stage_init(&world->stage, &world->base, &days, world->sim->crypto, &world->error));
}

static void close_stage(struct world *world)
{
    pti_stage_clear(&world->stage);
    pti_published_clear(&world->base);
}

/* The repository moved on by other means: the stage starts over. */
static void reopen(struct world *world)
{
    close_stage(world);
    open_stage(world);
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));

    assert_non_null(world);
    world->sim = sim_new_with(PTI_KEY_ED25519, 3, 2);
    world->source = sim_source(world->sim);
    (void)sim_add_host(world->sim, "api.example.com", "main");
    sim_add_pin(world->sim, "api.example.com", 1);
    sim_publish(world->sim);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pti_signing_key_generate(PTI_KEY_ED25519, &world->spare[i], NULL), PINTLE_OK);
    open_stage(world);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;

    close_stage(world);
    for (size_t i = 0; i < 4; i++)
        pti_signing_key_free(world->spare[i]);
    sim_free(world->sim);
    free(world);
    return 0;
}

static const struct pti_public_key *spare(struct world *world, size_t index)
{
    return pti_signing_key_public(world->spare[index]);
}

static const struct pti_signing_key *key_of(struct world *world, enum sim_role role, size_t index)
{
    return world->sim->signers[role].keys[index];
}

static const char *id_of(struct world *world, enum sim_role role, size_t index)
{
    return pti_signing_key_public(key_of(world, role, index))->id;
}

static void update(struct world *world)
{
    ok(world, pti_stage_update(&world->stage, NOW, &world->error));
}

/* "1/2 0/2": signatures of the old root keys, if they differ, and of the new ones. */
static void signatures_are(struct world *world, const char *role, const char *want)
{
    struct pti_role_state *states;
    size_t count;
    char found[64] = "none";

    ok(world, pti_stage_roles(&world->stage, &states, &count, &world->error));
    for (size_t i = 0; i < count; i++) {
        const struct pti_role_state *state = &states[i];
        if (strcmp(state->name, role) != 0 || state->draft_version == 0)
            continue;
        if (state->old_keys.key_count > 0)
            (void)snprintf(found, sizeof(found), "%d/%d %d/%d", (int)state->old_signatures,
                           (int)state->old_keys.threshold, (int)state->signatures, (int)state->threshold);
        else
            (void)snprintf(found, sizeof(found), "%d/%d", (int)state->signatures, (int)state->threshold);
    }
    pti_role_states_free(states, count);
    assert_string_equal(found, want);
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

static void replace_root_key(struct world *world, size_t old, size_t new)
{
    ok(world, pti_stage_root_replace(&world->stage, PTI_TUF_ROOT, id_of(world, SIM_ROOT, old), spare(world, new),
                                     &world->error));
    update(world);
}

/* ---- drafts ---- */

static void test_no_edit_no_draft(void **state)
{
    struct world *world = *state;

    update(world);
    assert_false(pti_stage_has_drafts(&world->stage));
    assert_int_equal(world->stage.root_keys[PTI_TUF_ROOT].key_count, 3);
    assert_int_equal(world->stage.root_keys[PTI_TUF_TARGETS].threshold, 2);
}

static void test_a_draft_is_the_next_root_and_says_who_may_sign(void **state)
{
    struct world *world = *state;
    struct pti_tuf_metadata *root;

    replace_root_key(world, 2, 0);
    ok(world, pti_tuf_metadata_parse(world->stage.root, PTI_TUF_ROOT, world->sim->crypto, &root, &world->error));
    assert_int_equal(root->version, 2);
    assert_int_equal(root->expires, NOW + 365 * SIM_DAY);
    assert_true(pti_bytes_equal_text(root->repository, "sim"));
    assert_true(root->consistent_snapshot);
    assert_int_equal(root->roles[PTI_TUF_ROOT].count, 3);
    assert_int_equal(root->roles[PTI_TUF_ROOT].threshold, 2);
    assert_int_equal(root->roles[PTI_TUF_TARGETS].count, 3);
    pti_tuf_metadata_free(root);
    assert_int_equal(world->stage.targets.size, 0); /* whoever signed the charter still may */
}

static void test_old_and_new_keys_sign_one_after_another(void **state)
{
    struct world *world = *state;

    replace_root_key(world, 2, 0);
    signatures_are(world, "root", "0/2 0/2");
    sign(world, world->spare[0], "root"); /* new alone */
    signatures_are(world, "root", "0/2 1/2");
    sign(world, key_of(world, SIM_ROOT, 2), "root"); /* old alone: the one that goes */
    signatures_are(world, "root", "1/2 1/2");
    sign(world, key_of(world, SIM_ROOT, 2), "root"); /* twice counts once */
    signatures_are(world, "root", "1/2 1/2");
    sign(world, key_of(world, SIM_ROOT, 0), "root"); /* both */
    signatures_are(world, "root", "2/2 2/2");
    sign(world, key_of(world, SIM_TARGETS, 0), "");
    sign(world, key_of(world, SIM_TIMESTAMP, 0), "");
    sign(world, world->spare[1], "");
}

static void test_an_edit_after_signing_voids_the_signatures(void **state)
{
    struct world *world = *state;

    replace_root_key(world, 2, 0);
    sign(world, key_of(world, SIM_ROOT, 0), "root");
    ok(world, pti_stage_root_add(&world->stage, PTI_TUF_TARGETS, spare(world, 1), &world->error));
    update(world);
    signatures_are(world, "root", "0/2 0/2");
    sign(world, key_of(world, SIM_ROOT, 0), "root");
    update(world);
    signatures_are(world, "root", "1/2 1/2"); /* nothing changed: nothing is lost */
}

static void test_a_reverted_edit_leaves_no_draft(void **state)
{
    struct world *world = *state;
    const struct pti_public_key *first = pti_signing_key_public(key_of(world, SIM_ROOT, 0));

    ok(world, pti_stage_root_replace(&world->stage, PTI_TUF_ROOT, first->id, spare(world, 0), &world->error));
    ok(world, pti_stage_root_threshold(&world->stage, PTI_TUF_ROOT, 3, &world->error));
    update(world);
    assert_true(world->stage.root.size > 0);
    ok(world, pti_stage_root_replace(&world->stage, PTI_TUF_ROOT, spare(world, 0)->id, first, &world->error));
    ok(world, pti_stage_root_threshold(&world->stage, PTI_TUF_ROOT, 2, &world->error));
    update(world);
    assert_false(pti_stage_has_drafts(&world->stage)); /* though the key is the last now and was the first */
}

static void test_other_targets_keys_sign_targets_again(void **state)
{
    struct world *world = *state;

    ok(world, pti_stage_root_replace(&world->stage, PTI_TUF_TARGETS, id_of(world, SIM_TARGETS, 0), spare(world, 0),
                                     &world->error));
    update(world);
    signatures_are(world, "root", "0/2"); /* the root keys themselves stay */
    signatures_are(world, "targets", "0/2");
    assert_int_equal(world->stage.charter_file.size, 0);
    sign(world, key_of(world, SIM_TARGETS, 0), ""); /* a key that goes signs nothing more */
    sign(world, world->spare[0], "targets");
    sign(world, key_of(world, SIM_TARGETS, 1), "targets");
    sign(world, key_of(world, SIM_ROOT, 1), "root");
    signatures_are(world, "targets", "2/2");
    signatures_are(world, "root", "1/2");
}

/* A publication that ended right after its root: what the new root does not accept is signed anew, content unchanged. */
static void test_targets_that_the_newest_root_does_not_accept_are_signed_again(void **state)
{
    struct world *world = *state;
    int64_t version = world->base.targets_version;

    sim_new_keys(world->sim, SIM_TARGETS, PTI_KEY_ED25519, 3, 2);
    sim_publish_root(world->sim);
    reopen(world);
    assert_int_equal(world->base.root_count, 2);
    assert_int_equal(world->base.targets_version, version);
    update(world);
    signatures_are(world, "targets", "0/2");
    signatures_are(world, "root", "none");
}

static void test_renewing_keeps_keys_and_moves_the_expiry(void **state)
{
    struct world *world = *state;
    int64_t version, expires;

    ok(world, pti_stage_renew(&world->stage, "root", NOW + SIM_DAY, &world->error));
    update(world); /* does not take it back */
    ok(world, pti_envelope_dates(world->stage.root, &version, &expires, &world->error));
    assert_int_equal(version, 2);
    assert_int_equal(expires, NOW + SIM_DAY + 365 * SIM_DAY);
    signatures_are(world, "root", "0/2");
    assert_int_equal(world->stage.targets.size, 0);
}

/* ---- the online keys ---- */

static void test_online_keys_are_replaced_at_once(void **state)
{
    struct world *world = *state;
    struct pti_keyring rings[PTI_TUF_TYPES];
    static const struct {
        enum pti_tuf_type type;
        enum sim_role role;
    } online[] = {{PTI_TUF_TIMESTAMP, SIM_TIMESTAMP}, {PTI_TUF_SNAPSHOT, SIM_SNAPSHOT}};

    ok(world, pti_stage_root_replace_online(&world->stage, rings, &world->error));
    for (size_t i = 0; i < 2; i++) {
        const struct pti_role_keys *keys = &world->stage.root_keys[online[i].type];
        assert_int_equal(rings[online[i].type].count, 1);
        assert_int_equal(keys->key_count, 1);
        assert_int_equal(keys->threshold, 1);
        assert_string_equal(keys->keys[0].id, pti_signing_key_public(rings[online[i].type].keys[0])->id);
        assert_string_not_equal(keys->keys[0].id, id_of(world, online[i].role, 0));
        assert_int_equal(pti_signing_key_kind(rings[online[i].type].keys[0]), PTI_KEY_ED25519);
    }
    update(world);
    signatures_are(world, "root", "0/2");
    assert_int_equal(world->stage.targets.size, 0);
    for (size_t i = 0; i < PTI_TUF_TYPES; i++)
        pti_keyring_clear(&rings[i]);
    refused(world, pti_stage_root_replace_online(&world->stage, rings, &world->error), "staged already");
    assert_int_equal(rings[PTI_TUF_TIMESTAMP].count, 0);
}

static void test_several_online_keys_keep_their_number_and_threshold(void **state)
{
    struct world *world = *state;
    struct pti_keyring rings[PTI_TUF_TYPES];

    sim_new_keys(world->sim, SIM_TIMESTAMP, PTI_KEY_ECDSA_P256, 3, 2);
    sim_publish_root(world->sim);
    sim_publish(world->sim);
    reopen(world);
    ok(world, pti_stage_root_replace_online(&world->stage, rings, &world->error));
    assert_int_equal(rings[PTI_TUF_TIMESTAMP].count, 3);
    assert_int_equal(world->stage.root_keys[PTI_TUF_TIMESTAMP].key_count, 3);
    assert_int_equal(world->stage.root_keys[PTI_TUF_TIMESTAMP].threshold, 2);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(pti_signing_key_kind(rings[PTI_TUF_TIMESTAMP].keys[i]), PTI_KEY_ECDSA_P256);
        assert_null(pti_role_keys_find(&world->stage.root_keys[PTI_TUF_TIMESTAMP], id_of(world, SIM_TIMESTAMP, i)));
    }
    for (size_t i = 0; i < PTI_TUF_TYPES; i++)
        pti_keyring_clear(&rings[i]);
}

/* ---- what is refused, with the stage unchanged ---- */

struct attempt {
    const char *name;
    enum pintle_status (*edit)(struct world *world);
    const char *text;
};

static enum pintle_status add_to(struct world *world, enum pti_tuf_type role, const struct pti_public_key *key)
{
    return pti_stage_root_add(&world->stage, role, key, &world->error);
}

static enum pintle_status add_twice(struct world *world)
{
    return add_to(world, PTI_TUF_ROOT, pti_signing_key_public(key_of(world, SIM_ROOT, 1)));
}

static enum pintle_status online_key_as_root_key(struct world *world)
{
    return add_to(world, PTI_TUF_ROOT, pti_signing_key_public(key_of(world, SIM_SNAPSHOT, 0)));
}

static enum pintle_status root_key_as_online_key(struct world *world)
{
    return add_to(world, PTI_TUF_TIMESTAMP, pti_signing_key_public(key_of(world, SIM_ROOT, 0)));
}

static enum pintle_status zone_key_as_targets_key(struct world *world)
{
    return add_to(world, PTI_TUF_TARGETS, pti_signing_key_public(sim_zone(world->sim, "main")->signers.keys[0]));
}

static enum pintle_status remove_stranger(struct world *world)
{
    return pti_stage_root_remove(&world->stage, PTI_TUF_ROOT, spare(world, 0)->id, &world->error);
}

static enum pintle_status remove_from_the_wrong_role(struct world *world)
{
    return pti_stage_root_remove(&world->stage, PTI_TUF_TARGETS, id_of(world, SIM_ROOT, 0), &world->error);
}

static enum pintle_status remove_below_the_threshold(struct world *world)
{
    return pti_stage_root_remove(&world->stage, PTI_TUF_SNAPSHOT, id_of(world, SIM_SNAPSHOT, 0), &world->error);
}

static enum pintle_status replace_stranger(struct world *world)
{
    return pti_stage_root_replace(&world->stage, PTI_TUF_ROOT, spare(world, 1)->id, spare(world, 0), &world->error);
}

static enum pintle_status replace_by_one_that_is_there(struct world *world)
{
    return pti_stage_root_replace(&world->stage, PTI_TUF_ROOT, id_of(world, SIM_ROOT, 0),
                                  pti_signing_key_public(key_of(world, SIM_ROOT, 1)), &world->error);
}

static enum pintle_status threshold_zero(struct world *world)
{
    return pti_stage_root_threshold(&world->stage, PTI_TUF_ROOT, 0, &world->error);
}

static enum pintle_status threshold_above_the_keys(struct world *world)
{
    return pti_stage_root_threshold(&world->stage, PTI_TUF_TARGETS, 4, &world->error);
}

static enum pintle_status renew_timestamp(struct world *world)
{
    return pti_stage_renew(&world->stage, "timestamp", NOW, &world->error);
}

static enum pintle_status zone_with(struct world *world, bool rotate, const char *zone,
                                    const struct pti_signing_key *key, int64_t threshold)
{
    struct pti_role_keys keys = {NULL, 0, threshold};
    enum pintle_status status;

    ok(world, pti_role_keys_add(&keys, pti_signing_key_public(key), &world->error));
    status = rotate ? pti_stage_zone_rotate(&world->stage, zone, &keys, &world->source, &world->error)
                    : pti_stage_zone_add(&world->stage, zone, &keys, &world->source, &world->error);
    pti_role_keys_clear(&keys);
    return status;
}

static enum pintle_status online_key_for_a_zone(struct world *world)
{
    return zone_with(world, false, "payments", key_of(world, SIM_TIMESTAMP, 0), 1);
}

static enum pintle_status root_key_for_a_zone(struct world *world)
{
    return zone_with(world, false, "payments", key_of(world, SIM_ROOT, 1), 1);
}

static enum pintle_status targets_key_for_a_zone(struct world *world)
{
    return zone_with(world, true, "main", key_of(world, SIM_TARGETS, 0), 1);
}

static enum pintle_status zone_rotated_to_its_own_key(struct world *world)
{
    return zone_with(world, true, "main", sim_zone(world->sim, "main")->signers.keys[0], 1);
}

static enum pintle_status zone_rotated_to_an_online_key(struct world *world)
{
    return zone_with(world, true, "main", key_of(world, SIM_SNAPSHOT, 0), 1);
}

static enum pintle_status unknown_zone_rotated(struct world *world)
{
    return zone_with(world, true, "nowhere", world->spare[0], 1);
}

static enum pintle_status zone_rotated_below_its_threshold(struct world *world)
{
    return zone_with(world, true, "main", world->spare[0], 2);
}

static void test_edits_that_make_no_sense_change_nothing(void **state)
{
    static const struct attempt table[] = {
        {"a key that is there", add_twice, "may sign root already"},
        {"an online key as a root key", online_key_as_root_key, "signs snapshot; root and targets keys stay offline"},
        {"a root key as an online key", root_key_as_online_key, "signs root; root and targets keys stay offline"},
        {"a zone key as a targets key", zone_key_as_targets_key, "signs zone main"},
        {"removal of a stranger", remove_stranger, "does not sign root"},
        {"removal from the wrong role", remove_from_the_wrong_role, "does not sign targets"},
        {"removal below the threshold", remove_below_the_threshold, "snapshot needs 1 of its 1 keys"},
        {"replacement of a stranger", replace_stranger, "does not sign root"},
        {"replacement by one that is there", replace_by_one_that_is_there, "may sign root already"},
        {"a threshold of zero", threshold_zero, "expected a threshold from 1 to the number of root keys, 3, found 0"},
        {"a threshold above the keys", threshold_above_the_keys, "the number of targets keys, 3, found 4"},
        {"renewal of the timestamp", renew_timestamp, "renewed by publishing"},
        {"an online key for a zone", online_key_for_a_zone, "signs timestamp, so it may not sign a zone too"},
        {"a root key for a zone", root_key_for_a_zone, "signs root, so it may not sign a zone too"},
        {"a targets key for a zone", targets_key_for_a_zone, "signs targets, so it may not sign a zone too"},
        {"a zone rotated to its own key", zone_rotated_to_its_own_key, "keys that it never had"},
        {"a zone rotated to an online key", zone_rotated_to_an_online_key, "signs snapshot, so it may not"},
        {"an unknown zone rotated", unknown_zone_rotated, "there is no zone \"nowhere\""},
        {"a zone rotated below its threshold", zone_rotated_below_its_threshold, "found 1 keys"},
    };
    struct world *world = *state;

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        print_message("    %s\n", table[i].name);
        refused(world, table[i].edit(world), table[i].text);
        update(world);
        assert_false(pti_stage_has_drafts(&world->stage));
    }
}

static void test_a_removed_key_never_returns(void **state)
{
    struct world *world = *state;
    const struct pti_public_key *root = pti_signing_key_public(key_of(world, SIM_ROOT, 0));
    const struct pti_public_key *online = pti_signing_key_public(key_of(world, SIM_TIMESTAMP, 0));

    sim_new_keys(world->sim, SIM_ROOT, PTI_KEY_ED25519, 3, 2);
    sim_new_keys(world->sim, SIM_TIMESTAMP, PTI_KEY_ED25519, 1, 1);
    sim_publish_root(world->sim);
    sim_publish(world->sim);
    reopen(world);
    refused(world, add_to(world, PTI_TUF_ROOT, root), "a removed key never returns");
    refused(world, add_to(world, PTI_TUF_TARGETS, root), "a removed key never returns"); /* nor for another role */
    refused(world, add_to(world, PTI_TUF_TIMESTAMP, online), "a removed key never returns");
    refused(world, pti_stage_root_replace(&world->stage, PTI_TUF_ROOT, id_of(world, SIM_ROOT, 0), root, &world->error),
            "a removed key never returns");
    update(world);
    assert_false(pti_stage_has_drafts(&world->stage));
    /* what was only staged was never in anybody's hands but ours */
    ok(world, add_to(world, PTI_TUF_ROOT, spare(world, 0)));
    ok(world, pti_stage_root_remove(&world->stage, PTI_TUF_ROOT, spare(world, 0)->id, &world->error));
    ok(world, add_to(world, PTI_TUF_TARGETS, spare(world, 0)));
}

static void test_a_zone_gets_new_keys_and_is_signed_again(void **state)
{
    struct world *world = *state;

    ok(world, zone_with(world, true, "main", world->spare[0], 1));
    update(world);
    signatures_are(world, "targets", "0/2");
    signatures_are(world, "main", "0/1");
    assert_int_equal(pti_stage_zone(&world->stage, "main")->file.size, 0); /* it says the same */
    sign(world, sim_zone(world->sim, "main")->signers.keys[0], "");
    sign(world, world->spare[0], "main");
}

/* A zone key that was replaced does not come back with a later replacement either. */
static void test_a_zone_key_that_was_replaced_is_refused(void **state)
{
    struct world *world = *state;
    const struct pti_signing_key *first = sim_zone(world->sim, "main")->signers.keys[0];

    sim_rotate_zone_keys(world->sim, "main");
    sim_publish(world->sim);
    reopen(world);
    refused(world, zone_with(world, true, "main", first, 1), "keys that it never had");
}

static void test_a_root_that_would_lose_something_is_not_edited(void **state)
{
    struct world *world = *state;
    struct pti_buf text;
    struct pintle_bytes signed_root;
    const char *found;

    pti_buf_init(&text, PTI_ROOT_SIZE_MAX);
    pti_buf_append(&text, world->base.roots[0].data, world->base.roots[0].size);
    found = strstr(pti_buf_cstr(&text), "\"consistent_snapshot\"");
    assert_non_null(found);
    {
        struct pti_buf changed;
        pti_buf_init(&changed, PTI_ROOT_SIZE_MAX);
        pti_buf_append(&changed, text.data, (size_t)(found - (const char *)text.data));
        pti_buf_text(&changed, "\"x-future\":1,");
        pti_buf_text(&changed, found);
        assert_int_equal(pti_bytes_copy(pti_buf_bytes(&changed), &signed_root), PINTLE_OK);
        pti_buf_clear(&changed);
    }
    pti_buf_clear(&text);
    pti_bytes_free(&world->base.roots[0]);
    world->base.roots[0] = signed_root;
    update(world); /* no edit of root: nothing is lost, and other edits go on */
    ok(world, add_to(world, PTI_TUF_ROOT, spare(world, 0)));
    refused(world, pti_stage_update(&world->stage, NOW, &world->error), "would lose");
}

/* ---- finding a key ---- */

static void test_a_key_is_found_by_the_beginning_of_its_id(void **state)
{
    struct world *world = *state;
    const struct pti_public_key *key;
    char prefix[PTI_KEYID_SIZE + 1];

    (void)pti_copy_text(prefix, sizeof(prefix), id_of(world, SIM_ROOT, 1));
    ok(world, pti_role_keys_find_prefix(&world->stage.root_keys[PTI_TUF_ROOT], "root", prefix, &key, &world->error));
    assert_string_equal(key->id, prefix);
    prefix[8] = '\0';
    ok(world, pti_role_keys_find_prefix(&world->stage.root_keys[PTI_TUF_ROOT], "root", prefix, &key, &world->error));
    refused(world,
            pti_role_keys_find_prefix(&world->stage.root_keys[PTI_TUF_TARGETS], "targets", prefix, &key, &world->error),
            ", found 0; see `pintle root list`");
    assert_null(key);
    prefix[7] = '\0';
    refused(world,
            pti_role_keys_find_prefix(&world->stage.root_keys[PTI_TUF_ROOT], "root", prefix, &key, &world->error),
            "at least its first 8");
    refused(
        world,
        pti_role_keys_find_prefix(&world->stage.root_keys[PTI_TUF_ROOT], "root", "targets-1.pem", &key, &world->error),
        "expected a key id");
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

static void test_a_root_draft_survives_its_files(void **state)
{
    struct world *world = *state;
    struct pti_output files = {NULL, 0};
    const struct pti_file_source source = {read_output, &files};

    replace_root_key(world, 0, 0);
    sign(world, world->spare[0], "root");
    ok(world, pti_stage_write(&world->stage, &files, &world->error));
    assert_int_equal(files.count, 1);
    assert_non_null(pti_output_find(&files, "metadata/root.json"));
    pti_stage_clear(&world->stage);
    ok(world, pti_stage_init(&world->stage, &world->base, &days, world->sim->crypto, &world->error));
    ok(world, pti_stage_load(&world->stage, &source, NOW + SIM_DAY, &world->error));
    signatures_are(world, "root", "0/2 1/2");
    /* a year later the draft itself has expired: a new one, unsigned */
    pti_stage_clear(&world->stage);
    ok(world, pti_stage_init(&world->stage, &world->base, &days, world->sim->crypto, &world->error));
    ok(world, pti_stage_load(&world->stage, &source, NOW + 366 * SIM_DAY, &world->error));
    signatures_are(world, "root", "0/2 0/2");
    /* once a root of that number is out, what is left in the file is past */
    sim_new_keys(world->sim, SIM_ROOT, PTI_KEY_ED25519, 3, 2);
    sim_publish_root(world->sim);
    sim_publish(world->sim);
    reopen(world);
    ok(world, pti_stage_load(&world->stage, &source, NOW, &world->error));
    assert_false(pti_stage_has_drafts(&world->stage));
    pti_output_clear(&files);
}

/* ---- in words ---- */

static void test_differences_in_words(void **state)
{
    struct world *world = *state;
    struct pti_change *changes;
    size_t count;
    char want[6][200];

    ok(world,
       pti_stage_root_replace(&world->stage, PTI_TUF_ROOT, id_of(world, SIM_ROOT, 1), spare(world, 0), &world->error));
    ok(world, add_to(world, PTI_TUF_TIMESTAMP, spare(world, 1)));
    ok(world, pti_stage_root_remove(&world->stage, PTI_TUF_TARGETS, id_of(world, SIM_TARGETS, 2), &world->error));
    ok(world, pti_stage_root_threshold(&world->stage, PTI_TUF_TARGETS, 1, &world->error));
    ok(world, zone_with(world, true, "main", world->spare[2], 1));
    update(world);
    (void)snprintf(want[0], sizeof(want[0]), "root: key %.16s replaced by %.16s for role root",
                   id_of(world, SIM_ROOT, 1), spare(world, 0)->id);
    (void)snprintf(want[1], sizeof(want[1]), "root: key %.16s added for role timestamp", spare(world, 1)->id);
    (void)snprintf(want[2], sizeof(want[2]), "root: key %.16s removed for role targets", id_of(world, SIM_TARGETS, 2));
    (void)snprintf(want[3], sizeof(want[3]), "root: 1 of 2 keys must sign role targets, was 2 of 3");
    (void)snprintf(want[4], sizeof(want[4]), "zone main: key %.16s replaced by %.16s",
                   pti_signing_key_public(sim_zone(world->sim, "main")->signers.keys[0])->id, spare(world, 2)->id);
    (void)snprintf(want[5], sizeof(want[5]), "main: signed anew by those who may sign it now, same content");
    ok(world, pti_stage_diff(&world->stage, &changes, &count, &world->error));
    for (size_t i = 0; i < count && i < 6; i++)
        assert_string_equal(changes[i].text, want[i]);
    assert_int_equal(count, 6);
    assert_int_equal(changes[0].kind, PTI_CHANGE_KEY_REPLACED);
    assert_string_equal(changes[0].role, "root");
    assert_string_equal(changes[0].key_role, "root");
    assert_string_equal(changes[0].old_keyid, id_of(world, SIM_ROOT, 1));
    assert_string_equal(changes[4].role, "targets");
    assert_string_equal(changes[4].key_role, "main");
    free(changes);
}

static void test_signatures_in_words(void **state)
{
    struct world *world = *state;
    struct pti_role_state *states;
    size_t count;
    char text[128];

    replace_root_key(world, 2, 0);
    sign(world, key_of(world, SIM_ROOT, 2), "root");
    ok(world, pti_stage_roles(&world->stage, &states, &count, &world->error));
    assert_string_equal(states[0].name, "root");
    pti_role_state_describe(&states[0], text, sizeof(text));
    assert_string_equal(text, "1 of 2 signatures of the old keys and 0 of 2 of the new ones");
    assert_int_equal(pti_role_state_missing(&states[0]), 2);
    pti_role_state_describe(&states[3], text, sizeof(text));
    assert_string_equal(states[3].name, "targets");
    assert_int_equal(pti_role_state_missing(&states[3]), 0);
    pti_role_states_free(states, count);
}

/* ---- history ---- */

static size_t epoch(struct world *world)
{
    size_t version = 0;

    ok(world, pti_root_history_epoch(&world->base, world->sim->crypto, &version, &world->error));
    return version;
}

static size_t accepting(struct world *world)
{
    size_t version = 99;

    ok(world, pti_root_history_accepting(&world->base, world->sim->crypto, &version, &world->error));
    return version;
}

static void test_numbers_start_again_only_where_no_online_key_is_kept(void **state)
{
    struct world *world = *state;

    assert_int_equal(epoch(world), 1);
    sim_rotate(world->sim, SIM_ROOT); /* 2 */
    sim_rotate(world->sim, SIM_TIMESTAMP);
    sim_rotate(world->sim, SIM_SNAPSHOT); /* 4: one after the other does not count */
    reopen(world);
    assert_int_equal(epoch(world), 1);
    sim_new_keys(world->sim, SIM_TIMESTAMP, PTI_KEY_ED25519, 1, 1);
    sim_new_keys(world->sim, SIM_SNAPSHOT, PTI_KEY_ED25519, 1, 1);
    sim_publish_root(world->sim); /* 5 */
    sim_publish(world->sim);
    sim_rotate(world->sim, SIM_TARGETS);
    reopen(world);
    assert_int_equal(epoch(world), 5);
    assert_int_equal(accepting(world), 6);
}

static void test_the_root_that_accepts_what_is_published(void **state)
{
    struct world *world = *state;

    assert_int_equal(accepting(world), 1);
    sim_new_keys(world->sim, SIM_ROOT, PTI_KEY_ED25519, 3, 2);
    sim_publish_root(world->sim); /* 2, alone: the online keys stay, so it accepts */
    reopen(world);
    assert_int_equal(accepting(world), 2);
    sim_new_keys(world->sim, SIM_SNAPSHOT, PTI_KEY_ED25519, 1, 1);
    sim_publish_root(world->sim); /* 3, alone: the snapshot is not its */
    reopen(world);
    assert_int_equal(accepting(world), 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_no_edit_no_draft),
        TEST(test_a_draft_is_the_next_root_and_says_who_may_sign),
        TEST(test_old_and_new_keys_sign_one_after_another),
        TEST(test_an_edit_after_signing_voids_the_signatures),
        TEST(test_a_reverted_edit_leaves_no_draft),
        TEST(test_other_targets_keys_sign_targets_again),
        TEST(test_targets_that_the_newest_root_does_not_accept_are_signed_again),
        TEST(test_renewing_keeps_keys_and_moves_the_expiry),
        TEST(test_online_keys_are_replaced_at_once),
        TEST(test_several_online_keys_keep_their_number_and_threshold),
        TEST(test_edits_that_make_no_sense_change_nothing),
        TEST(test_a_removed_key_never_returns),
        TEST(test_a_zone_gets_new_keys_and_is_signed_again),
        TEST(test_a_zone_key_that_was_replaced_is_refused),
        TEST(test_a_root_that_would_lose_something_is_not_edited),
        TEST(test_a_key_is_found_by_the_beginning_of_its_id),
        TEST(test_a_root_draft_survives_its_files),
        TEST(test_differences_in_words),
        TEST(test_signatures_in_words),
        TEST(test_numbers_start_again_only_where_no_online_key_is_kept),
        TEST(test_the_root_that_accepts_what_is_published),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
