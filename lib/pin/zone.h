/* SPDX-License-Identifier: Apache-2.0 */
/* A zone file (docs/design.md, section 5.3): which keys the hosts of one team have now. */
#ifndef PTI_PIN_ZONE_H
#define PTI_PIN_ZONE_H

#include <pintle/verdict.h>

#include "pin/pins.h"

struct pti_zone_host {
    char *host; /* normalised */
    struct pti_pins pins;
    struct pti_pins deny;
};

struct pti_zone {
    char name[PINTLE_ZONE_NAME_MAX + 1];
    int64_t version;
    struct pti_zone_host *hosts; /* sorted by host */
    size_t host_count;
};

/* 1 to 63 of a-z 0-9 and '-', not starting or ending with '-', and not the name of a top-level TUF role. */
bool pti_zone_name_valid(struct pintle_bytes name);

/* As pti_charter_parse(); also PINTLE_ERR_INPUT if the file names another zone than name. */
enum pintle_status pti_zone_parse(struct pintle_bytes text, const char *name, struct pti_zone *zone,
                                  struct pti_error *error);
void pti_zone_init(struct pti_zone *zone, const char *name); /* version 0, no hosts */
void pti_zone_clear(struct pti_zone *zone);
void pti_zone_write(const struct pti_zone *zone, struct pti_buf *out);

struct pti_zone_host *pti_zone_find(const struct pti_zone *zone, const char *host);
/* Finds or adds the entry of host.  Borrowed result. */
enum pintle_status pti_zone_host(struct pti_zone *zone, const char *host, struct pti_zone_host **entry,
                                 struct pti_error *error);
/* Removes the entry of host, if there is one. */
void pti_zone_remove_host(struct pti_zone *zone, const char *host);

#endif
