/* SPDX-License-Identifier: Apache-2.0 */
#include "server/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"
#include "base/datetime.h"

static const struct {
    const char *name;
    int priority; /* of syslog(3) */
} levels[] = {
    [PTI_LOG_INFO] = {"info", 6},
    [PTI_LOG_WARNING] = {"warning", 4},
    [PTI_LOG_ERROR] = {"error", 3},
};

static struct pti_log_style style;

void pti_log_setup(const struct pti_log_style *wanted)
{
    style = *wanted;
}

bool pti_log_level_parse(const char *name, enum pti_log_level *level)
{
    for (size_t i = 0; i < PTI_COUNT(levels); i++) {
        if (strcmp(levels[i].name, name) == 0) {
            *level = (enum pti_log_level)i;
            return true;
        }
    }
    return false;
}

bool pti_log_is_journal(const char *journal_stream)
{
    struct stat status;
    char found[64];

    if (!journal_stream || fstat(STDERR_FILENO, &status) != 0)
        return false;
    snprintf(found, sizeof found, "%ju:%ju", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino);
    return strcmp(found, journal_stream) == 0;
}

static void append(char *line, size_t *length, const char *text)
{
    size_t size = strlen(text);

    memcpy(line + *length, text, size);
    *length += size;
}

/* What is left of a message can end neither a line nor a JSON string. */
static void append_message(char *line, size_t *length, const char *message, bool json)
{
    size_t left = PTI_LOG_MESSAGE_SIZE - 1;

    for (const char *byte = message; *byte && left > 0; byte++, left--) {
        if (json && (*byte == '"' || *byte == '\\'))
            line[(*length)++] = '\\';
        line[(*length)++] = *byte < ' ' || *byte > '~' ? '?' : *byte;
    }
}

size_t pti_log_line(const struct pti_log_style *how, enum pti_log_level level, int64_t now, const char *message,
                    char line[PTI_LOG_LINE_SIZE])
{
    char time_text[PTI_DATETIME_SIZE + 1];
    size_t length = 0;

    pti_datetime_format(now, time_text);
    if (how->priorities)
        length += (size_t)snprintf(line, PTI_LOG_LINE_SIZE, "<%d>", levels[level].priority);
    append(line, &length, how->json ? "{\"time\":\"" : "");
    append(line, &length, time_text);
    append(line, &length, how->json ? "\",\"level\":\"" : " ");
    append(line, &length, levels[level].name);
    append(line, &length, how->json ? "\",\"message\":\"" : " ");
    append_message(line, &length, message, how->json);
    append(line, &length, how->json ? "\"}\n" : "\n");
    return length;
}

/* There is nobody left to tell when stderr fails. */
static void write_line(const char *line, size_t length)
{
    if (write(STDERR_FILENO, line, length) < 0)
        return;
}

static void log_message(enum pti_log_level level, const char *message)
{
    char line[PTI_LOG_LINE_SIZE];

    write_line(line, pti_log_line(&style, level, (int64_t)time(NULL), message, line));
}

void pti_log(enum pti_log_level level, const char *format, ...)
{
    char message[PTI_LOG_MESSAGE_SIZE];
    va_list arguments;

    if (level < style.least)
        return;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    log_message(level, message);
}

void pti_log_end(const char *message)
{
    if (style.json)
        log_message(PTI_LOG_ERROR, message);
    else
        fprintf(stderr, "%spintled: %s\n", style.priorities ? "<3>" : "", message);
}
