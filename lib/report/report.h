/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A report as a client sends it, read in one way by the client that gets its queue back and by the server that takes
 * reports in: what it may hold is the allow-list of report/report_form.h, and what is kept is the report written anew
 * from its parsed values, never the bytes received.
 */
#ifndef PTI_REPORT_REPORT_H
#define PTI_REPORT_REPORT_H

#include <pintle/verdict.h>

#include "base/buf.h"
#include "base/encode.h"
#include "base/json.h"
#include "base/limits.h"

#define PTI_REPORT_TOKEN_MAX 64 /* bytes of id, type, reason and the like */
#define PTI_REPORT_TEXT_MAX 63  /* bytes of what an app says of itself */

/* What is absent is empty, or 0 where nothing else is said. */
struct pti_report {
    char id[PTI_REPORT_TOKEN_MAX + 1]; /* chosen at random by the client; the same report sent twice has one id */
    char type[PTI_REPORT_TOKEN_MAX + 1];
    char host[PINTLE_HOST_MAX + 1];
    char reason[PTI_REPORT_TOKEN_MAX + 1];
    char leaf[PTI_BASE64_SIZE(PINTLE_SHA256_SIZE) + 1]; /* the first of chain-spki */
    char zone[PINTLE_ZONE_NAME_MAX + 1];
    int64_t zone_version;
    char app_id[PTI_REPORT_TEXT_MAX + 1], app_version[PTI_REPORT_TEXT_MAX + 1], os[PTI_REPORT_TEXT_MAX + 1];
    int64_t weight; /* how many like it the sender stands for; 1 if it does not say */
    int64_t successes;
    bool recovery_tried, recovered;
    int64_t hll_register, hll_rank;     /* -1: none */
    const struct pti_json_value *value; /* it, parsed; borrowed from the text that it was read from */
    struct pti_buf document;            /* compact JSON, once pti_report_document() has made it */
};

/*
 * On failure *report is empty.  PINTLE_ERR_INPUT: no JSON object, an unknown field (the message names it), a missing
 * one, or a value out of bounds.  PINTLE_ERR_MEMORY.
 */
enum pintle_status pti_report_read(const struct pti_json_value *value, struct pti_report *report,
                                   struct pti_error *error);
/*
 * Makes its document, as long as the text that it was read from is there.  PINTLE_ERR_MEMORY: it has none, as before.
 */
enum pintle_status pti_report_document(struct pti_report *report, struct pti_error *error);
/* Reads a whole text and makes the document. */
enum pintle_status pti_report_parse(struct pintle_bytes text, struct pti_report *report, struct pti_error *error);
void pti_report_clear(struct pti_report *report);

#endif
