/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/log_feed.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/datetime.h"
#include "base/json_write.h"

#define DAY_S 86400

void pti_log_feed_init(struct pti_log_feed *feed, struct pti_sources *sources, size_t rows_max)
{
    memset(feed, 0, sizeof *feed);
    feed->sources = sources;
    pti_tally_init(&feed->tally, rows_max);
    pti_buf_init(&feed->line, PTI_LOG_LINE_MAX);
}

void pti_log_feed_clear(struct pti_log_feed *feed)
{
    pti_tally_clear(&feed->tally);
    pti_buf_clear(&feed->line);
}

static bool take_row(void *ctx, const struct pti_tally_row *row)
{
    struct pti_log_feed *feed = ctx;

    feed->counts.lost += !pti_tally_add(&feed->tally, row);
    return true;
}

static void count_line(struct pti_log_feed *feed, struct pintle_bytes text)
{
    struct pti_log_line line;
    enum pti_log_verdict verdict = feed->too_long ? PTI_LOG_MALFORMED : pti_log_line_read(text, &line);

    feed->counts.lines++;
    feed->counts.verdicts[verdict]++;
    if (verdict != PTI_LOG_HOLDS)
        return;
    if (pti_sources_count(feed->sources, line.time / DAY_S, line.network))
        (void)pti_tally_header(&line.holding, line.time / DAY_S, take_row, feed);
    else
        feed->counts.capped++;
}

void pti_log_feed_drop_line(struct pti_log_feed *feed)
{
    pti_buf_clear(&feed->line);
    feed->too_long = false;
}

static void keep_part(struct pti_log_feed *feed, struct pintle_bytes part)
{
    pti_buf_append(&feed->line, part.data, part.size);
    if (feed->line.status == PINTLE_OK)
        return;
    pti_buf_clear(&feed->line);
    feed->too_long = true;
}

size_t pti_log_feed_take(struct pti_log_feed *feed, struct pintle_bytes bytes, bool *ended)
{
    const uint8_t *end = bytes.size > 0 ? memchr(bytes.data, '\n', bytes.size) : NULL;
    struct pintle_bytes part = {bytes.data, end != NULL ? (size_t)(end - bytes.data) : bytes.size};

    *ended = end != NULL;
    if (!*ended || feed->line.size > 0 || feed->too_long || part.size > PTI_LOG_LINE_MAX) {
        keep_part(feed, part);
        if (!*ended)
            return part.size;
        part = pti_buf_bytes(&feed->line);
    }
    count_line(feed, part);
    pti_log_feed_drop_line(feed);
    return (size_t)(end + 1 - bytes.data);
}

void pti_log_feed_end(struct pti_log_feed *feed)
{
    if (feed->line.size > 0 || feed->too_long)
        count_line(feed, pti_buf_bytes(&feed->line));
    pti_log_feed_drop_line(feed);
}

bool pti_log_feed_is_full(const struct pti_log_feed *feed)
{
    return feed->tally.count + PTI_ZONES_MAX + 1 > feed->tally.max;
}

void pti_log_day_format(int64_t day, char out[11])
{
    char time[PTI_DATETIME_SIZE + 1];

    pti_datetime_format(day * DAY_S, time);
    (void)snprintf(out, 11, "%.10s", time);
}

void pti_log_feed_write_rows(struct pti_log_feed *feed, struct pti_buf *out)
{
    struct pti_json_writer json;
    char day[11];

    pti_tally_sort(&feed->tally);
    pti_json_writer_init(&json, out, false);
    pti_json_begin_array(&json, NULL);
    for (size_t i = 0; i < feed->tally.count; i++) {
        const struct pti_tally_row *row = &feed->tally.rows[i];

        pti_log_day_format(row->day, day);
        pti_json_begin_object(&json, NULL);
        pti_json_put_text(&json, "day", day);
        pti_json_put_text(&json, "zone", row->zone[0] != '\0' ? row->zone : NULL);
        pti_json_put_integer(&json, "version", row->version);
        if (row->app[0] != '\0')
            pti_json_put_text(&json, "app", row->app);
        if (row->app_version[0] != '\0')
            pti_json_put_text(&json, "app_version", row->app_version);
        pti_json_put_text(&json, "os", row->os);
        pti_json_put_integer(&json, "hits", row->hits);
        if (row->days > 0)
            pti_json_put_integer(&json, "d", row->days);
        if (row->weeks > 0)
            pti_json_put_integer(&json, "w", row->weeks);
        pti_json_end_object(&json);
    }
    pti_json_end_array(&json);
    pti_tally_clear(&feed->tally);
}
