/* SPDX-License-Identifier: Apache-2.0 */
/* The contract is in publish/bundle.h. */
#include "publish/bundle.h"

#include <stdio.h>
#include <string.h>

#include "publish/root_history.h"
#include "tuf/container.h"

static uint32_t delegated_count(const struct pti_published *published)
{
    uint32_t count = 0;

    for (size_t i = 0; i < published->zone_count; i++)
        count += published->zones[i].delegated ? 1u : 0u;
    return count;
}

enum pintle_status pti_bundle_body(const struct pti_published *published, struct pti_buf *out, struct pti_error *error)
{
    char path[PTI_CONTAINER_PATH_MAX + 1];

    pti_buf_init(out, PTI_BODY_SIZE_MAX);
    pti_container_write_begin(out, 3 + 2 * delegated_count(published));
    pti_container_write_entry(out, "snapshot.json", published->snapshot);
    pti_container_write_entry(out, "targets.json", published->targets);
    pti_container_write_entry(out, "charter.json", published->charter);
    for (size_t i = 0; i < published->zone_count; i++) {
        const struct pti_published_zone *zone = &published->zones[i];
        if (!zone->delegated)
            continue;
        (void)snprintf(path, sizeof(path), "roles/%s.json", zone->name);
        pti_container_write_entry(out, path, zone->role);
        (void)snprintf(path, sizeof(path), "zones/%s.json", zone->name);
        pti_container_write_entry(out, path, zone->file);
    }
    return pti_buf_check(out, error, "body");
}

static void write_roots(const struct pti_published *published, size_t after, struct pti_buf *out)
{
    char path[PTI_CONTAINER_PATH_MAX + 1];

    for (size_t i = after; i < published->root_count; i++) {
        (void)snprintf(path, sizeof(path), "%zu.root.json", i + 1);
        pti_container_write_entry(out, path, published->roots[i]);
    }
}

enum pintle_status pti_bundle_head(const struct pti_published *published, size_t root_version, struct pti_buf *out,
                                   struct pti_error *error)
{
    pti_buf_init(out, PTI_HEAD_SIZE_MAX);
    pti_container_write_begin(out, (uint32_t)(published->root_count - root_version + 1));
    write_roots(published, root_version, out);
    pti_container_write_entry(out, "timestamp.json", published->timestamp);
    return pti_buf_check(out, error, "head");
}

/* What an entry of a container takes beside its path and its data: two lengths. */
#define ENTRY_OVERHEAD 6

size_t pti_bundle_first_head(const struct pti_published *published)
{
    size_t first = published->root_count;
    size_t room = PTI_HEAD_SIZE_MAX - PTI_CONTAINER_MAGIC_SIZE - 4 - ENTRY_OVERHEAD - strlen("timestamp.json") -
                  published->timestamp.size;

    while (first > 1 && published->root_count - first < PTI_ROOT_ROTATIONS_MAX) {
        char path[PTI_CONTAINER_PATH_MAX + 1];
        int length = snprintf(path, sizeof(path), "%zu.root.json", first);
        size_t size = ENTRY_OVERHEAD + (size_t)length + published->roots[first - 1].size;
        if (size > room)
            break;
        room -= size;
        first--;
    }
    return first;
}

enum pintle_status pti_bundle_roots(const struct pti_published *published, struct pti_buf *out, struct pti_error *error)
{
    pti_buf_init(out, PTI_STORE_BLOB_MAX);
    pti_container_write_begin(out, (uint32_t)published->root_count);
    write_roots(published, 0, out);
    return pti_buf_check(out, error, "app/roots");
}

enum pintle_status pti_bundle_shipped(const struct pti_generation *generation, struct pti_buf *out,
                                      struct pti_error *error)
{
    pti_buf_init(out, PTI_STORE_BLOB_MAX);
    pti_generation_write(generation, out);
    return pti_buf_check(out, error, "app/shipped");
}

static enum pintle_status build(const struct pti_published *published, struct pti_trusted *set,
                                struct pti_generation **generation, struct pti_error *error)
{
    struct pti_container container = {NULL, 0};
    struct pti_manifest_source source;
    struct pti_buf body;
    enum pintle_status status = pti_bundle_body(published, &body, error);

