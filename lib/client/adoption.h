/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which requests are a device's first of a UTC day and week, counted without an identifier: a mark per zone, which only
 * rises, in the store (docs/design/0018-reports-and-adoption.md).  Pure, but for pti_adoption_take() and _give_back().
 */
#ifndef PTI_CLIENT_ADOPTION_H
#define PTI_CLIENT_ADOPTION_H

#include <pintle/verdict.h>

#include "base/buf.h"
#include "base/limits.h"

#define PTI_STORE_ADOPTION "adoption"
#define PTI_ADOPTION_SIZE_MAX 16384
#define PTI_ADOPTION_MARKS_MAX (PTI_ZONES_MAX + 2)
#define PTI_ADOPTION_POLLS                                                                                             \
    "*" /* the mark of the client's own polls; zones are named otherwise, "" is hosts without one */

/* What a request may carry. */
enum pti_adoption_flag { PTI_ADOPTION_DAY = 1, PTI_ADOPTION_WEEK = 2 };

struct pti_adoption {
    struct pti_adoption_mark {
        char zone[PINTLE_ZONE_NAME_MAX + 1];
        int64_t day; /* since 1970-01-01, the last that was counted */
    } marks[PTI_ADOPTION_MARKS_MAX];
    size_t count;
    int64_t set_back; /* the day on which a mark was last set back */
};

struct pintle_client;

/* Strict: PINTLE_ERR_INPUT for anything that pti_adoption_write() does not write.  On failure *adoption is empty. */
enum pintle_status pti_adoption_parse(struct pintle_bytes text, struct pti_adoption *adoption, struct pti_error *error);
void pti_adoption_write(const struct pti_adoption *adoption, struct pti_buf *out);

/* The last day that was counted for zone; -1 if none was. */
int64_t pti_adoption_mark(const struct pti_adoption *adoption, const char *zone);
void pti_adoption_set(struct pti_adoption *adoption, const char *zone, int64_t day);
/*
 * Counts a request on day, and returns its flags; 0 if one was counted on that day or a later one.  A mark far ahead of a
 * clock that a poll has confirmed is set back, without counting; once in thirty days at most.  *changed: so is adoption.
 */
unsigned pti_adoption_count(struct pti_adoption *adoption, const char *zone, int64_t day, bool confirmed,
                            bool *changed);

/*
 * The flags of a request about to be sent, remembered in the store before they are given out.  0 if there are none, or if
 * the store fails: what cannot be remembered is not counted.  *mark is what pti_adoption_give_back() wants if the request
 * went nowhere.
 */
unsigned pti_adoption_take(struct pintle_client *client, const char *zone, int64_t *mark);
void pti_adoption_give_back(struct pintle_client *client, const char *zone, int64_t mark);

#endif
