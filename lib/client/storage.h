/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client's side of its store: two files under one lock (docs/design.md, section 5.5).  Every function here is called
 * with client->refreshing held, but for the lock itself.
 */
#ifndef PTI_CLIENT_STORAGE_H
#define PTI_CLIENT_STORAGE_H

#include "client/client.h"

/* The store's lock, between processes.  Any thread.  PINTLE_ERR_STORAGE. */
enum pintle_status pti_storage_lock(struct pintle_client *client, struct pti_error *error);
void pti_storage_unlock(struct pintle_client *client);

/*
 * Reads both files, verifies them, lets the shipped generation take part, and puts the result in force; writes back what
 * that changed.  Storage that cannot be read or verified is no failure: shipped policies are enforced, every other host is
 * refused, and an event says so.  One that cannot be locked is read, but not written.  A client that runs already keeps
 * what it enforces, unless the store holds what may follow that.  PINTLE_ERR_MEMORY.
 */
enum pintle_status pti_storage_start(struct pintle_client *client, struct pti_error *error);

/*
 * Has somebody else changed the store since we last read or wrote it?  Locks, compares, and unlocks.
 * PINTLE_OK with *moved; PINTLE_ERR_STORAGE.
 */
enum pintle_status pti_storage_moved(struct pintle_client *client, bool *moved, struct pti_error *error);

/*
 * Saves the roots, or (generation not NULL) first the roots and then that generation as accepted, unless somebody else
 * changed the store since: then *moved is true and nothing was written.  What is there already is not written again.
 */
enum pintle_status pti_storage_save(struct pintle_client *client, const struct pti_generation *generation, bool *moved,
                                    struct pti_error *error);

/*
 * What the store holds is not in force: the next refresh starts over from disk.  As long as it counts as known, an older
 * generation could be written over it.
 */
void pti_storage_forget(struct pintle_client *client);

/*
 * If the stored generation could not be verified because roots were missing, and they are here now: verifies it and puts
 * it in force as the baseline.  PINTLE_ERR_TRUST if the roots are still older than what it names.
 */
enum pintle_status pti_storage_recover(struct pintle_client *client, struct pti_error *error);

#endif
