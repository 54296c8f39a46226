/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lock of a store directory: a file `lock` under flock(), opened anew each time.  Such a lock belongs to the open
 * file and not to the process (as fcntl() locks do), so it keeps two stores of one process apart as well as two
 * processes; the kernel drops it when its process dies.
 */
#ifndef PTI_SYS_STORE_LOCK_H
#define PTI_SYS_STORE_LOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

#define PTI_STORE_LOCK_FILE "lock"

struct pti_store_lock {
    int directory;    /* borrowed */
    const char *path; /* of the directory, for messages; borrowed */
    int64_t wait_ms;
    pthread_mutex_t mutex; /* guards what follows; never held while waiting */
    bool held;
    pthread_t holder;
    int file;
};

/* PINTLE_ERR_MEMORY. */
enum pintle_status pti_store_lock_init(struct pti_store_lock *lock, int directory, const char *path);
void pti_store_lock_clear(struct pti_store_lock *lock);

/* Waits up to wait_ms.  PINTLE_ERR_STORAGE: it cannot be had; the detail says who holds it. */
enum pintle_status pti_store_lock_take(struct pti_store_lock *lock, struct pti_error *error);
void pti_store_lock_drop(struct pti_store_lock *lock);
bool pti_store_lock_is_mine(struct pti_store_lock *lock); /* held, and by the calling thread */

#endif
