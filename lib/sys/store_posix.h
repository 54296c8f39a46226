/* SPDX-License-Identifier: Apache-2.0 */
/* What tests need of the POSIX store and applications do not. */
#ifndef PTI_SYS_STORE_POSIX_H
#define PTI_SYS_STORE_POSIX_H

#include <pintle/store.h>

/* How long lock() of a store made by pintle_store_posix_init() waits; 10 seconds unless set. */
void pti_store_posix_set_wait(struct pintle_store *store, int64_t wait_ms);

#endif
