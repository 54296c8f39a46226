/* SPDX-License-Identifier: Apache-2.0 */
/* The contract is in scratch.h. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/encode.h"
#include "providers.h"
#include "publish/bundle.h"
#include "scratch.h"
#include "tuf/container.h"

#define FILE_MAX 64000000

struct scratch *scratch_new(void)
{
    struct scratch *scratch = calloc(1, sizeof(*scratch));

    assert_non_null(scratch);
    assert_int_equal(provider_new(&scratch->crypto), PINTLE_OK);
    /* In memory, where there is such a place: every file is flushed, and a disk would make that slow. */
    (void)pti_copy_text(scratch->directory, sizeof(scratch->directory), "/dev/shm/pintle-publish-XXXXXX");
    if (mkdtemp(scratch->directory) != NULL)
        return scratch;
    (void)pti_copy_text(scratch->directory, sizeof(scratch->directory), "/tmp/pintle-publish-XXXXXX");
    assert_non_null(mkdtemp(scratch->directory));
    return scratch;
}

static bool is_dot(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

void scratch_remove_tree(const char *path)
{
    struct dirent *entry;
    DIR *stream = opendir(path);

    if (stream == NULL) {
        (void)unlink(path);
        return;
    }
    while ((entry = readdir(stream)) != NULL) {
        char child[PTI_PATH_MAX];
        if (is_dot(entry->d_name))
            continue;
        (void)snprintf(child, sizeof(child), "%s/%s", path, entry->d_name);
        scratch_remove_tree(child);
    }
    (void)closedir(stream);
    (void)rmdir(path);
}

void scratch_free(struct scratch *scratch)
{
    scratch_remove_tree(scratch->directory);
    pintle_crypto_free(scratch->crypto);
    free(scratch);
}

int scratch_setup(void **state)
{
    *state = scratch_new();
    return 0;
}

int scratch_teardown(void **state)
{
    scratch_free(*state);
    return 0;
}

void scratch_ok(const struct scratch *scratch, enum pintle_status status)
{
    if (status != PINTLE_OK)
        fail_msg("%s: %s", pintle_status_name(status), scratch->error.detail);
}

void scratch_refused(const struct scratch *scratch, enum pintle_status status, enum pintle_status want,
                     const char *text)
{
    if (status != want)
        fail_msg("expected %s, found %s: %s", pintle_status_name(want), pintle_status_name(status),
                 status == PINTLE_OK ? "" : scratch->error.detail);
    if (strstr(scratch->error.detail, text) == NULL)
        fail_msg("expected \"%s\" in \"%s\"", text, scratch->error.detail);
}

const char *scratch_path(const struct scratch *scratch, const char *relative)
{
    static char paths[8][PTI_PATH_MAX];
    static size_t next;
    char *path = paths[next++ % 8];

    (void)snprintf(path, PTI_PATH_MAX, "%s/%s", scratch->directory, relative);
    return path;
}

struct pintle_bytes scratch_read(struct scratch *scratch, const char *path)
{
    struct pintle_bytes data;

    scratch_ok(scratch, pti_file_read(path, FILE_MAX, &data, &scratch->error));
    return data;
}

void scratch_write(struct scratch *scratch, const char *path, const char *text)
{
    scratch_ok(scratch, pti_file_replace(path, pti_bytes_text(text), 0644, &scratch->error));
}

unsigned scratch_mode(const char *path)
{
    struct stat info;

    assert_int_equal(lstat(path, &info), 0);
    return (unsigned)info.st_mode & 07777u;
}

void scratch_copy_tree(struct scratch *scratch, const char *from, const char *to)
{
    struct pintle_bytes data;
    struct dirent *entry;
    DIR *stream = opendir(from);

    if (stream == NULL) {
        data = scratch_read(scratch, from);
        scratch_ok(scratch, pti_file_replace(to, data, scratch_mode(from), &scratch->error));
        pti_bytes_free(&data);
        return;
    }
    scratch_ok(scratch, pti_file_make_directory(to, scratch_mode(from), &scratch->error));
    while ((entry = readdir(stream)) != NULL) {
        char source[PTI_PATH_MAX], target[PTI_PATH_MAX];
        if (is_dot(entry->d_name))
            continue;
        (void)snprintf(source, sizeof(source), "%s/%s", from, entry->d_name);
        (void)snprintf(target, sizeof(target), "%s/%s", to, entry->d_name);
        scratch_copy_tree(scratch, source, target);
    }
    (void)closedir(stream);
}

void scratch_init(struct scratch *scratch, const char *relative, int offline_keys, int threshold)
{
    const struct pti_init_options options = {.directory = scratch_path(scratch, relative),
                                             .offline_keys = offline_keys,
                                             .threshold = threshold,
                                             .kind = provider_kind(PTI_KEY_ED25519),
                                             .now = SCRATCH_NOW};

    scratch_ok(scratch, pti_init(&options, scratch->crypto, &scratch->error));
}

struct pti_repository *scratch_open(struct scratch *scratch, const char *relative, enum pti_repository_access access)
{
    struct pti_repository *repository = NULL;

    scratch_ok(scratch, pti_repository_open(scratch_path(scratch, relative), access, SCRATCH_NOW, scratch->crypto,
                                            &repository, &scratch->error));
    return repository;
}

struct pti_pin_edit scratch_pin(uint8_t seed)
{
    struct pti_pin_edit edit = {.pin = {{0}, PINTLE_OF_SPKI, PINTLE_AT_LEAF}};

    memset(edit.pin.sha256, seed, sizeof(edit.pin.sha256));
    return edit;
}

void scratch_add_host(struct scratch *scratch, struct pti_repository *repository, const char *host, uint8_t seed)
{
    const struct pti_host_edit edit = {.zone = "main"};
    const struct pti_pin_edit pin = scratch_pin(seed);
    bool added;

    scratch_ok(scratch, pti_stage_host_add(&repository->stage, host, &edit, &scratch->error));
    scratch_ok(scratch, pti_stage_pin_add(&repository->stage, host, &pin, &added, &scratch->error));
    scratch_ok(scratch, pti_stage_update(&repository->stage, SCRATCH_NOW, &scratch->error));
    scratch_ok(scratch, pti_repository_save_stage(repository, &scratch->error));
}

struct pti_publish_result scratch_publish(struct scratch *scratch, struct pti_repository *repository, int64_t now)
{
    struct pti_keyring ring = {NULL, 0};
    struct pti_publish_result result;

    scratch_ok(scratch, pti_repository_load_keys(repository, NULL, NULL, &ring, NULL, &scratch->error));
    scratch_ok(scratch, pti_publish(repository, &ring, now, &result, &scratch->error));
    pti_keyring_clear(&ring);
    return result;
}

struct pti_generation *scratch_client_view(struct scratch *scratch, const struct pti_repository *repository,
                                           int64_t now)
{
    struct pti_generation *generation;
    struct pti_roots roots;

    scratch_ok(scratch,
               pti_bundle_verify(&repository->published, now, scratch->crypto, &roots, &generation, &scratch->error));
    pti_roots_clear(&roots);
    return generation;
}

size_t scratch_pins_of(const struct pti_generation *generation, const char *host)
{
    const struct pti_zone_host *entry = pti_zone_find(&generation->zones[0].zone, host);

    return entry == NULL ? 0 : entry->pins.count;
}

void scratch_assert_served_whole(struct scratch *scratch, const char *copy)
{
    struct pintle_bytes head, body, timestamp;
    struct pti_tuf_metadata *parsed;
    struct pti_container container, contents;
    char hex[PTI_HEX_SIZE(PINTLE_SHA256_SIZE) + 1], path[160];

    (void)snprintf(path, sizeof(path), "%s/public/head/1", copy);
    head = scratch_read(scratch, scratch_path(scratch, path));
    scratch_ok(scratch, pti_container_parse(head, &container, &scratch->error));
    assert_true(pti_container_find(&container, "timestamp.json", &timestamp));
    scratch_ok(scratch,
               pti_tuf_metadata_parse(timestamp, PTI_TUF_TIMESTAMP, scratch->crypto, &parsed, &scratch->error));
    pti_hex_encode(parsed->files.items[0].sha256, PINTLE_SHA256_SIZE, hex);
    (void)snprintf(path, sizeof(path), "%s/public/body/%s", copy, hex);
    body = scratch_read(scratch, scratch_path(scratch, path));
    scratch_ok(scratch, pti_container_parse(body, &contents, &scratch->error));
    assert_int_equal(contents.count, 5);
    pti_container_clear(&contents);
    pti_container_clear(&container);
    pti_tuf_metadata_free(parsed);
    pti_bytes_free(&body);
    pti_bytes_free(&head);
}
