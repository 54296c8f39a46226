/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/list_file.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "cli/given_file.h"

#define LIST_SIZE_MAX                                                                                                  \
    16000000 /* bytes: 64 pins of each of 2000 hosts, or one of each host that a charter has room for */
#define SEPARATORS ", \t\r"

enum pintle_status pti_list_open(struct pti_cli *cli, struct pti_list *list)
{
    const char *path = pti_cli_text(cli, "from");
    struct pintle_bytes data = {NULL, 0};
    enum pintle_status status = PINTLE_OK;

    *list = (struct pti_list){.path = strcmp(path, "-") == 0 ? "/dev/stdin" : path};
    status = pti_given_file_read(list->path, LIST_SIZE_MAX, &data, &cli->error);
    if (status == PINTLE_OK && data.size > 0 && memchr(data.data, '\0', data.size)) {
        status = pti_fail(&cli->error, PINTLE_ERR_INPUT, "%.300s: expected lines of text, found a NUL byte",
                          list->path);
    }
    if (status == PINTLE_OK) {
        list->text = list->at = pti_bytes_strdup(data);
        if (!list->text) {
            status = pti_fail(&cli->error, PINTLE_ERR_MEMORY, "no memory for a list of %zu bytes", data.size);
        }
    }
    pti_given_file_clear(&data);
    return status;
}

void pti_list_close(struct pti_list *list)
{
    free(list->text);
    *list = (struct pti_list){0};
}

enum pintle_status pti_list_blame(struct pti_cli *cli, const struct pti_list *list, enum pintle_status status)
{
    if (status != PINTLE_OK) {
        (void)pti_error_prefix(&cli->error, "%.300s: line %zu", list->path, list->line);
    }
    return status;
}

/* Cuts the line off the rest of the text, and its comment off the line. */
static char *next_line(struct pti_list *list)
{
    char *line = list->at;
    size_t length = strcspn(line, "\n");

    list->at = line[length] == '\n' ? line + length + 1 : line + length;
    line[length] = '\0';
    line[strcspn(line, "#")] = '\0';
    list->line++;
    return line + strspn(line, SEPARATORS);
}

/* Cuts a line into fields; how many there are, though no more than count are kept. */
static size_t cut_fields(char *line, const char **fields, size_t count)
{
    size_t found = 0;

    while (*line != '\0') {
        size_t length = strcspn(line, SEPARATORS);
        char *end = line + length;

        if (found < count) {
            fields[found] = line;
        }
        found++;
        line = end + strspn(end, SEPARATORS);
        *end = '\0';
    }
    return found;
}

enum pintle_status pti_list_next(struct pti_cli *cli, struct pti_list *list, const char *what, const char **fields,
                                 size_t count, bool *more)
{
    size_t found = 0;

    while (found == 0 && *list->at != '\0') {
        found = cut_fields(next_line(list), fields, count);
    }
    *more = found > 0;
    if (found == 0 || found == count) {
        return PINTLE_OK;
    }
    return pti_list_blame(
        cli, list,
        pti_fail(&cli->error, PINTLE_ERR_INPUT, "expected %s, found %zu field%s", what, found, found == 1 ? "" : "s"));
}
