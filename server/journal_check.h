/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding what is wrong with a journal.  Pure: lines in, in the order of their numbers, findings out.
 *
 * It finds a line that was changed or moved, lines that are missing between others, and, with a head that was noted
 * before, lines missing at the end and a chain that was written anew up to there.  Without such a head the latter two
 * look like a journal that is sound.
 */
#ifndef PTI_SERVER_JOURNAL_CHECK_H
#define PTI_SERVER_JOURNAL_CHECK_H

#include "server/journal.h"

enum pti_journal_finding {
    PTI_JOURNAL_CHANGED,  /* this line does not match its hash */
    PTI_JOURNAL_MISSING,  /* these lines are not there, later ones are */
    PTI_JOURNAL_CUT,      /* these lines were there when the head was noted */
    PTI_JOURNAL_REWRITTEN /* this line matches its hash, but had another one when the head was noted */
};

typedef void pti_journal_found_fn(void *ctx, enum pti_journal_finding finding, int64_t first, int64_t last);

struct pti_journal_check {
    struct pintle_crypto *crypto;
    pti_journal_found_fn *found;
    void *ctx;
    const struct pti_journal_head *noted; /* heads that must be in it */
    size_t noted_count;
    struct pti_journal_head last; /* the last line that was seen */
    bool gap;                     /* what stood before the next line is not known */
    int64_t lines, findings;
};

void pti_journal_check_init(struct pti_journal_check *check, struct pintle_crypto *crypto,
                            const struct pti_journal_head *noted, size_t noted_count, pti_journal_found_fn *found,
                            void *ctx);
/* PINTLE_ERR_MEMORY: it could not be looked at. */
enum pintle_status pti_journal_check_line(struct pti_journal_check *check, const struct pti_journal_line *line,
                                          struct pti_error *error);
void pti_journal_check_end(struct pti_journal_check *check);

#endif
