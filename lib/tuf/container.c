/* SPDX-License-Identifier: Apache-2.0 */
#include "tuf/container.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A cursor over the input: every read is bounded by what is left. */
struct reader {
    struct pintle_bytes bytes;
    size_t at;
};

static bool read_big_endian(struct reader *reader, size_t width, uint32_t *value)
{
    if (reader->bytes.size - reader->at < width)
        return false;
    *value = 0;
    for (size_t i = 0; i < width; i++)
        *value = *value << 8 | reader->bytes.data[reader->at++];
    return true;
}

static bool read_view(struct reader *reader, size_t size, struct pintle_bytes *view)
{
    if (reader->bytes.size - reader->at < size)
        return false;
    *view = (struct pintle_bytes){reader->bytes.data + reader->at, size};
    reader->at += size;
    return true;
}

static enum pintle_status cut_short(const struct reader *reader, struct pti_error *error)
{
    return pti_fail(error, PINTLE_ERR_INPUT, "container: cut short at byte %zu of %zu", reader->at, reader->bytes.size);
}

static bool path_is_printable(struct pintle_bytes path)
{
    for (size_t i = 0; i < path.size; i++)
        if (path.data[i] < 0x21 || path.data[i] > 0x7e)
            return false;
    return true;
}

static enum pintle_status read_entry(struct reader *reader, struct pti_container_entry *entry, struct pti_error *error)
{
    uint32_t path_size, data_size;
    size_t start = reader->at;

    if (!read_big_endian(reader, 2, &path_size) || !read_big_endian(reader, 4, &data_size))
        return cut_short(reader, error);
    if (path_size == 0 || path_size > PTI_CONTAINER_PATH_MAX)
        return pti_fail(error, PINTLE_ERR_INPUT,
                        "container: entry at byte %zu has a path of %" PRIu32 " bytes, expected 1 to %d", start,
                        path_size, PTI_CONTAINER_PATH_MAX);
    if (!read_view(reader, path_size, &entry->path) || !read_view(reader, data_size, &entry->data))
        return cut_short(reader, error);
    if (!path_is_printable(entry->path))
        return pti_fail(error, PINTLE_ERR_INPUT, "container: the path at byte %zu is not printable ASCII", start);
    return PINTLE_OK;
}

static int compare_paths(const void *a, const void *b)
{
    const struct pti_container_entry *const *left = a, *const *right = b;
    return pti_bytes_compare((*left)->path, (*right)->path);
}

/* Sorted pointers make duplicates neighbours: n log n even for a hostile container. */
static enum pintle_status reject_duplicates(const struct pti_container *container, struct pti_error *error)
{
    const struct pti_container_entry **sorted;
    enum pintle_status status = PINTLE_OK;

    if (container->count < 2)
        return PINTLE_OK;
    sorted = calloc(container->count, sizeof *sorted);
    if (sorted == NULL)
        return pti_fail(error, PINTLE_ERR_MEMORY, "container: out of memory");
    for (size_t i = 0; i < container->count; i++)
        sorted[i] = &container->entries[i];
    qsort(sorted, container->count, sizeof *sorted, compare_paths);
    for (size_t i = 1; i < container->count && status == PINTLE_OK; i++)
        if (pti_bytes_equal(sorted[i - 1]->path, sorted[i]->path))
            status = pti_fail(error, PINTLE_ERR_INPUT, "container: two entries are called %.*s",
                              (int)sorted[i]->path.size, (const char *)sorted[i]->path.data);
    free(sorted);
    return status;
}

static enum pintle_status read_header(struct reader *reader, uint32_t *count, struct pti_error *error)
{
    struct pintle_bytes magic;

    if (!read_view(reader, PTI_CONTAINER_MAGIC_SIZE, &magic) ||
        memcmp(magic.data, PTI_CONTAINER_MAGIC, PTI_CONTAINER_MAGIC_SIZE) != 0)
        return pti_fail(error, PINTLE_ERR_INPUT, "container: does not start with %s", PTI_CONTAINER_MAGIC);
    if (!read_big_endian(reader, 4, count))
        return cut_short(reader, error);
    if (*count > PTI_CONTAINER_ENTRIES_MAX)
        return pti_fail(error, PINTLE_ERR_INPUT, "container: %" PRIu32 " entries, at most %d are allowed", *count,
                        PTI_CONTAINER_ENTRIES_MAX);
    return PINTLE_OK;
}

enum pintle_status pti_container_parse(struct pintle_bytes bytes, struct pti_container *container,
                                       struct pti_error *error)
{
    struct reader reader = {bytes, 0};
    enum pintle_status status;
    uint32_t count = 0;

    *container = (struct pti_container){NULL, 0};
    status = read_header(&reader, &count, error);
    if (status != PINTLE_OK)
        return status;
    container->entries = calloc(count > 0 ? count : 1, sizeof *container->entries);
    if (container->entries == NULL)
        return pti_fail(error, PINTLE_ERR_MEMORY, "container: out of memory");
    for (; status == PINTLE_OK && container->count < count; container->count++)
        status = read_entry(&reader, &container->entries[container->count], error);
    if (status == PINTLE_OK && reader.at != bytes.size)
        status = pti_fail(error, PINTLE_ERR_INPUT, "container: %zu bytes after the last entry", bytes.size - reader.at);
    if (status == PINTLE_OK)
        status = reject_duplicates(container, error);
    if (status != PINTLE_OK)
        pti_container_clear(container);
    return status;
}

void pti_container_clear(struct pti_container *container)
{
    free(container->entries);
    *container = (struct pti_container){NULL, 0};
}

bool pti_container_find(const struct pti_container *container, const char *path, struct pintle_bytes *data)
{
    *data = (struct pintle_bytes){NULL, 0};
    for (size_t i = 0; i < container->count; i++) {
        if (!pti_bytes_equal_text(container->entries[i].path, path))
            continue;
        *data = container->entries[i].data;
        return true;
    }
    return false;
}

static void write_big_endian(struct pti_buf *out, size_t width, uint32_t value)
{
    uint8_t bytes[4];

    for (size_t i = 0; i < width; i++)
        bytes[i] = (uint8_t)(value >> 8 * (width - 1 - i));
    pti_buf_append(out, bytes, width);
}

void pti_container_write_begin(struct pti_buf *out, uint32_t count)
{
    pti_buf_append(out, PTI_CONTAINER_MAGIC, PTI_CONTAINER_MAGIC_SIZE);
    write_big_endian(out, 4, count);
}

void pti_container_write_entry(struct pti_buf *out, const char *path, struct pintle_bytes data)
{
    size_t path_size = strlen(path);

    if (path_size == 0 || path_size > PTI_CONTAINER_PATH_MAX || data.size > UINT32_MAX) {
        if (out->status == PINTLE_OK)
            out->status = PINTLE_ERR_INPUT;
        return;
    }
    write_big_endian(out, 2, (uint32_t)path_size);
    write_big_endian(out, 4, (uint32_t)data.size);
    pti_buf_append(out, path, path_size);
    pti_buf_append(out, data.data, data.size);
}
