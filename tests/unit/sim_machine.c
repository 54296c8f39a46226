/* SPDX-License-Identifier: Apache-2.0 */
/* What the simulated repository serves, and its clock.  Contracts are in sim_repository.h and sim_machine.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "sim_machine.h"

void sim_ok(enum pintle_status status, const struct pti_error *error, const char *what)
{
    if (status != PINTLE_OK)
        fail_msg("%s: %s: %s", what, pintle_status_name(status), error != NULL ? error->detail : "");
}

void sim_true(bool condition, const char *what)
{
    if (!condition)
        fail_msg("simulated repository: %s", what);
}

void sim_machine_put(struct sim_machine *machine, const char *path, struct pintle_bytes bytes)
{
    pthread_mutex_lock(&machine->mutex);
    sim_files_put(&machine->current, path, bytes);
    pthread_mutex_unlock(&machine->mutex);
}

struct pintle_bytes sim_machine_get(struct sim_machine *machine, const char *path)
{
    struct sim_named *item;

    pthread_mutex_lock(&machine->mutex);
    item = sim_files_named(&machine->current, path);
    pthread_mutex_unlock(&machine->mutex);
    return item == NULL ? (struct pintle_bytes){NULL, 0} : item->bytes;
}

struct sim_files *sim_save(struct sim *sim)
{
    struct sim_machine *machine = sim->machine;
    struct sim_files *files = sim_alloc(sizeof(*files));

    pthread_mutex_lock(&machine->mutex);
    for (size_t i = 0; i < machine->current.count; i++)
        sim_files_put(files, machine->current.items[i].name, machine->current.items[i].bytes);
    files->next = machine->saved;
    machine->saved = files;
    pthread_mutex_unlock(&machine->mutex);
    return files;
}

void sim_serve(struct sim *sim, const struct sim_files *files)
{
    pthread_mutex_lock(&sim->machine->mutex);
    sim->machine->serving = files;
    pthread_mutex_unlock(&sim->machine->mutex);
}

struct pintle_bytes sim_file(const struct sim_files *files, const char *path)
{
    const struct sim_named *item = sim_files_named(files, path);

    if (item == NULL)
        fail_msg("the simulated repository did not serve %s", path);
    return item == NULL ? (struct pintle_bytes){NULL, 0} : item->bytes;
}

/* ---- clock ---- */

static int64_t clock_now(void *ctx)
{
    struct sim_machine *machine = ctx;
    int64_t now;

    pthread_mutex_lock(&machine->mutex);
    now = machine->now;
    pthread_mutex_unlock(&machine->mutex);
    return now;
}

static int64_t clock_monotonic_ms(void *ctx)
{
    struct sim_machine *machine = ctx;
    int64_t now;

    pthread_mutex_lock(&machine->mutex);
    now = machine->monotonic_ms;
    pthread_mutex_unlock(&machine->mutex);
    return now;
}

/* splitmix64: the same numbers in every run. */
static uint64_t clock_random(void *ctx)
{
    struct sim_machine *machine = ctx;
    uint64_t mixed;

    pthread_mutex_lock(&machine->mutex);
    mixed = machine->random += UINT64_C(0x9e3779b97f4a7c15);
    pthread_mutex_unlock(&machine->mutex);
    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ (mixed >> 31);
}

const struct pintle_clock *sim_clock(struct sim *sim)
{
    return &sim->machine->clock;
}

int64_t sim_now(struct sim *sim)
{
    return clock_now(sim->machine);
}

void sim_advance(struct sim *sim, int64_t seconds)
{
    pthread_mutex_lock(&sim->machine->mutex);
    sim->machine->now += seconds;
    sim->machine->monotonic_ms += seconds * 1000;
    pthread_mutex_unlock(&sim->machine->mutex);
}

void sim_set_wall_clock(struct sim *sim, int64_t now)
{
    pthread_mutex_lock(&sim->machine->mutex);
    sim->machine->now = now;
    pthread_mutex_unlock(&sim->machine->mutex);
}

/* ---- life ---- */

struct sim_machine *sim_machine_new(void)
{
    struct sim_machine *machine = sim_alloc(sizeof(*machine));

    pthread_mutex_init(&machine->mutex, NULL);
    pthread_cond_init(&machine->changed, NULL);
    machine->now = SIM_START;
    machine->monotonic_ms = 1000;
    machine->clock = (struct pintle_clock){.size = sizeof(machine->clock),
                                           .ctx = machine,
                                           .now = clock_now,
                                           .monotonic_ms = clock_monotonic_ms,
                                           .random = clock_random};
    sim_network_init(machine);
    sim_store_init(machine);
    return machine;
}

void sim_machine_free(struct sim_machine *machine)
{
    while (machine->saved != NULL) {
        struct sim_files *next = machine->saved->next;
        sim_files_empty(machine->saved);
        free(machine->saved);
        machine->saved = next;
    }
    sim_files_empty(&machine->current);
    sim_files_empty(&machine->blobs);
    sim_network_clear(machine);
    pthread_cond_destroy(&machine->changed);
    pthread_mutex_destroy(&machine->mutex);
    pthread_mutex_destroy(&machine->store_lock);
    free(machine);
}
