/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole foreign repository, and what a client of it had kept, against lib/tuf/updater.  The input is a container: entries
 * "s/ROLE" and "s/VERSION.ROLE" are what the server has, "k/ROLE" what was kept, "t/..." names a target to look for.  The
 * provider says yes to every signature.  What must hold: the client asks for a bounded number of files, keeps only files that
 * parse as what they are kept for and never an older version, except after it forgot; and whoever is up to date stays so.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "fuzz.h"
#include "tuf/container.h"
#include "tuf/updater.h"

#define NOW 1795291200 /* 2026-11-21 */
#define KEPT_MAX 64
#define FETCHES_MAX (256 + 1 + 3)

struct kept {
    struct pintle_bytes role; /* owned, as is bytes; data NULL: forgotten */
    struct pintle_bytes bytes;
    int64_t version;
};

struct world {
    struct pti_container server;
    struct kept kept[KEPT_MAX];
    size_t kept_count;
    enum pti_tuf_keyids keyids;
    unsigned fetches;
    bool full; /* nothing more can be kept */
};

static bool is_path(struct pintle_bytes path, const char *prefix, struct pintle_bytes role)
{
    size_t length = strlen(prefix);

    return path.size == length + role.size && memcmp(path.data, prefix, length) == 0 &&
           memcmp(path.data + length, role.data, role.size) == 0;
}

static enum pintle_status pour(struct pintle_bytes bytes, struct pti_buf *out, bool *found, struct pti_error *error)
{
    *found = bytes.data != NULL;
    if (*found)
        pti_buf_append(out, bytes.data, bytes.size);
    return pti_buf_check(out, error, "a file");
}

static enum pintle_status fetch(void *ctx, struct pintle_bytes role, int64_t version, struct pti_buf *out, bool *found,
                                struct pti_error *error)
{
    struct world *world = ctx;
    char prefix[32] = "s/";

    if (version > 0)
        (void)snprintf(prefix, sizeof(prefix), "s/%" PRId64 ".", version);
    REQUIRE(++world->fetches <= FETCHES_MAX + PTI_TUF_DELEGATIONS_MAX * 4);
    for (size_t i = 0; i < world->server.count; i++)
        if (is_path(world->server.entries[i].path, prefix, role))
            return pour(world->server.entries[i].data, out, found, error);
    return pour((struct pintle_bytes){NULL, 0}, out, found, error);
}

static struct kept *find(struct world *world, struct pintle_bytes role)
{
    for (size_t i = 0; i < world->kept_count; i++)
        if (pti_bytes_equal(world->kept[i].role, role))
            return &world->kept[i];
    return NULL;
}

static enum pintle_status load(void *ctx, struct pintle_bytes role, struct pti_buf *out, bool *found,
                               struct pti_error *error)
{
    const struct kept *kept = find(ctx, role);

    return pour(kept != NULL ? kept->bytes : (struct pintle_bytes){NULL, 0}, out, found, error);
}

static enum pti_tuf_type type_of(struct pintle_bytes role)
{
    return pti_bytes_equal_text(role, "root")        ? PTI_TUF_ROOT
           : pti_bytes_equal_text(role, "timestamp") ? PTI_TUF_TIMESTAMP
           : pti_bytes_equal_text(role, "snapshot")  ? PTI_TUF_SNAPSHOT
                                                     : PTI_TUF_TARGETS;
}

/* The version of a file that verified; 0 of one that was only kept by the input. */
static int64_t version_of(const struct world *world, struct pintle_bytes role, struct pintle_bytes bytes)
{
    struct pti_tuf_metadata *metadata = NULL;
    int64_t version = 0;

    if (pti_tuf_metadata_parse_with(bytes, type_of(role), world->keyids, fuzz_crypto(), &metadata, NULL) == PINTLE_OK)
        version = metadata->version;
    pti_tuf_metadata_free(metadata);
    return version;
}

static enum pintle_status set(struct world *world, struct pintle_bytes role, struct pintle_bytes bytes)
{
    struct kept *kept = find(world, role);

