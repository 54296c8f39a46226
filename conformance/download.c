/* SPDX-License-Identifier: Apache-2.0 */
#include "conformance/download.h"

#include <inttypes.h>
#include <string.h>

#include "base/encode.h"
#include "conformance/metadata_directory.h"
#include "publish/file.h"
#include "tuf/escape.h"
#include "tuf/verify.h"

/* Signed paths are parts of URLs as they stand (specification, section 4.5): only what no URL may contain is encoded. */
static void append_path(struct pti_buf *out, const char *path, size_t size)
{
    static const char kept[] = "-._~!$&'()*+,;=:@/%";

    for (size_t i = 0; i < size; i++) {
        uint8_t c = (uint8_t)path[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

        if (plain || strchr(kept, c) != NULL)
            pti_buf_append(out, &c, 1);
        else
            pti_buf_printf(out, "%%%02X", c);
    }
}

/* "dir/HASH.name" for "dir/name": consistent snapshots (specification, section 6.2). */
static void name_on_server(const char *path, const struct pti_tuf_file *file, bool hashed, struct pti_buf *out)
{
    char hash[PTI_HEX_SIZE(PINTLE_SHA256_SIZE) + 1];
    const char *slash = strrchr(path, '/');
    size_t folder = slash != NULL ? (size_t)(slash - path) + 1 : 0;

    pti_hex_encode(file->sha256, sizeof file->sha256, hash);
    append_path(out, path, folder);
    if (hashed)
        pti_buf_printf(out, "%s.", hash);
    append_path(out, path + folder, strlen(path + folder));
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
    struct pti_buf bytes;
    bool found = false, same;

    pti_buf_init(&bytes, (size_t)file->length);
    same = pti_regular_read(local, &bytes, &found, NULL) == PINTLE_OK && found &&
           pti_tuf_verify_file(pti_buf_bytes(&bytes), file, crypto, NULL) == PINTLE_OK;
    pti_buf_clear(&bytes);
    return same;
}

static enum pintle_status fetch(const struct pti_updater *updater, const struct pti_fetcher *fetcher, const char *base,
                                const char *path, const struct pti_tuf_file *file, const char *local,
                                struct pti_error *error)
{
    struct pti_buf name, bytes;
    bool found = false;
    enum pintle_status status;

    pti_buf_init(&name, PTI_URL_MAX);
    pti_buf_init(&bytes, (size_t)file->length);
    name_on_server(path, file, updater->root->consistent_snapshot, &name);
    status = pti_buf_check(&name, error, "the path of a target");
    if (status == PINTLE_OK)
        status = pti_fetcher_get(fetcher, base, pti_buf_cstr(&name), &bytes, &found, error);
    if (status == PINTLE_OK && !found)
        status = pti_fail(error, PINTLE_ERR_NETWORK, "%s: not found below %s", pti_buf_cstr(&name), base);
    if (status == PINTLE_OK)
        status = pti_tuf_verify_file(pti_buf_bytes(&bytes), file, updater->crypto, error);
    if (status == PINTLE_OK)
        status = pti_file_replace(local, pti_buf_bytes(&bytes), 0644, error);
    pti_buf_clear(&bytes);
    pti_buf_clear(&name);
    return status;
}

enum pintle_status pti_download(struct pti_updater *updater, const struct pti_fetcher *fetcher, const char *base,
                                const char *directory, const char *path, struct pti_error *error)
{
    const struct pti_tuf_file *file;
    char local[PTI_PATH_MAX];
    enum pintle_status status = pti_updater_find(updater, pti_bytes_text(path), &file, error);

    if (status == PINTLE_OK && file == NULL)
        status = pti_fail(error, PINTLE_ERR_INPUT, "%.200s: no role that is trusted with it lists it", path);
    if (status == PINTLE_OK && file->length > PTI_TARGET_SIZE_MAX)
        status = pti_fail(error, PINTLE_ERR_INPUT, "%.80s: %" PRId64 " bytes, at most %u are taken", path, file->length,
                          PTI_TARGET_SIZE_MAX);
    if (status == PINTLE_OK)
        status = local_path(directory, path, local, error);
    if (status != PINTLE_OK || is_there(local, file, updater->crypto))
        return status;
    return fetch(updater, fetcher, base, path, file, local, error);
}
