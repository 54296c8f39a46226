/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a client remembers between runs and no pin depends on: small blobs of the store beside the two files.  Under the
 * store's lock.  What is read may be anything: whoever reads it parses strictly, and drops what is damaged.
 */
#ifndef PTI_CLIENT_NOTES_H
#define PTI_CLIENT_NOTES_H

#include "client/client.h"

/* Into content, whose max bounds it; empty if there is none.  PINTLE_ERR_STORAGE, PINTLE_ERR_MEMORY. */
enum pintle_status pti_notes_load(struct pintle_client *client, const char *name, struct pti_buf *content,
                                  struct pti_error *error);
enum pintle_status pti_notes_save(struct pintle_client *client, const char *name, const struct pti_buf *content,
                                  struct pti_error *error);

#endif
