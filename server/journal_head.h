/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The head of the journal, kept apart from it: in journal.head beside the database, and in the log at each start.  The
 * file finds that lines are missing at the end, or that all of them were written anew, as long as whoever did that left
 * the file alone; against one who can write both, only a head that was noted elsewhere helps.
 *
 * As text it is NUMBER:HASH, "12:" and 64 hex digits.
 */
#ifndef PTI_SERVER_JOURNAL_HEAD_H
#define PTI_SERVER_JOURNAL_HEAD_H

#include "server/journal.h"

#define PTI_JOURNAL_HEAD_SIZE 86 /* as text, with terminator */

void pti_journal_head_format(const struct pti_journal_head *head, char out[PTI_JOURNAL_HEAD_SIZE]);
bool pti_journal_head_parse(struct pintle_bytes text, struct pti_journal_head *head);

/* What journal.head says.  PINTLE_ERR_INPUT: it is there and says nothing. */
enum pintle_status pti_journal_head_load(const char *directory, struct pti_journal_head *head, bool *found,
                                         struct pti_error *error);

/* Whether the journal has that line with that hash. */
enum pintle_status pti_journal_has(struct pti_database *database, const struct pti_journal_head *head, bool *has,
                                   struct pti_error *error);

/*
 * At the start of a server: whether the journal still holds what journal.head says goes into the log, and if it does
 * not, into the journal, as the first line after the loss; then the file follows the journal again.  *head is what it
 * says now.
 */
enum pintle_status pti_journal_head_start(struct pti_database *database, const char *directory,
                                          struct pti_journal_head *head, struct pti_error *error);

/*
 * Writes journal.head if the journal has moved on from *head, which then follows it.  PINTLE_ERR_TRUST: the journal does
 * not hold *head any more; the file stays, so that it goes on vouching for what is gone.
 */
enum pintle_status pti_journal_head_follow(struct pti_database *database, const char *directory,
                                           struct pti_journal_head *head, struct pti_error *error);
/*
 * For one who is not the server: the same, but a file that does not agree with the journal stays, for the next start.
 */
enum pintle_status pti_journal_head_update(struct pti_database *database, const char *directory,
                                           struct pti_error *error);

#endif
