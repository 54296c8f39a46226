/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line per event on stderr: "2026-11-21T20:00:00Z error signer: it has died; ...", or the same as a JSON object.
 * A line is one write(2), so threads do not mix.  Nothing that identifies a client is ever logged: no address, no
 * report.
 */
#ifndef PTI_SERVER_LOG_H
#define PTI_SERVER_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

enum pti_log_level { PTI_LOG_INFO, PTI_LOG_WARNING, PTI_LOG_ERROR };

struct pti_log_style {
    enum pti_log_level least; /* what is below is not logged */
    bool json;
    bool priorities; /* "<3>" in front, by which the journal of systemd knows the level */
};

/* Before there are threads.  Without it: everything, as text. */
void pti_log_setup(const struct pti_log_style *wanted);
/* Whether stderr is the journal of systemd, which sets JOURNAL_STREAM to journal_stream (NULL: it is not set). */
bool pti_log_is_journal(const char *journal_stream);

/* Whatever the message holds, it is one line: control and non-ASCII bytes become '?'; a message too long is cut. */
void pti_log(enum pti_log_level level, const char *format, ...) PTI_PRINTF(2, 3);
/* Why the program ends: as text "pintled: message", without the time. */
void pti_log_end(const char *message);

#define PTI_LOG_MESSAGE_SIZE 1024                         /* bytes with terminator */
#define PTI_LOG_LINE_SIZE (2 * PTI_LOG_MESSAGE_SIZE + 96) /* each byte of a message may need another before it */

/* What pti_log() writes: with the newline, without a terminator.  Returns its length. */
size_t pti_log_line(const struct pti_log_style *how, enum pti_log_level level, int64_t now, const char *message,
                    char line[PTI_LOG_LINE_SIZE]);
/* "info", "warning", "error"; false: no such level. */
bool pti_log_level_parse(const char *name, enum pti_log_level *level);

#endif