    if (kept == NULL) {
        if (world->kept_count == KEPT_MAX)
            return PINTLE_ERR_STORAGE;
        kept = &world->kept[world->kept_count++];
        *kept = (struct kept){.version = 0};
        REQUIRE(pti_bytes_copy(role, &kept->role) == PINTLE_OK);
    }
    pti_bytes_free(&kept->bytes);
    REQUIRE(pti_bytes_copy(bytes, &kept->bytes) == PINTLE_OK);
    return PINTLE_OK;
}

static enum pintle_status keep(void *ctx, struct pintle_bytes role, struct pintle_bytes bytes, struct pti_error *error)
{
    struct world *world = ctx;
    int64_t version = version_of(world, role, bytes);
    const struct kept *had = find(world, role);

    REQUIRE(version > 0); /* only what is whole */
    REQUIRE(had == NULL || had->version <= version);
    if (set(world, role, bytes) != PINTLE_OK) {
        world->full = true;
        return pti_fail(error, PINTLE_ERR_STORAGE, "no more room");
    }
    find(world, role)->version = version;
    return PINTLE_OK;
}

static enum pintle_status forget(void *ctx, struct pintle_bytes role, struct pti_error *error)
{
    struct kept *kept = find(ctx, role);

    (void)error;
    REQUIRE(type_of(role) == PTI_TUF_TIMESTAMP || type_of(role) == PTI_TUF_SNAPSHOT);
    if (kept != NULL) {
        pti_bytes_free(&kept->bytes);
        kept->version = 0;
    }
    return PINTLE_OK;
}

static void look_for(struct pti_updater *updater, struct pintle_bytes path)
{
    const struct pti_tuf_file *file = NULL, *again = NULL;
    struct pti_error error = {PINTLE_OK, ""};

    if (pti_updater_find(updater, path, &file, &error) != PINTLE_OK) {
        REQUIRE(file == NULL && error.detail[0] != '\0');
        return;
    }
    REQUIRE(file == NULL || pti_bytes_equal(file->name, path));
    REQUIRE(pti_updater_find(updater, path, &again, &error) == PINTLE_OK && again == file);
}

static enum pintle_status update(struct world *world)
{
    const struct pti_updater_io io = {world, fetch, load, keep, forget};
    struct pti_error error = {PINTLE_OK, ""};
    struct pti_updater updater;
    enum pintle_status status;

    world->fetches = 0;
    pti_updater_init(&updater, &io, world->keyids, fuzz_crypto(), NOW);
    status = pti_updater_refresh(&updater, &error);
    REQUIRE(status == PINTLE_OK || error.detail[0] != '\0');
    for (size_t i = 0; status == PINTLE_OK && i < world->server.count; i++) {
        struct pintle_bytes path = world->server.entries[i].path;

        world->fetches = 0;
        if (path.size > 2 && memcmp(path.data, "t/", 2) == 0)
            look_for(&updater, (struct pintle_bytes){path.data + 2, path.size - 2});
    }
    pti_updater_clear(&updater);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct world world;
    struct pintle_bytes rest = size > 0 ? (struct pintle_bytes){data + 1, size - 1} : (struct pintle_bytes){data, 0};

    memset(&world, 0, sizeof(world));
    world.keyids = size > 0 && data[0] == 'h' ? PTI_TUF_KEYIDS_HASH : PTI_TUF_KEYIDS_ANY;
    if (pti_container_parse(rest, &world.server, NULL) != PINTLE_OK)
        return 0;
    for (size_t i = 0; i < world.server.count; i++) {
        struct pintle_bytes path = world.server.entries[i].path;

        if (path.size > 2 && memcmp(path.data, "k/", 2) == 0)
            (void)set(&world, (struct pintle_bytes){path.data + 2, path.size - 2}, world.server.entries[i].data);
    }
    if (update(&world) == PINTLE_OK && !world.full)
        REQUIRE(update(&world) == PINTLE_OK);
    for (size_t i = 0; i < world.kept_count; i++) {
        pti_bytes_free(&world.kept[i].role);
        pti_bytes_free(&world.kept[i].bytes);
    }
    pti_container_clear(&world.server);
    return 0;
}
