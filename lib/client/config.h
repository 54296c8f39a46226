/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration as the client reads it; only lib/client/config.c changes it. */
#ifndef PTI_CLIENT_CONFIG_H
#define PTI_CLIENT_CONFIG_H

#include <pintle/config.h>

#include "base/buf.h"

#define PTI_APP_TEXT_MAX 63
#define PTI_STALE_DAYS_MAX 3650

struct pintle_config {
    struct pintle_bytes roots;   /* owned */
    struct pintle_bytes shipped; /* owned; empty if none */
    char *urls[PTI_URLS_MAX];    /* without trailing slash */
    size_t url_count;
    char *required[PTI_REQUIRED_HOSTS_MAX]; /* normalised */
    size_t required_count;
    enum pintle_unlisted unlisted;
    int stale_days; /* -1: only the charter bounds it */
    char app_id[PTI_APP_TEXT_MAX + 1];
    char app_version[PTI_APP_TEXT_MAX + 1];
    char os[PTI_APP_TEXT_MAX + 1];
    char os_version[PTI_APP_TEXT_MAX + 1];
    struct pintle_crypto *crypto;      /* a reference, or NULL */
    struct pintle_transport transport; /* perform is NULL if unset */
    struct pintle_store store;         /* load is NULL if unset */
    struct pintle_clock clock;
    pintle_event_fn on_event;
    void *event_ctx;
    bool uncounted; /* set by tools whose store does not last: each of their runs would count as another device */
    struct pti_error error;
};

/* A deep copy without the error; NULL without memory. */
struct pintle_config *pti_config_copy(const struct pintle_config *config);

#endif
