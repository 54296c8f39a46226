/* SPDX-License-Identifier: Apache-2.0 */
/* /v1/releases: which app releases are told apart, a new one, one less. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/datetime.h"
#include "server/limits.h"
#include "server/members.h"
#include "server/page.h"
#include "server/releases.h"

/* ---- the list ---- */

static void put_release(struct pti_json_writer *json, const struct pti_release *release)
{
    char added[PTI_DATETIME_SIZE + 1];

    pti_datetime_format(release->added, added);
    pti_json_begin_object(json, NULL);
    pti_json_put_text(json, "app", release->app);
    pti_json_put_text(json, "version", release->version);
    if (release->generation > 0)
        pti_json_put_integer(json, "supported_generation", release->generation);
    else
        pti_json_put_null(json, "supported_generation");
    pti_json_put_text(json, "added", added);
    pti_json_end_object(json);
}

static bool put_row(void *ctx, const struct pti_release *release)
{
    struct pti_list *list = ctx;
    char cursor[2 * (PTI_HOLDING_WORD_MAX + 1)];

    (void)snprintf(cursor, sizeof cursor, "%s/%s", release->app, release->version);
    if (pti_list_wants(list, cursor))
        put_release(&list->json, release);
    return pti_list_sound(list);
}

/* "APP/VERSION" */
static bool read_cursor(const char *cursor, struct pti_release *release)
{
    const char *slash = strchr(cursor, '/');

    if (!slash || slash - cursor > PTI_HOLDING_WORD_MAX || strlen(slash + 1) > PTI_HOLDING_WORD_MAX)
        return false;
    (void)snprintf(release->app, sizeof release->app, "%.*s", (int)(slash - cursor), cursor);
    (void)pti_copy_text(release->version, sizeof release->version, slash + 1);
    return true;
}

void pti_answer_release_list(const struct pti_listener *listener, struct pti_http_exchange *exchange)
{
    struct pti_release after = {.app = ""};
    struct pti_release_query query = {after.app, after.version, 0, put_row, NULL};
    enum pintle_status status;
    struct pti_error error;
    struct pti_page page;
    struct pti_list list;

    if (!pti_page_take(listener, exchange, PTI_ROUTE_RELEASES, NULL, &page))
        return;
    if (page.after && !read_cursor(page.after, &after)) {
        pti_page_refuse(listener, exchange, PTI_ROUTE_RELEASES);
        return;
    }
    query.limit = page.limit + 1;
    query.ctx = &list;
    pti_list_begin(&list, &page);
    status = pti_releases_list(listener->routes->storage, &query, &error);
    pti_list_answer(&list, listener, exchange, PTI_ROUTE_RELEASES, status, &error);
}

/* ---- changes ---- */

static enum pintle_status read_text(const struct pti_json_value *object, const char *name,
                                    char out[PTI_HOLDING_WORD_MAX + 2], struct pti_error *error)
{
    struct pintle_bytes text;
    enum pintle_status status = pti_json_get_string(object, name, &text, error);

    out[0] = '\0';
    if (status != PINTLE_OK)
        return status;
    if (text.size > PTI_HOLDING_WORD_MAX || (text.size > 0 && memchr(text.data, '\0', text.size)))
        return pti_fail(error, PINTLE_ERR_INPUT, "\"%s\" must be a string of 1 to %d characters", name,
                        PTI_HOLDING_WORD_MAX);
    (void)snprintf(out, PTI_HOLDING_WORD_MAX + 2, "%.*s", (int)text.size, (const char *)text.data);
    return PINTLE_OK;
}

static enum pintle_status read_object(const struct pti_json_value *object, struct pti_release *release,
                                      struct pti_error *error)
{
    static const char *const names[] = {"app", "version", "supported_generation", NULL};
    char app[PTI_HOLDING_WORD_MAX + 2], version[PTI_HOLDING_WORD_MAX + 2];
    int64_t generation = 0;
    enum pintle_status status = pti_members_check(object, names, error);

