/* SPDX-License-Identifier: Apache-2.0 */
/* Making a token, and showing one, for the command line and the API alike. */
#ifndef PTI_SERVER_TOKEN_MAKE_H
#define PTI_SERVER_TOKEN_MAKE_H

#include "base/json_write.h"
#include "server/tokens.h"

/* What somebody asks for. */
struct pti_token_wish {
    const char *name;
    enum pti_scope scope;
    int64_t days; /* 0: no expiry */
};

/* Reads scope into wish and checks the name.  PINTLE_ERR_MISUSE. */
enum pintle_status pti_token_wish_check(struct pti_token_wish *wish, const char *scope, struct pti_error *error);

/* text is the token, for its owner alone; token what is to be stored.  PINTLE_ERR_STORAGE, PINTLE_ERR_MEMORY. */
enum pintle_status pti_token_make(struct pintle_crypto *crypto, const struct pti_token_wish *wish, int64_t now,
                                  char text[PTI_TOKEN_SIZE], struct pti_token *token, struct pti_error *error);

/* The members of a JSON object, all but the hash: name, id, scope, created, expires and used (or null), expired. */
void pti_token_put(const struct pti_token *token, int64_t now, struct pti_json_writer *json);

#endif
