/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the simulated repository: what it serves, and the network, store and clock around it.  Tests use
 * sim_repository.h.
 */
#ifndef PTI_TESTS_SIM_MACHINE_H
#define PTI_TESTS_SIM_MACHINE_H

#include "sim_repository.h"

struct sim_machine *sim_machine_new(void);
void sim_machine_free(struct sim_machine *machine);

/* A map from path to bytes, copied in.  Locked. */
void sim_machine_put(struct sim_machine *machine, const char *path, struct pintle_bytes bytes);
struct pintle_bytes sim_machine_get(struct sim_machine *machine, const char *path); /* {NULL,0} if absent; borrowed */

bool sim_files_find(const struct sim_files *files, const char *path, struct pintle_bytes *bytes);

/* PINTLE_OK or the running test fails, saying what. */
void sim_ok(enum pintle_status status, const struct pti_error *error, const char *what);
void sim_true(bool condition, const char *what);
void *sim_alloc(size_t size); /* zeroed */
/* Bytes owned by *slot: replaced by a copy. */
void sim_replace(struct pintle_bytes *slot, struct pintle_bytes bytes);

#endif
