/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/memory_store.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

#define BLOBS_MAX 4

struct blob {
    char name[32];
    struct pintle_bytes bytes; /* owned */
};

struct memory_store {
    pthread_mutex_t lock;
    struct blob blobs[BLOBS_MAX]; /* an empty name is a free place */
};

static struct blob *find(struct memory_store *store, const char *name)
{
    for (size_t i = 0; i < BLOBS_MAX; i++) {
        if (strcmp(store->blobs[i].name, name) == 0) {
            return &store->blobs[i];
        }
    }
    return NULL;
}

static enum pintle_status load(void *ctx, const char *name, const struct pintle_sink *sink, bool *found, char *detail,
                               size_t detail_size)
{
    const struct blob *blob = find(ctx, name);

    *found = blob != NULL;
    if (blob && !sink->write(sink->ctx, blob->bytes.data, blob->bytes.size)) {
        pti_copy_text(detail, detail_size, "the reader took no more");
        return PINTLE_ERR_STORAGE;
    }
    return PINTLE_OK;
}

static enum pintle_status save(void *ctx, const char *name, struct pintle_bytes data, char *detail, size_t detail_size)
{
    struct blob *blob = find(ctx, name);
    struct pintle_bytes copy = {NULL, 0};

    if (!blob) {
        blob = find(ctx, "");
    }
    if (!blob || strlen(name) >= sizeof blob->name || pti_bytes_copy(data, &copy) != PINTLE_OK) {
        pti_copy_text(detail, detail_size, "no memory to keep the manifest");
        return PINTLE_ERR_STORAGE;
    }
    pti_bytes_free(&blob->bytes);
    blob->bytes = copy;
    pti_copy_text(blob->name, sizeof blob->name, name);
    return PINTLE_OK;
}

static enum pintle_status forget(void *ctx, const char *name, char *detail, size_t detail_size)
{
    struct blob *blob = find(ctx, name);

    (void)detail;
    (void)detail_size;
    if (blob) {
        pti_bytes_free(&blob->bytes);
        blob->name[0] = '\0';
    }
    return PINTLE_OK;
}

static enum pintle_status lock(void *ctx, char *detail, size_t detail_size)
{
    struct memory_store *store = ctx;

    if (pthread_mutex_lock(&store->lock) != 0) {
        pti_copy_text(detail, detail_size, "the store in memory cannot be locked");
        return PINTLE_ERR_STORAGE;
    }
    return PINTLE_OK;
}

static void unlock(void *ctx)
{
    pthread_mutex_unlock(&((struct memory_store *)ctx)->lock);
}

static void release(void *ctx)
{
    struct memory_store *store = ctx;

    for (size_t i = 0; i < BLOBS_MAX; i++) {
        pti_bytes_free(&store->blobs[i].bytes);
    }
    pthread_mutex_destroy(&store->lock);
    free(store);
}

enum pintle_status pti_memory_store_init(struct pintle_store *store)
{
    struct memory_store *memory = calloc(1, sizeof *memory);

    memset(store, 0, sizeof *store);
    if (!memory || pthread_mutex_init(&memory->lock, NULL) != 0) {
        free(memory);
        return PINTLE_ERR_MEMORY;
    }
    *store = (struct pintle_store){.size = sizeof *store,
                                   .ctx = memory,
                                   .load = load,
                                   .save = save,
                                   .remove = forget,
                                   .lock = lock,
                                   .unlock = unlock,
                                   .free = release};
    return PINTLE_OK;
}
