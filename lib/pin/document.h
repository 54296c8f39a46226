/* SPDX-License-Identifier: Apache-2.0 */
/* What charter and zone files have in common: type, format, version, "critical", and entries that name a host. */
#ifndef PTI_PIN_DOCUMENT_H
#define PTI_PIN_DOCUMENT_H

#include "base/json.h"

struct pti_document {
    struct pti_json *json; /* owned */
    const struct pti_json_value *root;
    int64_t version;
};

/*
 * Reads value into an entry, which is zeroed before and must be safe to clear afterwards whatever happened.
 */
typedef enum pintle_status (*pti_document_read_fn)(const struct pti_json_value *value, void *entry,
                                                   struct pti_error *error);

/*
 * The required array "hosts" of at most PTI_HOSTS_MAX elements, nearly all of a document: its entries are made while the
 * text is parsed, so that the tree of only one host stands in memory at a time.  size and read are set by the caller,
 * whose the entries are to clear and free, also on failure.
 */
struct pti_document_hosts {
    size_t size; /* of an entry, which begins with the host's name */
    pti_document_read_fn read;
    void *entries;
    size_t count; /* how many were begun */
    size_t capacity;
    struct pti_error refused; /* the first entry that could not be read */
};

/*
 * Reads text as an object of that type, format 1, whose critical fields are all among known (NULL ends it).
 * On failure *document is empty.  PINTLE_ERR_INPUT, PINTLE_ERR_MEMORY.
 */
enum pintle_status pti_document_open(struct pintle_bytes text, size_t max, const char *type, const char *const *known,
                                     struct pti_document_hosts *hosts, struct pti_document *document,
                                     struct pti_error *error);
void pti_document_close(struct pti_document *document);

/* Were all hosts read, and is each there once?  Sorts them.  PINTLE_ERR_INPUT, PINTLE_ERR_MEMORY. */
enum pintle_status pti_document_check_hosts(const struct pti_document *document, struct pti_document_hosts *hosts,
                                            struct pti_error *error);

/*
 * Reads a required array of at most max elements: each value by read() into an entry of size bytes.  The entries are the
 * caller's to clear and free, also on failure; *count is how many were begun.  An empty array gives NULL.
 * PINTLE_ERR_INPUT, PINTLE_ERR_MEMORY.
 */
enum pintle_status pti_document_entries(const struct pti_json_value *object, const char *name, size_t max, size_t size,
                                        pti_document_read_fn read, void **entries, size_t *count,
                                        struct pti_error *error);
/* The string as a terminated copy that the caller frees; what is what it should be, for the error. */
enum pintle_status pti_document_text(const struct pti_json_value *value, size_t max, const char *what, char **text,
                                     struct pti_error *error);
/* The member "host", in normal form, as a copy that the caller frees. */
enum pintle_status pti_document_host(const struct pti_json_value *object, char **host, struct pti_error *error);

#endif
