/* SPDX-License-Identifier: Apache-2.0 */
/* /v1/tokens: who has one, a new one, an end to one. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "server/limits.h"
#include "server/members.h"
#include "server/page.h"
#include "server/token_make.h"

/* ---- the list ---- */

struct listing {
    struct pti_list list;
    int64_t now;
};

static bool put_row(void *ctx, const struct pti_token *token)
{
    struct listing *listing = ctx;

    if (pti_list_wants(&listing->list, token->name)) {
        pti_json_begin_object(&listing->list.json, NULL);
        pti_token_put(token, listing->now, &listing->list.json);
        pti_json_end_object(&listing->list.json);
    }
    return pti_list_sound(&listing->list);
}

void pti_answer_token_list(const struct pti_listener *listener, struct pti_http_exchange *exchange)
{
    struct listing listing = {.now = (int64_t)time(NULL)};
    struct pti_token_query query = {"", 0, put_row, &listing};
    enum pintle_status status;
    struct pti_error error;
    struct pti_page page;

    if (!pti_page_take(listener, exchange, PTI_ROUTE_TOKENS, NULL, &page))
        return;
    query.after = page.after ? page.after : "";
    query.limit = page.limit + 1;
    pti_list_begin(&listing.list, &page);
    status = pti_tokens_list(listener->routes->storage, &query, &error);
    pti_list_answer(&listing.list, listener, exchange, PTI_ROUTE_TOKENS, status, &error);
}

/* ---- a new one ---- */

struct wish_text {
    char *name, *scope;
    struct pti_token_wish wish;
};

static void clear_wish(struct wish_text *text)
{
    free(text->name);
    free(text->scope);
}

static enum pintle_status read_text(const struct pti_json_value *object, const char *name, char **text,
                                    struct pti_error *error)
{
    struct pintle_bytes string;
    enum pintle_status status = pti_json_get_string(object, name, &string, error);

    *text = status == PINTLE_OK ? pti_bytes_strdup(string) : NULL;
    if (status == PINTLE_OK && !*text)
        status = pti_fail(error, PINTLE_ERR_INPUT, "\"%s\" must hold no NUL", name);
    return status;
}

static enum pintle_status read_wish(struct pintle_bytes body, struct wish_text *text, struct pti_error *error)
{
    static const char *const names[] = {"name", "scope", "expires_days", NULL};
    struct pti_json *json = NULL;
    const struct pti_json_value *object;
    enum pintle_status status = pti_json_parse(body, &json, error);

    memset(text, 0, sizeof *text);
    object = pti_json_root(json);
    if (status == PINTLE_OK)
        status = pti_members_check(object, names, error);
    if (status == PINTLE_OK)
        status = read_text(object, "name", &text->name, error);
    if (status == PINTLE_OK)
        status = read_text(object, "scope", &text->scope, error);
    if (status == PINTLE_OK && pti_json_member(object, "expires_days"))
        status = pti_json_get_integer(object, "expires_days", 1, PTI_TOKEN_DAYS_MAX, &text->wish.days, error);
    text->wish.name = text->name;
    if (status == PINTLE_OK)
        status = pti_token_wish_check(&text->wish, text->scope, error);
    pti_json_free(json);
    return status;
}

static void answer_made(const struct pti_listener *listener, struct pti_http_exchange *exchange,
                        const struct pti_token *token, const char *text, int64_t now)
{
    struct pti_json_writer json;
    struct pti_buf body;

    pti_buf_init(&body, 4096);
    pti_json_writer_init(&json, &body, false);
    pti_json_begin_object(&json, NULL);
    pti_json_put_text(&json, "token", text);
    pti_token_put(token, now, &json);
    pti_json_end_object(&json);
    pti_answer_body(listener, exchange, PTI_ROUTE_TOKENS, 201, "application/json", &body);
}

static unsigned code_of(enum pintle_status status, bool stored)
{
    if (status == PINTLE_ERR_MISUSE && stored)
        return 409;
    return status == PINTLE_ERR_MISUSE || status == PINTLE_ERR_INPUT ? 400 : 503;
}

void pti_answer_token_add(const struct pti_listener *listener, struct pti_http_exchange *exchange)
{
    static const char *const none[] = {NULL};
    const struct pti_http_request *request = pti_http_request(exchange);
    const int64_t now = (int64_t)time(NULL);
    char text[PTI_TOKEN_SIZE];
    struct wish_text wish;
    struct pti_token token;
    struct pti_error error;
    enum pintle_status status;
    bool stored = false;

    if (!pti_query_is(listener, exchange, PTI_ROUTE_TOKENS, none) ||
        !pti_body_is_json(listener, exchange, PTI_ROUTE_TOKENS))
        return;
    status = read_wish(request->body, &wish, &error);
    if (status == PINTLE_OK)
        status = pti_token_make(listener->routes->crypto, &wish.wish, now, text, &token, &error);
    stored = status == PINTLE_OK;
    if (status == PINTLE_OK)
        status = pti_tokens_add(listener->routes->changes, &token, request->actor, &error);
    if (status == PINTLE_OK)
        answer_made(listener, exchange, &token, text, now);
    else
        pti_answer_error(listener, exchange, PTI_ROUTE_TOKENS, code_of(status, stored), error.detail);
    clear_wish(&wish);
}

/* ---- an end to one ---- */

void pti_answer_token_revoke(const struct pti_listener *listener, struct pti_http_exchange *exchange)
{
    static const char *const none[] = {NULL};
    struct pti_http_response gone = PTI_HTTP_RESPONSE(204);
    char name[PTI_TOKEN_NAME_SIZE];
    struct pti_error error;
    bool found = false;

    if (!pti_query_is(listener, exchange, PTI_ROUTE_TOKENS, none))
        return;
    if (pti_request_segment(exchange, 2, name, sizeof name) &&
        pti_tokens_revoke(listener->routes->changes, name, pti_http_request(exchange)->actor, &found, &error) !=
            PINTLE_OK) {
        pti_answer_error(listener, exchange, PTI_ROUTE_TOKENS, 503, error.detail);
        return;
    }
    if (!found) {
        pti_answer_error(listener, exchange, PTI_ROUTE_TOKENS, 404, "there is no token of that name");
        return;
    }
    gone.cache_control = "no-store";
    pti_answer(listener, exchange, PTI_ROUTE_TOKENS, &gone);
}
