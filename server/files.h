/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The published files of a repository, opened for serving.
 *
 * It promises that nothing but a regular file below the directory is ever opened: every part of a path is checked
 * against an allow-list of characters, none may start with a dot, and no symbolic link is followed on the way.  It
 * lists nothing.
 */
#ifndef PTI_SERVER_FILES_H
#define PTI_SERVER_FILES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* What a path is, by its name alone; the values label metrics. */
enum pti_file_kind {
    PTI_FILE_HEAD,      /* head/<n>: polled, changes at every re-signing */
    PTI_FILE_TIMESTAMP, /* metadata/timestamp.json: likewise */
    PTI_FILE_BODY,      /* body/<hash> */
    PTI_FILE_METADATA,  /* metadata/<n>.<role>.json */
    PTI_FILE_TARGET,    /* targets/...<hash>.<name> */
    PTI_FILE_OTHER      /* whatever else an operator puts there */
};
#define PTI_FILE_KINDS 6

enum pti_file_kind pti_file_kind(const char *path);
const char *pti_file_kind_name(enum pti_file_kind kind); /* "head", "timestamp", ... */
const char *pti_file_cache_control(enum pti_file_kind kind);
const char *pti_file_content_type(const char *path);

bool pti_file_has_compressed(enum pti_file_kind kind); /* whether the publisher may put a compressed form beside it */

/* What an answer with such a file says of it. */
struct pti_http_response;
void pti_file_describe(struct pti_http_response *response, enum pti_file_kind kind, const char *path, bool compressed);

/* Does an Accept-Encoding (NULL: absent) take gzip by name?  RFC 9110, section 12.5.3. */
bool pti_file_accepts_gzip(const char *accept_encoding);

/* Whether path ("/metadata/1.root.json") can name a published file. */
bool pti_file_path_valid(const char *path);

/*
 * Opens path below directory (a descriptor).  On success the caller closes *fd.  PINTLE_ERR_INPUT: there is no such
 * file, or there may be none (not valid, a link, a directory).  PINTLE_ERR_STORAGE: it is there and cannot be opened.
 */
enum pintle_status pti_file_open(int directory, const char *path, int *fd, uint64_t *size, struct pti_error *error);
/*
 * Opens the compressed form that the publisher put beside a file; false if there is none.  *fd is as above.
 */
bool pti_file_open_compressed(int directory, const char *path, int *fd, uint64_t *size);

/*
 * Whether the directory called path is the one behind the descriptor ancestor, or below it, links resolved; also of one
 * that does not exist yet, but whose parent does.
 */
bool pti_file_directory_is_below(const char *path, int ancestor);

#endif
