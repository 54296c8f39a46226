/* SPDX-License-Identifier: Apache-2.0 */
/* Old states of the simulated repository, and what apps embed of it.  Contracts are in sim_repository.h. */
#include <stdlib.h>
#include <string.h>

#include "publish/bundle.h"
#include "sim_sign.h"

static struct pti_error error; /* of the step at hand; tests use one thread here */

struct pintle_bytes sim_current(struct sim *sim, const char *path)
{
    struct pintle_bytes bytes = sim_machine_get(sim->machine, path);

    sim_true(bytes.data != NULL, path);
    return bytes;
}

void sim_put(struct sim *sim, const char *path, struct pintle_bytes bytes)
{
    sim_machine_put(sim->machine, path, bytes);
}

static enum pintle_status read_saved(void *ctx, const char *path, size_t max, struct pintle_bytes *data, bool *found,
                                     struct pti_error *failure)
{
    const struct pintle_bytes bytes = sim_machine_get(ctx, path);

    *found = bytes.data != NULL;
    *data = (struct pintle_bytes){NULL, 0};
    if (bytes.size > max)
        return pti_fail(failure, PINTLE_ERR_STORAGE, "%s is larger than %zu bytes", path, max);
    return *found && pti_bytes_copy(bytes, data) != PINTLE_OK ? pti_fail(failure, PINTLE_ERR_MEMORY, "out of memory")
                                                              : PINTLE_OK;
}

struct pti_file_source sim_source(struct sim *sim)
{
    return (struct pti_file_source){read_saved, sim->machine};
}

static enum pintle_status read_files(void *ctx, const char *path, size_t max, struct pintle_bytes *data, bool *found,
                                     struct pti_error *failure)
{
    struct pintle_bytes bytes;

    *data = (struct pintle_bytes){NULL, 0};
    *found = sim_files_find(ctx, path, &bytes);
    if (*found && (bytes.size > max || pti_bytes_copy(bytes, data) != PINTLE_OK))
        return pti_fail(failure, PINTLE_ERR_STORAGE, "%s cannot be read", path);
    return PINTLE_OK;
}

void sim_take(struct sim *sim, const struct sim_files *files, const char *role)
{
    const struct pti_file_source source = {read_files, (void *)(uintptr_t)files};
    struct pti_published old;

    sim_ok(pti_published_load(&source, sim->crypto, &old, &error), &error, "load an old state");
    if (strcmp(role, "targets") == 0) {
        sim_replace(&sim->targets, old.targets);
        sim_replace(&sim->charter_file, old.charter);
        sim->targets_version = old.targets_version;
    } else {
        const struct pti_published_zone *from = pti_published_zone(&old, role);
        struct sim_zone *zone = sim_zone(sim, role);
        sim_true(from != NULL, "the old state has no such zone");
        sim_replace(&zone->role, from->role);
        sim_replace(&zone->file, from->file);
        zone->role_version = from->role_version;
    }
    pti_published_clear(&old);
}

void sim_published(struct sim *sim, struct pti_published *published)
{
    struct pti_file_source source = sim_source(sim);

    sim_ok(pti_published_load(&source, sim->crypto, published, &error), &error, "load the publication");
}

struct pintle_bytes sim_roots(struct sim *sim)
{
    struct pti_published published = sim_view(sim);
    struct pintle_bytes roots;
    struct pti_buf buf;

    sim_ok(pti_bundle_roots(&published, &buf, &error), &error, "roots");
    sim_ok(pti_bytes_copy(pti_buf_bytes(&buf), &roots), NULL, "copy roots");
    pti_buf_clear(&buf);
    free(published.roots);
    free(published.zones);
    return roots;
}

struct pintle_bytes sim_shipped(struct sim *sim)
{
    struct pti_published published = sim_view(sim);
    struct pti_generation *generation;
    struct pti_roots roots;
    struct pintle_bytes shipped;
    struct pti_buf buf;

    sim_ok(pti_bundle_verify_baseline(&published, sim_now(sim), sim->crypto, &roots, &generation, &error), &error,
           "verify what is to be shipped");
    generation->shipped = true;
    sim_ok(pti_bundle_shipped(generation, &buf, &error), &error, "shipped");
    sim_ok(pti_bytes_copy(pti_buf_bytes(&buf), &shipped), NULL, "copy shipped");
    pti_buf_clear(&buf);
    pti_generation_free(generation);
    pti_roots_clear(&roots);
    free(published.roots);
    free(published.zones);
    return shipped;
}
