/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The request header `Pintle-Manifest` as whoever counts reads it: which versions a client holds, and what it says of
 * itself (grammar in pintle_client(3)).  Anybody can send anything: what is not exactly of that form is refused whole.
 */
#ifndef PTI_REPORT_HOLDING_H
#define PTI_REPORT_HOLDING_H

#include <stdbool.h>

#include <pintle/bytes.h>
#include <pintle/verdict.h>

#include "base/limits.h"

#define PTI_HOLDING_HEADER "Pintle-Manifest"
#define PTI_HOLDING_SIZE_MAX 1023 /* bytes of a value */
#define PTI_HOLDING_WORD_MAX 63

struct pti_holding {
    int64_t charter; /* 0: the client has no manifest */
    struct pti_holding_zone {
        char name[PINTLE_ZONE_NAME_MAX + 1];
        int64_t version;
    } zones[PTI_ZONES_MAX];
    size_t zone_count;
    char app[PTI_HOLDING_WORD_MAX + 1],
        app_version[PTI_HOLDING_WORD_MAX + 1]; /* "" if not said; letters, digits, . _ + - */
    char os[PTI_HOLDING_WORD_MAX + 1], os_version[PTI_HOLDING_WORD_MAX + 1];
    bool day, week; /* this device's first request of a UTC day, of a UTC week */
};

/* false: not of that form; *held is empty then. */
bool pti_holding_parse(struct pintle_bytes value, struct pti_holding *held);

/*
 * What an application says of itself may hold anything printable; a header and a log want words: all else becomes
 * '_'.
 */
void pti_holding_word(const char *text, char word[PTI_HOLDING_WORD_MAX + 1]);

/* One of "android", "ios", "linux", "macos", "windows", in any case; "other" for everything else.  Static. */
const char *pti_holding_platform(const char *os);

#endif
