/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tokens that exist.  Of each the database has a hash and no more, so who reads it can use none.  Adding and
 * revoking stand in the journal, in the same transaction.
 *
 * All return PINTLE_OK, PINTLE_ERR_STORAGE or PINTLE_ERR_MEMORY, and what is said besides.
 */
#ifndef PTI_SERVER_TOKENS_H
#define PTI_SERVER_TOKENS_H

#include "server/database.h"
#include "server/token.h"

/* token->used is taken as 0.  PINTLE_ERR_MISUSE: there is one of that name, or there are PTI_TOKENS_MAX. */
enum pintle_status pti_tokens_add(struct pti_database *database, const struct pti_token *token, const char *actor,
                                  struct pti_error *error);
/* From here on it is unknown.  *found tells whether there was one of that name. */
enum pintle_status pti_tokens_revoke(struct pti_database *database, const char *name, const char *actor, bool *found,
                                     struct pti_error *error);
enum pintle_status pti_tokens_find(struct pti_database *database, const char *id, struct pti_token *token, bool *found,
                                   struct pti_error *error);

struct pti_token_query {
    const char *after; /* a name; "" for the first ones */
    int64_t limit;
    /* Sorted by name.  false ends with PINTLE_ERR_MEMORY. */
    bool (*row)(void *ctx, const struct pti_token *token);
    void *ctx;
};
enum pintle_status pti_tokens_list(struct pti_database *database, const struct pti_token_query *query,
                                   struct pti_error *error);

/* When tokens were used last; one that was revoked since stays so. */
struct pti_token_use {
    char id[PTI_TOKEN_ID_SIZE];
    int64_t used;
};
enum pintle_status pti_tokens_note_uses(struct pti_database *database, const struct pti_token_use *uses, size_t count,
                                        struct pti_error *error);

#endif
