/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What counts adoption reads: the header, a line of a log, a batch of counts, what logfeed remembers.  What is accepted
 * is within its bounds and, written again, read again as the same.
 */
#include <string.h>

#include "cli/log_feed.h"
#include "cli/log_state.h"
#include "fuzz.h"
#include "server/adoption_batch.h"
#include "server/limits.h"

static void check_holding(const struct pti_holding *holding)
{
    REQUIRE(holding->charter >= 0 && holding->charter <= PTI_JSON_INTEGER_MAX && holding->zone_count <= PTI_ZONES_MAX);
    for (size_t i = 0; i < holding->zone_count; i++)
        REQUIRE(holding->zones[i].version >= 0 && strlen(holding->zones[i].name) <= PINTLE_ZONE_NAME_MAX);
    REQUIRE(strlen(holding->app) <= PTI_HOLDING_WORD_MAX && strlen(holding->os_version) <= PTI_HOLDING_WORD_MAX);
}

/* The only form of what was read is what was read. */
static void header(struct pintle_bytes value)
{
    struct pti_holding holding;
    struct pti_buf again;

    if (!pti_holding_parse(value, &holding))
        return;
    check_holding(&holding);
    pti_buf_init(&again, PTI_HOLDING_SIZE_MAX + 1);
    pti_buf_printf(&again, "charter=%lld", (long long)holding.charter);
    for (size_t i = 0; i < holding.zone_count; i++)
        pti_buf_printf(&again, ",%s=%lld", holding.zones[i].name, (long long)holding.zones[i].version);
    pti_buf_printf(&again, "%s%s%s%s", holding.app[0] ? ";app=" : "", holding.app, holding.app_version[0] ? "/" : "",
                   holding.app_version);
    pti_buf_printf(&again, "%s%s%s%s", holding.os[0] ? ";os=" : "", holding.os, holding.os_version[0] ? "/" : "",
                   holding.os_version);
    pti_buf_printf(&again, "%s%s", holding.day ? ";d=1" : "", holding.week ? ";w=1" : "");
    REQUIRE(pti_bytes_equal(pti_buf_bytes(&again), value));
    pti_buf_clear(&again);
}

static void line(struct pintle_bytes text)
{
    struct pti_log_line read;

    if (pti_log_line_read(text, &read) != PTI_LOG_HOLDS)
        return;
    REQUIRE(read.time >= 0);
    check_holding(&read.holding);
}

static void batch(struct pintle_bytes text)
{
    struct pti_error error = {PINTLE_OK, ""};
    struct pti_adoption_batch read;

    if (pti_adoption_batch_parse(text, &read, &error) != PINTLE_OK) {
        REQUIRE(read.tally.count == 0 && error.detail[0] != '\0');
        return;
    }
    REQUIRE(strlen(read.id) >= PTI_BATCH_ID_MIN && read.tally.count <= PTI_ADOPTION_BATCH_ROWS_MAX);
    pti_tally_clear(&read.tally);
}

static void state(struct pintle_bytes text)
{
    static const uint8_t key[PTI_SOURCES_KEY_SIZE];
    static struct pti_log_state first, second;
    struct pti_buf written, again;

    pti_log_state_init(&first, key, 1);
    pti_log_state_init(&second, key, 1);
    pti_buf_init(&written, 4000000);
    pti_buf_init(&again, 4000000);
    if (pti_log_state_parse(text, &first, NULL) == PINTLE_OK) {
        pti_log_state_write(&first, &written);
        REQUIRE(written.status == PINTLE_OK);
        REQUIRE(pti_log_state_parse(pti_buf_bytes(&written), &second, NULL) == PINTLE_OK);
        pti_log_state_write(&second, &again);
        REQUIRE(pti_bytes_equal(pti_buf_bytes(&written), pti_buf_bytes(&again)));
    }
    pti_buf_clear(&written);
    pti_buf_clear(&again);
    pti_log_state_clear(&first);
    pti_log_state_clear(&second);
}

/* However a stream is cut into blocks, each line is counted once. */
static void feed(struct pintle_bytes text)
{
    static const uint8_t key[PTI_SOURCES_KEY_SIZE];
    static struct pti_sources sources;
    struct pti_log_feed whole;
    int64_t lines = 0;
    size_t step = 1 + text.size % 7;

    pti_sources_init(&sources, key, 1000000);
    pti_log_feed_init(&whole, &sources, 1000);
    for (size_t i = 0; i < text.size; i++)
        lines += text.data[i] == '\n';
    for (size_t at = 0; at < text.size;) {
        size_t size = text.size - at < step ? text.size - at : step;
        bool ended;
        size_t taken = pti_log_feed_take(&whole, (struct pintle_bytes){text.data + at, size}, &ended);

        REQUIRE(taken > 0 && taken <= size);
        at += taken;
    }
    REQUIRE(whole.counts.lines == lines);
    pti_log_feed_clear(&whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pintle_bytes text = {data + 1, size - 1};

    if (size < 1)
        return 0;
    switch (data[0]) {
    case 'h':
        header(text);
        break;
    case 'l':
        line(text);
        break;
    case 'b':
        batch(text);
        break;
    case 's':
        state(text);
        break;
    case 'f':
        feed(text);
        break;
    }
    return 0;
}
