/* SPDX-License-Identifier: Apache-2.0 */
/* What `pintle doctor` knows of a client and a host, and what that means, in plain words. */
#ifndef PTI_CLI_FINDINGS_H
#define PTI_CLI_FINDINGS_H

#include "cli/app.h"
#include "cli/output.h"
#include "probe/probe.h"

struct pti_patient {
    struct pti_app app;
    struct pintle_pinset *pinset;
    const struct pti_generation *ruling; /* borrowed; NULL without a manifest */
    const struct pti_policy *policy;     /* of the host asked for; NULL without one */
    struct pti_endpoint host;            /* host is empty if none was asked for */
    bool probed;
    struct pti_probe_result served;
    struct pintle_evidence evidence; /* of the verified chain */
    struct pintle_verdict verdict;   /* on it */
    char state[32];
    struct pti_printout printout;
    bool refused; /* the host would be */
    bool ailing;  /* something else needs attention */
};

/* Adds the list of findings to the printout.  What would be refused, or ails otherwise, is noted in *patient. */
void pti_findings_put(struct pti_patient *patient);

#endif
