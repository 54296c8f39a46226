/* SPDX-License-Identifier: Apache-2.0 */
#include "conformance/download.h"

#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "conformance/metadata_directory.h"
#include "publish/file.h"
#include "tuf/escape.h"
#include "tuf/verify.h"

/* "dir/HASH.name" for "dir/name": consistent snapshots (specification, section 6.2). */
static void name_on_server(const char *path, const struct pti_tuf_file *file, bool hashed, char *out, size_t size)
{
    char hash[PTI_HEX_SIZE(PINTLE_SHA256_SIZE) + 1];
    const char *slash = strrchr(path, '/');
    int folder = slash != NULL ? (int)(slash - path) + 1 : 0;

    pti_hex_encode(file->sha256, sizeof file->sha256, hash);
    if (hashed)
        (void)snprintf(out, size, "%.*s%s.%s", folder, path, hash, path + folder);
    else
        (void)snprintf(out, size, "%s", path);
}

static enum pintle_status local_path(const char *directory, const char *path, char out[PTI_PATH_MAX],
                                     struct pti_error *error)
{
    struct pti_buf escaped;
    enum pintle_status status;

    pti_buf_init(&escaped, PTI_TUF_ESCAPED_MAX + 8);
    status = pti_tuf_escape(pti_bytes_text(path), &escaped, error);
    if (status == PINTLE_OK && (strcmp(path, ".") == 0 || strcmp(path, "..") == 0))
        status = pti_fail(error, PINTLE_ERR_INPUT, "%s: no name for a file", path);
    if (status == PINTLE_OK)
        status = pti_buf_cstr(&escaped) != NULL ? pti_file_path(out, directory, pti_buf_cstr(&escaped), error)
                                                : pti_buf_check(&escaped, error, path);
    pti_buf_clear(&escaped);
    return status;
}

static bool is_there(const char *local, const struct pti_tuf_file *file, struct pintle_crypto *crypto)
{
    struct pintle_bytes bytes = {NULL, 0};
    bool found = false;
    bool same = pti_file_read_optional(local, PTI_TARGET_SIZE_MAX, &bytes, &found, NULL) == PINTLE_OK && found &&
                pti_tuf_verify_file(bytes, file, crypto, NULL) == PINTLE_OK;

    pti_bytes_free(&bytes);
    return same;
}

static enum pintle_status fetch(const struct pti_updater *updater, const struct pintle_transport *transport,
                                const char *base, const char *path, const struct pti_tuf_file *file, const char *local,
                                struct pti_error *error)
{
    char name[PTI_URL_MAX];
    struct pti_buf bytes;
    bool found = false;
    enum pintle_status status;

    if (file->length > PTI_TARGET_SIZE_MAX || strlen(path) > sizeof name - 80)
        return pti_fail(error, PINTLE_ERR_INPUT, "%.80s: its length or its name is too large", path);
    name_on_server(path, file, updater->root->consistent_snapshot, name, sizeof name);
    pti_buf_init(&bytes, (size_t)file->length);
    status = pti_metadata_get(transport, base, name, &bytes, &found, error);
    if (status == PINTLE_OK && !found)
        status = pti_fail(error, PINTLE_ERR_NETWORK, "%s: not found below %s", name, base);
    if (status == PINTLE_OK)
        status = pti_tuf_verify_file(pti_buf_bytes(&bytes), file, updater->crypto, error);
    if (status == PINTLE_OK)
        status = pti_file_replace(local, pti_buf_bytes(&bytes), 0644, error);
    pti_buf_clear(&bytes);
    return status;
}

enum pintle_status pti_download(struct pti_updater *updater, const struct pintle_transport *transport, const char *base,
                                const char *directory, const char *path, struct pti_error *error)
{
    const struct pti_tuf_file *file;
    char local[PTI_PATH_MAX];
    enum pintle_status status = pti_updater_find(updater, pti_bytes_text(path), &file, error);

    if (status == PINTLE_OK && file == NULL)
        status = pti_fail(error, PINTLE_ERR_INPUT, "%.200s: no role that is trusted with it lists it", path);
    if (status == PINTLE_OK)
        status = local_path(directory, path, local, error);
    if (status != PINTLE_OK || is_there(local, file, updater->crypto))
        return status;
    status = pti_file_make_directory(directory, 0755, error);
    return status == PINTLE_OK ? fetch(updater, transport, base, path, file, local, error) : status;
}
