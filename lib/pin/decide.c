/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The decision.  The order of the steps in decide_listed() is the specification (docs/design.md, section 7):
 *
 *   1. a denial that matches rejects, whatever the mode;
 *   2. a chain that cannot be read rejects, whatever the mode;
 *   3. enforce: a policy past its bound rejects, then a policy without any pin;
 *   4. a denial that this evidence cannot answer rejects, whatever the mode, for the answer might be "denied";
 *   5. a matching pin accepts;
 *   6. report accepts; enforce rejects, as "cannot tell" where a pin could not be answered and as a mismatch otherwise.
 *
 * Report mode takes no part in 3: it is there to try a policy out without the outages that the policy could cause, and
 * staleness or missing pins are such; the client tells of both in other ways.  A required host counts as enforce.
 */
#include "pin/decide.h"

#include <string.h>

struct question {
    const struct pintle_pinset *pinset;
    const struct pintle_evidence *evidence;
    size_t chain; /* certificates that may be looked at: 0 if the chain is unusable */
    const struct pti_policy *covers[PTI_COVERS_MAX]; /* the entries that cover the host, most specific first */
    size_t cover_count;
};

static void name_matched(struct pintle_verdict *verdict, const struct pti_policy_pin *pin, size_t index)
{
    verdict->matched_of = (enum pintle_of)pin->of;
    verdict->matched_index = (int)index;
    memcpy(verdict->matched, pin->sha256, sizeof verdict->matched);
}

/* Looks for one pin where it may stand; *index is meaningful on true. */
static bool stands_in_chain(const struct question *question, const struct pti_policy_pin *pin, size_t *index)
{
    const struct pintle_evidence *evidence = question->evidence;
    if ((evidence->of & pin->of) == 0)
        return false;
    const uint8_t(*hashes)[PINTLE_SHA256_SIZE] = pin->of == PINTLE_OF_CERT ? evidence->cert : evidence->spki;
    size_t first = pin->at & PINTLE_AT_LEAF ? 0 : 1;
    size_t end = pin->at & PINTLE_AT_ISSUER ? question->chain : 1;
    for (size_t i = first; i < end && i < question->chain; i++) {
        if (memcmp(hashes[i], pin->sha256, PINTLE_SHA256_SIZE) == 0) {
            *index = i;
            return true;
        }
    }
    return false;
}

/* The first of a range of pins or denials that stands in the chain. */
static bool any_stands(const struct question *question, uint32_t start, uint32_t count, struct pintle_verdict *verdict)
{
    const struct pti_policy_pin *pins = question->pinset->pins + start;
    size_t index;

    for (uint32_t i = 0; i < count; i++) {
        if (stands_in_chain(question, &pins[i], &index)) {
            name_matched(verdict, &pins[i], index);
            return true;
        }
    }
    return false;
}

/*
 * Could a pin or denial of this range, none of which was found, stand in what the evidence does not show?
 * PINTLE_REASON_UNDECIDED if not.
 */
static enum pintle_reason unanswerable(const struct question *question, uint32_t start, uint32_t count)
{
    const struct pti_policy_pin *pins = question->pinset->pins + start;
    enum pintle_reason reason = PINTLE_REASON_UNDECIDED;

    for (uint32_t i = 0; i < count; i++) {
        if ((question->evidence->of & pins[i].of) == 0)
            return PINTLE_REASON_EVIDENCE_PARTIAL;
        if (question->evidence->leaf_only && (pins[i].at & PINTLE_AT_ISSUER))
            reason = PINTLE_REASON_ADAPTER_LIMIT;
    }
    return reason;
}

/* Step 1.  Only the charter's denials come down from parents: a zone must not reach into another zone's hosts. */
static bool is_denied(const struct question *question, struct pintle_verdict *verdict)
{
    const struct pti_policy *effective = question->covers[0];

    for (size_t i = 0; i < question->cover_count; i++) {
        const struct pti_policy *policy = question->covers[i];
        if (any_stands(question, policy->charter_deny, policy->charter_deny_count, verdict)) {
            (void)pti_copy_text(verdict->noted_host, sizeof verdict->noted_host, policy->host);
            return true;
        }
    }
    return any_stands(question, effective->zone_deny, effective->zone_deny_count, verdict);
}

