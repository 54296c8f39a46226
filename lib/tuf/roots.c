/* SPDX-License-Identifier: Apache-2.0 */
#include "tuf/roots.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tuf/container.h"
#include "tuf/verify.h"

void pti_roots_init(struct pti_roots *roots, struct pintle_crypto *crypto)
{
    *roots = (struct pti_roots){.crypto = crypto};
}

void pti_roots_clear(struct pti_roots *roots)
{
    for (size_t i = 0; i < roots->count; i++)
        pti_tuf_metadata_free(roots->items[i]);
    free(roots->items);
    pti_roots_init(roots, roots->crypto);
}

const struct pti_tuf_metadata *pti_roots_newest(const struct pti_roots *roots)
{
    return roots->count > 0 ? roots->items[roots->count - 1] : NULL;
}

const struct pti_tuf_metadata *pti_roots_version(const struct pti_roots *roots, int64_t version)
{
    return version >= 1 && (uint64_t)version <= roots->count ? roots->items[version - 1] : NULL;
}

static enum pintle_status check_next(const struct pti_roots *roots, const struct pti_tuf_metadata *next,
                                     struct pti_error *error)
{
    if (roots->count > 0)
        return pti_tuf_root_succeeds(pti_roots_newest(roots), next, error);
    if (next->version != 1)
        return pti_fail(error, PINTLE_ERR_TRUST, "root: expected version 1, found %" PRId64, next->version);
    return pti_tuf_root_verifies_itself(next, error);
}

enum pintle_status pti_roots_add(struct pti_roots *roots, struct pintle_bytes bytes, struct pti_error *error)
{
    struct pti_tuf_metadata **grown, *next;
    enum pintle_status status;

    if (roots->count == PTI_ROOTS_MAX)
        return pti_fail(error, PINTLE_ERR_TRUST, "root: more than %d versions; ship a newer app", PTI_ROOTS_MAX);
    status = pti_tuf_metadata_parse(bytes, PTI_TUF_ROOT, roots->crypto, &next, error);
    if (status == PINTLE_OK)
        status = check_next(roots, next, error);
    if (status != PINTLE_OK) {
        pti_tuf_metadata_free(next);
        return status;
    }
    grown = realloc(roots->items, (roots->count + 1) * sizeof(struct pti_tuf_metadata *));
    if (grown == NULL) {
        pti_tuf_metadata_free(next);
        return pti_fail(error, PINTLE_ERR_MEMORY, "root: out of memory");
    }
    roots->items = grown;
    roots->items[roots->count++] = next;
    return PINTLE_OK;
}

size_t pti_roots_path_version(struct pintle_bytes path)
{
    char expected[40];
    size_t version = 0;

    for (size_t i = 0; i < path.size && path.data[i] >= '0' && path.data[i] <= '9' && version <= PTI_ROOTS_MAX; i++)
        version = version * 10 + (size_t)(path.data[i] - '0');
    (void)snprintf(expected, sizeof expected, "%zu.root.json", version);
    return pti_bytes_equal_text(path, expected) ? version : 0;
}

enum pintle_status pti_roots_add_file(struct pti_roots *roots, struct pintle_bytes file, struct pti_error *error)
{
    struct pti_container container;
    enum pintle_status status;

    if (file.size > 0 && file.data[0] == '{')
        return roots->count == 0 ? pti_roots_add(roots, file, error) : PINTLE_OK;
    status = pti_container_parse(file, &container, error);
    for (size_t i = 0; i < container.count && status == PINTLE_OK; i++) {
        size_t version = pti_roots_path_version(container.entries[i].path);

        if (version == 0)
            status = pti_fail(error, PINTLE_ERR_INPUT, "expected entries like 1.root.json, found %.*s",
                              (int)container.entries[i].path.size, (const char *)container.entries[i].path.data);
        else if (version > roots->count)
            status = pti_roots_add(roots, container.entries[i].data, error);
    }
    pti_container_clear(&container);
    return status;
}

void pti_roots_write(const struct pti_roots *roots, struct pti_buf *out)
{
    char path[40];

    pti_container_write_begin(out, (uint32_t)roots->count);
    for (size_t i = 0; i < roots->count; i++) {
        (void)snprintf(path, sizeof path, "%zu.root.json", i + 1);
        pti_container_write_entry(out, path, roots->items[i]->bytes);
    }
}
