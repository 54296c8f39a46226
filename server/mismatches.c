/* SPDX-License-Identifier: Apache-2.0 */
#include "server/mismatches.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "server/cells.h"

struct counting {
    struct pti_mismatches *hosts;
    size_t max, count;
};

/* The three spans by name, so that the key of the cells leads to the times asked for. */
static const struct pti_db_statement count_mismatches = {
    "count reports of mismatches",
    "SELECT series.repository, series.host, CAST(sum(cell.reports) AS BIGINT) AS total, min(cell.start)"
    " FROM cell JOIN series ON series.key = cell.series"
    " WHERE cell.span IN ($1, $2, $3) AND cell.start >= $4 AND cell.start < $5"
    " AND series.reason IN ('mismatch', 'denied', 'report_only')"
    " GROUP BY series.repository, series.host ORDER BY total DESC, series.repository, series.host LIMIT $6"};

static bool take_host(void *ctx, const struct pti_db_value *columns, size_t count)
{
    struct counting *counting = ctx;
    struct pti_mismatches *host = &counting->hosts[counting->count];

    (void)count; /* 4 */
    if (counting->count == counting->max)
        return true;
    pti_db_copy_text(&columns[0], host->repository, sizeof host->repository);
    pti_db_copy_text(&columns[1], host->host, sizeof host->host);
    host->reports = columns[2].integer;
    host->oldest = columns[3].integer;
    counting->count++;
    return true;
}

static int compare(const void *a, const void *b)
{
    const struct pti_mismatches *left = a, *right = b;
    int order = strcmp(left->repository, right->repository);

    return order != 0 ? order : strcmp(left->host, right->host);
}

enum pintle_status pti_mismatches_count(struct pti_database *database, int64_t since, int64_t until,
                                        struct pti_mismatches *hosts, size_t max, size_t *count,
                                        struct pti_error *error)
{
    struct counting counting = {hosts, max, 0};
    const struct pti_db_value values[] = {
        pti_db_integer(PTI_CELL_MINUTE_S),
        pti_db_integer(PTI_CELL_HOUR_S),
        pti_db_integer(PTI_CELL_DAY_S),
        pti_db_integer(since),
        pti_db_integer(until),
        pti_db_integer((int64_t)max),
    };
    const struct pti_db_query query = {&count_mismatches, values, PTI_COUNT(values), take_host, &counting};
    enum pintle_status status = pti_database_read(database, &query, error);

    *count = status == PINTLE_OK ? counting.count : 0;
    if (*count > 0)
        qsort(hosts, *count, sizeof *hosts, compare);
    return status;
}

const struct pti_mismatches *pti_mismatches_of(const struct pti_mismatches *hosts, size_t count, const char *repository,
                                               const char *host)
{
    struct pti_mismatches wanted;

    if (count == 0)
        return NULL;
    pti_copy_text(wanted.repository, sizeof wanted.repository, repository);
    pti_copy_text(wanted.host, sizeof wanted.host, host);
    return bsearch(&wanted, hosts, count, sizeof *hosts, compare);
}
