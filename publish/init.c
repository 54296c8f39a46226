/* SPDX-License-Identifier: Apache-2.0 */
/* The contract is in publish/init.h.  Everything is made and verified in memory before the first byte is written. */
#include "publish/init.h"

#include <stdio.h>
#include <string.h>

#include "pin/zone.h"
#include "publish/publish.h"
#include "publish/settings.h"

#define DAY_S INT64_C(86400)
#define KEYS_MAX (2 * PTI_OFFLINE_KEYS_MAX + 3)

/* One key of the new repository, and the file it goes to. */
struct named_key {
    char file[96];                     /* "keys/root-1.pem" */
    const struct pti_signing_key *key; /* of the ring */
    bool offline;
};

struct making {
    const struct pti_init_options *options;
    const char *zone;
    int offline_keys, threshold;
    struct pintle_crypto *crypto;
    struct pti_error *error;
    struct pti_repository_settings settings;
    struct named_key keys[KEYS_MAX];
    size_t key_count;
    struct pti_root_fields root;
    struct pti_role_keys zone_keys;
    struct pti_published base; /* root 1 and nothing else */
    struct pti_stage stage;
    struct pti_keyring ring; /* all of them */
    struct pti_output output;
};

/* ---- options ---- */

static const char *last_component(const char *directory, char *out, size_t size)
{
    const char *end = directory + strlen(directory);
    const char *start;

    while (end > directory && end[-1] == '/')
        end--;
    start = end;
    while (start > directory && start[-1] != '/')
        start--;
    (void)snprintf(out, size, "%.*s", (int)(end - start), start);
    return out[0] == '\0' || strcmp(out, ".") == 0 || strcmp(out, "..") == 0 ? "pintle" : out;
}

static enum pintle_status take_options(struct making *making)
{
    const struct pti_init_options *options = making->options;
    char component[PTI_PATH_MAX];
    const char *name = options->name;

    making->zone = options->zone != NULL ? options->zone : "main";
    making->offline_keys = options->offline_keys == 0 ? 1 : options->offline_keys;
    making->threshold = options->threshold == 0 ? 1 : options->threshold;
    if (name == NULL)
        name = last_component(options->directory, component, sizeof(component));
    if (!pti_repository_name_valid(pti_bytes_text(name)))
        return pti_fail(
            making->error, PINTLE_ERR_INPUT,
            "a repository name has 1 to %d characters of A-Z, a-z, 0-9, '.', '_' and '-'; found \"%.63s\", say "
            "another with --name",
            PTI_REPOSITORY_NAME_MAX, name);
    if (!pti_zone_name_valid(pti_bytes_text(making->zone)))
        return pti_fail(
            making->error, PINTLE_ERR_INPUT,
            "a zone name has 1 to 63 characters of a-z, 0-9 and '-', and is not the name of a TUF role; found "
            "\"%.63s\"",
            making->zone);
    if (making->offline_keys < 1 || making->offline_keys > PTI_OFFLINE_KEYS_MAX)
        return pti_fail(making->error, PINTLE_ERR_INPUT, "expected 1 to %d offline keys, found %d",
                        PTI_OFFLINE_KEYS_MAX, making->offline_keys);
    if (making->threshold < 1 || making->threshold > making->offline_keys)
        return pti_fail(making->error, PINTLE_ERR_INPUT,
                        "expected a threshold from 1 to the number of offline keys, %d; found %d", making->offline_keys,
                        making->threshold);
    if (options->passphrase != NULL &&
        (options->passphrase[0] == '\0' || strlen(options->passphrase) > PTI_PASSPHRASE_MAX))
        return pti_fail(making->error, PINTLE_ERR_INPUT, "expected a passphrase of 1 to %d bytes, found %zu",
                        PTI_PASSPHRASE_MAX, strlen(options->passphrase));
    pti_repository_settings_init(&making->settings, name);
    return PINTLE_OK;
}

/* ---- keys ---- */

