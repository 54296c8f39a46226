/* SPDX-License-Identifier: Apache-2.0 */
/* The common frame of charter and zone files. */
#include "pin/document.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "pin/entries.h"
#include "pin/host.h"

#define FORMAT 1

static enum pintle_status check_type(const struct pti_json_value *root, const char *type, struct pti_error *error)
{
    struct pintle_bytes found;
    int64_t format;

    enum pintle_status status = pti_json_get_string(root, "type", &found, error);
    if (status != PINTLE_OK)
        return status;
    if (!pti_bytes_equal_text(found, type))
        return pti_fail(error, PINTLE_ERR_INPUT, "expected \"type\" to be \"%s\", found \"%.*s\"", type,
                        (int)(found.size < 64 ? found.size : 64), (const char *)found.data);
    status = pti_json_get_integer(root, "format", 0, PTI_JSON_INTEGER_MAX, &format, error);
    if (status != PINTLE_OK)
        return status;
    if (format != FORMAT)
        return pti_fail(error, PINTLE_ERR_INPUT,
                        "expected format %d, found %" PRId64 "; update the application to one that reads it", FORMAT,
                        format);
    return PINTLE_OK;
}

static bool is_known(struct pintle_bytes name, const char *const *known)
{
    for (; *known != NULL; known++) {
        if (pti_bytes_equal_text(name, *known))
            return true;
    }
    return false;
}

/* The publisher lists in "critical" what a reader must not skip: not to know one of those is to misread the file. */
static enum pintle_status check_critical(const struct pti_json_value *root, const char *const *known,
                                         struct pti_error *error)
{
    const struct pti_json_value *critical = pti_json_member(root, "critical");
    struct pintle_bytes name;

    if (critical == NULL)
        return PINTLE_OK;
    if (pti_json_type(critical) != PTI_JSON_ARRAY)
        return pti_fail(error, PINTLE_ERR_INPUT, "expected \"critical\" to be an array of field names, found %s",
                        pti_json_type_name(pti_json_type(critical)));
    for (const struct pti_json_value *item = pti_json_first(critical); item != NULL; item = pti_json_next(item)) {
        if (!pti_json_as_string(item, &name))
            return pti_fail(error, PINTLE_ERR_INPUT, "expected field names in \"critical\", found %s",
                            pti_json_type_name(pti_json_type(item)));
        if (!is_known(name, known))
            return pti_fail(error, PINTLE_ERR_INPUT,
                            "the critical field \"%.*s\" is not known to this version; update the application to one "
                            "that reads it",
                            (int)(name.size < 64 ? name.size : 64), (const char *)name.data);
    }
    return PINTLE_OK;
}

static void *next_entry(struct pti_document_hosts *hosts)
{
    if (hosts->count == hosts->capacity) {
        size_t capacity = hosts->capacity < 8 ? 8 : hosts->capacity + hosts->capacity / 2;
        void *grown = realloc(hosts->entries, capacity * hosts->size);
        if (grown == NULL)
            return NULL;
        hosts->entries = grown;
        hosts->capacity = capacity;
    }
    return memset((char *)hosts->entries + hosts->size * hosts->count++, 0, hosts->size);
}

/* What is wrong with a host is kept for later: that the whole file is of a later format, say, is told before it. */
static enum pintle_status take_host(void *ctx, const struct pti_json_value *value, struct pti_error *error)
{
    struct pti_document_hosts *hosts = ctx;
    void *entry;

    if (hosts->refused.status != PINTLE_OK || hosts->count == PTI_HOSTS_MAX)
        return PINTLE_OK;
    entry = next_entry(hosts);
    if (entry == NULL)
        return pti_fail(error, PINTLE_ERR_MEMORY, "out of memory for %zu hosts", hosts->count + 1);
    return hosts->read(value, entry, &hosts->refused) == PINTLE_ERR_MEMORY
               ? pti_fail(error, PINTLE_ERR_MEMORY, "%s", hosts->refused.detail)
               : PINTLE_OK;
}

enum pintle_status pti_document_check_hosts(const struct pti_document *document, struct pti_document_hosts *hosts,
                                            struct pti_error *error)
{
    const struct pti_json_value *array;
    void *fitting;

