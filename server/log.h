/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line per event on stderr: "2026-11-21T20:00:00Z error signer: it has died; ...".  A line is one write(2), so
 * threads do not mix.  Nothing that identifies a client is ever logged: no address, no report.
 */
#ifndef PTI_SERVER_LOG_H
#define PTI_SERVER_LOG_H

#include "base/error.h"

enum pti_log_level { PTI_LOG_INFO, PTI_LOG_WARNING, PTI_LOG_ERROR };

/* Control and non-ASCII bytes become '?'; a line too long is cut. */
void pti_log(enum pti_log_level level, const char *format, ...) PTI_PRINTF(2, 3);

#endif
