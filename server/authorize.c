/* SPDX-License-Identifier: Apache-2.0 */
#include "server/authorize.h"

#include <stdio.h>
#include <time.h>

#include "server/address.h"

#define REALM "Bearer realm=\"pintled\""

static void refuse(const struct pti_listener *listener, struct pti_http_exchange *exchange, unsigned route,
                   enum pti_access_result result, enum pti_scope scope, unsigned wait, const char *detail)
{
    struct pti_http_response response = PTI_HTTP_RESPONSE(401);
    char challenge[96], needed[96];

    response.authenticate = REALM ", error=\"invalid_token\"";
    switch (result) {
    case PTI_ACCESS_GRANTED:
        return;
    case PTI_ACCESS_MISSING:
        response.authenticate = REALM;
        detail = "expected a token, found none; send \"Authorization: Bearer TOKEN\", made by pintled token add";
        break;
    case PTI_ACCESS_DOUBLED:
        response.code = 400;
        response.authenticate = REALM ", error=\"invalid_request\"";
        detail = "expected one Authorization header, found several";
        break;
    case PTI_ACCESS_WRONG:
        detail =
            "expected \"Authorization: Bearer\" and a token that is in force, found another; see pintled token list";
        break;
    case PTI_ACCESS_EXPIRED:
        detail = "the token has expired; make a new one with pintled token add";
        break;
    case PTI_ACCESS_SCOPE:
        response.code = 403;
        snprintf(challenge, sizeof challenge, REALM ", error=\"insufficient_scope\", scope=\"%s\"",
                 pti_scope_name(scope));
        snprintf(needed, sizeof needed, "expected a token of the scope %s or above", pti_scope_name(scope));
        response.authenticate = challenge;
        detail = needed;
        break;
    case PTI_ACCESS_LIMITED:
        response.code = 429;
        response.authenticate = NULL;
        response.retry_after_s = wait;
        detail = "too many wrong tokens came from there; wait, and then send the right one";
        break;
    case PTI_ACCESS_UNAVAILABLE:
        response.code = 503;
        response.authenticate = NULL;
        break;
    }
    pti_answer_refusal(listener, exchange, route, &response, detail);
}

bool pti_authorize(const struct pti_listener *listener, struct pti_http_exchange *exchange, unsigned route,
                   enum pti_scope scope)
{
    struct pti_credentials credentials;
    enum pti_access_result result;
    char actor[PTI_ACTOR_SIZE];
    struct pti_error error;
    unsigned wait = 0;

    if (scope == PTI_SCOPE_NONE)
        return true;
    credentials.authorization = pti_http_authorization(exchange, &credentials.authorizations);
    credentials.source = pti_address_network(pti_http_source(exchange));
    result = pti_access_check(listener->routes->access, &credentials, scope, (int64_t)time(NULL), actor, &wait, &error);
    if (result != PTI_ACCESS_GRANTED) {
        refuse(listener, exchange, route, result, scope, wait, error.detail);
        return false;
    }
    pti_http_set_actor(exchange, actor);
    return true;
}
