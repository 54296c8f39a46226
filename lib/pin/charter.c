/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a charter. */
#include "pin/charter.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "pin/document.h"
#include "pin/entries.h"
#include "pin/host.h"
#include "pin/zone.h"

#define REFRESH_MIN_S 300
#define REFRESH_DEFAULT_S 3600
#define REFRESH_MAX_S 86400
#define REFRESH_LONGEST_S (30 * 86400)
#define SAMPLE_PER_MILLE 1000
#define MAX_SHIPPED_AGE_DAYS 180
#define DAYS_LONGEST 3650

static const char *const known_fields[] = {"type",
                                           "format",
                                           "version",
                                           "critical",
                                           "hosts",
                                           "host",
                                           "subdomains",
                                           "mode",
                                           "zone",
                                           "pins",
                                           "deny",
                                           "sha256",
                                           "of",
                                           "at",
                                           "released",
                                           "reports",
                                           "to",
                                           "sample_per_mille",
                                           "want_chain",
                                           "refresh_seconds",
                                           "min",
                                           "default",
                                           "max",
                                           "max_shipped_age_days",
                                           "refuse_stale_after_days",
                                           NULL};

const char *pti_mode_name(enum pintle_mode mode)
{
    switch (mode) {
    case PINTLE_MODE_NONE:
        return "none";
    case PINTLE_MODE_ENFORCE:
        return "enforce";
    case PINTLE_MODE_REPORT:
        return "report";
    }
    return "unknown";
}

bool pti_mode_parse(struct pintle_bytes text, enum pintle_mode *mode)
{
    if (pti_bytes_equal_text(text, "enforce"))
        *mode = PINTLE_MODE_ENFORCE;
    else if (pti_bytes_equal_text(text, "report"))
        *mode = PINTLE_MODE_REPORT;
    else
        return false;
    return true;
}

void pti_charter_init(struct pti_charter *charter)
{
    *charter = (struct pti_charter){
        .sample_per_mille = SAMPLE_PER_MILLE,
        .refresh_min_s = REFRESH_MIN_S,
        .refresh_default_s = REFRESH_DEFAULT_S,
        .refresh_max_s = REFRESH_MAX_S,
        .max_shipped_age_days = MAX_SHIPPED_AGE_DAYS,
        .refuse_stale_after_days = -1,
    };
}

void pti_charter_clear(struct pti_charter *charter)
{
    for (size_t i = 0; i < charter->host_count; i++) {
        free(charter->hosts[i].host);
        pti_pins_clear(&charter->hosts[i].pins);
        pti_pins_clear(&charter->hosts[i].deny);
    }
    for (size_t i = 0; i < charter->released_count; i++)
        free(charter->released[i]);
    for (size_t i = 0; i < charter->report_url_count; i++)
        free(charter->report_urls[i]);
    free(charter->hosts);
    free(charter->released);
    free(charter->report_urls);
    pti_charter_init(charter);
}

static enum pintle_status parse_zone_name(const struct pti_json_value *object, struct pti_charter_host *entry,
                                          struct pti_error *error)
{
    struct pintle_bytes zone;

    enum pintle_status status = pti_json_get_string(object, "zone", &zone, error);
    if (status != PINTLE_OK)
        return status;
    if (!pti_zone_name_valid(zone))
        return pti_fail(error, PINTLE_ERR_INPUT,
                        "expected \"zone\" to be 1 to %d of a-z, 0-9 and '-', found %zu bytes (byte %zu)",
                        PINTLE_ZONE_NAME_MAX, zone.size, pti_json_offset(pti_json_member(object, "zone")));
    memcpy(entry->zone, zone.data, zone.size);
    entry->zone[zone.size] = '\0';
    return PINTLE_OK;
}

static enum pintle_status parse_coverage(const struct pti_json_value *object, struct pti_charter_host *entry,
                                         struct pti_error *error)
{
    struct pintle_bytes mode;
    struct pti_host host;

    enum pintle_status status = pti_json_get_string(object, "mode", &mode, error);
    if (status != PINTLE_OK)
        return status;
    if (!pti_mode_parse(mode, &entry->mode))
        return pti_fail(error, PINTLE_ERR_INPUT, "expected \"mode\" to be \"enforce\" or \"report\" (byte %zu)",
                        pti_json_offset(pti_json_member(object, "mode")));
    status = pti_json_get_bool(object, "subdomains", &entry->subdomains, error);
    if (status != PINTLE_OK)
        return status;
    status = pti_host_parse(entry->host, &host, error);
    if (status == PINTLE_OK && entry->subdomains && host.ip)
        status = pti_fail(error, PINTLE_ERR_INPUT, "an IP address has no subdomains; set \"subdomains\" to false");
    return status;
}

