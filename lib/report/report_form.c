/* SPDX-License-Identifier: Apache-2.0 */
#include "report/report_form.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/datetime.h"
#include "base/encode.h"
#include "pin/host.h"
#include "report/report.h"

enum kind {
    INTEGER, /* min to max */
    BOOLEAN,
    TOKEN, /* min to max characters of A-Z a-z 0-9 . _ : - */
    TEXT,  /* min to max characters of printable ASCII without quotes and backslash */
    WORD,  /* one of words */
    HOST,  /* may be empty if min is 0 */
    DATETIME,
    HASHES,   /* min to max SHA-256 values in base64 */
    INTEGERS, /* exactly max integers, each from 0 to min */
    OBJECT    /* fields */
};

struct field {
    const char *name;
    size_t length; /* of name */
    enum kind kind;
    bool required;
    int64_t min, max;
    const char *const *words;
    const struct field *fields;
};

#define NAME(text) .name = (text), .length = sizeof(text) - 1
#define END                                                                                                            \
    {                                                                                                                  \
        .name = NULL                                                                                                   \
    }

static const char *const pin_sources[] = {"stored", "shipped", NULL};
static const char *const platform_results[] = {"ok", "user_root", "untrusted", "name", "expired", "not_yet", NULL};

static const struct field manifest_fields[] = {
    {NAME("zone"), .kind = TOKEN, .min = 0, .max = PINTLE_ZONE_NAME_MAX},
    {NAME("version"), .kind = INTEGER, .max = PTI_JSON_INTEGER_MAX},
    {NAME("charter"), .kind = INTEGER, .max = PTI_JSON_INTEGER_MAX},
    {NAME("age_s"), .kind = INTEGER, .max = PTI_JSON_INTEGER_MAX},
    {NAME("expires"), .kind = DATETIME},
    END,
};

static const struct field leaf_fields[] = {
    {NAME("nb"), .kind = DATETIME},
    {NAME("na"), .kind = DATETIME},
    {NAME("san_match"), .kind = BOOLEAN},
    {NAME("scts"), .kind = INTEGER, .max = 100},
    END,
};

static const struct field net_fields[] = {
    {NAME("type"), .kind = TOKEN, .min = 1, .max = 16},
    {NAME("captive"), .kind = BOOLEAN},
    {NAME("vpn"), .kind = BOOLEAN},
    {NAME("proxy"), .kind = BOOLEAN},
    END,
};

static const struct field recovery_fields[] = {
    {NAME("tried"), .kind = BOOLEAN},
    {NAME("ok"), .kind = BOOLEAN},
    END,
};

static const struct field app_fields[] = {
    {NAME("id"), .kind = TEXT, .max = PTI_REPORT_TEXT_MAX},
    {NAME("ver"), .kind = TEXT, .max = PTI_REPORT_TEXT_MAX},
    {NAME("os"), .kind = TEXT, .max = PTI_REPORT_TEXT_MAX},
    {NAME("os_ver"), .kind = TEXT, .max = PTI_REPORT_TEXT_MAX},
    END,
};

static const struct field report_fields[] = {
    {NAME("v"), .kind = INTEGER, .required = true, .min = 1, .max = 1},
    {NAME("type"), .kind = TOKEN, .required = true, .min = 1, .max = PTI_REPORT_TOKEN_MAX},
    {NAME("host"), .kind = HOST, .required = true, .min = 1},
    {NAME("date-time"), .kind = DATETIME, .required = true},
    {NAME("id"), .kind = TOKEN, .required = true, .min = 16, .max = PTI_REPORT_TOKEN_MAX},
    {NAME("reason"), .kind = TOKEN, .required = true, .min = 1, .max = PTI_REPORT_TOKEN_MAX},
    {NAME("port"), .kind = INTEGER, .min = 1, .max = 65535},
    {NAME("noted-hostname"), .kind = HOST},
    {NAME("include-subdomains"), .kind = BOOLEAN},
    {NAME("enforce"), .kind = BOOLEAN},
    {NAME("known-pins"), .kind = HASHES, .max = 2 * PTI_PINS_PER_HOST_MAX},
    {NAME("manifest"), .kind = OBJECT, .fields = manifest_fields},
    {NAME("chain-spki"), .kind = HASHES, .max = PINTLE_CHAIN_MAX},
    {NAME("chain-sha256"), .kind = HASHES, .max = PINTLE_CHAIN_MAX},
    {NAME("leaf"), .kind = OBJECT, .fields = leaf_fields},
    {NAME("platform-verify"), .kind = WORD, .words = platform_results},
    {NAME("net"), .kind = OBJECT, .fields = net_fields},
    {NAME("clock_skew_s"), .kind = INTEGER, .min = -PTI_JSON_INTEGER_MAX, .max = PTI_JSON_INTEGER_MAX},
    {NAME("recovery"), .kind = OBJECT, .fields = recovery_fields},
    {NAME("app"), .kind = OBJECT, .fields = app_fields},
    {NAME("adapter"), .kind = TOKEN, .min = 1, .max = 32},
    {NAME("pin-source"), .kind = WORD, .words = pin_sources},
    {NAME("weight"), .kind = INTEGER, .min = 1, .max = 1000000},
    {NAME("success_since_last"), .kind = INTEGER, .max = PTI_JSON_INTEGER_MAX},
    {NAME("hll"), .kind = INTEGERS, .min = 4095, .max = 2}, /* register and rank of a HyperLogLog with p = 12 */
    END,
};

