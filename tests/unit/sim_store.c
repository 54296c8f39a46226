/* SPDX-License-Identifier: Apache-2.0 */
/* The store of the simulated repository.  Contracts are in sim_repository.h. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "sim_machine.h"

static enum pintle_status no_storage(char *detail, size_t size, const char *text)
{
    (void)pti_copy_text(detail, size, text);
    return PINTLE_ERR_STORAGE;
}

/* What no pin depends on. */
static bool is_note(const char *name)
{
    return strcmp(name, "roots") != 0 && strcmp(name, "accepted") != 0;
}

static enum pintle_status store_load(void *ctx, const char *name, const struct pintle_sink *sink, bool *found,
                                     char *detail, size_t detail_size)
{
    struct sim_machine *machine = ctx;
    struct pintle_bytes copy = {NULL, 0};
    const struct sim_named *item;
    bool failing, taken = true;

    pthread_mutex_lock(&machine->mutex);
    failing = machine->fail_load;
    item = sim_files_named(&machine->blobs, name);
    *found = !failing && item != NULL;
    if (*found)
        copy = sim_copy_bytes(item->bytes);
    pthread_mutex_unlock(&machine->mutex);
    if (*found)
        taken = sink->write(sink->ctx, copy.data, copy.size);
    pti_bytes_free(&copy);
    if (failing || !taken)
        return no_storage(detail, detail_size, "the simulated store cannot be read");
    return PINTLE_OK;
}

static enum pintle_status store_save(void *ctx, const char *name, struct pintle_bytes data, char *detail,
                                     size_t detail_size)
{
    struct sim_machine *machine = ctx;
    bool failing;

    pthread_mutex_lock(&machine->mutex);
    failing = is_note(name) ? machine->fail_notes : machine->saves_left == 0;
    if (machine->saves_left > 0 && !is_note(name))
        machine->saves_left--;
    if (!failing) {
        sim_files_put(&machine->blobs, name, data);
        machine->saves += is_note(name) ? 0 : 1;
    }
    pthread_mutex_unlock(&machine->mutex);
    return failing ? no_storage(detail, detail_size, "the simulated store is full") : PINTLE_OK;
}

static enum pintle_status store_remove(void *ctx, const char *name, char *detail, size_t detail_size)
{
    struct sim_machine *machine = ctx;

    (void)detail;
    (void)detail_size;
    pthread_mutex_lock(&machine->mutex);
    sim_files_drop(&machine->blobs, name);
    pthread_mutex_unlock(&machine->mutex);
    return PINTLE_OK;
}

static enum pintle_status store_lock(void *ctx, char *detail, size_t detail_size)
{
    struct sim_machine *machine = ctx;

    if (pthread_mutex_lock(&machine->store_lock) != 0)
        return no_storage(detail, detail_size, "the simulated store is locked by this thread already");
    return PINTLE_OK;
}

static void store_unlock(void *ctx)
{
    struct sim_machine *machine = ctx;

    pthread_mutex_unlock(&machine->store_lock);
}

const struct pintle_store *sim_store(struct sim *sim)
{
    return &sim->machine->store;
}

void sim_store_clear(struct sim *sim)
{
    pthread_mutex_lock(&sim->machine->mutex);
    sim_files_empty(&sim->machine->blobs);
    pthread_mutex_unlock(&sim->machine->mutex);
}

struct pintle_bytes sim_store_get(struct sim *sim, const char *name)
{
    const struct sim_named *item;
    struct pintle_bytes bytes = {NULL, 0};

    pthread_mutex_lock(&sim->machine->mutex);
    item = sim_files_named(&sim->machine->blobs, name);
    if (item != NULL)
        bytes = item->bytes;
    pthread_mutex_unlock(&sim->machine->mutex);
    return bytes;
}

void sim_store_put(struct sim *sim, const char *name, struct pintle_bytes bytes)
{
    struct pintle_bytes copy = sim_copy_bytes(bytes); /* they may be a view into the store */

    pthread_mutex_lock(&sim->machine->mutex);
    if (copy.size == 0)
        sim_files_drop(&sim->machine->blobs, name);
    else
        sim_files_put(&sim->machine->blobs, name, copy);
    pthread_mutex_unlock(&sim->machine->mutex);
    pti_bytes_free(&copy);
}

void sim_store_fail_after(struct sim *sim, int saves)
{
    pthread_mutex_lock(&sim->machine->mutex);
    sim->machine->saves_left = saves;
    pthread_mutex_unlock(&sim->machine->mutex);
}

void sim_store_fail_load(struct sim *sim, bool fail)
{
    pthread_mutex_lock(&sim->machine->mutex);
    sim->machine->fail_load = fail;
    pthread_mutex_unlock(&sim->machine->mutex);
}

void sim_store_fail_notes(struct sim *sim, bool fail)
{
    pthread_mutex_lock(&sim->machine->mutex);
    sim->machine->fail_notes = fail;
    pthread_mutex_unlock(&sim->machine->mutex);
}

size_t sim_store_saves(struct sim *sim)
{
    size_t saves;

    pthread_mutex_lock(&sim->machine->mutex);
    saves = sim->machine->saves;
    pthread_mutex_unlock(&sim->machine->mutex);
    return saves;
}

/* The lock finds a thread that takes it twice, as a lock file between processes would. */
void sim_store_init(struct sim_machine *machine)
{
    pthread_mutexattr_t attributes;

    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK);
    pthread_mutex_init(&machine->store_lock, &attributes);
    pthread_mutexattr_destroy(&attributes);
    machine->saves_left = -1;
    machine->store = (struct pintle_store){.size = sizeof(machine->store),
                                           .ctx = machine,
                                           .load = store_load,
                                           .save = store_save,
                                           .remove = store_remove,
                                           .lock = store_lock,
                                           .unlock = store_unlock};
}