static enum pintle_status make_key(struct making *making, struct pti_role_keys *role, bool offline, const char *name)
{
    struct named_key *named = &making->keys[making->key_count];
    struct pti_signing_key *key = NULL;
    enum pintle_status status = pti_signing_key_generate(making->options->kind, &key, making->error);

    if (status == PINTLE_OK)
        status = pti_keyring_take(&making->ring, key, making->error);
    if (status != PINTLE_OK) {
        pti_signing_key_free(key);
        return status;
    }
    making->key_count++;
    named->key = key;
    named->offline = offline;
    (void)snprintf(named->file, sizeof(named->file), "keys/%s.pem", name);
    return pti_role_keys_add(role, pti_signing_key_public(named->key), making->error);
}

static enum pintle_status make_offline(struct making *making, struct pti_role_keys *role, const char *name)
{
    enum pintle_status status = PINTLE_OK;

    role->threshold = making->threshold;
    for (int i = 1; i <= making->offline_keys && status == PINTLE_OK; i++) {
        char numbered[32];
        (void)snprintf(numbered, sizeof(numbered), "%s-%d", name, i);
        status = make_key(making, role, true, numbered);
    }
    return status;
}

static enum pintle_status make_keys(struct making *making)
{
    char zone[80];
    enum pintle_status status = make_offline(making, &making->root.root, "root");

    (void)snprintf(zone, sizeof(zone), "zone-%s", making->zone);
    making->root.snapshot.threshold = making->root.timestamp.threshold = making->zone_keys.threshold = 1;
    if (status == PINTLE_OK)
        status = make_offline(making, &making->root.targets, "targets");
    if (status == PINTLE_OK)
        status = make_key(making, &making->root.snapshot, false, "snapshot");
    if (status == PINTLE_OK)
        status = make_key(making, &making->root.timestamp, false, "timestamp");
    return status == PINTLE_OK ? make_key(making, &making->zone_keys, false, zone) : status;
}

/* ---- root 1 and generation 1 ---- */

/* Every root key signs root 1, as many as there are: whoever holds one can see that it took part. */
static enum pintle_status sign_root(struct making *making, struct pti_buf *envelope)
{
    enum pintle_status status = PINTLE_OK;

    for (size_t i = 0; i < making->key_count && status == PINTLE_OK; i++) {
        struct pti_buf next;
        if (pti_role_keys_find(&making->root.root, pti_signing_key_public(making->keys[i].key)->id) == NULL)
            continue;
        pti_buf_init(&next, PTI_ROOT_SIZE_MAX);
        status = pti_envelope_sign(pti_buf_bytes(envelope), making->keys[i].key, making->crypto, &next, making->error);
        if (status == PINTLE_OK) {
            pti_buf_clear(envelope);
            *envelope = next;
        } else {
            pti_buf_clear(&next);
        }
    }
    return status;
}

static enum pintle_status make_root(struct making *making)
{
    struct pti_buf text, envelope;
    enum pintle_status status;

    making->root.version = 1;
    making->root.expires = making->options->now + making->settings.days.root * DAY_S;
    making->root.repository = making->settings.name;
    pti_buf_init(&text, PTI_ROOT_SIZE_MAX);
    pti_buf_init(&envelope, PTI_ROOT_SIZE_MAX);
    pti_root_write(&making->root, &text);
    status = pti_buf_check(&text, making->error, "root");
    if (status == PINTLE_OK)
        status = pti_envelope_write(pti_buf_bytes(&text), &envelope, making->error);
    if (status == PINTLE_OK)
        status = sign_root(making, &envelope);
    if (status == PINTLE_OK)
        status = pti_published_init(&making->base, making->settings.name, pti_buf_bytes(&envelope), making->error);
    pti_buf_clear(&envelope);
    pti_buf_clear(&text);
    return status;
}

