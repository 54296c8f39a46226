/* SPDX-License-Identifier: Apache-2.0 */
#include "server/adoption_metrics.h"

#include <inttypes.h>
#include <string.h>

#include "server/adoption.h"
#include "server/metrics.h"
#include "server/served.h"

#define DAY_S 86400
#define DAYS 7
#define WEIGHTS 3

static const char *const weights[WEIGHTS] = {"hits", "d", "w"};

/* Of one repository, by the places of its zones in what is published. */
struct shares {
    const struct pti_holding *published;
    int64_t holding[PTI_ZONES_MAX][WEIGHTS], all[PTI_ZONES_MAX][WEIGHTS];
};

static bool take_version(void *ctx, const struct pti_adoption_version *version)
{
    const int64_t counts[WEIGHTS] = {version->hits, version->days, version->weeks};
    struct shares *shares = ctx;

    for (size_t zone = 0; version->registered && zone < shares->published->zone_count; zone++) {
        if (!pti_bytes_equal_text(version->zone, shares->published->zones[zone].name))
            continue;
        for (size_t i = 0; i < WEIGHTS; i++) {
            shares->all[zone][i] = pti_tally_sum(shares->all[zone][i], counts[i]);
            if (version->version >= shares->published->zones[zone].version)
                shares->holding[zone][i] = pti_tally_sum(shares->holding[zone][i], counts[i]);
        }
    }
    return true;
}

static void write_shares(const struct shares *shares, const char *repository, struct pti_buf *out)
{
    for (size_t zone = 0; zone < shares->published->zone_count; zone++) {
        for (size_t i = 0; i < WEIGHTS; i++) {
            if (shares->all[zone][i] == 0)
                continue;
            pti_buf_printf(out, "pintle_adoption_ratio{zone=\"%s\",version=\"%" PRId64 "\",weight=\"%s\"",
                           shares->published->zones[zone].name, shares->published->zones[zone].version, weights[i]);
            if (repository[0] != '\0')
                pti_buf_printf(out, ",repository=\"%s\"", repository);
            pti_buf_printf(out, "} %.6f\n", (double)shares->holding[zone][i] / (double)shares->all[zone][i]);
        }
    }
}

void pti_adoption_write_metrics(const struct pti_routes *routes, int64_t now, struct pti_buf *out)
{
    pti_metrics_family(out, "pintle_adoption_ratio", "gauge",
                       "Share of the registered app releases that holds what is published, over seven days.");
    for (size_t i = 0; i < routes->served_count; i++) {
        const char *repository = routes->served[i].name;
        const struct pti_adoption_query query = {repository, now / DAY_S - DAYS + 1, now / DAY_S};
        struct pti_holding published;
        struct shares shares = {.published = &published};

        pti_census_published(routes->census, repository, &published);
        if (pti_adoption_versions(routes->storage, &query, take_version, &shares, NULL) == PINTLE_OK)
            write_shares(&shares, repository, out);
    }
}