    if (status == PINTLE_OK)
        status = pti_container_parse(pti_buf_bytes(&body), &container, error);
    if (status == PINTLE_OK)
        status = pti_trusted_check_root(set, error);
    if (status == PINTLE_OK)
        status = pti_trusted_update_timestamp(set, published->timestamp, error);
    if (status == PINTLE_OK) {
        source = pti_container_source(&container);
        status = pti_generation_build(set, &source, generation, error);
    }
    pti_trusted_clear(set);
    pti_container_clear(&container);
    pti_buf_clear(&body);
    return status;
}

static enum pintle_status verify(const struct pti_published *published, int64_t now, bool baseline,
                                 struct pintle_crypto *crypto, struct pti_roots *roots,
                                 struct pti_generation **generation, struct pti_error *error)
{
    struct pti_trusted set;
    size_t root_version = published->root_count;
    enum pintle_status status = PINTLE_OK;

    *generation = NULL;
    pti_roots_init(roots, crypto);
    for (size_t i = 0; i < published->root_count && status == PINTLE_OK; i++)
        status = pti_roots_add(roots, published->roots[i], error);
    if (status == PINTLE_OK && published->root_count == 0)
        status = pti_fail(error, PINTLE_ERR_TRUST, "no root: there is nothing to verify anything with");
    if (status == PINTLE_OK && baseline)
        status = pti_root_history_accepting(published, crypto, &root_version, error);
    if (status == PINTLE_OK) {
        const struct pti_tuf_metadata *root = pti_roots_version(roots, (int64_t)root_version);
        pti_trusted_init(&set, crypto, root != NULL ? root : pti_roots_newest(roots), now);
        set.waive_expiry = baseline;
        set.waive_delegated_expiry = true;
        status = build(published, &set, generation, error);
    }
    if (status != PINTLE_OK)
        pti_roots_clear(roots);
    else
        (*generation)->accepted_at = now;
    return status;
}

enum pintle_status pti_bundle_verify(const struct pti_published *published, int64_t now, struct pintle_crypto *crypto,
                                     struct pti_roots *roots, struct pti_generation **generation,
                                     struct pti_error *error)
{
    return verify(published, now, false, crypto, roots, generation, error);
}

enum pintle_status pti_bundle_verify_baseline(const struct pti_published *published, int64_t now,
                                              struct pintle_crypto *crypto, struct pti_roots *roots,
                                              struct pti_generation **generation, struct pti_error *error)
{
    return verify(published, now, true, crypto, roots, generation, error);
}

static enum pintle_status check_anchor(const struct pti_published *published, struct pintle_bytes anchor,
                                       struct pintle_crypto *crypto, struct pti_error *error)
{
    struct pti_roots roots;
    enum pintle_status status;

    pti_roots_init(&roots, crypto);
    status = pti_roots_add_file(&roots, anchor, error);
    if (status != PINTLE_OK)
        (void)pti_error_prefix(error, "the trust anchor given");
    else if (roots.count == 0)
        status = pti_fail(error, PINTLE_ERR_INPUT, "the trust anchor given holds no root");
    for (size_t i = 0; i < roots.count && status == PINTLE_OK; i++) {
        if (i == published->root_count)
            status = pti_fail(
                error, PINTLE_ERR_TRUST,
                "the trust anchor given knows root %zu, what is published ends with root %zu: it is an old "
                "copy, or somebody made it up; sign nothing in it",
                roots.count, published->root_count);
        else if (!pti_bytes_equal(roots.items[i]->bytes, published->roots[i]))
            status = pti_fail(
                error, PINTLE_ERR_TRUST,
                "root %zu is not the one of the trust anchor given: this is another repository, or somebody "
                "made it up; sign nothing in it",
                i + 1);
    }
    pti_roots_clear(&roots);
    return status;
}

enum pintle_status pti_bundle_check_base(const struct pti_published *published, struct pintle_bytes anchor, int64_t now,
                                         struct pintle_crypto *crypto, struct pti_error *error)
{
    struct pti_generation *generation = NULL;
    struct pti_roots roots;
    enum pintle_status status = anchor.size > 0 ? check_anchor(published, anchor, crypto, error) : PINTLE_OK;

    if (status != PINTLE_OK)
        return status;
    status = pti_bundle_verify_baseline(published, now, crypto, &roots, &generation, error);
    if (status != PINTLE_OK)
        return pti_error_prefix(error, "what is published now does not verify, so nothing can be compared with it"),
               status;
    pti_generation_free(generation);
    pti_roots_clear(&roots);
    return PINTLE_OK;
}
