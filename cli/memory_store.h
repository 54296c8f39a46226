/* SPDX-License-Identifier: Apache-2.0 */
/* A store that lives as long as the command: every run is then a first start. */
#ifndef PTI_CLI_MEMORY_STORE_H
#define PTI_CLI_MEMORY_STORE_H

#include <pintle/store.h>

/* Fills *store; store->free releases it.  PINTLE_ERR_MEMORY. */
enum pintle_status pti_memory_store_init(struct pintle_store *store);

#endif
