/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A list that another program wrote, for --from: one entry a line, its fields between commas or white space.  What follows
 * a '#' is a comment; lines without fields are skipped.
 */
#ifndef PTI_CLI_LIST_FILE_H
#define PTI_CLI_LIST_FILE_H

#include "cli/cli.h"

#define PTI_LIST_FIELDS_MAX 2

#define PTI_OPTION_FROM(what)                                                                                          \
    {                                                                                                                  \
        "from", "FILE", what "; - is standard input", false                                                            \
    }

struct pti_list {
    const char *path;
    char *text; /* owned; cut into fields as it is read */
    char *at;
    size_t line;
};

/* Reads the file that --from names.  PINTLE_ERR_STORAGE, PINTLE_ERR_INPUT.  On failure the list is empty. */
enum pintle_status pti_list_open(struct pti_cli *cli, struct pti_list *list);
void pti_list_close(struct pti_list *list);

/*
 * The next entry; *more is false past the last.  fields has `count` places and becomes as many.  PINTLE_ERR_INPUT: an
 * entry with fewer or more fields; what, "HOST" or "HOST,BASE64", says what was expected.
 */
enum pintle_status pti_list_next(struct pti_cli *cli, struct pti_list *list, const char *what, const char **fields,
                                 size_t count, bool *more);
/* Says in front of cli->error which line it is about; returns status. */
enum pintle_status pti_list_blame(struct pti_cli *cli, const struct pti_list *list, enum pintle_status status);

#endif
