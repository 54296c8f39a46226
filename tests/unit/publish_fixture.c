/* SPDX-License-Identifier: Apache-2.0 */
/* The contract is in publish_fixture.h. */
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
#include "publish/bundle.h"
#include "publish_fixture.h"
#include "tuf/container.h"

#define FILE_MAX 64000000

struct fixture *fixture_new(void)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    assert_non_null(fixture);
    assert_int_equal(pintle_crypto_openssl_new(&fixture->crypto), PINTLE_OK);
    (void)pti_copy_text(fixture->directory, sizeof(fixture->directory), "/tmp/pintle-publish-XXXXXX");
    assert_non_null(mkdtemp(fixture->directory));
    return fixture;
}

static bool is_dot(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static void remove_tree(const char *path)
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
        remove_tree(child);
    }
    (void)closedir(stream);
    (void)rmdir(path);
}

void fixture_free(struct fixture *fixture)
{
    remove_tree(fixture->directory);
    pintle_crypto_free(fixture->crypto);
    free(fixture);
}

void fixture_ok(const struct fixture *fixture, enum pintle_status status)
{
    if (status != PINTLE_OK)
        fail_msg("%s: %s", pintle_status_name(status), fixture->error.detail);
}

void fixture_refused(const struct fixture *fixture, enum pintle_status status, enum pintle_status want,
                     const char *text)
{
    if (status != want)
        fail_msg("expected %s, found %s: %s", pintle_status_name(want), pintle_status_name(status),
                 status == PINTLE_OK ? "" : fixture->error.detail);
    if (strstr(fixture->error.detail, text) == NULL)
        fail_msg("expected \"%s\" in \"%s\"", text, fixture->error.detail);
}

const char *fixture_path(const struct fixture *fixture, const char *relative)
{
    static char paths[8][PTI_PATH_MAX];
    static size_t next;
    char *path = paths[next++ % 8];

    (void)snprintf(path, PTI_PATH_MAX, "%s/%s", fixture->directory, relative);
    return path;
}

struct pintle_bytes fixture_read(struct fixture *fixture, const char *path)
{
    struct pintle_bytes data;

    fixture_ok(fixture, pti_file_read(path, FILE_MAX, &data, &fixture->error));
    return data;
}

void fixture_write(struct fixture *fixture, const char *path, const char *text)
{
    fixture_ok(fixture, pti_file_replace(path, pti_bytes_text(text), 0644, &fixture->error));
}

unsigned fixture_mode(const char *path)
{
    struct stat info;

    assert_int_equal(lstat(path, &info), 0);
    return (unsigned)info.st_mode & 07777u;
}

void fixture_copy_tree(struct fixture *fixture, const char *from, const char *to)
{
    struct pintle_bytes data;
    struct dirent *entry;
    DIR *stream = opendir(from);

    if (stream == NULL) {
        data = fixture_read(fixture, from);
        fixture_ok(fixture, pti_file_replace(to, data, fixture_mode(from), &fixture->error));
        pti_bytes_free(&data);
        return;
    }
    fixture_ok(fixture, pti_file_make_directory(to, fixture_mode(from), &fixture->error));
    while ((entry = readdir(stream)) != NULL) {
        char source[PTI_PATH_MAX], target[PTI_PATH_MAX];
        if (is_dot(entry->d_name))
            continue;
        (void)snprintf(source, sizeof(source), "%s/%s", from, entry->d_name);
        (void)snprintf(target, sizeof(target), "%s/%s", to, entry->d_name);
        fixture_copy_tree(fixture, source, target);
    }
    (void)closedir(stream);
}

void fixture_init(struct fixture *fixture, const char *relative, int offline_keys, int threshold)
{
    const struct pti_init_options options = {.directory = fixture_path(fixture, relative),
                                             .offline_keys = offline_keys,
                                             .threshold = threshold,
                                             .kind = PTI_KEY_ED25519,
                                             .now = FIXTURE_NOW};

    fixture_ok(fixture, pti_init(&options, fixture->crypto, &fixture->error));
}

