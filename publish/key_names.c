/* SPDX-License-Identifier: Apache-2.0 */
/* The contract is in publish/key_names.h. */
#include "publish/key_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/json_write.h"
#include "publish/file.h"
#include "publish/key_access.h"

static bool name_valid(const char *name, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (!((name[i] >= 'a' && name[i] <= 'z') || (name[i] >= 'A' && name[i] <= 'Z') ||
              (name[i] >= '0' && name[i] <= '9') || name[i] == '.' || name[i] == '_' || name[i] == '-'))
            return false;
    return size > 0 && size <= PTI_KEY_NAME_MAX;
}

static bool id_valid(struct pintle_bytes id)
{
    for (size_t i = 0; i < id.size; i++)
        if (memchr("0123456789abcdef", id.data[i], 16) == NULL)
            return false;
    return id.size == PTI_KEYID_SIZE;
}

/* In the order of ids; of two names of one key the first stays. */
static enum pintle_status add(struct pti_key_names *names, const char *id, const char *name, size_t size,
                              struct pti_error *error)
{
    struct pti_key_name *grown;
    size_t at = 0;

    while (at < names->count && strcmp(names->items[at].id, id) < 0)
        at++;
    if (names->count == PTI_KEY_NAMES_MAX || (at < names->count && strcmp(names->items[at].id, id) == 0))
        return PINTLE_OK;
    grown = realloc(names->items, (names->count + 1) * sizeof(*grown));
    if (grown == NULL)
        return pti_fail(error, PINTLE_ERR_MEMORY, "out of memory for the names of %zu keys", names->count + 1);
    names->items = grown;
    memmove(&grown[at + 1], &grown[at], (names->count - at) * sizeof(*grown));
    memset(&grown[at], 0, sizeof(grown[at]));
    (void)pti_copy_text(grown[at].id, sizeof(grown[at].id), id);
    memcpy(grown[at].name, name, size);
    names->count++;
    return PINTLE_OK;
}

static enum pintle_status add_files(const char *directory, const char *suffix, struct pti_key_names *names,
                                    struct pti_error *error)
{
    char path[PTI_PATH_MAX], **files = NULL;
    size_t count = 0;
    enum pintle_status status = pti_file_list(directory, suffix, &files, &count, error);

    if (status == PINTLE_ERR_STORAGE) /* who looks at a repository need not be able to look at its keys */
        return PINTLE_OK;
    for (size_t i = 0; i < count && status == PINTLE_OK; i++) {
        const size_t size = strlen(files[i]) - strlen(suffix);
        struct pti_public_key key;
        if (!name_valid(files[i], size) || pti_file_path(path, directory, files[i], NULL) != PINTLE_OK)
            continue;
        status = pti_public_key_load(path, NULL, &key, error);
        if (status == PINTLE_OK) {
            status = add(names, key.id, files[i], size, error);
            pti_public_key_clear(&key);
        } else if (status != PINTLE_ERR_MEMORY) {
            status = PINTLE_OK; /* encrypted, unreadable, no key: it has no name, no more */
        }
    }
    pti_file_names_free(files, count);
    return status;
}

enum pintle_status pti_key_names_load(const char *directory, struct pti_key_names *names, struct pti_error *error)
{
    enum pintle_status status;

    *names = (struct pti_key_names){NULL, 0};
    status = add_files(directory, ".pub", names, error);
    if (status == PINTLE_OK)
        status = add_files(directory, ".pem", names, error);
    if (status == PINTLE_OK)
        status = add_files(directory, PTI_SIGNER_SUFFIX, names, error);
    if (status != PINTLE_OK)
        pti_key_names_clear(names);
    return status;
}

enum pintle_status pti_key_names_parse(struct pintle_bytes text, struct pti_key_names *names, struct pti_error *error)
{
    struct pti_json *json = NULL;
    const struct pti_json_value *root;
    enum pintle_status status = pti_json_parse(text, &json, error);

    *names = (struct pti_key_names){NULL, 0};
    if (status != PINTLE_OK)
        return status;
    root = pti_json_root(json);
    if (pti_json_type(root) != PTI_JSON_OBJECT)
        status = pti_fail(error, PINTLE_ERR_INPUT, "expected an object with the names of keys, found %s",
                          pti_json_type_name(pti_json_type(root)));
    for (const struct pti_json_value *item = status == PINTLE_OK ? pti_json_first(root) : NULL;
         item != NULL && status == PINTLE_OK; item = pti_json_next(item)) {
        struct pintle_bytes id = pti_json_name(item), name = {NULL, 0};
        char text_id[PTI_KEYID_SIZE + 1];
        if (!id_valid(id) || !pti_json_as_string(item, &name) || !name_valid((const char *)name.data, name.size)) {
            status = pti_fail(error, PINTLE_ERR_INPUT,
                              "expected key ids with a name of 1 to %d letters, digits, '.', "
                              "'_' and '-' each, found something else",
                              PTI_KEY_NAME_MAX);
            break;
        }
        memcpy(text_id, id.data, PTI_KEYID_SIZE);
        text_id[PTI_KEYID_SIZE] = '\0';
        status = add(names, text_id, (const char *)name.data, name.size, error);
    }
    pti_json_free(json);
    if (status != PINTLE_OK)
        pti_key_names_clear(names);
    return status;
}

void pti_key_names_write(const struct pti_key_names *names, struct pti_buf *out)
{
    struct pti_json_writer writer;

    pti_json_writer_init(&writer, out, false);
    pti_json_begin_object(&writer, NULL);
    for (size_t i = 0; i < names->count; i++)
        pti_json_put_text(&writer, names->items[i].id, names->items[i].name);
    pti_json_end_object(&writer);
}

void pti_key_names_clear(struct pti_key_names *names)
{
    free(names->items);
    *names = (struct pti_key_names){NULL, 0};
}

const char *pti_key_names_find(const struct pti_key_names *names, const char *id)
{
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->items[i].id, id) == 0)
            return names->items[i].name;
    return NULL;
}

void pti_key_scheme(const struct pti_public_key *key, char *out, size_t size)
{
    struct pti_json *json = NULL;
    struct pintle_bytes scheme = {NULL, 0};

    (void)pti_copy_text(out, size, "unknown kind");
    if (pti_json_parse(pti_bytes_text(key->json), &json, NULL) != PINTLE_OK)
        return;
    if (pti_json_get_string(pti_json_root(json), "scheme", &scheme, NULL) == PINTLE_OK) {
        if (pti_bytes_equal_text(scheme, "ecdsa-sha2-nistp256"))
            (void)pti_copy_text(out, size, "P-256");
        else if (pti_bytes_equal_text(scheme, "ed25519"))
            (void)pti_copy_text(out, size, "Ed25519");
        else
            (void)snprintf(out, size, "%.*s", (int)(scheme.size < 40 ? scheme.size : 40), (const char *)scheme.data);
    }
    pti_json_free(json);
}

void pti_key_names_describe(const struct pti_key_names *names, const struct pti_public_key *key,
                            char out[PTI_KEY_DESCRIPTION_SIZE])
{
    const char *name = pti_key_names_find(names, key->id);
    char scheme[48];

    pti_key_scheme(key, scheme, sizeof(scheme));
    if (name != NULL)
        (void)snprintf(out, PTI_KEY_DESCRIPTION_SIZE, "%s (%s %.8s)", name, scheme, key->id);
    else
        (void)snprintf(out, PTI_KEY_DESCRIPTION_SIZE, "%s %.8s", scheme, key->id);
}
