/* SPDX-License-Identifier: Apache-2.0 */
/* Checkers, and the source of the static kind. */
#include "pin/checker.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "pin/decide.h"
#include "pin/pinset.h"

struct pintle_checker {
    atomic_size_t references;
    struct pti_checker_source source;
    void *ctx;
    struct pintle_crypto *crypto;
};

enum pintle_status pti_checker_new(const struct pti_checker_source *source, void *ctx, struct pintle_crypto *crypto,
                                   struct pintle_checker **checker)
{
    struct pintle_checker *made = malloc(sizeof *made);

    *checker = made;
    if (made == NULL) {
        source->release(ctx);
        return PINTLE_ERR_MEMORY;
    }
    atomic_init(&made->references, 1);
    made->source = *source;
    made->ctx = ctx;
    made->crypto = pti_crypto_ref(crypto);
    return PINTLE_OK;
}

struct pintle_checker *pintle_checker_ref(struct pintle_checker *checker)
{
    if (checker != NULL)
        atomic_fetch_add_explicit(&checker->references, 1, memory_order_relaxed);
    return checker;
}

void pintle_checker_free(struct pintle_checker *checker)
{
    if (checker == NULL || atomic_fetch_sub_explicit(&checker->references, 1, memory_order_acq_rel) != 1)
        return;
    checker->source.release(checker->ctx);
    pintle_crypto_free(checker->crypto);
    free(checker);
}

enum pintle_status pintle_checker_evidence(struct pintle_checker *checker, const struct pintle_bytes *chain,
                                           size_t count, struct pintle_evidence *evidence)
{
    if (checker == NULL)
        return PINTLE_ERR_MISUSE;
    enum pintle_status status = pintle_evidence_init(evidence, checker->crypto, chain, count,
                                                     checker->source.needs(checker->ctx));
    if (status == PINTLE_OK && checker->source.seen != NULL)
        checker->source.seen(checker->ctx, chain, count, evidence);
    return status;
}

enum pintle_status pintle_checker_peek(struct pintle_checker *checker, const char *host,
                                       const struct pintle_evidence *evidence, struct pintle_verdict *verdict)
{
    if (verdict == NULL)
        return PINTLE_ERR_MISUSE;
    if (checker == NULL) {
        pti_verdict_reject(verdict, PINTLE_REASON_UNDECIDED, host);
        return verdict->status;
    }
    struct pintle_pinset *pinset = checker->source.acquire(checker->ctx);
    int64_t now = pinset->bounded ? checker->source.now(checker->ctx) : 0;
    enum pintle_status status = pintle_pinset_check(pinset, host, evidence, now, verdict);
    if (checker->source.drop != NULL)
        checker->source.drop(pinset);
    return status;
}

enum pintle_status pintle_checker_check(struct pintle_checker *checker, const char *host,
                                        const struct pintle_evidence *evidence, struct pintle_verdict *verdict)
{
    enum pintle_status status = pintle_checker_peek(checker, host, evidence, verdict);

    if (verdict == NULL || checker == NULL || evidence == NULL || checker->source.decided == NULL)
        return status;
    checker->source.decided(checker->ctx, evidence, verdict);
    return verdict->status;
}

static struct pintle_pinset *static_acquire(void *ctx)
{
    return ctx;
}

static unsigned static_needs(void *ctx)
{
    return pintle_pinset_needs(ctx);
}

static void static_release(void *ctx)
{
    pintle_pinset_free(ctx);
}

enum pintle_status pintle_checker_new_static(struct pintle_pinset *pinset, struct pintle_crypto *crypto,
                                             struct pintle_checker **checker)
{
    static const struct pti_checker_source source = {
        .acquire = static_acquire,
        .drop = NULL,
        .needs = static_needs,
        .now = NULL, /* a fixed pinset has no bound in time: pintle_checker_new_static() sees to it */
        .decided = NULL,
        .seen = NULL,
        .release = static_release};

    if (checker == NULL)
        return PINTLE_ERR_MISUSE;
    *checker = NULL;
    if (pinset == NULL || crypto == NULL)
        return PINTLE_ERR_MISUSE;
    if (pinset->bounded) /* without a clock it could not be kept, and to drop it silently is not ours to decide */
        return PINTLE_ERR_UNSUPPORTED;
    return pti_checker_new(&source, pintle_pinset_ref(pinset), crypto, checker);
}
