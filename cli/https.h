/* SPDX-License-Identifier: Apache-2.0 */
/* One HTTPS GET over libcurl, pinned by a checker; always on a fresh connection, so that each one gets a verdict. */
#ifndef PTI_CLI_HTTPS_H
#define PTI_CLI_HTTPS_H

#include <stdbool.h>
#include <stdio.h>

#include <pintle/checker.h>

#include "probe/endpoint.h"

struct pti_https_get {
    const char *url;                    /* as given; scheme and host have been looked at by pti_https_endpoint() */
    struct pti_endpoint host;           /* of url */
    const struct pti_endpoint *connect; /* where to go instead of resolving host; NULL */
    const char *ca_file;                /* PEM bundle in place of libcurl's; NULL */
    const char *manifest;               /* value of the Pintle-Manifest header; NULL or "" for none */
    struct pintle_checker *checker;     /* borrowed; NULL: ordinary validation only */
    int64_t timeout_ms;
    bool (*stop)(void); /* asked now and then; true ends the transfer; NULL */
    FILE *body;
};

struct pti_https_answer {
    long status; /* of HTTP; 0 if it did not come to that */
    long elapsed_ms;
    bool invalid; /* the peer's certificate was refused, by ordinary validation or by pins */
};

/* The host and port of an https URL.  PINTLE_ERR_INPUT: not https, or malformed. */
enum pintle_status pti_https_endpoint(const char *url, struct pti_endpoint *host, struct pti_error *error);

/*
 * PINTLE_OK: an answer came, whatever its HTTP status.  PINTLE_ERR_NETWORK: none did; answer->invalid says whether that
 * was because of the certificate.  PINTLE_ERR_UNSUPPORTED: a libcurl without OpenSSL cannot be pinned.
 */
enum pintle_status pti_https_get(const struct pti_https_get *get, struct pti_https_answer *answer,
                                 struct pti_error *error);

#endif