static enum pintle_status read_host(const struct pti_json_value *object, void *out, struct pti_error *error)
{
    struct pti_charter_host *entry = out;

    enum pintle_status status = pti_document_host(object, &entry->host, error);
    if (status != PINTLE_OK)
        return status;
    status = parse_zone_name(object, entry, error);
    if (status == PINTLE_OK)
        status = parse_coverage(object, entry, error);
    if (status == PINTLE_OK)
        status = pti_pins_parse(pti_json_member(object, "pins"), false, &entry->pins, error);
    if (status == PINTLE_OK)
        status = pti_pins_parse(pti_json_member(object, "deny"), true, &entry->deny, error);
    if (status != PINTLE_OK)
        (void)pti_error_prefix(error, "host %s", entry->host);
    return status;
}

/* "host", or "*.host" for its subdomains alone, which an IP literal has none of. */
static enum pintle_status check_released(const char *text, struct pti_error *error)
{
    struct pti_host host;
    bool subdomains = strncmp(text, "*.", 2) == 0;
    const char *name = subdomains ? text + 2 : text;

    enum pintle_status status = pti_host_check_normal(name, error);
    if (status == PINTLE_OK)
        status = pti_host_parse(name, &host, error);
    if (status == PINTLE_OK && subdomains && host.ip)
        status = pti_fail(error, PINTLE_ERR_INPUT, "an IP address has no subdomains to release: %s", text);
    return status;
}

static enum pintle_status read_released_name(const struct pti_json_value *value, void *out, struct pti_error *error)
{
    char **name = out;

    enum pintle_status status = pti_document_text(value, PINTLE_HOST_MAX + 2, "a released host name", name, error);
    return status != PINTLE_OK ? status : check_released(*name, error);
}

static enum pintle_status read_released(const struct pti_json_value *root, struct pti_charter *charter,
                                        struct pti_error *error)
{
    void *names;

    if (pti_json_member(root, "released") == NULL)
        return PINTLE_OK;
    enum pintle_status status = pti_document_entries(root, "released", PTI_HOSTS_MAX, sizeof *charter->released,
                                                     read_released_name, &names, &charter->released_count, error);
    charter->released = names;
    return status != PINTLE_OK
               ? status
               : pti_entries_sort(charter->released, charter->released_count, sizeof *charter->released, error);
}

static enum pintle_status check_url(const char *url, struct pti_error *error)
{
    const char *rest = strncmp(url, "https://", 8) == 0 ? url + 8 : strncmp(url, "http://", 7) == 0 ? url + 7 : NULL;
    if (rest == NULL)
        return pti_fail(error, PINTLE_ERR_INPUT,
                        "expected a report URL that starts with https:// or http://, found \"%.80s\"", url);
    for (const char *c = url; *c != '\0'; c++) {
        if (*c <= 0x20 || *c > 0x7e || *c == '"' || *c == '\\')
            return pti_fail(error, PINTLE_ERR_INPUT,
                            "expected a report URL of printable ASCII, found byte 0x%02x at offset %zu; encode it "
                            "as %%XX",
                            (unsigned)(unsigned char)*c, (size_t)(c - url));
    }
    size_t authority = strcspn(rest, "/?#");
    if (authority == 0)
        return pti_fail(error, PINTLE_ERR_INPUT, "expected a host in the report URL \"%.80s\"", url);
    if (memchr(rest, '@', authority) != NULL)
        return pti_fail(error, PINTLE_ERR_INPUT, "expected a report URL without credentials; reports carry none");
    return PINTLE_OK;
}

static enum pintle_status read_report_url(const struct pti_json_value *value, void *out, struct pti_error *error)
{
    char **url = out;

    enum pintle_status status = pti_document_text(value, PTI_URL_MAX, "a report URL", url, error);
    return status != PINTLE_OK ? status : check_url(*url, error);
}

static enum pintle_status read_report_urls(const struct pti_json_value *reports, struct pti_charter *charter,
                                           struct pti_error *error)
{
    void *urls;

    if (pti_json_member(reports, "to") == NULL)
        return PINTLE_OK;
    enum pintle_status status = pti_document_entries(reports, "to", PTI_REPORT_URLS_MAX, sizeof *charter->report_urls,
                                                     read_report_url, &urls, &charter->report_url_count, error);
    charter->report_urls = urls;
    return status;
}

