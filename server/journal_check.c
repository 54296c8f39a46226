/* SPDX-License-Identifier: Apache-2.0 */
#include "server/journal_check.h"

#include <string.h>

void pti_journal_check_init(struct pti_journal_check *check, struct pintle_crypto *crypto,
                            const struct pti_journal_head *noted, size_t noted_count, pti_journal_found_fn *found,
                            void *ctx)
{
    *check = (struct pti_journal_check){
        .crypto = crypto, .found = found, .ctx = ctx, .noted = noted, .noted_count = noted_count};
}

static void tell(struct pti_journal_check *check, enum pti_journal_finding finding, int64_t first, int64_t last)
{
    check->findings++;
    check->found(check->ctx, finding, first, last);
}

static void compare_with_noted(struct pti_journal_check *check, const struct pti_journal_line *line)
{
    for (size_t i = 0; i < check->noted_count; i++)
        if (check->noted[i].seq == line->seq && memcmp(check->noted[i].hash, line->hash, sizeof line->hash) != 0)
            tell(check, PTI_JOURNAL_REWRITTEN, line->seq, line->seq);
}

/* After a gap the hash before is lost with its line, so this one is taken as it is. */
static enum pintle_status check_hash(struct pti_journal_check *check, const struct pti_journal_line *line,
                                     struct pti_error *error)
{
    uint8_t hash[PINTLE_SHA256_SIZE];
    enum pintle_status status = PINTLE_OK;

    if (!check->gap)
        status = pti_journal_hash(check->crypto, check->last.hash, line, hash, error);
    if (status != PINTLE_OK)
        return status;
    if (!check->gap && memcmp(hash, line->hash, sizeof hash) != 0)
        tell(check, PTI_JOURNAL_CHANGED, line->seq, line->seq);
    else
        compare_with_noted(check, line);
    return PINTLE_OK;
}

enum pintle_status pti_journal_check_line(struct pti_journal_check *check, const struct pti_journal_line *line,
                                          struct pti_error *error)
{
    enum pintle_status status;

    check->lines++;
    if (line->seq <= check->last.seq) { /* numbers begin with 1, and each is there once */
        tell(check, PTI_JOURNAL_CHANGED, line->seq, line->seq);
        return PINTLE_OK;
    }
    check->gap = line->seq > check->last.seq + 1;
    if (check->gap)
        tell(check, PTI_JOURNAL_MISSING, check->last.seq + 1, line->seq - 1);
    status = check_hash(check, line, error);
    check->last.seq = line->seq;
    memcpy(check->last.hash, line->hash, sizeof line->hash);
    return status;
}

void pti_journal_check_end(struct pti_journal_check *check)
{
    int64_t newest = 0;

    for (size_t i = 0; i < check->noted_count; i++)
        if (check->noted[i].seq > newest)
            newest = check->noted[i].seq;
    if (newest > check->last.seq)
        tell(check, PTI_JOURNAL_CUT, check->last.seq + 1, newest);
}
