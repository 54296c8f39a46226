/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Short notation for tests about pins.  In JSON, ' stands for " and @x for the base64 of a hash whose 32 bytes are all
 * 'x'.  A chain is a string such as "lic": three certificates whose SPKI hashes are l, i and c and whose certificate
 * hashes are L, I and C.
 */
#ifndef PTI_TESTS_PIN_FIXTURE_H
#define PTI_TESTS_PIN_FIXTURE_H

#include "pin/pinset.h"

/* The JSON that notation stands for; the caller frees it. */
char *fixture_json(const char *notation);
void fixture_charter(const char *notation, struct pti_charter *charter); /* fails the test if it does not parse */
void fixture_zone(const char *notation, const char *name, struct pti_zone *zone);
void fixture_evidence(const char *chain, struct pintle_evidence *evidence); /* with both kinds of hashes */
struct pti_pin fixture_pin(char key, enum pintle_of of, enum pintle_at at);

/* Parts of files. */
#define FIXTURE_PIN(key, at) "{'sha256':'@" key "','of':'spki','at':'" at "'}"
#define FIXTURE_DENY(key) "{'sha256':'@" key "','of':'spki'}"
#define FIXTURE_CHARTER_HOST(host, subdomains, mode, zone, pins, deny)                                                 \
    "{'host':'" host "','subdomains':" subdomains ",'mode':'" mode "','zone':'" zone "','pins':[" pins                 \
    "],'deny':[" deny "]}"
#define FIXTURE_CHARTER(version, hosts)                                                                                \
    "{'type':'pintle-charter','format':1,'version':" version ",'critical':[],'hosts':[" hosts "]}"
#define FIXTURE_ZONE_HOST(host, pins, deny) "{'host':'" host "','pins':[" pins "],'deny':[" deny "]}"
#define FIXTURE_ZONE(name, version, hosts)                                                                             \
    "{'type':'pintle-zone','format':1,'zone':'" name "','version':" version ",'critical':[],'hosts':[" hosts "]}"

#endif