static enum pintle_status make_generation(struct making *making)
{
    struct pti_publish_input input = {.current = &making->base,
                                      .stage = &making->stage,
                                      .keys = &making->ring,
                                      .now = making->options->now,
                                      .crypto = making->crypto};
    struct pti_signed_roles done;
    enum pintle_status status;

    status = pti_stage_init(&making->stage, &making->base, &making->settings.days, making->crypto, making->error);
    if (status == PINTLE_OK)
        status = pti_stage_zone_add(&making->stage, making->zone, &making->zone_keys, NULL, making->error);
    if (status == PINTLE_OK)
        status = pti_stage_update(&making->stage, making->options->now, making->error);
    for (size_t i = 0; i < making->key_count && status == PINTLE_OK; i++)
        status = pti_stage_sign(&making->stage, making->keys[i].key, &done, making->error);
    return status == PINTLE_OK ? pti_publish_assemble(&input, &making->output, making->error) : status;
}

/* ---- the directory ---- */

static enum pintle_status check_place(const struct making *making, int *lock)
{
    const char *directory = making->options->directory;
    static const char *const taken[] = {"repository.json", "keys", "public"};
    char path[PTI_PATH_MAX];
    enum pintle_status status = pti_file_make_directory(directory, 0755, making->error);

    if (status == PINTLE_OK)
        status = pti_file_path(path, directory, "lock", making->error);
    if (status == PINTLE_OK)
        status = pti_file_lock(path, 0, lock, making->error);
    for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]) && status == PINTLE_OK; i++) {
        status = pti_file_path(path, directory, taken[i], making->error);
        if (status == PINTLE_OK && pti_file_exists(path))
            status = pti_fail(making->error, PINTLE_ERR_STORAGE,
                              "%s is there already and is not overwritten; choose an empty directory", path);
    }
    return status;
}

static enum pintle_status write_keys(const struct making *making)
{
    char path[PTI_PATH_MAX];
    enum pintle_status status = pti_file_path(path, making->options->directory, "keys", making->error);

    if (status == PINTLE_OK)
        status = pti_file_make_directory(path, 0700, making->error);
    for (size_t i = 0; i < making->key_count && status == PINTLE_OK; i++) {
        const struct named_key *named = &making->keys[i];
        status = pti_file_path(path, making->options->directory, named->file, making->error);
        if (status == PINTLE_OK)
            status = pti_signing_key_save(named->key, path, named->offline ? making->options->passphrase : NULL,
                                          making->error);
    }
    return status;
}

/* Settings last: until they are there it is no repository, and nothing serves or edits it. */
static enum pintle_status write_all(const struct making *making)
{
    int lock = -1;
    enum pintle_status status = check_place(making, &lock);

    if (status == PINTLE_OK)
        status = write_keys(making);
    if (status == PINTLE_OK)
        status = pti_repository_write_output(making->options->directory, &making->output, making->error);
    if (status == PINTLE_OK)
        status = pti_repository_write_settings(making->options->directory, &making->settings, making->error);
    pti_file_unlock(lock);
    return status;
}

static void clear(struct making *making)
{
    pti_output_clear(&making->output);
    pti_stage_clear(&making->stage);
    pti_published_clear(&making->base);
    pti_role_keys_clear(&making->zone_keys);
    pti_role_keys_clear(&making->root.root);
    pti_role_keys_clear(&making->root.targets);
    pti_role_keys_clear(&making->root.snapshot);
    pti_role_keys_clear(&making->root.timestamp);
    pti_keyring_clear(&making->ring);
}

enum pintle_status pti_init(const struct pti_init_options *options, struct pintle_crypto *crypto,
                            struct pti_error *error)
{
    struct making making = {.options = options, .crypto = crypto, .error = error};
    enum pintle_status status = take_options(&making);

    if (status == PINTLE_OK)
        status = make_keys(&making);
    if (status == PINTLE_OK)
        status = make_root(&making);
    if (status == PINTLE_OK)
        status = make_generation(&making);
    if (status == PINTLE_OK)
        status = write_all(&making);
    clear(&making);
    return status;
}
