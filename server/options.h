/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of pintled. */
#ifndef PTI_SERVER_OPTIONS_H
#define PTI_SERVER_OPTIONS_H

#include <stdbool.h>
#include <stdio.h>

#include "publish/file.h"
#include "server/address.h"

struct pti_server_options {
    const char *repository;
    const char *data;
    char keys[PTI_PATH_MAX];
    struct pti_address listen;
    struct pti_address admin; /* size 0: no listener of its own */
    bool admin_on_listen;     /* administrative routes are on the one listener, which is on loopback */
    int64_t resign_every_s;
    int64_t keep_reports;
    bool help, version; /* print that and do nothing else */
};

/* PINTLE_ERR_MISUSE: what is wrong with the command line, and what to do. */
enum pintle_status pti_server_options_parse(int argc, char **argv, struct pti_server_options *options,
                                            struct pti_error *error);
void pti_server_options_help(FILE *stream);

#endif