    enum pintle_status status = pti_json_get(document->root, "hosts", PTI_JSON_ARRAY, &array, error);
    if (status != PINTLE_OK)
        return status;
    if (pti_json_count(array) > PTI_HOSTS_MAX)
        return pti_fail(error, PINTLE_ERR_INPUT, "expected at most %d elements in \"hosts\", found %zu", PTI_HOSTS_MAX,
                        pti_json_count(array));
    if (hosts->refused.status != PINTLE_OK)
        return pti_fail(error, hosts->refused.status, "%s", hosts->refused.detail);
    fitting = hosts->count > 0 ? realloc(hosts->entries, hosts->count * hosts->size) : NULL;
    if (fitting != NULL)
        hosts->entries = fitting;
    return pti_entries_sort(hosts->entries, hosts->count, hosts->size, error);
}

enum pintle_status pti_document_open(struct pintle_bytes text, size_t max, const char *type, const char *const *known,
                                     struct pti_document_hosts *hosts, struct pti_document *document,
                                     struct pti_error *error)
{
    const struct pti_json_elements elements = {"hosts", take_host, hosts};

    *document = (struct pti_document){NULL, NULL, 0};
    if (text.size > max)
        return pti_fail(error, PINTLE_ERR_INPUT, "expected at most %zu bytes, found %zu", max, text.size);
    enum pintle_status status = pti_json_parse_elements(text, &elements, &document->json, error);
    if (status != PINTLE_OK)
        return status;
    document->root = pti_json_root(document->json);
    if (pti_json_type(document->root) != PTI_JSON_OBJECT)
        status = pti_fail(error, PINTLE_ERR_INPUT, "expected an object, found %s",
                          pti_json_type_name(pti_json_type(document->root)));
    if (status == PINTLE_OK)
        status = check_type(document->root, type, error);
    if (status == PINTLE_OK)
        status = check_critical(document->root, known, error);
    if (status == PINTLE_OK)
        status = pti_json_get_integer(document->root, "version", 0, PTI_JSON_INTEGER_MAX, &document->version, error);
    if (status != PINTLE_OK)
        pti_document_close(document);
    return status;
}

void pti_document_close(struct pti_document *document)
{
    pti_json_free(document->json);
    *document = (struct pti_document){NULL, NULL, 0};
}

enum pintle_status pti_document_entries(const struct pti_json_value *object, const char *name, size_t max, size_t size,
                                        pti_document_read_fn read, void **entries, size_t *count,
                                        struct pti_error *error)
{
    const struct pti_json_value *array;

    *entries = NULL;
    *count = 0;
    enum pintle_status status = pti_json_get(object, name, PTI_JSON_ARRAY, &array, error);
    if (status != PINTLE_OK)
        return status;
    if (pti_json_count(array) > max)
        return pti_fail(error, PINTLE_ERR_INPUT, "expected at most %zu elements in \"%s\", found %zu", max, name,
                        pti_json_count(array));
    if (pti_json_count(array) == 0)
        return PINTLE_OK;
    char *made = calloc(pti_json_count(array), size);
    if (made == NULL)
        return pti_fail(error, PINTLE_ERR_MEMORY, "out of memory for %zu elements of \"%s\"", pti_json_count(array),
                        name);
    *entries = made;
    for (const struct pti_json_value *value = pti_json_first(array); value != NULL; value = pti_json_next(value)) {
        status = read(value, made + size * (*count)++, error);
        if (status != PINTLE_OK)
            return status;
    }
    return PINTLE_OK;
}

enum pintle_status pti_document_text(const struct pti_json_value *value, size_t max, const char *what, char **text,
                                     struct pti_error *error)
{
    struct pintle_bytes string;

    *text = NULL;
    if (!pti_json_as_string(value, &string))
        return pti_fail(error, PINTLE_ERR_INPUT, "expected %s, found %s (byte %zu)", what,
                        pti_json_type_name(pti_json_type(value)), pti_json_offset(value));
    if (string.size == 0 || string.size > max || memchr(string.data, '\0', string.size) != NULL)
        return pti_fail(error, PINTLE_ERR_INPUT,
                        "expected %s of 1 to %zu bytes without NUL, found %zu bytes (byte %zu)", what, max, string.size,
                        pti_json_offset(value));
    *text = pti_bytes_strdup(string);
    if (*text == NULL)
        return pti_fail(error, PINTLE_ERR_MEMORY, "out of memory for %s", what);
    return PINTLE_OK;
}

enum pintle_status pti_document_host(const struct pti_json_value *object, char **host, struct pti_error *error)
{
    const struct pti_json_value *value;

    *host = NULL;
    enum pintle_status status = pti_json_get(object, "host", PTI_JSON_STRING, &value, error);
    if (status == PINTLE_OK)
        status = pti_document_text(value, PINTLE_HOST_MAX, "a host name", host, error);
    if (status == PINTLE_OK)
        status = pti_host_check_normal(*host, error);
    return status;
}