#define EXPECTED_MAX 384

static void list_names(const struct field *fields, char *out, size_t size)
{
    size_t length = 0;

    for (out[0] = '\0'; fields->name; fields++) {
        int added = snprintf(out + length, size - length, "%s%s", length ? ", " : "", fields->name);

        if (added < 0 || (size_t)added >= size - length)
            return;
        length += (size_t)added;
    }
}

static void list_words(const char *const *words, char *out, size_t size)
{
    size_t length = 0;

    for (out[0] = '\0'; *words; words++) {
        int added = snprintf(out + length, size - length, "%s%s", length ? ", " : "one of ", *words);

        if (added < 0 || (size_t)added >= size - length)
            return;
        length += (size_t)added;
    }
}

static void describe_expected(const struct field *field, char *out, size_t size)
{
    switch (field->kind) {
    case INTEGER:
        snprintf(out, size, "an integer from %" PRId64 " to %" PRId64, field->min, field->max);
        return;
    case BOOLEAN:
        snprintf(out, size, "true or false");
        return;
    case TOKEN:
        snprintf(out, size, "a string of %" PRId64 " to %" PRId64 " characters out of A-Z a-z 0-9 . _ : -", field->min,
                 field->max);
        return;
    case TEXT:
        snprintf(out, size, "a string of at most %" PRId64 " printable ASCII characters without quotes or backslash",
                 field->max);
        return;
    case WORD:
        list_words(field->words, out, size);
        return;
    case HOST:
        snprintf(out, size, "a host name in lower-case A-labels without trailing dot, or an IP address");
        return;
    case DATETIME:
        snprintf(out, size, "a time like 2026-11-21T20:00:00Z");
        return;
    case HASHES:
        snprintf(out, size, "an array of at most %" PRId64 " SHA-256 values, each 44 characters of base64", field->max);
        return;
    case INTEGERS:
        snprintf(out, size, "an array of %" PRId64 " integers from 0 to %" PRId64, field->max, field->min);
        return;
    case OBJECT:
        snprintf(out, size, "an object");
        return;
    }
}

static void describe_found(const struct pti_json_value *value, char *out, size_t size)
{
    struct pintle_bytes text;
    int64_t integer = 0;

    if (pti_json_as_integer(value, &integer))
        snprintf(out, size, "%" PRId64, integer);
    else if (pti_json_as_string(value, &text))
        snprintf(out, size, "\"%.*s\"%s", (int)(text.size < 40 ? text.size : 40), (const char *)text.data,
                 text.size > 40 ? "..." : "");
    else
        snprintf(out, size, "%s", pti_json_type_name(pti_json_type(value)));
}

static enum pintle_status fail_field(const struct field *field, const struct pti_json_value *value,
                                     struct pti_error *error)
{
    char expected[EXPECTED_MAX], found[64];

    describe_expected(field, expected, sizeof expected);
    describe_found(value, found, sizeof found);
    return pti_fail(error, PINTLE_ERR_INPUT, "\"%s\" (byte %zu) must be %s; found %s", field->name,
                    pti_json_offset(value), expected, found);
}

static bool is_token_byte(uint8_t byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
           (byte && strchr("._:-", byte));
}

static bool is_text_byte(uint8_t byte)
{
    return byte >= ' ' && byte <= '~' && byte != '"' && byte != '\'' && byte != '\\';
}

static bool check_characters(const struct field *field, struct pintle_bytes text, bool (*allowed)(uint8_t byte))
{
    if ((int64_t)text.size < field->min || (int64_t)text.size > field->max)
        return false;
    for (size_t i = 0; i < text.size; i++)
        if (!allowed(text.data[i]))
            return false;
    return true;
}

static bool check_word(const struct field *field, struct pintle_bytes text)
{
    for (const char *const *word = field->words; *word; word++)
        if (pti_bytes_equal_text(text, *word))
            return true;
    return false;
}

static bool check_host(const struct field *field, struct pintle_bytes text)
{
    char host[PINTLE_HOST_MAX + 1];

    if (text.size == 0)
        return field->min == 0;
    if (text.size > PINTLE_HOST_MAX || memchr(text.data, '\0', text.size))
        return false;
    memcpy(host, text.data, text.size);
    host[text.size] = '\0';
    return pti_host_is_normal(host);
}

