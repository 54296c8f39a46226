/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many checks clients made, as their reports tell: by host, OS, and what came of them.  Hosts are those of the
 * published charters, as far as there is room, OS and verdicts a fixed list; all else is "other".  So nothing that a
 * report says becomes a label.  One thread adds hosts; any thread counts and writes, without waiting.
 */
#ifndef PTI_SERVER_CHECKS_H
#define PTI_SERVER_CHECKS_H

#include <stdatomic.h>

#include "base/buf.h"
#include "pin/charter.h"
#include "report/report.h"
#include "server/limits.h"

#define PTI_CHECK_SYSTEMS 6
#define PTI_CHECK_VERDICTS 8

struct pti_check_host {
    char name[PINTLE_HOST_MAX + 1];
    uint32_t hash;
    bool subdomains;
    atomic_ullong passed[PTI_CHECK_SYSTEMS];
    atomic_ullong failed[PTI_CHECK_SYSTEMS][PTI_CHECK_VERDICTS];
};

/* Zero-initialised it is ready. */
struct pti_checks {
    struct pti_check_host *hosts[PTI_CHECK_HOSTS_MAX];
    atomic_size_t count;
    struct pti_check_host other;
};

void pti_checks_clear(struct pti_checks *checks);
/* These hosts have rows of their own from now on, even when they have left the charter. */
void pti_checks_know(struct pti_checks *checks, const struct pti_charter *charter);
/* Whether this very host has a row. */
bool pti_checks_has(struct pti_checks *checks, const char *host);
/* One that was not counted before. */
void pti_checks_count(struct pti_checks *checks, const struct pti_report *report);
void pti_checks_write(struct pti_checks *checks, struct pti_buf *out);

#endif
