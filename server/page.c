/* SPDX-License-Identifier: Apache-2.0 */
#include "server/page.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "server/limits.h"

#define NAMES_MAX 16
#define LIST_SIZE_MAX (32u << 20)

/* ---- the query ---- */

struct query {
    const char *const *names;
    unsigned seen; /* a bit for each name */
    bool unknown, doubled;
    char found[41];
};

static bool take_parameter(void *ctx, const char *name, const char *value)
{
    struct query *query = ctx;
    size_t i = 0;

    (void)value;
    while (query->names[i] && strcmp(query->names[i], name) != 0)
        i++;
    query->unknown = query->names[i] == NULL;
    query->doubled = !query->unknown && (query->seen & 1u << i);
    query->seen |= 1u << i;
    snprintf(query->found, sizeof query->found, "%s", name);
    return !query->unknown && !query->doubled;
}

static void refuse_query(const struct pti_listener *listener, struct pti_http_exchange *exchange, unsigned route,
                         const struct query *query)
{
    struct pti_error error;
    struct pti_buf expected;

    pti_buf_init(&expected, sizeof error.detail);
    for (size_t i = 0; query->names[i]; i++)
        pti_buf_printf(&expected, "%s%s", i > 0 ? ", " : "", query->names[i]);
    if (expected.size == 0)
        pti_buf_text(&expected, "none");
    (void)pti_fail(&error, PINTLE_ERR_INPUT, "expected of the parameters %s each at most once, found %s\"%s\"",
                   pti_buf_cstr(&expected), query->doubled ? "a second " : "", query->found);
    pti_buf_clear(&expected);
    pti_answer_error(listener, exchange, route, 400, error.detail);
}

bool pti_query_is(const struct pti_listener *listener, struct pti_http_exchange *exchange, unsigned route,
                  const char *const *names)
{
    struct query query = {.names = names};

    pti_http_query_each(exchange, take_parameter, &query);
    if (!query.unknown && !query.doubled)
        return true;
    refuse_query(listener, exchange, route, &query);
    return false;
}

/* Decimal, without sign or leading zeros; false for anything else. */
static bool parse_number(const char *text, int64_t max, int64_t *number)
{
    int64_t value = 0;

    if (text[0] == '0' && text[1] != '\0')
        return false;
    for (const char *digit = text; *digit; digit++) {
        if (*digit < '0' || *digit > '9' || value > (max - (*digit - '0')) / 10)
            return false;
        value = value * 10 + (*digit - '0');
    }
    *number = value;
    return text[0] != '\0';
}

static bool is_cursor(const char *text)
{
    size_t length = strlen(text);

    for (const char *byte = text; *byte; byte++)
        if (*byte < ' ' || *byte > '~')
            return false;
    return length > 0 && length <= PTI_CURSOR_MAX;
}

bool pti_query_number(const struct pti_listener *listener, struct pti_http_exchange *exchange, unsigned route,
                      const char *name, int64_t min, int64_t max, int64_t *number)
{
    const char *text = pti_http_query(exchange, name);
    struct pti_error error;

    if (!text || (parse_number(text, max, number) && *number >= min))
        return true;
    (void)pti_fail(&error, PINTLE_ERR_INPUT, "%s must be a number from %" PRId64 " to %" PRId64, name, min, max);
    pti_answer_error(listener, exchange, route, 400, error.detail);
    return false;
}

void pti_page_refuse(const struct pti_listener *listener, struct pti_http_exchange *exchange, unsigned route)
{
    pti_answer_error(listener, exchange, route, 400, "after must be what \"next\" said on the page before");
}

bool pti_page_take(const struct pti_listener *listener, struct pti_http_exchange *exchange, unsigned route,
                   const char *const *names, struct pti_page *page)
{
    const char *all[NAMES_MAX + 1] = {"limit", "after"};

    for (size_t i = 0; names && names[i] && i + 2 < NAMES_MAX; i++)
        all[i + 2] = names[i];
    if (!pti_query_is(listener, exchange, route, all))
        return false;
    *page = (struct pti_page){PTI_LIST_DEFAULT, pti_http_query(exchange, "after")};
    if (!pti_query_number(listener, exchange, route, "limit", 1, PTI_LIST_MAX, &page->limit))
        return false;
    if (page->after && !is_cursor(page->after)) {
        pti_page_refuse(listener, exchange, route);
        return false;
    }
    return true;
}

bool pti_page_after_number(const struct pti_listener *listener, struct pti_http_exchange *exchange, unsigned route,
                           const struct pti_page *page, int64_t *number)
{
    if (!page->after || parse_number(page->after, PTI_JSON_INTEGER_MAX, number))
        return true;
    pti_answer_error(listener, exchange, route, 400, "after must be the number that \"next\" said on the page before");
    return false;
}

/* ---- names ---- */

#define AT_THE_ROOT "_"

const char *pti_repository_written(const char *name)
{
    return name[0] ? name : AT_THE_ROOT;
}

const char *pti_repository_read(const char *written)
{
    return strcmp(written, AT_THE_ROOT) == 0 ? "" : written;
}

/* ---- the page ---- */

void pti_list_begin(struct pti_list *list, const struct pti_page *page)
{
    memset(list, 0, sizeof *list);
    list->left = page->limit;
    pti_buf_init(&list->body, LIST_SIZE_MAX);
    pti_json_writer_init(&list->json, &list->body, false);
    pti_json_begin_object(&list->json, NULL);
    pti_json_begin_array(&list->json, "items");
}

bool pti_list_wants(struct pti_list *list, const char *cursor)
{
    if (list->left == 0) {
        list->more = true;
        return false;
    }
    list->left--;
    pti_copy_text(list->next, sizeof list->next, cursor);
    return true;
}

bool pti_list_wants_number(struct pti_list *list, int64_t cursor)
{
    char text[24];

    snprintf(text, sizeof text, "%" PRId64, cursor);
    return pti_list_wants(list, text);
}

bool pti_list_sound(const struct pti_list *list)
{
    return list->body.status == PINTLE_OK;
}

void pti_list_answer(struct pti_list *list, const struct pti_listener *listener, struct pti_http_exchange *exchange,
                     unsigned route, enum pintle_status status, const struct pti_error *error)
{
    if (status != PINTLE_OK) {
        pti_buf_clear(&list->body);
        pti_answer_error(listener, exchange, route, 503, error->detail);
        return;
    }
    pti_json_end_array(&list->json);
    pti_json_put_text(&list->json, "next", list->more ? list->next : NULL);
    pti_json_end_object(&list->json);
    pti_answer_body(listener, exchange, route, 200, "application/json", &list->body);
}
