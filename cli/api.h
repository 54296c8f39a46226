/* SPDX-License-Identifier: Apache-2.0 */
/* One request to the administrative listener of a pintled, with a token. */
#ifndef PTI_CLI_API_H
#define PTI_CLI_API_H

#include <pintle/bytes.h>

#include "base/buf.h"
#include "cli/cli.h"

#define PTI_API_TOKEN_MAX 512

struct pti_api {
    const char
        *server; /* "http://127.0.0.1:8441"; without TLS on loopback only, as whoever listens would have the token */
    const char *ca_file; /* PEM bundle in place of libcurl's; NULL */
    char token[PTI_API_TOKEN_MAX + 1];
    int64_t timeout_ms;
};

/* The options that say where and as whom. */
#define PTI_OPTION_SERVER                                                                                              \
    {                                                                                                                  \
        "server", "URL", "the administrative listener of pintled, such as http://127.0.0.1:8441", false                \
    }
#define PTI_OPTION_TOKEN_FILE                                                                                          \
    {                                                                                                                  \
        "token-file", "FILE", "holds the token (default: the environment variable PINTLE_TOKEN)", false                \
    }

/* From --server, --token-file or $PINTLE_TOKEN, --ca, --timeout. */
enum pintle_status pti_api_open(struct pti_cli *cli, struct pti_api *api);
void pti_api_clear(struct pti_api *api); /* wipes the token */

/*
 * POST path with a JSON body.  *code receives the HTTP status, answer the body; PINTLE_OK whatever they are.
 * PINTLE_ERR_NETWORK: there was no whole answer.
 */
enum pintle_status pti_api_post(const struct pti_api *api, const char *path, struct pintle_bytes body, long *code,
                                struct pti_buf *answer, struct pti_error *error);

#endif
