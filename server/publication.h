/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a repository directory serves at this moment, read without its lock and without its stage: an edit that is under
 * way, or broken, is no concern of the server's.  Every file is checked against the hash by which another one names it,
 * so a publication that happens meanwhile cannot mix with the one before.
 */
#ifndef PTI_SERVER_PUBLICATION_H
#define PTI_SERVER_PUBLICATION_H

#include "publish/repository.h"
#include "report/holding.h"

struct pti_publication {
    struct pti_repository_settings settings;
    struct pti_published published;
};

/* On failure *publication is empty.  PINTLE_ERR_STORAGE, PINTLE_ERR_INPUT, PINTLE_ERR_MEMORY. */
enum pintle_status pti_publication_load(const char *repository, struct pintle_crypto *crypto,
                                        struct pti_publication *publication, struct pti_error *error);
/*
 * Its charter's version and those of its zones, as clients name them.  PINTLE_ERR_INPUT, PINTLE_ERR_MEMORY.
 */
enum pintle_status pti_publication_holding(const struct pti_published *published, struct pti_holding *held,
                                           struct pti_error *error);
void pti_publication_clear(struct pti_publication *publication);

#endif
