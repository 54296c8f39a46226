/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/exit_code.h"

#include <ctype.h>

enum {
    EXIT_OK = 0,
    EXIT_OTHER = 1,
    EXIT_USAGE = 64,
    EXIT_INPUT = 65,
    EXIT_TRUST = 66,
    EXIT_PIN = 67,
    EXIT_NETWORK = 69,
    EXIT_UNSUPPORTED = 70,
    EXIT_MEMORY = 71,
    EXIT_STORAGE = 73
};

static const struct {
    int code;
    const char *meaning;
} meanings[] = {
    {EXIT_OK, "done"},
    {EXIT_OTHER, "another failure, such as an HTTP status of 400 or more at `get`"},
    {EXIT_USAGE, "the command line is wrong"},
    {EXIT_INPUT, "a file or a name is malformed"},
    {EXIT_TRUST, "well-formed, but not signed enough, expired, rolled back or otherwise rejected"},
    {EXIT_PIN, "the connection was refused: no pinned key in its chain, or ordinary TLS validation failed"},
    {EXIT_NETWORK, "no connection, or it was cut short or ran out of time"},
    {EXIT_UNSUPPORTED, "this build cannot do it, or the library was used wrongly"},
    {EXIT_MEMORY, "out of memory"},
    {EXIT_STORAGE, "a file or directory cannot be read, written or locked"},
};

int pti_exit_code(enum pintle_status status, enum pti_failure failure)
{
    if (status != PINTLE_OK && failure != PTI_FAILURE_STATUS) {
        return failure == PTI_FAILURE_USAGE ? EXIT_USAGE : EXIT_OTHER;
    }
    switch (status) {
    case PINTLE_OK:
        return EXIT_OK;
    case PINTLE_ERR_MISUSE:
    case PINTLE_ERR_UNSUPPORTED:
        return EXIT_UNSUPPORTED;
    case PINTLE_ERR_INPUT:
        return EXIT_INPUT;
    case PINTLE_ERR_TRUST:
        return EXIT_TRUST;
    case PINTLE_ERR_PIN_MISMATCH:
    case PINTLE_ERR_RETRY:
        return EXIT_PIN;
    case PINTLE_ERR_NETWORK:
        return EXIT_NETWORK;
    case PINTLE_ERR_STORAGE:
        return EXIT_STORAGE;
    case PINTLE_ERR_MEMORY:
        return EXIT_MEMORY;
    }
    return EXIT_OTHER;
}

/* "PINTLE_ERR_INPUT", from the name that the library gives it. */
static void print_status(enum pintle_status status, FILE *stream)
{
    fputs(status == PINTLE_OK ? "PINTLE_" : "PINTLE_ERR_", stream);
    for (const char *c = pintle_status_name(status); *c; c++) {
        fputc(toupper((unsigned char)*c), stream);
    }
}

void pti_exit_codes_print(FILE *stream)
{
    fputs("exit codes of pintle:\n", stream);
    for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++) {
        const char *separator = " (";

        fprintf(stream, "  %2d  %s", meanings[i].code, meanings[i].meaning);
        for (int status = PINTLE_OK; status <= PINTLE_ERR_UNSUPPORTED; status++) {
            if (pti_exit_code((enum pintle_status)status, PTI_FAILURE_STATUS) == meanings[i].code) {
                fputs(separator, stream);
                print_status((enum pintle_status)status, stream);
                separator = ", ";
            }
        }
        fputs(*separator == ',' ? ")\n" : "\n", stream);
    }
}
