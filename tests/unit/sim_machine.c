/* SPDX-License-Identifier: Apache-2.0 */
/* Network, store and clock of the simulated repository.  One mutex guards it all; contracts are in sim_repository.h. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/encode.h"
#include "sim_machine.h"

struct named {
    char *name;
    struct pintle_bytes bytes;
};

struct sim_files {
    struct named *items;
    size_t count;
    struct sim_files *next; /* all saved states of a sim */
};

struct override {
    char *pattern;
    enum sim_answer answer;
    int http_status;
    struct pintle_bytes bytes;
};

struct sim_machine {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct sim_files current;
    struct sim_files *saved;
    const struct sim_files *serving; /* NULL: current */
    struct override *overrides;
    size_t override_count;
    bool cancelled;
    int64_t retry_after_s;
    int answers_left; /* negative: no limit */
    char **requests;
    size_t request_count;
    struct pintle_bytes *posted;
    size_t posted_count;
    struct sim_files blobs;
    pthread_mutex_t store_lock;
    int saves_left;
    bool fail_load;
    size_t saves;
    int64_t now, monotonic_ms;
    uint64_t random;
    struct pintle_transport transport;
    struct pintle_store store;
    struct pintle_clock clock;
};

/* ---- helpers ---- */

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

void *sim_alloc(size_t size)
{
    void *memory = calloc(1, size);

    if (memory == NULL)
        abort();
    return memory;
}

static void *grow(void *memory, size_t size)
{
    void *grown = realloc(memory, size);

    if (grown == NULL)
        abort();
    return grown;
}

static char *copy_text(const char *text)
{
    char *copy = pti_bytes_strdup(pti_bytes_text(text));

    if (copy == NULL)
        abort();
    return copy;
}

static struct pintle_bytes copy_bytes(struct pintle_bytes bytes)
{
    struct pintle_bytes copy = {NULL, 0};

    if (pti_bytes_copy(bytes, &copy) != PINTLE_OK)
        abort();
    return copy;
}

void sim_replace(struct pintle_bytes *slot, struct pintle_bytes bytes)
{
    struct pintle_bytes copy = copy_bytes(bytes);

    pti_bytes_free(slot);
    *slot = copy;
}

static bool matches(const char *pattern, const char *text)
{
    size_t size = strlen(pattern);

    if (size > 0 && pattern[size - 1] == '*')
        return strncmp(pattern, text, size - 1) == 0;
    return strcmp(pattern, text) == 0;
}

static const char *path_of(const char *url)
{
    const char *at = strstr(url, "://");

    at = at == NULL ? url : strchr(at + 3, '/');
    return at == NULL ? "" : at[0] == '/' ? at + 1 : at;
}

/* ---- maps ---- */

static struct named *find(const struct sim_files *files, const char *name)
{
    for (size_t i = 0; i < files->count; i++)
        if (strcmp(files->items[i].name, name) == 0)
            return &files->items[i];
    return NULL;
}

static void put(struct sim_files *files, const char *name, struct pintle_bytes bytes)
{
    struct named *item = find(files, name);

    if (item == NULL) {
        files->items = grow(files->items, (files->count + 1) * sizeof(*files->items));
        item = &files->items[files->count++];
        *item = (struct named){copy_text(name), {NULL, 0}};
    }
    sim_replace(&item->bytes, bytes);
}

static void drop(struct sim_files *files, const char *name)
{
    struct named *item = find(files, name);

    if (item == NULL)
        return;
    free(item->name);
    pti_bytes_free(&item->bytes);
    *item = files->items[--files->count];
}

static void empty(struct sim_files *files)
{
    while (files->count > 0)
        drop(files, files->items[files->count - 1].name);
    free(files->items);
    files->items = NULL;
}

void sim_machine_put(struct sim_machine *machine, const char *path, struct pintle_bytes bytes)
{
    pthread_mutex_lock(&machine->mutex);
    put(&machine->current, path, bytes);
    pthread_mutex_unlock(&machine->mutex);
}

struct pintle_bytes sim_machine_get(struct sim_machine *machine, const char *path)
{
    struct named *item;

    pthread_mutex_lock(&machine->mutex);
    item = find(&machine->current, path);
    pthread_mutex_unlock(&machine->mutex);
    return item == NULL ? (struct pintle_bytes){NULL, 0} : item->bytes;
}

