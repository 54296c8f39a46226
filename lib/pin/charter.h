/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The charter (docs/design.md, section 5.2): which hosts are pinned, how strictly, by which zone; permanent pins and
 * denials.  Parsing checks everything that one file can show by itself.  An unknown field is ignored unless "critical"
 * names it.
 */
#ifndef PTI_PIN_CHARTER_H
#define PTI_PIN_CHARTER_H

#include <pintle/verdict.h>

#include "pin/pins.h"

struct pti_charter_host {
    char *host; /* normalised */
    char zone[PINTLE_ZONE_NAME_MAX + 1];
    enum pintle_mode mode;
    bool subdomains;
    struct pti_pins pins;
    struct pti_pins deny;
};

struct pti_charter {
    int64_t version;
    struct pti_charter_host *hosts; /* sorted by host */
    size_t host_count;
    char **released; /* "old.example.com" or "*.old.example.com"; sorted, cumulative */
    size_t released_count;
    char **report_urls;
    size_t report_url_count;
    int sample_per_mille;
    bool want_chain; /* a collector may ask for whole chains */
    int64_t refresh_min_s, refresh_default_s, refresh_max_s;
    int64_t max_shipped_age_days;    /* -1: no bound */
    int64_t refuse_stale_after_days; /* -1: never refuse */
};

const char *pti_mode_name(enum pintle_mode mode); /* "enforce", "report"; "none" */
bool pti_mode_parse(struct pintle_bytes text, enum pintle_mode *mode);

/*
 * On failure *charter is empty.  Version 0 is that of a draft that was never published.
 * PINTLE_ERR_INPUT: malformed, wrong type or format, a duplicate host, a host that is not normalised, subdomains on an
 * IP literal, an unknown critical field.
 */
enum pintle_status pti_charter_parse(struct pintle_bytes text, struct pti_charter *charter, struct pti_error *error);
/* An empty charter of version 0 with the defaults of docs/design.md. */
void pti_charter_init(struct pti_charter *charter);
void pti_charter_clear(struct pti_charter *charter);
/* Canonical field values, compact JSON. */
void pti_charter_write(const struct pti_charter *charter, struct pti_buf *out);

struct pti_charter_host *pti_charter_find(const struct pti_charter *charter, const char *host);
/* Does name, "host" or "*.host", stand in released? */
bool pti_charter_has_released(const struct pti_charter *charter, const char *name);
/*
 * Adds an entry in its place: enforce, without zone, subdomains and pins.  A release of this host from before becomes
 * one of its subdomains only.  PINTLE_ERR_INPUT if it exists, is not normalised, or PTI_HOSTS_MAX is reached.
 * Borrowed result, until the next addition or release.
 */
enum pintle_status pti_charter_add_host(struct pti_charter *charter, const char *host, struct pti_charter_host **entry,
                                        struct pti_error *error);
/* Removes an entry and releases it ("host", which covers its subdomains); PINTLE_ERR_INPUT if it is not there. */
enum pintle_status pti_charter_release_host(struct pti_charter *charter, const char *host, struct pti_error *error);
/* Turns subdomains of an entry on, or off; off releases "*.host".  PINTLE_ERR_INPUT on an IP literal; absent host. */
enum pintle_status pti_charter_set_subdomains(struct pti_charter *charter, const char *host, bool subdomains,
                                              struct pti_error *error);

/*
 * Rule 2 of apply: next may omit a host of current, or turn its subdomains off, only through next->released.
 * PINTLE_ERR_TRUST names the first host that would lose its pins.
 */
enum pintle_status pti_charter_check_successor(const struct pti_charter *current, const struct pti_charter *next,
                                               struct pti_error *error);

/*
 * What a publisher asks of the next charter beyond that, for clients that skipped versions and for its own discipline:
 * every release in current still stands unless the host is listed again, and no entry is listed and released at once
 * (a later omission would then need no decision).  PINTLE_ERR_INPUT names the first name at fault.
 */
enum pintle_status pti_charter_check_released(const struct pti_charter *current, const struct pti_charter *next,
                                              struct pti_error *error);

#endif
