/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all lists have in common: the strict query, and pages.  `limit` says how many, `after` where to go on; the
 * answer is {"items":[...],"next":CURSOR}, where next is what to give as `after` for the page after this one, or null.
 */
#ifndef PTI_SERVER_PAGE_H
#define PTI_SERVER_PAGE_H

#include "base/json_write.h"
#include "server/answer.h"
#include "server/limits.h"

struct pti_page {
    int64_t limit;     /* 1 to PTI_LIST_MAX */
    const char *after; /* NULL for the first page; at most PTI_CURSOR_MAX bytes of printable ASCII */
};

/*
 * Whether every parameter of the query is one of names (ends with NULL) and stands there once.  If not, the request has
 * been answered: 400, and what is expected.
 */
bool pti_query_is(const struct pti_listener *listener, struct pti_http_exchange *exchange, unsigned route,
                  const char *const *names);

/* A number of the query from min to max; *number is left alone if it is not given.  false: answered with 400. */
bool pti_query_number(const struct pti_listener *listener, struct pti_http_exchange *exchange, unsigned route,
                      const char *name, int64_t min, int64_t max, int64_t *number);

/* The same for a list, which has limit and after besides; names may be NULL. */
bool pti_page_take(const struct pti_listener *listener, struct pti_http_exchange *exchange, unsigned route,
                   const char *const *names, struct pti_page *page);
/* 400: after is no cursor of this list. */
void pti_page_refuse(const struct pti_listener *listener, struct pti_http_exchange *exchange, unsigned route);
/* For lists whose cursor is a number: *number is left alone on the first page; 400 if it is none. */
bool pti_page_after_number(const struct pti_listener *listener, struct pti_http_exchange *exchange, unsigned route,
                           const struct pti_page *page, int64_t *number);

/* In paths and cursors the repository at the root is "_", as its name is empty. */
const char *pti_repository_written(const char *name);
const char *pti_repository_read(const char *written);

/* A page in the making.  Ask the storage for page.limit + 1 rows: the one too many tells that there is more. */
struct pti_list {
    struct pti_json_writer json; /* put one value, without a name, for each row that is wanted */
    struct pti_buf body;
    int64_t left;
    bool more;
    char next[PTI_CURSOR_MAX + 1];
};

void pti_list_begin(struct pti_list *list, const struct pti_page *page);
/* Whether the row at this cursor belongs to the page; then put it. */
bool pti_list_wants(struct pti_list *list, const char *cursor);
bool pti_list_wants_number(struct pti_list *list, int64_t cursor);
/* For a row that is memory short, as callbacks of storage tell. */
bool pti_list_sound(const struct pti_list *list);
/* Answers: 200 with the page, or 503 and error's detail if status says that the rows could not be read. */
void pti_list_answer(struct pti_list *list, const struct pti_listener *listener, struct pti_http_exchange *exchange,
                     unsigned route, enum pintle_status status, const struct pti_error *error);

#endif
