/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a token is: "pintle_", 64 hex digits of randomness and 8 of a checksum.  The prefix lets scanners of
 * repositories and logs find one that leaked; the checksum tells a mistyped one from a revoked one without asking the
 * database.  Nothing here does I/O.
 */
#ifndef PTI_SERVER_TOKEN_H
#define PTI_SERVER_TOKEN_H

#include <stdbool.h>

#include <pintle/bytes.h>

#include "base/crypto.h"

#define PTI_TOKEN_RANDOM_SIZE 32 /* 256 bits */
#define PTI_TOKEN_SIZE 80        /* bytes with terminator */
#define PTI_TOKEN_NAME_SIZE 65
#define PTI_TOKEN_ID_SIZE 17 /* with terminator: the first 8 bytes of its hash in hex, by which it is found */

/* Each may do what those before it may. */
enum pti_scope { PTI_SCOPE_NONE, PTI_SCOPE_READER, PTI_SCOPE_OPERATOR, PTI_SCOPE_PUBLISHER, PTI_SCOPE_ADMIN };

struct pti_token {
    char id[PTI_TOKEN_ID_SIZE];
    char name[PTI_TOKEN_NAME_SIZE];
    enum pti_scope scope;
    int64_t created; /* Unix seconds */
    int64_t expires; /* 0: never */
    int64_t used;    /* the last time, to about a minute; 0: never */
    uint8_t hash[PINTLE_SHA256_SIZE];
};

const char *pti_scope_name(enum pti_scope scope); /* "reader", ...; "none" */
/* false for any other text, "none" too. */
bool pti_scope_parse(struct pintle_bytes text, enum pti_scope *scope);

/* 1 to 64 of a-z A-Z 0-9 . _ - and none of . - in front. */
bool pti_token_name_valid(const char *name);

/* The token that stands for these random bytes.  PINTLE_ERR_MEMORY. */
enum pintle_status pti_token_write(struct pintle_crypto *crypto, const uint8_t random[PTI_TOKEN_RANDOM_SIZE],
                                   char token[PTI_TOKEN_SIZE]);
/* Whether text has the form and the checksum of a token; then *hash is what is kept of it, and id what it is called. */
bool pti_token_read(struct pintle_crypto *crypto, struct pintle_bytes text, uint8_t hash[PINTLE_SHA256_SIZE],
                    char id[PTI_TOKEN_ID_SIZE]);
/* In a time that does not depend on where they differ. */
bool pti_token_hash_equal(const uint8_t a[PINTLE_SHA256_SIZE], const uint8_t b[PINTLE_SHA256_SIZE]);

/*
 * The credentials of an Authorization header (RFC 6750, section 2.1): one token after "Bearer"; false for anything
 * else.
 */
bool pti_token_of_header(const char *header, struct pintle_bytes *token);

#endif