struct sim_files *sim_save(struct sim *sim)
{
    struct sim_machine *machine = sim->machine;
    struct sim_files *files = sim_alloc(sizeof(*files));

    pthread_mutex_lock(&machine->mutex);
    for (size_t i = 0; i < machine->current.count; i++)
        put(files, machine->current.items[i].name, machine->current.items[i].bytes);
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

bool sim_files_find(const struct sim_files *files, const char *path, struct pintle_bytes *bytes)
{
    const struct named *item = find(files, path);

    *bytes = item == NULL ? (struct pintle_bytes){NULL, 0} : item->bytes;
    return item != NULL;
}

struct pintle_bytes sim_file(const struct sim_files *files, const char *path)
{
    const struct named *item = find(files, path);

    if (item == NULL)
        fail_msg("the simulated repository did not serve %s", path);
    return item == NULL ? (struct pintle_bytes){NULL, 0} : item->bytes;
}

/* ---- network ---- */

static enum pintle_status no_network(char *detail, size_t size, const char *text)
{
    (void)pti_copy_text(detail, size, text);
    return PINTLE_ERR_NETWORK;
}

static void log_request(struct sim_machine *machine, const char *path)
{
    machine->requests = grow(machine->requests, (machine->request_count + 1) * sizeof(*machine->requests));
    machine->requests[machine->request_count++] = copy_text(path);
}

static const struct override *override_for(const struct sim_machine *machine, const char *url)
{
    for (size_t i = machine->override_count; i-- > 0;)
        if (matches(machine->overrides[i].pattern, path_of(url)) || matches(machine->overrides[i].pattern, url))
            return &machine->overrides[i];
    return NULL;
}

/* What goes over the wire; owned. */
struct answer {
    bool fail;
    int status;
    int64_t retry_after_s;
    struct pintle_bytes bytes;
};

static void answer_file(const struct sim_machine *machine, const char *path, struct answer *answer)
{
    const struct named *item = find(machine->serving != NULL ? machine->serving : &machine->current, path);

    answer->status = item == NULL ? 404 : 200;
    if (item != NULL)
        answer->bytes = copy_bytes(item->bytes);
}

static void apply_override(const struct sim_machine *machine, const struct override *override, const char *path,
                           struct answer *answer)
{
    switch (override->answer) {
    case SIM_BYTES:
        answer->status = 200;
        answer->bytes = copy_bytes(override->bytes);
        return;
    case SIM_STATUS:
        answer->status = override->http_status;
        return;
    case SIM_FAIL:
    case SIM_BLOCK:
        answer->fail = true;
        return;
    case SIM_CUT:
        answer_file(machine, path, answer);
        if (answer->bytes.size > 0)
            answer->bytes.size--;
        return;
    case SIM_FLIP:
        answer_file(machine, path, answer);
        if (answer->bytes.size > 0)
            ((uint8_t *)(uintptr_t)answer->bytes.data)[answer->bytes.size / 2] ^= 1u;
        return;
    }
}

static void post(struct sim_machine *machine, struct pintle_bytes body, struct answer *answer)
{
    machine->posted = grow(machine->posted, (machine->posted_count + 1) * sizeof(*machine->posted));
    machine->posted[machine->posted_count++] = copy_bytes(body);
    answer->status = 202;
}

/* Under the mutex; waits in it while an override blocks. */
static void decide(struct sim_machine *machine, const struct pintle_request *request, struct answer *answer)
{
    const char *path = path_of(request->url);
    const struct override *override = override_for(machine, request->url);

    machine->cancelled = false; /* cancelling ends what is under way, nothing later */
    log_request(machine, path);
    while (override != NULL && override->answer == SIM_BLOCK && !machine->cancelled) {
        pthread_cond_wait(&machine->changed, &machine->mutex);
        override = override_for(machine, request->url);
        answer->fail = true;
    }
    if (machine->answers_left == 0)
        answer->fail = true;
    if (machine->answers_left > 0)
        machine->answers_left--;
    if (answer->fail)
        return;
    if (override != NULL)
        apply_override(machine, override, path, answer);
    else if (strcmp(request->method, "POST") == 0)
        post(machine, request->body, answer);
    else
        answer_file(machine, path, answer);
    if (answer->status >= 400)
        answer->retry_after_s = machine->retry_after_s;
}

static enum pintle_status transport_perform(void *ctx, const struct pintle_request *request,
                                            const struct pintle_sink *sink, struct pintle_response *response,
                                            char *detail, size_t detail_size)
{
    struct sim_machine *machine = ctx;
    struct answer answer = {false, 0, -1, {NULL, 0}};
    enum pintle_status status = PINTLE_OK;

    pthread_mutex_lock(&machine->mutex);
    decide(machine, request, &answer);
    pthread_mutex_unlock(&machine->mutex);
    response->status = answer.status;
    response->retry_after_s = answer.retry_after_s;
    if (answer.fail)
        status = no_network(detail, detail_size, "the simulated network is down");
    /* In small pieces: a reader must not rely on getting everything at once. */
    for (size_t done = 0; done < answer.bytes.size && status == PINTLE_OK;) {
        size_t piece = answer.bytes.size - done < 1000 ? answer.bytes.size - done : 1000;
        if (!sink->write(sink->ctx, answer.bytes.data + done, piece))
            status = no_network(detail, detail_size, "the reader had enough");
        done += piece;
    }
    pti_bytes_free(&answer.bytes);
    return status;
}

static void transport_cancel(void *ctx)
{
    struct sim_machine *machine = ctx;

    pthread_mutex_lock(&machine->mutex);
    machine->cancelled = true;
    pthread_cond_broadcast(&machine->changed);
    pthread_mutex_unlock(&machine->mutex);
}

const struct pintle_transport *sim_transport(struct sim *sim)
{
    return &sim->machine->transport;
}

void sim_override(struct sim *sim, const char *pattern, enum sim_answer answer, int http_status,
                  struct pintle_bytes bytes)
{
    struct sim_machine *machine = sim->machine;

