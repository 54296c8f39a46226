/* SPDX-License-Identifier: Apache-2.0 */
/* Finding, changing and writing the entries of a charter. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "pin/charter.h"
#include "pin/entries.h"
#include "pin/host.h"

#define RELEASE_SIZE (PINTLE_HOST_MAX + 3) /* "*." and a terminator */

bool pti_charter_has_released(const struct pti_charter *charter, const char *name)
{
    size_t position;
    return pti_entries_search(charter->released, charter->released_count, sizeof *charter->released, name, &position);
}

static enum pintle_status add_released(struct pti_charter *charter, const char *name, struct pti_error *error)
{
    size_t position;

    if (pti_entries_search(charter->released, charter->released_count, sizeof *charter->released, name, &position))
        return PINTLE_OK;
    if (charter->released_count >= PTI_HOSTS_MAX)
        return pti_fail(error, PINTLE_ERR_INPUT, "expected at most %d released names; \"%s\" would be one more",
                        PTI_HOSTS_MAX, name);
    char *copy = pti_bytes_strdup(pti_bytes_text(name));
    char **released = copy != NULL
                          ? pti_entries_open(charter->released, charter->released_count, sizeof *released, position)
                          : NULL;
    if (released == NULL) {
        free(copy);
        return pti_fail(error, PINTLE_ERR_MEMORY, "out of memory for the release of %s", name);
    }
    released[position] = copy;
    charter->released = released;
    charter->released_count++;
    return PINTLE_OK;
}

static void remove_released(struct pti_charter *charter, const char *name)
{
    size_t position;

    if (!pti_entries_search(charter->released, charter->released_count, sizeof *charter->released, name, &position))
        return;
    free(charter->released[position]);
    pti_entries_close(charter->released, charter->released_count, sizeof *charter->released, position);
    charter->released_count--;
}

static void subdomains_of(const char *host, char release[RELEASE_SIZE])
{
    (void)snprintf(release, RELEASE_SIZE, "*.%s", host);
}

struct pti_charter_host *pti_charter_find(const struct pti_charter *charter, const char *host)
{
    size_t position;

    if (!pti_entries_search(charter->hosts, charter->host_count, sizeof *charter->hosts, host, &position))
        return NULL;
    return &charter->hosts[position];
}

static enum pintle_status not_there(const char *host, struct pti_error *error)
{
    return pti_fail(error, PINTLE_ERR_INPUT, "expected a host of the charter, found \"%s\"; add it first", host);
}

static enum pintle_status open_entry(struct pti_charter *charter, const char *host, size_t position,
                                     struct pti_error *error)
{
    char *copy = pti_bytes_strdup(pti_bytes_text(host));
    struct pti_charter_host *hosts = copy != NULL ? pti_entries_open(charter->hosts, charter->host_count, sizeof *hosts,
                                                                     position)
                                                  : NULL;
    if (hosts == NULL) {
        free(copy);
        return pti_fail(error, PINTLE_ERR_MEMORY, "out of memory for host %s", host);
    }
    hosts[position].host = copy;
    hosts[position].mode = PINTLE_MODE_ENFORCE;
    charter->hosts = hosts;
    charter->host_count++;
    return PINTLE_OK;
}

/*
 * A host that is listed again must lose its old release: released is cumulative, so the old entry would let a later
 * charter omit the host with nobody deciding it.  No client needs that entry any longer.  One that still holds a
 * charter from before the release finds the host listed, so nothing is omitted; one that holds a charter without the
 * host has nothing to lose.  What the first may still lose is the host's subdomains, which the release let go with it
 * and the new entry need not cover: hence "*.host" takes the place of "host".  When the host is dropped once more,
 * pti_charter_release_host() names it anew.
 */
static enum pintle_status narrow_release(struct pti_charter *charter, const struct pti_host *host,
                                         struct pti_error *error)
{
    char release[RELEASE_SIZE];

    if (!pti_charter_has_released(charter, host->name))
        return PINTLE_OK;
    if (!host->ip) {
        subdomains_of(host->name, release);
        enum pintle_status status = add_released(charter, release, error);
        if (status != PINTLE_OK)
            return status;
    }
    remove_released(charter, host->name);
    return PINTLE_OK;
}

enum pintle_status pti_charter_add_host(struct pti_charter *charter, const char *host, struct pti_charter_host **entry,
                                        struct pti_error *error)
{
    struct pti_host parsed;
    size_t position;

    *entry = NULL;
    enum pintle_status status = pti_host_check_normal(host, error);
    if (status == PINTLE_OK)
        status = pti_host_parse(host, &parsed, error);
    if (status != PINTLE_OK)
        return status;
    if (pti_entries_search(charter->hosts, charter->host_count, sizeof *charter->hosts, host, &position))
        return pti_fail(error, PINTLE_ERR_INPUT,
                        "expected a host that is not in the charter, found \"%s\"; change "
                        "its entry instead",
                        host);
    if (charter->host_count >= PTI_HOSTS_MAX)
        return pti_fail(error, PINTLE_ERR_INPUT, "expected at most %d hosts; \"%s\" would be one more", PTI_HOSTS_MAX,
                        host);
    status = open_entry(charter, host, position, error);
    if (status != PINTLE_OK)
        return status;
    status = narrow_release(charter, &parsed, error);
    if (status != PINTLE_OK) {
        free(charter->hosts[position].host);
        pti_entries_close(charter->hosts, charter->host_count, sizeof *charter->hosts, position);
        charter->host_count--;
        return status;
    }
    *entry = &charter->hosts[position];
    return PINTLE_OK;
}