    if (status == PINTLE_OK)
        status = read_text(object, "app", app, error);
    if (status == PINTLE_OK)
        status = read_text(object, "version", version, error);
    if (status == PINTLE_OK && pti_json_member(object, "supported_generation"))
        status = pti_json_get_integer(object, "supported_generation", 1, PTI_JSON_INTEGER_MAX, &generation, error);
    if (status == PINTLE_OK)
        status = pti_release_init(release, app, version, error);
    release->generation = generation;
    return status;
}

static enum pintle_status read_release(struct pintle_bytes body, struct pti_release *release, struct pti_error *error)
{
    struct pti_json *json = NULL;
    enum pintle_status status = pti_json_parse(body, &json, error);

    if (status == PINTLE_OK)
        status = read_object(pti_json_root(json), release, error);
    pti_json_free(json);
    return status;
}

/* What is counted from now on; if it cannot be read, the census reads it with its next flush. */
static void tell_census(const struct pti_listener *listener)
{
    struct pti_error error;

    (void)pti_census_read_releases(listener->routes->census, listener->routes->changes, &error);
}

static void answer_made(const struct pti_listener *listener, struct pti_http_exchange *exchange,
                        const struct pti_release *release)
{
    struct pti_json_writer json;
    struct pti_buf body;

    pti_buf_init(&body, 1024);
    pti_json_writer_init(&json, &body, false);
    put_release(&json, release);
    pti_answer_body(listener, exchange, PTI_ROUTE_RELEASES, 201, "application/json", &body);
}

void pti_answer_release_add(const struct pti_listener *listener, struct pti_http_exchange *exchange)
{
    static const char *const none[] = {NULL};
    const struct pti_http_request *request = pti_http_request(exchange);
    struct pti_release release;
    struct pti_error error;
    enum pintle_status status;
    unsigned code = 400;

    if (!pti_query_is(listener, exchange, PTI_ROUTE_RELEASES, none) ||
        !pti_body_is_json(listener, exchange, PTI_ROUTE_RELEASES))
        return;
    status = read_release(request->body, &release, &error);
    release.added = (int64_t)time(NULL);
    if (status == PINTLE_OK) {
        status = pti_releases_add(listener->routes->changes, &release, request->actor, &error);
        code = status == PINTLE_ERR_MISUSE ? 409 : 503;
    } else if (status == PINTLE_ERR_MEMORY) {
        code = 503;
    }
    if (status != PINTLE_OK) {
        pti_answer_error(listener, exchange, PTI_ROUTE_RELEASES, code, error.detail);
        return;
    }
    tell_census(listener);
    answer_made(listener, exchange, &release);
}

void pti_answer_release_remove(const struct pti_listener *listener, struct pti_http_exchange *exchange)
{
    static const char *const none[] = {NULL};
    struct pti_http_response gone = PTI_HTTP_RESPONSE(204);
    char app[PTI_HOLDING_WORD_MAX + 1], version[PTI_HOLDING_WORD_MAX + 1];
    struct pti_release release;
    struct pti_error error;
    bool found = false;

    if (!pti_query_is(listener, exchange, PTI_ROUTE_RELEASES, none))
        return;
    if (pti_request_segment(exchange, 2, app, sizeof app) &&
        pti_request_segment(exchange, 3, version, sizeof version) &&
        pti_release_init(&release, app, version, &error) == PINTLE_OK &&
        pti_releases_remove(listener->routes->changes, &release, pti_http_request(exchange)->actor, &found, &error) !=
            PINTLE_OK) {
        pti_answer_error(listener, exchange, PTI_ROUTE_RELEASES, 503, error.detail);
        return;
    }
    if (!found) {
        pti_answer_error(listener, exchange, PTI_ROUTE_RELEASES, 404, "that release is not registered");
        return;
    }
    tell_census(listener);
    gone.cache_control = "no-store";
    pti_answer(listener, exchange, PTI_ROUTE_RELEASES, &gone);
}
