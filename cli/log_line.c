/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/log_line.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/datetime.h"
#include "report/network.h"

#define ADDRESS_MAX 45
#define QUOTES_MIN 8 /* of request, referrer, user agent and header */
#define NESTING_MAX 8
#define HASH_SIZE 64 /* of a body's name */

/* What a line says, in its own bytes. */
struct fields {
    struct pintle_bytes address, time, request, header;
    bool iso; /* time is $time_iso8601, else $time_local */
};

static struct pintle_bytes between(const uint8_t *start, const uint8_t *end)
{
    return (struct pintle_bytes){start, (size_t)(end - start)};
}

/* ---- combined ---- */

static const uint8_t *last_of(struct pintle_bytes text, uint8_t byte)
{
    for (size_t i = text.size; i > 0; i--)
        if (text.data[i - 1] == byte)
            return text.data + i - 1;
    return NULL;
}

/* ADDRESS - USER [TIME] ; only USER may hold blanks and brackets, as what stands in them comes from the client. */
static bool read_start(struct pintle_bytes start, struct fields *fields)
{
    const uint8_t *blank = start.size > 0 ? memchr(start.data, ' ', start.size) : NULL;
    const uint8_t *bracket = last_of(start, '[');

    if (blank == NULL || bracket == NULL || start.size < 2 || memcmp(start.data + start.size - 2, "] ", 2) != 0)
        return false;
    fields->address = between(start.data, blank);
    fields->time = between(bracket + 1, start.data + start.size - 2);
    return true;
}

/* nginx writes a quote within a field as \x22, so quotes only stand around fields. */
static bool read_combined(struct pintle_bytes line, struct fields *fields)
{
    const uint8_t *quotes[3] = {NULL, NULL, NULL}; /* the first, the second, the one before the last */
    size_t count = 0;

    if (line.size == 0 || line.data[line.size - 1] != '"')
        return false;
    for (size_t i = 0; i < line.size; i++) {
        if (line.data[i] != '"')
            continue;
        if (count < 2)
            quotes[count] = &line.data[i];
        if (i + 1 < line.size)
            quotes[2] = &line.data[i];
        count++;
    }
    if (count < QUOTES_MIN || count % 2 != 0 || !read_start(between(line.data, quotes[0]), fields))
        return false;
    fields->request = between(quotes[0] + 1, quotes[1]);
    fields->header = between(quotes[2] + 1, line.data + line.size - 1);
    return true;
}

/* ---- JSON ---- */

struct scan {
    const uint8_t *at, *end;
};

static void skip_blanks(struct scan *scan)
{
    while (scan->at < scan->end && (*scan->at == ' ' || *scan->at == '\t' || *scan->at == '\r'))
        scan->at++;
}

static bool take(struct scan *scan, uint8_t byte)
{
    skip_blanks(scan);
    if (scan->at == scan->end || *scan->at != byte)
        return false;
    scan->at++;
    return true;
}

/* Between its quotes, not decoded: nothing that counts needs an escape. */
static bool take_string(struct scan *scan, struct pintle_bytes *string)
{
    const uint8_t *start;

    if (!take(scan, '"'))
        return false;
    for (start = scan->at; scan->at < scan->end; scan->at++) {
        if (*scan->at == '\\' && scan->at + 1 < scan->end) {
            scan->at++;
        } else if (*scan->at == '"') {
            *string = between(start, scan->at++);
            return true;
        }
    }
    return false;
}

/* A number, a word, an array or an object; what it is does not matter, only where it ends. */
static bool skip_value(struct scan *scan)
{
    const uint8_t *start = scan->at;
    struct pintle_bytes string;
    unsigned depth = 0;

    while (scan->at < scan->end) {
        uint8_t byte = *scan->at;

        if (byte == '"') {
            if (!take_string(scan, &string))
                return false;
            continue;
        }
        if (depth == 0 && (byte == ',' || byte == '}'))
            break;
        if (byte == '{' || byte == '[')
            depth++;
        if ((byte == '}' || byte == ']') && depth-- == 0)
            return false;
        if (depth > NESTING_MAX)
            return false;
        scan->at++;
    }
    return depth == 0 && scan->at > start && scan->at < scan->end;
}

/* Each of ours once. */
static bool keep(struct fields *fields, struct pintle_bytes name, struct pintle_bytes value)
{
    const struct {
        const char *name;
        struct pintle_bytes *field;
        bool iso;
    } known[] = {
        {"remote_addr", &fields->address, false},
        {"time_iso8601", &fields->time, true},
        {"time_local", &fields->time, false},
        {"request", &fields->request, false},
        {"http_pintle_manifest", &fields->header, false},
    };

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (!pti_bytes_equal_text(name, known[i].name))
            continue;
        if (known[i].field->data != NULL)
            return false;
        *known[i].field = value;
        fields->iso = fields->iso || known[i].iso;
    }
    return true;
}

