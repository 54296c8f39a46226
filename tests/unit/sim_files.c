/* SPDX-License-Identifier: Apache-2.0 */
/* Memory and maps from path to bytes for the simulated repository.  Contracts are in sim_machine.h. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "sim_machine.h"

void *sim_alloc(size_t size)
{
    void *memory = calloc(1, size);

    if (memory == NULL)
        abort();
    return memory;
}

void *sim_grow(void *memory, size_t size)
{
    void *grown = realloc(memory, size);

    if (grown == NULL)
        abort();
    return grown;
}

char *sim_copy_text(const char *text)
{
    char *copy = pti_bytes_strdup(pti_bytes_text(text));

    if (copy == NULL)
        abort();
    return copy;
}

struct pintle_bytes sim_copy_bytes(struct pintle_bytes bytes)
{
    struct pintle_bytes copy = {NULL, 0};

    if (pti_bytes_copy(bytes, &copy) != PINTLE_OK)
        abort();
    return copy;
}

void sim_replace(struct pintle_bytes *slot, struct pintle_bytes bytes)
{
    struct pintle_bytes copy = sim_copy_bytes(bytes);

    pti_bytes_free(slot);
    *slot = copy;
}

/* ---- maps ---- */

struct sim_named *sim_files_named(const struct sim_files *files, const char *name)
{
    for (size_t i = 0; i < files->count; i++)
        if (strcmp(files->items[i].name, name) == 0)
            return &files->items[i];
    return NULL;
}

void sim_files_put(struct sim_files *files, const char *name, struct pintle_bytes bytes)
{
    struct sim_named *item = sim_files_named(files, name);

    if (item == NULL) {
        files->items = sim_grow(files->items, (files->count + 1) * sizeof(*files->items));
        item = &files->items[files->count++];
        *item = (struct sim_named){sim_copy_text(name), {NULL, 0}};
    }
    sim_replace(&item->bytes, bytes);
}

void sim_files_drop(struct sim_files *files, const char *name)
{
    struct sim_named *item = sim_files_named(files, name);

    if (item == NULL)
        return;
    free(item->name);
    pti_bytes_free(&item->bytes);
    *item = files->items[--files->count];
}

void sim_files_empty(struct sim_files *files)
{
    while (files->count > 0)
        sim_files_drop(files, files->items[files->count - 1].name);
    free(files->items);
    files->items = NULL;
}

bool sim_files_find(const struct sim_files *files, const char *path, struct pintle_bytes *bytes)
{
    const struct sim_named *item = sim_files_named(files, path);

    *bytes = item == NULL ? (struct pintle_bytes){NULL, 0} : item->bytes;
    return item != NULL;
}