enum pintle_status pti_charter_release_host(struct pti_charter *charter, const char *host, struct pti_error *error)
{
    char release[RELEASE_SIZE];

    struct pti_charter_host *entry = pti_charter_find(charter, host);
    if (entry == NULL)
        return not_there(host, error);
    enum pintle_status status = add_released(charter, entry->host, error);
    if (status != PINTLE_OK)
        return status;
    subdomains_of(entry->host, release);
    remove_released(charter, release); /* "host" covers it */
    free(entry->host);
    pti_pins_clear(&entry->pins);
    pti_pins_clear(&entry->deny);
    pti_entries_close(charter->hosts, charter->host_count, sizeof *charter->hosts, (size_t)(entry - charter->hosts));
    charter->host_count--;
    return PINTLE_OK;
}

enum pintle_status pti_charter_set_subdomains(struct pti_charter *charter, const char *host, bool subdomains,
                                              struct pti_error *error)
{
    char release[RELEASE_SIZE];
    struct pti_host parsed;

    struct pti_charter_host *entry = pti_charter_find(charter, host);
    if (entry == NULL)
        return not_there(host, error);
    if (entry->subdomains == subdomains)
        return PINTLE_OK;
    enum pintle_status status = pti_host_parse(host, &parsed, error);
    if (status != PINTLE_OK)
        return status;
    if (parsed.ip)
        return pti_fail(error, PINTLE_ERR_INPUT, "an IP address has no subdomains: %s", host);
    subdomains_of(host, release);
    /* On again, no older charter covers more than this one: the release has done its work, as in narrow_release(). */
    if (subdomains)
        remove_released(charter, release);
    else
        status = add_released(charter, release, error);
    if (status == PINTLE_OK)
        entry->subdomains = subdomains;
    return status;
}

static void put_bound(struct pti_json_writer *writer, const char *name, int64_t days)
{
    if (days < 0)
        pti_json_put_null(writer, name);
    else
        pti_json_put_integer(writer, name, days);
}

static void write_hosts(const struct pti_charter *charter, struct pti_json_writer *writer)
{
    pti_json_begin_array(writer, "hosts");
    for (size_t i = 0; i < charter->host_count; i++) {
        const struct pti_charter_host *entry = &charter->hosts[i];
        pti_json_begin_object(writer, NULL);
        pti_json_put_text(writer, "host", entry->host);
        pti_json_put_bool(writer, "subdomains", entry->subdomains);
        pti_json_put_text(writer, "mode", pti_mode_name(entry->mode));
        pti_json_put_text(writer, "zone", entry->zone);
        pti_pins_write(&entry->pins, false, "pins", writer);
        pti_pins_write(&entry->deny, true, "deny", writer);
        pti_json_end_object(writer);
    }
    pti_json_end_array(writer);
}

static void write_texts(char *const *texts, size_t count, const char *name, struct pti_json_writer *writer)
{
    pti_json_begin_array(writer, name);
    for (size_t i = 0; i < count; i++)
        pti_json_put_text(writer, NULL, texts[i]);
    pti_json_end_array(writer);
}

void pti_charter_write(const struct pti_charter *charter, struct pti_buf *out)
{
    struct pti_json_writer writer;

    pti_json_writer_init(&writer, out, false);
    pti_json_begin_object(&writer, NULL);
    pti_json_put_text(&writer, "type", "pintle-charter");
    pti_json_put_integer(&writer, "format", 1);
    pti_json_put_integer(&writer, "version", charter->version);
    write_texts(NULL, 0, "critical", &writer);
    write_hosts(charter, &writer);
    write_texts(charter->released, charter->released_count, "released", &writer);
    pti_json_begin_object(&writer, "reports");
    write_texts(charter->report_urls, charter->report_url_count, "to", &writer);
    pti_json_put_integer(&writer, "sample_per_mille", charter->sample_per_mille);
    if (charter->want_chain)
        pti_json_put_bool(&writer, "want_chain", true);
    pti_json_end_object(&writer);
    pti_json_begin_object(&writer, "refresh_seconds");
    pti_json_put_integer(&writer, "min", charter->refresh_min_s);
    pti_json_put_integer(&writer, "default", charter->refresh_default_s);
    pti_json_put_integer(&writer, "max", charter->refresh_max_s);
    pti_json_end_object(&writer);
    put_bound(&writer, "max_shipped_age_days", charter->max_shipped_age_days);
    put_bound(&writer, "refuse_stale_after_days", charter->refuse_stale_after_days);
    pti_json_end_object(&writer);
}
