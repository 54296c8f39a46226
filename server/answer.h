/* SPDX-License-Identifier: Apache-2.0 */
/* What routes share: the parts of the server that they ask, and how an answer is made and counted. */
#ifndef PTI_SERVER_ANSWER_H
#define PTI_SERVER_ANSWER_H

#include "server/census.h"
#include "server/file_cache.h"
#include "server/http.h"
#include "server/intake.h"
#include "server/limiter.h"

#include "server/prober.h"
#include "server/served.h"

/* Borrowed; complete before the first listener starts, and constant from then on. */
struct pti_routes {
    struct pti_served *served;
    size_t served_count;
    struct pti_file_cache *files; /* NULL: none */
    struct pti_metrics *metrics;
    struct pti_service_status *status;
    struct pti_intake *intake;
    struct pti_limiter *limiter; /* of reports, by where they come from */
    bool behind_proxy;           /* which says for whom it asks */
    struct pti_census *census;
    struct pti_prober *prober;
    struct pti_database *storage; /* for reading: a connection that waits for no writer */
    struct pti_database *changes; /* for what administrators change */
    struct pti_access *access;    /* who may ask what */
    struct pintle_crypto *crypto;
    const char *data; /* the directory whose disk /metrics tells of */
};

/* What one listener offers. */
struct pti_listener {
    const struct pti_routes *routes;
    bool clients;        /* published files and POST /v1/reports */
    bool administrators; /* /metrics and the API */
};

/*
 * Whose path this is: of the repository NAME if it begins with /NAME/, else of the one at the root; NULL if there is
 * none there.  *rest is the path inside it.
 */
struct pti_served *pti_routes_find(const struct pti_routes *all, const char *path, const char **rest);

/* Counts and sends.  route is a pti_file_kind or a pti_route. */
void pti_answer(const struct pti_listener *listener, struct pti_http_exchange *exchange, unsigned route,
                const struct pti_http_response *response);
/* The same with a body, which it takes; 503 if the body could not be written. */
void pti_answer_body(const struct pti_listener *listener, struct pti_http_exchange *exchange, unsigned route,
                     unsigned code, const char *content_type, struct pti_buf *body);
/* {"error":detail}: what was expected, what was found, what to do.  429 and 503 get a Retry-After. */
void pti_answer_error(const struct pti_listener *listener, struct pti_http_exchange *exchange, unsigned route,
                      unsigned code, const char *detail);

/* The same with what head says besides: its code, Allow, WWW-Authenticate, Retry-After. */
void pti_answer_refusal(const struct pti_listener *listener, struct pti_http_exchange *exchange, unsigned route,
                        const struct pti_http_response *head, const char *detail);

/* Segment index (from 0) of the path into out, terminated; false if there is none or it does not fit. */
bool pti_request_segment(const struct pti_http_exchange *exchange, unsigned index, char *out, size_t size);

/* application/json, whatever parameters it has; false of NULL. */
bool pti_is_json(const char *content_type);
/* Whether an administrator's request has a body of JSON; if not, it has been answered: 413 or 415. */
bool pti_body_is_json(const struct pti_listener *listener, struct pti_http_exchange *exchange, unsigned route);

/* /v1/repositories, /v1/zones, /v1/hosts, /v1/versions. */
void pti_answer_repository_list(const struct pti_listener *listener, struct pti_http_exchange *exchange);
void pti_answer_repository_refresh(const struct pti_listener *listener, struct pti_http_exchange *exchange);
void pti_answer_zone_list(const struct pti_listener *listener, struct pti_http_exchange *exchange);
void pti_answer_host_list(const struct pti_listener *listener, struct pti_http_exchange *exchange);
void pti_answer_version_list(const struct pti_listener *listener, struct pti_http_exchange *exchange);

/* /v1/edges. */
void pti_answer_edge_list(const struct pti_listener *listener, struct pti_http_exchange *exchange);
void pti_answer_edge_add(const struct pti_listener *listener, struct pti_http_exchange *exchange);
void pti_answer_edge_remove(const struct pti_listener *listener, struct pti_http_exchange *exchange);

/* /v1/journal and /v1/tokens. */
void pti_answer_journal(const struct pti_listener *listener, struct pti_http_exchange *exchange);
void pti_answer_token_list(const struct pti_listener *listener, struct pti_http_exchange *exchange);
void pti_answer_token_add(const struct pti_listener *listener, struct pti_http_exchange *exchange);
void pti_answer_token_revoke(const struct pti_listener *listener, struct pti_http_exchange *exchange);

/* POST and GET /v1/reports. */
void pti_answer_report(const struct pti_listener *listener, struct pti_http_exchange *exchange);
void pti_answer_report_list(const struct pti_listener *listener, struct pti_http_exchange *exchange);
/* /v1/adoption and /v1/releases. */
void pti_answer_adoption(const struct pti_listener *listener, struct pti_http_exchange *exchange);
void pti_answer_adoption_zones(const struct pti_listener *listener, struct pti_http_exchange *exchange);
void pti_answer_adoption_add(const struct pti_listener *listener, struct pti_http_exchange *exchange);
void pti_answer_release_list(const struct pti_listener *listener, struct pti_http_exchange *exchange);
void pti_answer_release_add(const struct pti_listener *listener, struct pti_http_exchange *exchange);
void pti_answer_release_remove(const struct pti_listener *listener, struct pti_http_exchange *exchange);
/* GET /v1/alerts. */
void pti_answer_alerts(const struct pti_listener *listener, struct pti_http_exchange *exchange);
/* GET /v1/cells. */
void pti_answer_cells(const struct pti_listener *listener, struct pti_http_exchange *exchange);

#endif