    pthread_mutex_lock(&machine->mutex);
    machine->overrides = grow(machine->overrides, (machine->override_count + 1) * sizeof(*machine->overrides));
    machine->overrides[machine->override_count++] = (struct override){copy_text(pattern), answer, http_status,
                                                                      copy_bytes(bytes)};
    pthread_cond_broadcast(&machine->changed);
    pthread_mutex_unlock(&machine->mutex);
}

static void clear_overrides(struct sim_machine *machine)
{
    for (size_t i = 0; i < machine->override_count; i++) {
        free(machine->overrides[i].pattern);
        pti_bytes_free(&machine->overrides[i].bytes);
    }
    free(machine->overrides);
    machine->overrides = NULL;
    machine->override_count = 0;
}

void sim_override_clear(struct sim *sim)
{
    pthread_mutex_lock(&sim->machine->mutex);
    clear_overrides(sim->machine);
    pthread_cond_broadcast(&sim->machine->changed);
    pthread_mutex_unlock(&sim->machine->mutex);
}

void sim_retry_after(struct sim *sim, int64_t seconds)
{
    pthread_mutex_lock(&sim->machine->mutex);
    sim->machine->retry_after_s = seconds;
    pthread_mutex_unlock(&sim->machine->mutex);
}

void sim_fail_after(struct sim *sim, int requests)
{
    pthread_mutex_lock(&sim->machine->mutex);
    sim->machine->answers_left = requests;
    pthread_mutex_unlock(&sim->machine->mutex);
}

size_t sim_requests(struct sim *sim, const char *pattern)
{
    struct sim_machine *machine = sim->machine;
    size_t count = 0;

    pthread_mutex_lock(&machine->mutex);
    for (size_t i = 0; i < machine->request_count; i++)
        count += matches(pattern, machine->requests[i]) ? 1 : 0;
    pthread_mutex_unlock(&machine->mutex);
    return count;
}

static void clear_requests(struct sim_machine *machine)
{
    for (size_t i = 0; i < machine->request_count; i++)
        free(machine->requests[i]);
    free(machine->requests);
    machine->requests = NULL;
    machine->request_count = 0;
}

void sim_requests_reset(struct sim *sim)
{
    pthread_mutex_lock(&sim->machine->mutex);
    clear_requests(sim->machine);
    pthread_mutex_unlock(&sim->machine->mutex);
}

struct pintle_bytes sim_posted(struct sim *sim, size_t index)
{
    struct pintle_bytes body = {NULL, 0};

