/* SPDX-License-Identifier: Apache-2.0 */
/* Where the request of this moment goes, by the URL: the one set, or the one that a redirect led to. */
#ifndef PTI_TLS_CURL_TARGET_H
#define PTI_TLS_CURL_TARGET_H

#include <stdbool.h>

#include <pintle/curl.h>

struct pti_curl_target {
    char host[PINTLE_HOST_MAX + 1]; /* normalised */
    bool ip;
    bool plain;     /* http or ws: never encrypted, even if a TLS connection leads to a proxy */
    bool encrypted; /* https or wss; other schemes may be either */
};

/* PINTLE_ERR_INPUT: the URL names no host that can be judged; host is then "".  PINTLE_ERR_MEMORY. */
enum pintle_status pti_curl_target_init(struct pti_curl_target *target, CURL *easy);

#endif
