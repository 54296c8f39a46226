/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may ask what: the one place where tokens are checked.
 *
 * The database is asked at each request, so a token is refused from the moment on in which it was revoked, by whichever
 * process.  Who guesses too often (server/guess.h) is not answered any more, but for tokens that were right since the
 * start: behind a proxy all have one address, and nobody is to shut the others out.  When a token was used is kept in
 * memory until pti_access_flush().
 */
#ifndef PTI_SERVER_ACCESS_H
#define PTI_SERVER_ACCESS_H

#include "server/guess.h"
#include "server/http.h"
#include "server/tokens.h"

enum pti_access_result {
    PTI_ACCESS_GRANTED,
    PTI_ACCESS_MISSING, /* no Authorization header */
    PTI_ACCESS_DOUBLED, /* several */
    PTI_ACCESS_WRONG,   /* no token that we know: malformed, revoked, made up; or no "Bearer" */
    PTI_ACCESS_EXPIRED,
    PTI_ACCESS_SCOPE,      /* it may not do this */
    PTI_ACCESS_LIMITED,    /* not looked at: too many wrong ones from there */
    PTI_ACCESS_UNAVAILABLE /* the database cannot be asked */
};

/* What a request shows. */
struct pti_credentials {
    const char *authorization; /* NULL if absent */
    size_t authorizations;     /* how many headers */
    uint64_t source;
};

struct pti_access_use {
    struct pti_token_use use; /* id "" where there is none */
    int64_t written;          /* what the database has */
};

struct pti_access {
    struct pti_database *database; /* borrowed, for reading */
    struct pintle_crypto *crypto;  /* borrowed */
    pthread_mutex_t mutex;
    struct pti_guesses guesses;
    struct pti_access_use uses[PTI_TOKENS_MAX];
    int64_t next_flush;
};

void pti_access_init(struct pti_access *access, struct pti_database *database, struct pintle_crypto *crypto);
void pti_access_clear(struct pti_access *access);

/* The rule alone: what a token of that scope and expiry may do now. */
enum pti_access_result pti_access_decide(const struct pti_token *token, enum pti_scope needed, int64_t now);

/*
 * actor becomes "token:NAME" if it is granted; *wait the seconds until a limited source may come again.  Of
 * PTI_ACCESS_UNAVAILABLE error says more.
 */
enum pti_access_result pti_access_check(struct pti_access *access, const struct pti_credentials *credentials,
                                        enum pti_scope needed, int64_t now, char actor[PTI_ACTOR_SIZE], unsigned *wait,
                                        struct pti_error *error);

/* Writes, once a minute at most and if there is something, when tokens were used, into a database for writing. */
enum pintle_status pti_access_flush(struct pti_access *access, struct pti_database *database, int64_t now,
                                    struct pti_error *error);

#endif
