/* SPDX-License-Identifier: Apache-2.0 */
/* The contract is in publish_scene.h. */
#include "publish_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "publish/resign.h"

#define OTHER "www.example.com"

/* ---- scene_deeds ---- */

struct pti_keyring scene_keys;

static enum pintle_status publish(struct pti_repository *repository, struct pti_error *error)
{
    struct pti_publish_result result;

    return pti_publish(repository, &scene_keys, SCRATCH_NOW, &result, error);
}

enum pintle_status scene_publish(struct pti_repository *repository, struct pti_error *error)
{
    struct pti_keyring ring = {NULL, 0};
    struct pti_publish_result result;
    enum pintle_status status = pti_repository_load_keys(repository, NULL, NULL, &ring, NULL, error);

    if (status == PINTLE_OK)
        status = pti_publish(repository, &ring, SCRATCH_NOW, &result, error);
    pti_keyring_clear(&ring);
    return status;
}

static enum pintle_status edit(struct pti_repository *repository, struct pti_error *error)
{
    const struct pti_host_edit host = {.zone = "main"};
    const struct pti_pin_edit pin = scratch_pin(2);
    bool added;
    enum pintle_status status = pti_stage_host_add(&repository->stage, OTHER, &host, error);

    if (status == PINTLE_OK)
        status = pti_stage_pin_add(&repository->stage, OTHER, &pin, &added, error);
    if (status == PINTLE_OK)
        status = pti_stage_update(&repository->stage, SCRATCH_NOW, error);
    return status == PINTLE_OK ? pti_repository_save_stage(repository, error) : status;
}

static enum pintle_status save_ring(struct pti_repository *repository, const char *name, struct pti_keyring *ring,
                                    struct pti_error *error)
{
    char path[PTI_PATH_MAX];
    enum pintle_status status = PINTLE_OK;

    for (size_t i = 0; i < ring->count && status == PINTLE_OK; i++)
        status = pti_repository_save_key(repository, ring->keys[i], name, path, error);
    pti_keyring_clear(ring);
    return status;
}

/* New online keys, from making them to moving the old ones aside. */
static enum pintle_status rotate(struct pti_repository *repository, struct pti_error *error)
{
    struct pti_keyring rings[PTI_TUF_TYPES];
    char **names = NULL;
    size_t count = 0;
    enum pintle_status status = pti_stage_root_replace_online(&repository->stage, rings, error), saved;

    if (status != PINTLE_OK)
        return status;
    status = save_ring(repository, "timestamp.2", &rings[PTI_TUF_TIMESTAMP], error);
    saved = status == PINTLE_OK ? save_ring(repository, "snapshot.2", &rings[PTI_TUF_SNAPSHOT], error) : status;
    pti_keyring_clear(&rings[PTI_TUF_SNAPSHOT]);
    if (saved == PINTLE_OK)
        saved = pti_stage_update(&repository->stage, SCRATCH_NOW, error);
    if (saved == PINTLE_OK)
        saved = pti_repository_save_stage(repository, error);
    if (saved == PINTLE_OK)
        saved = scene_publish(repository, error);
    if (saved == PINTLE_OK)
        saved = pti_repository_retire_keys(repository, &names, &count, error);
    pti_file_names_free(names, count);
    return saved;
}

static enum pintle_status renew(struct pti_repository *repository, struct pti_error *error)
{
    struct pti_resigned resigned;
    struct pti_resign_input input = {.root = pti_published_root(&repository->published),
                                     .snapshot = repository->published.snapshot,
                                     .timestamp = repository->published.timestamp,
                                     .snapshot_version = repository->published.snapshot_floor + 1,
                                     .renew_snapshot = true,
                                     .keys = &scene_keys,
                                     .days = repository->settings.days,
                                     .now = SCRATCH_NOW,
                                     .crypto = repository->crypto};
    enum pintle_status status = pti_resign(&input, &resigned, error);

    if (status == PINTLE_OK)
        status = pti_publish_resigned(repository, &resigned, SCRATCH_NOW, error);
    pti_resigned_clear(&resigned);
    return status;
}

const struct deed scene_deeds[SCENE_DEEDS] = {
    /* Two ECDSA signatures of one text differ, so that signing again shows. */
    {"publish", publish, "charter=2,main=2", "charter=3,main=3", 7, 149, 1, PTI_REPOSITORY_WRITE, PTI_KEY_ECDSA_P256},
    {"edit", edit, "charter=2,main=2", "charter=2,main=2", 4, 59, 1, PTI_REPOSITORY_WRITE, PTI_KEY_ED25519},
    {"rotate", rotate, "charter=2,main=2", "charter=3,main=3", 19, 3001, 61, PTI_REPOSITORY_WRITE, PTI_KEY_ED25519},
    {"renew", renew, "charter=2,main=2", "charter=2,main=2", 9, 97, 1, PTI_REPOSITORY_PUBLISHED, PTI_KEY_ED25519},
};

/* ---- scenes ---- */

