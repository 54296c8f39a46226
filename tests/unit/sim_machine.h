/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the simulated repository: what it serves, and the network, store and clock around it.  Tests use
 * sim_repository.h.
 */
#ifndef PTI_TESTS_SIM_MACHINE_H
#define PTI_TESTS_SIM_MACHINE_H

#include <pthread.h>

#include "sim_repository.h"

struct sim_named {
    char *name;
    struct pintle_bytes bytes;
};

struct sim_files {
    struct sim_named *items;
    size_t count;
    struct sim_files *next; /* all saved states of a sim */
};

struct sim_override_entry {
    char *pattern;
    enum sim_answer answer;
    int http_status;
    struct pintle_bytes bytes;
};

/* One mutex guards it all, but for the lock of the store. */
struct sim_machine {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct sim_files current;
    struct sim_files *saved;
    const struct sim_files *serving; /* NULL: current */
    struct sim_override_entry *overrides;
    size_t override_count;
    bool cancelled;
    int64_t retry_after_s;
    int answers_left; /* negative: no limit */
    char **requests;  /* path, and with each what its header `Pintle-Manifest` said, "" if nothing */
    char **headers;
    size_t request_count;
    struct pintle_bytes *posted;
    size_t posted_count;
    struct sim_files blobs;
    pthread_mutex_t store_lock;
    int saves_left;
    bool fail_load, fail_notes;
    size_t saves;
    int64_t now, monotonic_ms;
    uint64_t random;
    struct pintle_transport transport;
    struct pintle_store store;
    struct pintle_clock clock;
};

struct sim_machine *sim_machine_new(void);
void sim_machine_free(struct sim_machine *machine);
void sim_network_init(struct sim_machine *machine);
void sim_network_clear(struct sim_machine *machine);
void sim_store_init(struct sim_machine *machine);

/* What the repository serves; locked. */
void sim_machine_put(struct sim_machine *machine, const char *path, struct pintle_bytes bytes);
struct pintle_bytes sim_machine_get(struct sim_machine *machine, const char *path); /* {NULL,0} if absent; borrowed */

/* Maps from path to bytes, which are copied in; not locked. */
struct sim_named *sim_files_named(const struct sim_files *files, const char *name); /* NULL if absent */
bool sim_files_find(const struct sim_files *files, const char *path, struct pintle_bytes *bytes);
void sim_files_put(struct sim_files *files, const char *name, struct pintle_bytes bytes);
void sim_files_drop(struct sim_files *files, const char *name);
void sim_files_empty(struct sim_files *files);

/* PINTLE_OK, or true, or the running test fails, saying what. */
void sim_ok(enum pintle_status status, const struct pti_error *error, const char *what);
void sim_true(bool condition, const char *what);

/* Memory, or the program ends. */
void *sim_alloc(size_t size); /* zeroed */
void *sim_grow(void *memory, size_t size);
char *sim_copy_text(const char *text);
struct pintle_bytes sim_copy_bytes(struct pintle_bytes bytes);
/* Bytes owned by *slot: replaced by a copy. */
void sim_replace(struct pintle_bytes *slot, struct pintle_bytes bytes);

#endif
