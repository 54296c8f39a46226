/* SPDX-License-Identifier: Apache-2.0 */
#include "server/answer.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/json_write.h"
#include "server/limits.h"

#define ERROR_BODY_MAX 4096

void pti_answer(const struct pti_listener *listener, struct pti_http_exchange *exchange, unsigned route,
                const struct pti_http_response *response)
{
    pti_metrics_count_request(listener->routes->metrics, route, response->code);
    pti_http_answer(exchange, response);
}

static void finish(const struct pti_listener *listener, struct pti_http_exchange *exchange, unsigned route,
                   struct pti_http_response response, const char *content_type, struct pti_buf *body)
{
    response.cache_control = "no-store";
    if (body->status == PINTLE_OK) {
        response.content_type = content_type;
        response.body = pti_buf_bytes(body); /* its memory goes with it */
    } else {
        pti_buf_clear(body);
        response.code = 503;
    }
    if ((response.code == 503 || response.code == 429) && response.retry_after_s == 0)
        response.retry_after_s = PTI_HTTP_RETRY_AFTER_S;
    pti_answer(listener, exchange, route, &response);
}

void pti_answer_body(const struct pti_listener *listener, struct pti_http_exchange *exchange, unsigned route,
                     unsigned code, const char *content_type, struct pti_buf *body)
{
    finish(listener, exchange, route, PTI_HTTP_RESPONSE(code), content_type, body);
}

void pti_answer_refusal(const struct pti_listener *listener, struct pti_http_exchange *exchange, unsigned route,
                        const struct pti_http_response *head, const char *detail)
{
    struct pti_json_writer writer;
    struct pti_buf body;

    pti_buf_init(&body, ERROR_BODY_MAX);
    pti_json_writer_init(&writer, &body, false);
    pti_json_begin_object(&writer, NULL);
    pti_json_put_text(&writer, "error", detail);
    pti_json_end_object(&writer);
    finish(listener, exchange, route, *head, "application/json", &body);
}

void pti_answer_error(const struct pti_listener *listener, struct pti_http_exchange *exchange, unsigned route,
                      unsigned code, const char *detail)
{
    pti_answer_refusal(listener, exchange, route, &PTI_HTTP_RESPONSE(code), detail);
}

bool pti_request_segment(const struct pti_http_exchange *exchange, unsigned index, char *out, size_t size)
{
    const char *at = pti_http_request(exchange)->path;
    size_t length;

    for (; *at == '/' && index > 0; index--)
        at += 1 + strcspn(at + 1, "/");
    length = *at == '/' ? strcspn(at + 1, "/") : 0;
    if (length == 0 || length >= size)
        return false;
    memcpy(out, at + 1, length);
    out[length] = '\0';
    return true;
}

bool pti_is_json(const char *content_type)
{
    static const char media_type[] = "application/json";
    size_t length = sizeof media_type - 1;

    return content_type && strncasecmp(content_type, media_type, length) == 0 &&
           (content_type[length] == '\0' || content_type[length] == ';' || content_type[length] == ' ');
}

bool pti_body_is_json(const struct pti_listener *listener, struct pti_http_exchange *exchange, unsigned route)
{
    const struct pti_http_request *request = pti_http_request(exchange);

    if (request->too_large) {
        pti_answer_error(listener, exchange, route, 413, "the body is larger than what is taken here");
        return false;
    }
    if (!pti_is_json(request->content_type)) {
        pti_answer_error(listener, exchange, route, 415, "expected Content-Type: application/json");
        return false;
    }
    return true;
}