/* An optional object: NULL if it is absent. */
static enum pintle_status optional_object(const struct pti_json_value *root, const char *name,
                                          const struct pti_json_value **object, struct pti_error *error)
{
    *object = NULL;
    return pti_json_member(root, name) != NULL ? pti_json_get(root, name, PTI_JSON_OBJECT, object, error) : PINTLE_OK;
}

/* An optional integer: *value stays as it is if the member is absent. */
static enum pintle_status optional_integer(const struct pti_json_value *object, const char *name, int64_t min,
                                           int64_t max, int64_t *value, struct pti_error *error)
{
    return pti_json_member(object, name) != NULL ? pti_json_get_integer(object, name, min, max, value, error)
                                                 : PINTLE_OK;
}

/* A number of days; null means no bound, which is -1. */
static enum pintle_status optional_days(const struct pti_json_value *root, const char *name, int64_t min, int64_t *days,
                                        struct pti_error *error)
{
    const struct pti_json_value *value = pti_json_member(root, name);
    if (value != NULL && pti_json_type(value) == PTI_JSON_NULL) {
        *days = -1;
        return PINTLE_OK;
    }
    return optional_integer(root, name, min, DAYS_LONGEST, days, error);
}

static enum pintle_status parse_reports(const struct pti_json_value *root, struct pti_charter *charter,
                                        struct pti_error *error)
{
    const struct pti_json_value *reports;
    int64_t sample = SAMPLE_PER_MILLE;

    enum pintle_status status = optional_object(root, "reports", &reports, error);
    if (status == PINTLE_OK)
        status = read_report_urls(reports, charter, error);
    if (status == PINTLE_OK)
        status = optional_integer(reports, "sample_per_mille", 0, 1000, &sample, error);
    charter->sample_per_mille = (int)sample;
    if (status == PINTLE_OK && pti_json_member(reports, "want_chain") != NULL)
        status = pti_json_get_bool(reports, "want_chain", &charter->want_chain, error);
    return status;
}

static enum pintle_status parse_refresh(const struct pti_json_value *root, struct pti_charter *charter,
                                        struct pti_error *error)
{
    const struct pti_json_value *refresh;

    enum pintle_status status = optional_object(root, "refresh_seconds", &refresh, error);
    if (status == PINTLE_OK)
        status = optional_integer(refresh, "min", 1, REFRESH_LONGEST_S, &charter->refresh_min_s, error);
    if (status == PINTLE_OK)
        status = optional_integer(refresh, "default", 1, REFRESH_LONGEST_S, &charter->refresh_default_s, error);
    if (status == PINTLE_OK)
        status = optional_integer(refresh, "max", 1, REFRESH_LONGEST_S, &charter->refresh_max_s, error);
    if (status == PINTLE_OK &&
        (charter->refresh_min_s > charter->refresh_default_s || charter->refresh_default_s > charter->refresh_max_s))
        status = pti_fail(error, PINTLE_ERR_INPUT,
                          "expected \"refresh_seconds\" with min <= default <= max, found %" PRId64 ", %" PRId64
                          ", %" PRId64,
                          charter->refresh_min_s, charter->refresh_default_s, charter->refresh_max_s);
    return status;
}

enum pintle_status pti_charter_parse(struct pintle_bytes text, struct pti_charter *charter, struct pti_error *error)
{
    struct pti_document_hosts hosts = {.size = sizeof *charter->hosts, .read = read_host};
    struct pti_document document;

    pti_charter_init(charter);
    enum pintle_status status = pti_document_open(text, PTI_CHARTER_SIZE_MAX, "pintle-charter", known_fields, &hosts,
                                                  &document, error);
    charter->version = document.version;
    if (status == PINTLE_OK)
        status = pti_document_check_hosts(&document, &hosts, error);
    charter->hosts = hosts.entries;
    charter->host_count = hosts.count;
    if (status == PINTLE_OK)
        status = read_released(document.root, charter, error);
    if (status == PINTLE_OK)
        status = parse_reports(document.root, charter, error);
    if (status == PINTLE_OK)
        status = parse_refresh(document.root, charter, error);
    if (status == PINTLE_OK)
        status = optional_days(document.root, "max_shipped_age_days", 1, &charter->max_shipped_age_days, error);
    if (status == PINTLE_OK)
        status = optional_days(document.root, "refuse_stale_after_days", 0, &charter->refuse_stale_after_days, error);
    pti_document_close(&document);
    if (status != PINTLE_OK) {
        (void)pti_error_prefix(error, "charter");
        pti_charter_clear(charter);
    }
    return status;
}
