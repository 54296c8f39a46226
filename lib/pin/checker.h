/* SPDX-License-Identifier: Apache-2.0 */
/* What stands behind a checker: where its pinset comes from, and who hears of its verdicts. */
#ifndef PTI_PIN_CHECKER_H
#define PTI_PIN_CHECKER_H

#include <pintle/checker.h>

#include "base/crypto.h"

struct pti_checker_source {
    /* The pinset of this moment, until it is dropped after use.  Never NULL, never waits. */
    struct pintle_pinset *(*acquire)(void *ctx);
    void (*drop)(struct pintle_pinset *pinset); /* NULL: it lasts as long as ctx */
    unsigned (*needs)(void *ctx);               /* pintle_pinset_needs() of the pinset of this moment */
    int64_t (*now)(void *ctx);                  /* Unix seconds; asked only for a pinset with a bound in time */
    /*
     * Hears every verdict of pintle_checker_check() on evidence that is not NULL; may turn PINTLE_ERR_PIN_MISMATCH into
     * PINTLE_ERR_RETRY.  May be NULL.
     */
    void (*decided)(void *ctx, const struct pintle_evidence *evidence, struct pintle_verdict *verdict);
    /* Sees every chain that evidence was made of.  May be NULL. */
    void (*seen)(void *ctx, const struct pintle_bytes *chain, size_t count, const struct pintle_evidence *evidence);
    void (*release)(void *ctx); /* the checker is gone */
};

/* Takes ctx over (release is called at the end), also on failure. PINTLE_ERR_MEMORY. */
enum pintle_status pti_checker_new(const struct pti_checker_source *source, void *ctx, struct pintle_crypto *crypto,
                                   struct pintle_checker **checker);

#endif
