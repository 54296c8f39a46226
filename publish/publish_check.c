/* SPDX-License-Identifier: Apache-2.0 */
/* The client's opinion of what is about to be published.  The contract is in publish/publish.h. */
#include <inttypes.h>
#include <stdlib.h>

#include "manifest/apply.h"
#include "publish/bundle.h"
#include "publish/publish.h"

/*
 * Clients bind themselves to the largest issue time they have seen: a clock that goes back would make new files look
 * old.
 */
enum pintle_status pti_publish_check_clock(const struct pti_tuf_metadata *timestamp, int64_t now,
                                           struct pti_error *error)
{
    if (timestamp->issued <= now + PTI_CLOCK_AHEAD_MAX_S)
        return PINTLE_OK;
    return pti_fail(error, PINTLE_ERR_INPUT,
                    "this machine's clock is %" PRId64
                    " seconds behind the last publication; set it right and publish again, or, if it is right and that "
                    "publication was made under a wrong one, run `pintle publish --clock-is-right`",
                    timestamp->issued - now);
}

static enum pintle_status check_over(const struct pti_published *current, const struct pti_generation *next,
                                     const struct pti_roots *roots, int64_t now, bool clock_is_right,
                                     struct pintle_crypto *crypto, struct pti_error *error)
{
    struct pti_generation *before = NULL;
    struct pti_roots old;
    enum pintle_status status;

    if (current->timestamp.size == 0)
        return PINTLE_OK;
    status = pti_bundle_verify_baseline(current, now, crypto, &old, &before, error);
    if (status != PINTLE_OK)
        return pti_error_prefix(error, "what is published now does not verify, restore it from a copy"), status;
    status = pti_apply(before, next, pti_roots_newest(roots), error);
    if (status == PINTLE_OK)
        status = pti_charter_check_released(&before->charter, &next->charter, error);
    if (status == PINTLE_OK && !clock_is_right)
        status = pti_publish_check_clock(before->timestamp, now, error);
    pti_generation_free(before);
    pti_roots_clear(&old);
    return status;
}

static enum pintle_status check_ignored(const struct pti_generation *generation, struct pti_error *error)
{
    const struct pti_zone **zones = calloc(generation->zone_count + 1, sizeof(*zones));
    enum pintle_status status;

    if (zones == NULL)
        return pti_fail(error, PINTLE_ERR_MEMORY, "out of memory for %zu zones", generation->zone_count);
    for (size_t i = 0; i < generation->zone_count; i++)
        zones[i] = &generation->zones[i].zone;
    status = pti_content_check(&generation->charter, zones, generation->zone_count, error);
    free(zones);
    return status;
}

enum pintle_status pti_publish_check(const struct pti_published *current, const struct pti_published *next, int64_t now,
                                     bool clock_is_right, struct pintle_crypto *crypto,
                                     struct pti_generation **generation, struct pti_error *error)
{
    struct pti_roots roots;
    enum pintle_status status = pti_bundle_verify(next, now, crypto, &roots, generation, error);

    if (status != PINTLE_OK)
        return pti_error_prefix(error, "a client would reject this"), status;
    status = check_over(current, *generation, &roots, now, clock_is_right, crypto, error);
    if (status == PINTLE_OK)
        status = check_ignored(*generation, error);
    pti_roots_clear(&roots);
    if (status != PINTLE_OK) {
        pti_generation_free(*generation);
        *generation = NULL;
    }
    return status;
}