static bool read_json(struct pintle_bytes line, struct fields *fields)
{
    struct scan scan = {line.data, line.data + line.size};
    struct pintle_bytes name, value;

    if (!take(&scan, '{'))
        return false;
    do {
        if (!take_string(&scan, &name) || !take(&scan, ':'))
            return false;
        skip_blanks(&scan);
        if (scan.at < scan.end && *scan.at == '"') {
            if (!take_string(&scan, &value) || !keep(fields, name, value))
                return false;
        } else if (!skip_value(&scan)) {
            return false;
        }
    } while (take(&scan, ','));
    if (!take(&scan, '}'))
        return false;
    skip_blanks(&scan);
    return scan.at == scan.end && fields->address.data != NULL && fields->time.data != NULL &&
           fields->header.data != NULL;
}

/* ---- what they mean ---- */

static bool take_digits(const uint8_t *at, unsigned count, int *number)
{
    *number = 0;
    for (unsigned i = 0; i < count; i++) {
        if (at[i] < '0' || at[i] > '9')
            return false;
        *number = *number * 10 + (at[i] - '0');
    }
    return true;
}

/* "+0100" or "+01:00" */
static bool read_offset(struct pintle_bytes text, int64_t *seconds)
{
    int hours, minutes;
    size_t second = text.size == 6 ? 4 : 3;

    if ((text.size != 5 && text.size != 6) || (text.data[0] != '+' && text.data[0] != '-') ||
        (text.size == 6 && text.data[3] != ':') || !take_digits(text.data + 1, 2, &hours) ||
        !take_digits(text.data + second, 2, &minutes) || hours > 23 || minutes > 59)
        return false;
    *seconds = (text.data[0] == '-' ? -1 : 1) * (hours * INT64_C(3600) + minutes * 60);
    return true;
}

/* "21/Nov/2026:20:00:00" as "2026-11-21T20:00:00Z" */
static bool local_as_iso(const uint8_t *text, char out[PTI_DATETIME_SIZE + 1])
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

    for (int month = 0; month < 12; month++)
        if (memcmp(text + 3, months + 3 * month, 3) == 0 && text[2] == '/' && text[6] == '/' && text[11] == ':') {
            (void)snprintf(out, PTI_DATETIME_SIZE + 1, "%.4s-%02d-%.2sT%.8sZ", (const char *)text + 7, month + 1,
                           (const char *)text, (const char *)text + 12);
            return true;
        }
    return false;
}

/* "2026-11-21T20:00:00+00:00" or "21/Nov/2026:20:00:00 +0000" */
static bool read_time(const struct fields *fields, int64_t *time)
{
    const size_t size = fields->iso ? PTI_DATETIME_SIZE - 1 : PTI_DATETIME_SIZE + 1;
    struct pintle_bytes text = fields->time;
    char iso[PTI_DATETIME_SIZE + 1];
    int64_t offset;

    if (text.size <= size || memchr(text.data, '\0', text.size) != NULL)
        return false;
    if (fields->iso)
        (void)snprintf(iso, sizeof iso, "%.19sZ", (const char *)text.data);
    else if (text.data[size - 1] != ' ' || !local_as_iso(text.data, iso))
        return false;
    if (!pti_datetime_parse(pti_bytes_text(iso), time) ||
        !read_offset(between(text.data + size, text.data + text.size), &offset))
        return false;
    *time -= offset;
    return *time >= 0;
}

static uint64_t read_network(struct pintle_bytes address)
{
    char text[ADDRESS_MAX + 1];

    if (address.size == 0 || address.size > ADDRESS_MAX)
        return PTI_NETWORK_UNKNOWN;
    memcpy(text, address.data, address.size);
    text[address.size] = '\0';
    return pti_network_parse(text);
}

static bool is_hex(uint8_t byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f');
}

/* "GET /.../body/HASH HTTP/1.1" */
static bool asks_for_body(struct pintle_bytes request)
{
    static const char before[] = "/body/", after[] = " HTTP/";
    const size_t before_size = sizeof before - 1, all = before_size + HASH_SIZE;

    for (size_t i = 0; i + all + sizeof after - 1 <= request.size; i++) {
        const uint8_t *at = request.data + i;
        size_t hex = 0;

        if (memcmp(at, before, before_size) != 0)
            continue;
        while (hex < HASH_SIZE && is_hex(at[before_size + hex]))
            hex++;
        if (hex == HASH_SIZE && memcmp(at + all, after, sizeof after - 1) == 0)
            return true;
    }
    return false;
}

enum pti_log_verdict pti_log_line_read(struct pintle_bytes line, struct pti_log_line *out)
{
    struct fields fields = {.iso = false};

    memset(out, 0, sizeof *out);
    if (line.size > 0 && line.data[line.size - 1] == '\r')
        line.size--;
    if (line.size == 0 || !(line.data[0] == '{' ? read_json(line, &fields) : read_combined(line, &fields)))
        return PTI_LOG_MALFORMED;
    if (!read_time(&fields, &out->time))
        return PTI_LOG_MALFORMED;
    if (fields.header.size == 0 || pti_bytes_equal_text(fields.header, "-"))
        return PTI_LOG_SILENT;
    if (asks_for_body(fields.request))
        return PTI_LOG_BODY;
    if (!pti_holding_parse(fields.header, &out->holding))
        return PTI_LOG_FORGED;
    out->network = read_network(fields.address);
    return PTI_LOG_HOLDS;
}
