/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One report as text: what a client tells a collector about a refused or unusual connection, or about its checks of a day.
 * An allow-list of fields (lib/report) without any identifier of a person or device.
 */
#ifndef PTI_CLIENT_REPORT_H
#define PTI_CLIENT_REPORT_H

#include "base/buf.h"
#include "pin/pinset.h"

#define PTI_REPORT_ID_SIZE 32 /* 128 random bits in hexadecimal, without terminator */
#define PTI_NETWORK_TYPE_MAX 16

/* What does not change from report to report. */
struct pti_report_settings {
    char app_id[64];
    char app_version[64];
    char os[64];
    char os_version[64];
    int sample_per_mille;
    bool want_chain; /* the charter lets collectors ask for whole chains */
    bool shipped;    /* the pins in force came inside the app */
    int64_t issued;  /* of the manifest in force, Unix seconds; -1 if unknown */
    int64_t expires; /* likewise */
};

/* What the application said of the network. */
struct pti_report_network {
    char type[PTI_NETWORK_TYPE_MAX + 1]; /* "": nothing */
    unsigned bits;                       /* of enum pintle_network */
};

/* What a report is about. */
struct pti_report_subject {
    const char *type;
    const char *reason;
    const struct pintle_verdict *verdict;
    const struct pintle_evidence *evidence; /* NULL: about no connection */
    const struct pintle_pinset *pinset;     /* NULL: about a manifest */
    int64_t successes; /* checks of this policy that matched since its last report; -1: none counted */
};

/* When, by which clock, and under which random name. */
struct pti_report_moment {
    int64_t now;     /* Unix seconds, local */
    int64_t behind;  /* seconds by which the local clock is known to be late; 0: not known to be wrong */
    uint64_t random; /* decides on sampling */
    uint64_t id[2];
    uint64_t seed; /* for the devices of a day, if it is the first report of one */
};

/* The name of the report made at this moment. */
void pti_report_name(const struct pti_report_moment *moment, char id[PTI_REPORT_ID_SIZE + 1]);

void pti_report_write(struct pti_buf *out, const struct pti_report_settings *settings,
                      const struct pti_report_network *network, const struct pti_report_subject *subject,
                      const struct pti_report_moment *moment);

/* The name of an enum pintle_adapter in reports; NULL for none. */
const char *pti_adapter_name(uint8_t adapter);

#endif