struct pti_repository *fixture_open(struct fixture *fixture, const char *relative, enum pti_repository_access access)
{
    struct pti_repository *repository = NULL;

    fixture_ok(fixture, pti_repository_open(fixture_path(fixture, relative), access, FIXTURE_NOW, fixture->crypto,
                                            &repository, &fixture->error));
    return repository;
}

struct pti_pin_edit fixture_pin(uint8_t seed)
{
    struct pti_pin_edit edit = {.pin = {{0}, PINTLE_OF_SPKI, PINTLE_AT_LEAF}};

    memset(edit.pin.sha256, seed, sizeof(edit.pin.sha256));
    return edit;
}

void fixture_add_host(struct fixture *fixture, struct pti_repository *repository, const char *host, uint8_t seed)
{
    const struct pti_host_edit edit = {.zone = "main"};
    const struct pti_pin_edit pin = fixture_pin(seed);
    bool added;

    fixture_ok(fixture, pti_stage_host_add(&repository->stage, host, &edit, &fixture->error));
    fixture_ok(fixture, pti_stage_pin_add(&repository->stage, host, &pin, &added, &fixture->error));
    fixture_ok(fixture, pti_stage_update(&repository->stage, FIXTURE_NOW, &fixture->error));
    fixture_ok(fixture, pti_repository_save_stage(repository, &fixture->error));
}

struct pti_publish_result fixture_publish(struct fixture *fixture, struct pti_repository *repository, int64_t now)
{
    struct pti_keyring ring = {NULL, 0};
    struct pti_publish_result result;

    fixture_ok(fixture, pti_repository_load_keys(repository, NULL, NULL, &ring, NULL, &fixture->error));
    fixture_ok(fixture, pti_publish(repository, &ring, now, &result, &fixture->error));
    pti_keyring_clear(&ring);
    return result;
}

struct pti_generation *fixture_client_view(struct fixture *fixture, const struct pti_repository *repository,
                                           int64_t now)
{
    struct pti_generation *generation;
    struct pti_roots roots;

    fixture_ok(fixture,
               pti_bundle_verify(&repository->published, now, fixture->crypto, &roots, &generation, &fixture->error));
    pti_roots_clear(&roots);
    return generation;
}

size_t fixture_pins_of(const struct pti_generation *generation, const char *host)
{
    const struct pti_zone_host *entry = pti_zone_find(&generation->zones[0].zone, host);

    return entry == NULL ? 0 : entry->pins.count;
}

void fixture_assert_served_whole(struct fixture *fixture, const char *copy)
{
    struct pintle_bytes head, body, timestamp;
    struct pti_tuf_metadata *parsed;
    struct pti_container container, contents;
    char hex[PTI_HEX_SIZE(PINTLE_SHA256_SIZE) + 1], path[160];

    (void)snprintf(path, sizeof(path), "%s/public/head/1", copy);
    head = fixture_read(fixture, fixture_path(fixture, path));
    fixture_ok(fixture, pti_container_parse(head, &container, &fixture->error));
    assert_true(pti_container_find(&container, "timestamp.json", &timestamp));
    fixture_ok(fixture,
               pti_tuf_metadata_parse(timestamp, PTI_TUF_TIMESTAMP, fixture->crypto, &parsed, &fixture->error));
    pti_hex_encode(parsed->files.items[0].sha256, PINTLE_SHA256_SIZE, hex);
    (void)snprintf(path, sizeof(path), "%s/public/body/%s", copy, hex);
    body = fixture_read(fixture, fixture_path(fixture, path));
    fixture_ok(fixture, pti_container_parse(body, &contents, &fixture->error));
    assert_int_equal(contents.count, 5);
    pti_container_clear(&contents);
    pti_container_clear(&container);
    pti_tuf_metadata_free(parsed);
    pti_bytes_free(&body);
    pti_bytes_free(&head);
}