static bool check_string(const struct field *field, const struct pti_json_value *value)
{
    struct pintle_bytes text;
    int64_t seconds = 0;

    if (!pti_json_as_string(value, &text))
        return false;
    switch (field->kind) {
    case TOKEN:
        return check_characters(field, text, is_token_byte);
    case TEXT:
        return check_characters(field, text, is_text_byte);
    case WORD:
        return check_word(field, text);
    case HOST:
        return check_host(field, text);
    case DATETIME:
        return pti_datetime_parse(text, &seconds);
    case INTEGER:
    case BOOLEAN:
    case HASHES:
    case INTEGERS:
    case OBJECT:
        return false;
    }
    return false;
}

static bool check_integer(const struct pti_json_value *value, int64_t min, int64_t max)
{
    int64_t integer = 0;

    return pti_json_as_integer(value, &integer) && integer >= min && integer <= max;
}

static bool check_hashes(const struct field *field, const struct pti_json_value *value)
{
    uint8_t hash[PINTLE_SHA256_SIZE];
    struct pintle_bytes text;

    if (pti_json_type(value) != PTI_JSON_ARRAY || (int64_t)pti_json_count(value) > field->max)
        return false;
    for (const struct pti_json_value *item = pti_json_first(value); item; item = pti_json_next(item))
        if (!pti_json_as_string(item, &text) || !pti_base64_decode_exact(text, hash, sizeof hash))
            return false;
    return true;
}

static bool check_integers(const struct field *field, const struct pti_json_value *value)
{
    if (pti_json_type(value) != PTI_JSON_ARRAY || (int64_t)pti_json_count(value) != field->max)
        return false;
    for (const struct pti_json_value *item = pti_json_first(value); item; item = pti_json_next(item))
        if (!check_integer(item, 0, field->min))
            return false;
    return true;
}

static bool check_value(const struct field *field, const struct pti_json_value *value)
{
    bool boolean = false;

    switch (field->kind) {
    case INTEGER:
        return check_integer(value, field->min, field->max);
    case BOOLEAN:
        return pti_json_as_bool(value, &boolean);
    case HASHES:
        return check_hashes(field, value);
    case INTEGERS:
        return check_integers(field, value);
    case OBJECT:
        return pti_json_type(value) == PTI_JSON_OBJECT;
    case TOKEN:
    case TEXT:
    case WORD:
    case HOST:
    case DATETIME:
        return check_string(field, value);
    }
    return false;
}

static const struct field *find_field(const struct field *fields, struct pintle_bytes name)
{
    for (; fields->name; fields++)
        if (fields->length == name.size && (uint8_t)fields->name[0] == name.data[0] &&
            memcmp(fields->name, name.data, name.size) == 0)
            return fields;
    return NULL;
}

static enum pintle_status fail_unknown(const struct field *fields, const struct pti_json_value *member,
                                       const char *where, struct pti_error *error)
{
    struct pintle_bytes name = pti_json_name(member);
    char known[EXPECTED_MAX];

    list_names(fields, known, sizeof known);
    return pti_fail(error, PINTLE_ERR_INPUT, "\"%.*s\" (byte %zu) is no field of %s; expected %s",
                    (int)(name.size < 40 ? name.size : 40), (const char *)name.data, pti_json_offset(member), where,
                    known);
}

/* depth of recursion is that of the tables: one object inside another */
static enum pintle_status check_object(const struct field *fields, const struct pti_json_value *object,
                                       const char *where, struct pti_error *error)
{
    for (const struct pti_json_value *member = pti_json_first(object); member; member = pti_json_next(member)) {
        const struct field *field = find_field(fields, pti_json_name(member));

        if (!field)
            return fail_unknown(fields, member, where, error);
        if (!check_value(field, member))
            return fail_field(field, member, error);
        if (field->kind == OBJECT) {
            enum pintle_status status = check_object(field->fields, member, field->name, error);

            if (status != PINTLE_OK)
                return status;
        }
    }
    for (; fields->name; fields++) {
        if (fields->required && !pti_json_member(object, fields->name)) {
            char expected[EXPECTED_MAX];

            describe_expected(fields, expected, sizeof expected);
            return pti_fail(error, PINTLE_ERR_INPUT, "\"%s\" is missing from %s; it must be %s", fields->name, where,
                            expected);
        }
    }
    return PINTLE_OK;
}

enum pintle_status pti_report_check(const struct pti_json_value *value, struct pti_error *error)
{
    if (pti_json_type(value) != PTI_JSON_OBJECT)
        return pti_fail(error, PINTLE_ERR_INPUT, "expected a report, which is an object, found %s",
                        pti_json_type_name(pti_json_type(value)));
    return check_object(report_fields, value, "a report", error);
}
