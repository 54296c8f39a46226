/* SPDX-License-Identifier: Apache-2.0 */
#include "server/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/datetime.h"

#define LINE_MAX_SIZE 1024

static const char *level_name(enum pti_log_level level)
{
    switch (level) {
    case PTI_LOG_INFO:
        return "info";
    case PTI_LOG_WARNING:
        return "warning";
    case PTI_LOG_ERROR:
        return "error";
    }
    return "?";
}

void pti_log(enum pti_log_level level, const char *format, ...)
{
    char line[LINE_MAX_SIZE], now[PTI_DATETIME_SIZE + 1];
    va_list arguments;
    size_t head = 0, length = 0;

    pti_datetime_format((int64_t)time(NULL), now);
    head = (size_t)snprintf(line, sizeof line, "%s %s ", now, level_name(level));
    va_start(arguments, format);
    vsnprintf(line + head, sizeof line - head - 1, format, arguments);
    va_end(arguments);
    length = strlen(line);
    for (char *byte = line; byte < line + length; byte++)
        if (*byte < ' ' || *byte > '~')
            *byte = '?';
    line[length++] = '\n';
    /* There is nobody left to tell when stderr fails. */
    if (write(STDERR_FILENO, line, length) < 0)
        return;
}
