/* SPDX-License-Identifier: Apache-2.0 */
#include "report/holding.h"

#include <string.h>

#include "base/buf.h"
#include "pin/zone.h"

/* What is left of the value. */
struct cursor {
    const uint8_t *at, *end;
};

static bool take(struct cursor *cursor, const char *text)
{
    size_t size = strlen(text);

    if ((size_t)(cursor->end - cursor->at) < size || memcmp(cursor->at, text, size) != 0)
        return false;
    cursor->at += size;
    return true;
}

/* Decimal, without a sign or leading zeros, so that each number has one form. */
static bool take_number(struct cursor *cursor, int64_t *number)
{
    const uint8_t *start = cursor->at;

    for (*number = 0; cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9'; cursor->at++) {
        *number = *number * 10 + (*cursor->at - '0');
        if (*number > PTI_JSON_INTEGER_MAX)
            return false;
    }
    return cursor->at > start && (*start != '0' || cursor->at == start + 1);
}

static bool is_word_byte(uint8_t byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
           (byte != '\0' && strchr("._+-", byte) != NULL);
}

static bool take_word(struct cursor *cursor, char word[PTI_HOLDING_WORD_MAX + 1])
{
    size_t size = 0;

    while (cursor->at < cursor->end && is_word_byte(*cursor->at)) {
        if (size == PTI_HOLDING_WORD_MAX)
            return false;
        word[size++] = (char)*cursor->at++;
    }
    word[size] = '\0';
    return size > 0;
}

/* ";app=" id [ "/" version ], if it is there. */
static bool take_words(struct cursor *cursor, const char *name, char what[PTI_HOLDING_WORD_MAX + 1],
                       char version[PTI_HOLDING_WORD_MAX + 1])
{
    if (!take(cursor, name))
        return true;
    return take_word(cursor, what) && (!take(cursor, "/") || take_word(cursor, version));
}

/* "," zone "=" number; each zone once. */
static bool take_zone(struct cursor *cursor, struct pti_holding *held)
{
    const uint8_t *equals = memchr(cursor->at, '=', (size_t)(cursor->end - cursor->at));
    struct pti_holding_zone *zone = &held->zones[held->zone_count];
    struct pintle_bytes name;

    if (equals == NULL || held->zone_count == PTI_ZONES_MAX)
        return false;
    name = (struct pintle_bytes){cursor->at, (size_t)(equals - cursor->at)};
    if (!pti_zone_name_valid(name))
        return false;
    for (size_t i = 0; i < held->zone_count; i++)
        if (pti_bytes_equal_text(name, held->zones[i].name))
            return false;
    memcpy(zone->name, name.data, name.size);
    zone->name[name.size] = '\0';
    held->zone_count++;
    cursor->at = equals + 1;
    return take_number(cursor, &zone->version);
}

static bool parse(struct cursor *cursor, struct pti_holding *held)
{
    if (!take(cursor, "charter=") || !take_number(cursor, &held->charter))
        return false;
    while (take(cursor, ","))
        if (!take_zone(cursor, held))
            return false;
    if (!take_words(cursor, ";app=", held->app, held->app_version) ||
        !take_words(cursor, ";os=", held->os, held->os_version))
        return false;
    held->day = take(cursor, ";d=1");
    held->week = take(cursor, ";w=1");
    return cursor->at == cursor->end;
}

bool pti_holding_parse(struct pintle_bytes value, struct pti_holding *held)
{
    struct cursor cursor = {value.data, value.data};

    memset(held, 0, sizeof *held);
    if (value.size == 0 || value.size > PTI_HOLDING_SIZE_MAX)
        return false;
    cursor.end += value.size;
    if (parse(&cursor, held))
        return true;
    memset(held, 0, sizeof *held);
    return false;
}

void pti_holding_word(const char *text, char word[PTI_HOLDING_WORD_MAX + 1])
{
    size_t size = 0;

    for (; size < PTI_HOLDING_WORD_MAX && text[size] != '\0'; size++)
        word[size] = is_word_byte((uint8_t)text[size]) ? text[size] : '_';
    word[size] = '\0';
}

const char *pti_holding_platform(const char *os)
{
    static const char *const platforms[] = {"android", "ios", "linux", "macos", "windows"};

    for (size_t i = 0; i < sizeof platforms / sizeof platforms[0]; i++) {
        size_t at = 0;

        while (platforms[i][at] != '\0' && (platforms[i][at] == os[at] || platforms[i][at] - 'a' + 'A' == os[at]))
            at++;
        if (platforms[i][at] == '\0' && os[at] == '\0')
            return platforms[i];
    }
    return "other";
}
