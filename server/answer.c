/* SPDX-License-Identifier: Apache-2.0 */
#include "server/answer.h"

#include "base/json_write.h"
#include "server/limits.h"

#define ERROR_BODY_MAX 4096

void pti_answer(const struct pti_listener *listener, struct pti_http_exchange *exchange, unsigned route,
                const struct pti_http_response *response)
{
    pti_metrics_count_request(listener->routes->metrics, route, response->code);
    pti_http_answer(exchange, response);
}

void pti_answer_body(const struct pti_listener *listener, struct pti_http_exchange *exchange, unsigned route,
                     unsigned code, const char *content_type, struct pti_buf *body)
{
    struct pti_http_response response = PTI_HTTP_RESPONSE(code);

    response.cache_control = "no-store";
    if (body->status == PINTLE_OK) {
        response.content_type = content_type;
        response.body = pti_buf_bytes(body); /* its memory goes with it */
    } else {
        pti_buf_clear(body);
        response.code = 503;
    }
    if (response.code == 503)
        response.retry_after_s = PTI_HTTP_RETRY_AFTER_S;
    pti_answer(listener, exchange, route, &response);
}

void pti_answer_error(const struct pti_listener *listener, struct pti_http_exchange *exchange, unsigned route,
                      unsigned code, const char *detail)
{
    struct pti_json_writer writer;
    struct pti_buf body;

    pti_buf_init(&body, ERROR_BODY_MAX);
    pti_json_writer_init(&writer, &body, false);
    pti_json_begin_object(&writer, NULL);
    pti_json_put_text(&writer, "error", detail);
    pti_json_end_object(&writer);
    pti_answer_body(listener, exchange, route, code, "application/json", &body);
}