void scene_set(struct scene *scene, struct scratch *scratch, const struct deed *deed)
{
    const struct pti_init_options options = {.directory = scene->directory, .kind = deed->kind, .now = SCRATCH_NOW};
    struct pti_repository *repository;

    scene->scratch = scratch;
    scene->deed = deed;
    (void)pti_copy_text(scene->directory, sizeof(scene->directory), scratch_path(scratch, "repo"));
    scratch_remove_tree(scene->directory);
    scratch_ok(scratch, pti_init(&options, scratch->crypto, &scratch->error));
    repository = scratch_open(scratch, "repo", PTI_REPOSITORY_WRITE);
    scratch_add_host(scratch, repository, SCENE_HOST, 1);
    scratch_ok(scratch, pti_repository_load_keys(repository, NULL, NULL, &scene_keys, NULL, &scratch->error));
    scratch_ok(scratch, publish(repository, &scratch->error));
    if (deed->run != edit)
        scratch_ok(scratch, edit(repository, &scratch->error));
    pti_repository_close(repository);
    tree_read(scratch, scene->directory, &scene->base);
}

void scene_clear(struct scene *scene)
{
    tree_clear(&scene->base);
    pti_keyring_clear(&scene_keys);
}

int scene_perform(void *ctx)
{
    struct scene *scene = ctx;
    struct pti_error *error = &scene->scratch->error;
    struct pti_repository *repository = NULL;
    enum pintle_status status = pti_repository_open(scene->directory, scene->deed->access, SCRATCH_NOW,
                                                    scene->scratch->crypto, &repository, error);

    if (status == PINTLE_OK)
        status = scene->deed->run(repository, error);
    pti_repository_close(repository);
    return (int)status;
}

/* ---- what must hold ---- */

void scene_check_clients(struct scene *scene, bool new_only)
{
    char bundles[SERVED_MANIFEST_MAX], plain[SERVED_MANIFEST_MAX];
    const struct deed *deed = scene->deed;

    if (!served_follow(scene->scratch, scene->directory, SERVED_BUNDLES, SCENE_HOST, bundles))
        fail_msg("%s: a client that polls heads: %s", deed->name, bundles);
    if (strcmp(bundles, deed->after) != 0 && (new_only || strcmp(bundles, deed->before) != 0))
        fail_msg("%s: a client that polls heads sees %s", deed->name, bundles);
    if (!served_follow(scene->scratch, scene->directory, SERVED_PLAIN, SCENE_HOST, plain)) {
        /* A root that replaces the online keys comes right before the timestamp that it accepts. */
        if (deed->run != rotate || new_only || strstr(plain, "timestamp: 0 of 1 required signatures") == NULL)
            fail_msg("%s: a client of the plain files: %s", deed->name, plain);
    } else if (strcmp(plain, deed->after) != 0 && (new_only || strcmp(plain, deed->before) != 0)) {
        fail_msg("%s: a client of the plain files sees %s", deed->name, plain);
    }
}

static bool may_change(const char *path)
{
    return strcmp(path, "public/metadata/timestamp.json") == 0 || strncmp(path, "public/head/", 12) == 0 ||
           strncmp(path, "public/", 7) != 0;
}

static bool is_temporary(const char *path)
{
    size_t size = strlen(path);

    return size >= 4 && strcmp(path + size - 4, ".new") == 0;
}

/* Names keep their content for ever, and nothing lies about. */
static void check_files(struct scene *scene, const struct tree *before)
{
    struct tree after;

    tree_read(scene->scratch, scene->directory, &after);
    for (size_t i = 0; i < before->count; i++) {
        const struct tree_file *old = &before->files[i], *now = tree_find(&after, old->path);
        if (is_temporary(old->path) || may_change(old->path))
            continue;
        if (now == NULL || !pti_bytes_equal(now->bytes, old->bytes))
            fail_msg("%s: %s is %s", scene->deed->name, old->path, now == NULL ? "gone" : "another file now");
    }
    for (size_t i = 0; i < after.count; i++)
        if (is_temporary(after.files[i].path))
            fail_msg("%s: %s is left", scene->deed->name, after.files[i].path);
    tree_clear(&after);
}

void scene_check_aftermath(struct scene *scene)
{
    struct pti_error *error = &scene->scratch->error;
    struct pti_repository *repository = NULL;
    struct tree before;
    bool staged;

    scene_check_clients(scene, false);
    tree_read(scene->scratch, scene->directory, &before);
    tree_check_compressed(&before);
    repository = scratch_open(scene->scratch, "repo", PTI_REPOSITORY_WRITE);
    /* An edit that was cut short is whole, or not there and made again. */
    staged = pti_charter_find(&repository->stage.charter, OTHER) != NULL;
    if (scene->deed->run == edit && !staged)
        scratch_ok(scene->scratch, edit(repository, error));
    else
        assert_true(staged);
    scratch_ok(scene->scratch,
               scene->deed->run == rotate ? scene_publish(repository, error) : publish(repository, error));
    assert_false(pti_stage_has_drafts(&repository->stage));
    pti_repository_close(repository);
    check_files(scene, &before);
    tree_clear(&before);
}

void scene_check_new(struct scene *scene)
{
    static const struct deed published = {
        .name = "afterwards", .run = publish, .before = "", .after = "charter=3,main=3"};
    const struct deed *deed = scene->deed;

    scene->deed = &published;
    scene_check_clients(scene, true);
    scene->deed = deed;
}

long scene_step(long usual, long thorough)
{
    return getenv("PINTLE_LONG") != NULL ? thorough : usual;
}
