/* SPDX-License-Identifier: Apache-2.0 */
/* The data directory of a server, for commands that work on it beside the server. */
#ifndef PTI_SERVER_DATA_H
#define PTI_SERVER_DATA_H

#include "server/database.h"

/*
 * Opens the database in directory.  If it is not there yet it is made, directory too, when make is set.  Files that
 * another user than the owner of the directory makes would be closed to the server, so he is refused.
 * PINTLE_ERR_STORAGE, PINTLE_ERR_MEMORY.
 */
enum pintle_status pti_data_open(const char *directory, bool make, struct pti_database **database,
                                 struct pti_error *error);

/* Whether directory is the user's own.  PINTLE_ERR_STORAGE says whose it is. */
enum pintle_status pti_data_check_owner(const char *directory, struct pti_error *error);

/* Nobody else uses the directory, which must be there, until the descriptor is closed.  PINTLE_ERR_STORAGE. */
enum pintle_status pti_data_lock(const char *directory, int *descriptor, struct pti_error *error);

/* "command:USER": who the journal says did it. */
void pti_data_actor(char *out, size_t size);

/* size bytes from the machine's random source.  PINTLE_ERR_STORAGE. */
enum pintle_status pti_data_random(uint8_t *out, size_t size, struct pti_error *error);

#endif
