/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small published files in memory, each with its answer made beforehand: what is polled is asked for again and again.
 *
 * A file is looked at (one fstatat) before each answer, so a publication is served at once: each replaces its files.
 * The table has a fixed number of places; two files that fall on the same one take turns.  Any thread may call.
 */
#ifndef PTI_SERVER_FILE_CACHE_H
#define PTI_SERVER_FILE_CACHE_H

#include "server/files.h"
#include "server/http.h"

struct pti_file_cache;

struct pti_file_cache *pti_file_cache_new(void); /* NULL: no memory; NULL is a cache that has nothing */
void pti_file_cache_free(struct pti_file_cache *cache);

/*
 * Answers with path below directory (a descriptor), or, if compressed, with the compressed form beside it.  false: it
 * is not there, or not small, or there is no memory; nothing was answered, and the ordinary way will say why.
 */
bool pti_file_cache_answer(struct pti_file_cache *cache, int directory, const char *path, bool compressed,
                           struct pti_http_exchange *exchange);

#endif