/* Step 4. */
static enum pintle_reason unanswerable_denial(const struct question *question)
{
    const struct pti_policy *effective = question->covers[0];
    enum pintle_reason reason = unanswerable(question, effective->zone_deny, effective->zone_deny_count);

    for (size_t i = 0; i < question->cover_count && reason == PINTLE_REASON_UNDECIDED; i++)
        reason = unanswerable(question, question->covers[i]->charter_deny, question->covers[i]->charter_deny_count);
    return reason;
}

static enum pintle_reason decide_unlisted(const struct question *question, bool required)
{
    if (required)
        return PINTLE_REASON_REQUIRED_UNKNOWN;
    if (question->pinset->refuse_unknown)
        return PINTLE_REASON_STORE_UNVERIFIED;
    switch (question->pinset->unlisted) {
    case PINTLE_UNLISTED_ACCEPT:
        return PINTLE_REASON_UNLISTED;
    case PINTLE_UNLISTED_REFUSE:
        break;
    }
    return PINTLE_REASON_UNLISTED_REFUSED;
}

static enum pintle_reason decide_listed(const struct question *question, bool enforce, int64_t now,
                                        struct pintle_verdict *verdict)
{
    const struct pti_policy *policy = question->covers[0];

    if (is_denied(question, verdict))
        return PINTLE_REASON_DENIED;
    if (question->chain == 0)
        return PINTLE_REASON_CHAIN_UNUSABLE;
    if (enforce && now > policy->refuse_after)
        return policy->refuse_reason;
    if (enforce && policy->pin_count == 0)
        return PINTLE_REASON_NO_USABLE_PIN;
    enum pintle_reason reason = unanswerable_denial(question);
    if (reason != PINTLE_REASON_UNDECIDED)
        return reason;
    if (any_stands(question, policy->pins, policy->pin_count, verdict))
        return PINTLE_REASON_MATCHED;
    if (!enforce)
        return PINTLE_REASON_REPORT_ONLY;
    reason = unanswerable(question, policy->pins, policy->pin_count);
    return reason != PINTLE_REASON_UNDECIDED ? reason : PINTLE_REASON_MISMATCH;
}

/* Fills what does not depend on the outcome.  The tails of the names stay as they were: clearing them costs more. */
static void fill(const struct question *question, const struct pti_host *host, struct pintle_verdict *verdict)
{
    verdict->mode = PINTLE_MODE_NONE;
    verdict->matched_of = PINTLE_OF_SPKI;
    verdict->matched_index = -1;
    memset(verdict->matched, 0, sizeof verdict->matched);
    verdict->charter_version = question->pinset->charter_version;
    verdict->zone_version = 0;
    verdict->zone[0] = '\0';
    verdict->noted_host[0] = '\0';
    memcpy(verdict->host, host->name, host->size + 1);
    if (question->cover_count == 0)
        return;
    const struct pti_policy *policy = question->covers[0];
    verdict->mode = policy->mode;
    verdict->zone_version = policy->zone_version;
    memcpy(verdict->zone, policy->zone, policy->zone_size + 1);
    memcpy(verdict->noted_host, policy->host, policy->host_size + 1);
}

void pti_decide(const struct pintle_pinset *pinset, const struct pti_host *host, const struct pintle_evidence *evidence,
                int64_t now, struct pintle_verdict *verdict)
{
    struct question question; /* not initialised as a whole: covers is large and only its head is used */

    question.pinset = pinset;
    question.evidence = evidence;
    question.chain = evidence->count <= PINTLE_CHAIN_MAX ? evidence->count : 0;
    question.cover_count = pti_pinset_covers(pinset, host, question.covers);
    fill(&question, host, verdict);
    bool required = pinset->required_count > 0 && pti_pinset_requires(pinset, host->name);
    if (required && verdict->mode == PINTLE_MODE_REPORT)
        verdict->mode = PINTLE_MODE_ENFORCE;
    verdict->reason = question.cover_count == 0
                          ? decide_unlisted(&question, required)
                          : decide_listed(&question, verdict->mode != PINTLE_MODE_REPORT, now, verdict);
    verdict->status = pti_reason_status(verdict->reason);
}
