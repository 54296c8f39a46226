/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line of an access log of nginx, as far as adoption asks: when, from where, and what the client said it holds.
 * Two forms: "combined" with "$http_pintle_manifest" as the last, quoted field, and a JSON object with members named
 * after nginx's variables.  Lines hold what strangers sent; nothing in one is believed but its form.  Pure.
 */
#ifndef PTI_CLI_LOG_LINE_H
#define PTI_CLI_LOG_LINE_H

#include "report/holding.h"

enum pti_log_verdict {
    PTI_LOG_HOLDS,     /* this client says what it holds */
    PTI_LOG_SILENT,    /* it said nothing */
    PTI_LOG_BODY,      /* a client fetched what its poll announced, with the header that was counted there */
    PTI_LOG_MALFORMED, /* not a line of either form */
    PTI_LOG_FORGED     /* a line, but no header that a client sends */
};
#define PTI_LOG_VERDICTS 5

struct pti_log_line {
    int64_t time;     /* Unix seconds */
    uint64_t network; /* report/network.h */
    struct pti_holding holding;
};

/* line is without its end.  *out is filled for PTI_LOG_HOLDS. */
enum pti_log_verdict pti_log_line_read(struct pintle_bytes line, struct pti_log_line *out);

#endif
