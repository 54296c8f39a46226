/* SPDX-License-Identifier: Apache-2.0 */
/* Reading, changing and writing a zone file. */
#include "pin/zone.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "pin/document.h"
#include "pin/entries.h"
#include "pin/host.h"

static const char *const known_fields[] = {"type", "format", "zone",   "version", "critical", "hosts", "host",
                                           "pins", "deny",   "sha256", "of",      "at",       NULL};

bool pti_zone_name_valid(struct pintle_bytes name)
{
    /* A zone's name is its TUF role's name and part of file names. */
    static const char *const taken[] = {"root", "targets", "snapshot", "timestamp"};

    if (name.size == 0 || name.size > PINTLE_ZONE_NAME_MAX || name.data[0] == '-' || name.data[name.size - 1] == '-')
        return false;
    for (size_t i = 0; i < name.size; i++) {
        uint8_t c = name.data[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-')
            return false;
    }
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++) {
        if (pti_bytes_equal_text(name, taken[i]))
            return false;
    }
    return true;
}

void pti_zone_init(struct pti_zone *zone, const char *name)
{
    *zone = (struct pti_zone){.version = 0};
    pti_copy_text(zone->name, sizeof zone->name, name);
}

static void clear_entry(struct pti_zone_host *entry)
{
    free(entry->host);
    pti_pins_clear(&entry->pins);
    pti_pins_clear(&entry->deny);
}

void pti_zone_clear(struct pti_zone *zone)
{
    for (size_t i = 0; i < zone->host_count; i++)
        clear_entry(&zone->hosts[i]);
    free(zone->hosts);
    *zone = (struct pti_zone){.version = 0};
}

static enum pintle_status read_host(const struct pti_json_value *object, void *out, struct pti_error *error)
{
    struct pti_zone_host *entry = out;

    enum pintle_status status = pti_document_host(object, &entry->host, error);
    if (status != PINTLE_OK)
        return status;
    status = pti_pins_parse(pti_json_member(object, "pins"), false, &entry->pins, error);
    if (status == PINTLE_OK)
        status = pti_pins_parse(pti_json_member(object, "deny"), true, &entry->deny, error);
    if (status != PINTLE_OK)
        (void)pti_error_prefix(error, "host %s", entry->host);
    return status;
}

static enum pintle_status check_name(const struct pti_json_value *root, const char *name, struct pti_error *error)
{
    struct pintle_bytes found;

    enum pintle_status status = pti_json_get_string(root, "zone", &found, error);
    if (status == PINTLE_OK && (!pti_bytes_equal_text(found, name) || !pti_zone_name_valid(found)))
        status = pti_fail(error, PINTLE_ERR_INPUT,
                          "expected a file of this zone, found \"zone\": \"%.*s\"; publish each zone under its own "
                          "name",
                          (int)(found.size < PINTLE_ZONE_NAME_MAX ? found.size : PINTLE_ZONE_NAME_MAX),
                          (const char *)found.data);
    return status;
}

enum pintle_status pti_zone_parse(struct pintle_bytes text, const char *name, struct pti_zone *zone,
                                  struct pti_error *error)
{
    struct pti_document_hosts hosts = {.size = sizeof *zone->hosts, .read = read_host};
    struct pti_document document;

    pti_zone_init(zone, name);
    enum pintle_status status = pti_document_open(text, PTI_ZONE_SIZE_MAX, "pintle-zone", known_fields, &hosts,
                                                  &document, error);
    zone->version = document.version;
    if (status == PINTLE_OK)
        status = check_name(document.root, name, error);
    if (status == PINTLE_OK)
        status = pti_document_check_hosts(&document, &hosts, error);
    zone->hosts = hosts.entries;
    zone->host_count = hosts.count;
    pti_document_close(&document);
    if (status != PINTLE_OK) {
        (void)pti_error_prefix(error, "zone %s", name);
        pti_zone_clear(zone);
    }
    return status;
}

void pti_zone_write(const struct pti_zone *zone, struct pti_buf *out)
{
    struct pti_json_writer writer;

    pti_json_writer_init(&writer, out, false);
    pti_json_begin_object(&writer, NULL);
    pti_json_put_text(&writer, "type", "pintle-zone");
    pti_json_put_integer(&writer, "format", 1);
    pti_json_put_text(&writer, "zone", zone->name);
    pti_json_put_integer(&writer, "version", zone->version);
    pti_json_begin_array(&writer, "critical");
    pti_json_end_array(&writer);
    pti_json_begin_array(&writer, "hosts");
    for (size_t i = 0; i < zone->host_count; i++) {
        const struct pti_zone_host *entry = &zone->hosts[i];
        pti_json_begin_object(&writer, NULL);
        pti_json_put_text(&writer, "host", entry->host);
        pti_pins_write(&entry->pins, false, "pins", &writer);
        pti_pins_write(&entry->deny, true, "deny", &writer);
        pti_json_end_object(&writer);
    }
    pti_json_end_array(&writer);
    pti_json_end_object(&writer);
}

struct pti_zone_host *pti_zone_find(const struct pti_zone *zone, const char *host)
{
    size_t position;

    if (!pti_entries_search(zone->hosts, zone->host_count, sizeof *zone->hosts, host, &position))
        return NULL;
    return &zone->hosts[position];
}

enum pintle_status pti_zone_host(struct pti_zone *zone, const char *host, struct pti_zone_host **entry,
                                 struct pti_error *error)
{
    size_t position;

    *entry = NULL;
    if (pti_entries_search(zone->hosts, zone->host_count, sizeof *zone->hosts, host, &position)) {
        *entry = &zone->hosts[position];
        return PINTLE_OK;
    }
    enum pintle_status status = pti_host_check_normal(host, error);
    if (status != PINTLE_OK)
        return status;
    if (zone->host_count >= PTI_HOSTS_MAX)
        return pti_fail(error, PINTLE_ERR_INPUT, "expected at most %d hosts in a zone; \"%s\" would be one more",
                        PTI_HOSTS_MAX, host);
    char *copy = pti_bytes_strdup(pti_bytes_text(host));
    struct pti_zone_host *hosts = copy != NULL
                                      ? pti_entries_open(zone->hosts, zone->host_count, sizeof *hosts, position)
                                      : NULL;
    if (hosts == NULL) {
        free(copy);
        return pti_fail(error, PINTLE_ERR_MEMORY, "out of memory for host %s", host);
    }
    hosts[position].host = copy;
    zone->hosts = hosts;
    zone->host_count++;
    *entry = &hosts[position];
    return PINTLE_OK;
}

void pti_zone_remove_host(struct pti_zone *zone, const char *host)
{
    struct pti_zone_host *entry = pti_zone_find(zone, host);

    if (entry == NULL)
        return;
    clear_entry(entry);
    pti_entries_close(zone->hosts, zone->host_count, sizeof *zone->hosts, (size_t)(entry - zone->hosts));
    zone->host_count--;
}