    pthread_mutex_lock(&sim->machine->mutex);
    if (index < sim->machine->posted_count)
        body = sim->machine->posted[index];
    pthread_mutex_unlock(&sim->machine->mutex);
    return body;
}

/* ---- store ---- */

static enum pintle_status no_storage(char *detail, size_t size, const char *text)
{
    (void)pti_copy_text(detail, size, text);
    return PINTLE_ERR_STORAGE;
}

static enum pintle_status store_load(void *ctx, const char *name, const struct pintle_sink *sink, bool *found,
                                     char *detail, size_t detail_size)
{
    struct sim_machine *machine = ctx;
    struct pintle_bytes copy = {NULL, 0};
    const struct named *item;
    bool failing, taken = true;

    pthread_mutex_lock(&machine->mutex);
    failing = machine->fail_load;
    item = find(&machine->blobs, name);
    *found = !failing && item != NULL;
    if (*found)
        copy = copy_bytes(item->bytes);
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
    failing = machine->saves_left == 0;
    if (machine->saves_left > 0)
        machine->saves_left--;
    if (!failing) {
        put(&machine->blobs, name, data);
        machine->saves++;
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
    drop(&machine->blobs, name);
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
    empty(&sim->machine->blobs);
    pthread_mutex_unlock(&sim->machine->mutex);
}

struct pintle_bytes sim_store_get(struct sim *sim, const char *name)
{
    const struct named *item;
    struct pintle_bytes bytes = {NULL, 0};

    pthread_mutex_lock(&sim->machine->mutex);
    item = find(&sim->machine->blobs, name);
    if (item != NULL)
        bytes = item->bytes;
    pthread_mutex_unlock(&sim->machine->mutex);
    return bytes;
}

void sim_store_put(struct sim *sim, const char *name, struct pintle_bytes bytes)
{
    struct pintle_bytes copy = copy_bytes(bytes); /* they may be a view into the store */

    pthread_mutex_lock(&sim->machine->mutex);
    if (copy.size == 0)
        drop(&sim->machine->blobs, name);
    else
        put(&sim->machine->blobs, name, copy);
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

size_t sim_store_saves(struct sim *sim)
{
    size_t saves;

    pthread_mutex_lock(&sim->machine->mutex);
    saves = sim->machine->saves;
    pthread_mutex_unlock(&sim->machine->mutex);
    return saves;
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
    pthread_mutexattr_t attributes;

    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK);
    pthread_mutex_init(&machine->store_lock, &attributes);
    pthread_mutexattr_destroy(&attributes);
    pthread_mutex_init(&machine->mutex, NULL);
    pthread_cond_init(&machine->changed, NULL);
    machine->retry_after_s = -1;
    machine->answers_left = -1;
    machine->saves_left = -1;
    machine->now = SIM_START;
    machine->monotonic_ms = 1000;
    machine->transport = (struct pintle_transport){
        .size = sizeof(machine->transport), .ctx = machine, .perform = transport_perform, .cancel = transport_cancel};
    machine->store = (struct pintle_store){.size = sizeof(machine->store),
                                           .ctx = machine,
                                           .load = store_load,
                                           .save = store_save,
                                           .remove = store_remove,
                                           .lock = store_lock,
                                           .unlock = store_unlock};
    machine->clock = (struct pintle_clock){.size = sizeof(machine->clock),
                                           .ctx = machine,
                                           .now = clock_now,
                                           .monotonic_ms = clock_monotonic_ms,
                                           .random = clock_random};
    return machine;
}

void sim_machine_free(struct sim_machine *machine)
{
    while (machine->saved != NULL) {
        struct sim_files *next = machine->saved->next;
        empty(machine->saved);
        free(machine->saved);
        machine->saved = next;
    }
    empty(&machine->current);
    empty(&machine->blobs);
    clear_overrides(machine);
    clear_requests(machine);
    for (size_t i = 0; i < machine->posted_count; i++)
        pti_bytes_free(&machine->posted[i]);
    free(machine->posted);
    pthread_cond_destroy(&machine->changed);
    pthread_mutex_destroy(&machine->mutex);
    pthread_mutex_destroy(&machine->store_lock);
    free(machine);
}
