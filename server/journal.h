/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal: who changed what on the server and when, in lines that are chained by hashes.  A line is compact JSON,
 *
 *     {"seq":7,"time":"2026-11-21T20:00:00Z","actor":"token:ci","event":"token.added","detail":"..."}
 *
 * numbered from 1 without gaps, and its hash is SHA-256 over the hash of the line before (32 bytes of 0 before the
 * first) followed by these bytes.  The head, number and hash of the last line, vouches for all before it;
 * server/journal_head.h keeps it apart, as a chain that is cut at its end is a good chain.
 */
#ifndef PTI_SERVER_JOURNAL_H
#define PTI_SERVER_JOURNAL_H

#include "base/crypto.h"
#include "server/database.h"

#define PTI_JOURNAL_ACTOR_SIZE 80  /* bytes with terminator */
#define PTI_JOURNAL_LOCK "journal" /* what a transaction holds that adds a line */

struct pti_journal_line {
    int64_t seq, time;                        /* Unix seconds */
    struct pintle_bytes actor, event, detail; /* borrowed */
    uint8_t hash[PINTLE_SHA256_SIZE];
};

struct pti_journal_head {
    int64_t seq; /* 0: no line yet */
    uint8_t hash[PINTLE_SHA256_SIZE];
};

/*
 * Adds a line: actor is "pintled", "command:USER" or "token:NAME", event "noun.verb".  Bytes that are not printable
 * ASCII become '?', and what is too long is cut.  Durable when it returns PINTLE_OK; else PINTLE_ERR_STORAGE, _MEMORY.
 */
enum pintle_status pti_journal_append(struct pti_database *database, const char *actor, const char *event,
                                      const char *detail, struct pti_error *error);
/* The same within the work of a transaction that holds PTI_JOURNAL_LOCK: with what it tells of, or not at all. */
enum pti_db_result pti_journal_add(struct pti_database *database, const char *actor, const char *event,
                                   const char *detail, struct pti_error *error);

struct pti_journal_query {
    int64_t after; /* the lines with larger numbers, in order */
    int64_t limit;
    /* false ends with PINTLE_ERR_MEMORY. */
    bool (*row)(void *ctx, const struct pti_journal_line *line);
    void *ctx;
};
enum pintle_status pti_journal_read(struct pti_database *database, const struct pti_journal_query *query,
                                    struct pti_error *error);
enum pintle_status pti_journal_read_head(struct pti_database *database, struct pti_journal_head *head,
                                         struct pti_error *error);

/* The bytes that are hashed; its hash is no part of them. */
void pti_journal_line_write(const struct pti_journal_line *line, struct pti_buf *out);
/* The same with the hash as its last member: what people are shown. */
void pti_journal_line_put(const struct pti_journal_line *line, struct pti_buf *out);
/* The hash of line after the one whose hash is previous.  PINTLE_ERR_MEMORY. */
enum pintle_status pti_journal_hash(struct pintle_crypto *crypto, const uint8_t previous[PINTLE_SHA256_SIZE],
                                    const struct pti_journal_line *line, uint8_t hash[PINTLE_SHA256_SIZE],
                                    struct pti_error *error);

#endif
