/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who sends wrong tokens too often: a bounded table of sources (report/network.h, as one may own many addresses) and of
 * what they sent within a window of PTI_GUESS_WINDOW_S.  Pure: time and state in, decision out.
 */
#ifndef PTI_SERVER_GUESS_H
#define PTI_SERVER_GUESS_H

#include <stdbool.h>
#include <stdint.h>

#include "server/limits.h"

struct pti_guesses {
    struct {
        uint64_t source;
        int64_t since;  /* of the window */
        unsigned count; /* 0: unused */
    } sources[PTI_GUESS_SOURCES];
};

/* Seconds until source may try again, 0 if it may now. */
unsigned pti_guesses_wait(const struct pti_guesses *guesses, uint64_t source, int64_t now);
/* Another wrong one.  Where the table is full, the source that was quiet for longest is forgotten. */
void pti_guesses_add(struct pti_guesses *guesses, uint64_t source, int64_t now);

#endif
