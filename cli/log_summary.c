/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/log_summary.h"

#include "base/array.h"
#include "cli/output.h"

static const struct pti_column summary_columns[] = {
    {"lines", "lines read", PTI_SHOWN_BOTH},        {"with_header", "with the header", PTI_SHOWN_BOTH},
    {"without_header", "without", PTI_SHOWN_BOTH},  {"bodies", "of bodies", PTI_SHOWN_BOTH},
    {"forged", "with a wrong one", PTI_SHOWN_BOTH}, {"malformed", "not understood", PTI_SHOWN_BOTH},
    {"capped", "over the cap", PTI_SHOWN_BOTH},
};

static const struct pti_column sent_columns[] = {
    {"counted", "versions counted", PTI_SHOWN_BOTH},
    {"refused", "versions refused", PTI_SHOWN_BOTH},
};

static const struct pti_column row_columns[] = {
    {"day", "day", PTI_SHOWN_BOTH},
    {"zone", "zone", PTI_SHOWN_BOTH},
    {"version", "version", PTI_SHOWN_BOTH},
    {"app", "app", PTI_SHOWN_BOTH},
    {"app_version", "release", PTI_SHOWN_BOTH},
    {"os", "os", PTI_SHOWN_BOTH},
    {"hits", "hits", PTI_SHOWN_BOTH},
    {"d", "d", PTI_SHOWN_BOTH},
    {"w", "w", PTI_SHOWN_BOTH},
};

static void fill_rows(struct pti_printout *printout, struct pti_tally *tally)
{
    char day[11];

    pti_tally_sort(tally);
    pti_printout_list(printout, PTI_LAYOUT_COLUMNS, "rows", "", "nothing to count", row_columns,
                      PTI_COUNT(row_columns));
    for (size_t i = 0; i < tally->count; i++) {
        const struct pti_tally_row *row = &tally->rows[i];

        pti_log_day_format(row->day, day);
        pti_printout_row(printout);
        pti_printout_text(printout, "day", day);
        pti_printout_text(printout, "zone", row->zone[0] != '\0' ? row->zone : NULL);
        pti_printout_integer(printout, "version", row->version);
        pti_printout_text(printout, "app", row->app[0] != '\0' ? row->app : NULL);
        pti_printout_text(printout, "app_version", row->app_version[0] != '\0' ? row->app_version : NULL);
        pti_printout_text(printout, "os", row->os);
        pti_printout_integer(printout, "hits", row->hits);
        pti_printout_integer(printout, "d", row->days);
        pti_printout_integer(printout, "w", row->weeks);
    }
}

enum pintle_status pti_log_summary_print(const struct pti_log_summary *summary, bool json, FILE *out,
                                         struct pti_error *error)
{
    const struct pti_log_counts *counts = summary->counts;
    struct pti_printout printout;
    enum pintle_status status;

    pti_printout_init(&printout);
    pti_printout_record(&printout, NULL, summary_columns, PTI_COUNT(summary_columns));
    pti_printout_integer(&printout, "lines", counts->lines);
    pti_printout_integer(&printout, "with_header", counts->verdicts[PTI_LOG_HOLDS]);
    pti_printout_integer(&printout, "without_header", counts->verdicts[PTI_LOG_SILENT]);
    pti_printout_integer(&printout, "bodies", counts->verdicts[PTI_LOG_BODY]);
    pti_printout_integer(&printout, "forged", counts->verdicts[PTI_LOG_FORGED]);
    pti_printout_integer(&printout, "malformed", counts->verdicts[PTI_LOG_MALFORMED]);
    pti_printout_integer(&printout, "capped", counts->capped);
    if (summary->rows) {
        fill_rows(&printout, summary->rows);
    } else {
        pti_printout_record(&printout, NULL, sent_columns, PTI_COUNT(sent_columns));
        pti_printout_integer(&printout, "counted", summary->counted);
        pti_printout_integer(&printout, "refused", summary->refused);
    }
    status = pti_printout_print(&printout, json, out, error);
    pti_printout_clear(&printout);
    return status;
}
