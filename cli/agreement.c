/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/agreement.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "publish/bundle.h"
#include "publish/envelope.h"
#include "publish/file.h"
#include "publish/gzip.h"
#include "sys/curl/gunzip.h"
#include "tuf/container.h"

#define HASH_SIZE PTI_HEX_SIZE(PINTLE_SHA256_SIZE)

struct checking {
    const char *directory;
    struct pintle_crypto *crypto;
    struct pti_agreement *agreement;
    struct pti_error *error;
};

typedef enum pintle_status (*file_check)(struct checking *checking, const char *path, const char *name,
                                         struct pintle_bytes bytes);

static enum pintle_status read_source(void *ctx, const char *path, size_t max, struct pintle_bytes *data, bool *found,
                                      struct pti_error *error)
{
    const struct checking *checking = ctx;
    char whole[PTI_PATH_MAX];

    if (pti_file_path(whole, checking->directory, path, error) != PINTLE_OK) {
        return error->status;
    }
    return pti_file_read_optional(whole, max, data, found, error);
}

/* Runs check on every file of a folder whose name ends in suffix. */
static enum pintle_status each_file(struct checking *checking, const char *folder, const char *suffix, file_check check)
{
    char **names = NULL, path[PTI_PATH_MAX], relative[PTI_PATH_MAX];
    size_t count = 0;
    enum pintle_status status = pti_file_path(path, checking->directory, folder, checking->error);

    if (status == PINTLE_OK) {
        status = pti_file_list(path, suffix, &names, &count, checking->error);
    }
    for (size_t i = 0; i < count && status == PINTLE_OK; i++) {
        struct pintle_bytes bytes = {NULL, 0};

        status = pti_file_path(relative, folder, names[i], checking->error);
        if (status == PINTLE_OK) {
            status = pti_file_path(path, checking->directory, relative, checking->error);
        }
        if (status == PINTLE_OK) {
            status = pti_file_read(path, PTI_BODY_SIZE_MAX, &bytes, checking->error);
        }
        if (status == PINTLE_OK) {
            status = check(checking, relative, names[i], bytes);
        }
        pti_bytes_free(&bytes);
    }
    pti_file_names_free(names, count);
    return status;
}

static enum pintle_status check_hash(struct checking *checking, const char *path, const char *name,
                                     struct pintle_bytes bytes)
{
    uint8_t digest[PINTLE_SHA256_SIZE];
    char hex[HASH_SIZE + 1];

    if (pti_sha256(checking->crypto, bytes, digest) != PINTLE_OK) {
        return pti_fail(checking->error, PINTLE_ERR_MEMORY, "no memory for a digest");
    }
    pti_hex_encode(digest, sizeof digest, hex);
    if (strncmp(name, hex, HASH_SIZE) != 0) {
        return pti_fail(checking->error, PINTLE_ERR_INPUT,
                        "%s: expected a file with the SHA-256 in its name, found %s; restore it from a copy", path,
                        hex);
    }
    return PINTLE_OK;
}

static enum pintle_status check_target(struct checking *checking, const char *path, const char *name,
                                       struct pintle_bytes bytes)
{
    checking->agreement->targets++;
    return check_hash(checking, path, name, bytes);
}

/* "<version>.<role>.json"; timestamp.json has no version in its name. */
static enum pintle_status check_metadata(struct checking *checking, const char *path, const char *name,
                                         struct pintle_bytes bytes)
{
    int64_t version = 0, expires = 0;
    char prefix[32];

    checking->agreement->metadata++;
    if (pti_envelope_dates(bytes, &version, &expires, checking->error) != PINTLE_OK) {
        return pti_error_prefix(checking->error, "%s", path);
    }
    snprintf(prefix, sizeof prefix, "%" PRId64 ".", version);
    if (strcmp(name, "timestamp.json") != 0 && strncmp(name, prefix, strlen(prefix)) != 0) {
        return pti_fail(checking->error, PINTLE_ERR_INPUT,
                        "%s: expected the version in its name, found version %" PRId64 "; restore it from a copy", path,
                        version);
    }
    return PINTLE_OK;
}

/* NAME.gz: what a client gets when it undoes it is the file beside it. */
static enum pintle_status check_compressed(struct checking *checking, const char *path, const char *name,
                                           struct pintle_bytes bytes)
{
    struct pintle_bytes plain = {NULL, 0};
    char plain_path[PTI_PATH_MAX];
    struct pti_gunzip *gunzip;
    struct pintle_sink sink;
    struct pti_buf undone;
    const char *wrong;
    bool found = false;
    enum pintle_status status;

    (void)name;
    (void)snprintf(plain_path, sizeof plain_path, "%.*s", (int)(strlen(path) - strlen(PTI_GZIP_SUFFIX)), path);
    status = read_source(checking, plain_path, PTI_BODY_SIZE_MAX, &plain, &found, checking->error);
    if (status != PINTLE_OK) {
        return status;
    }
    pti_buf_init(&undone, PTI_BODY_SIZE_MAX);
    sink = pti_buf_sink(&undone);
    gunzip = pti_gunzip_new(&sink, PTI_BODY_SIZE_MAX);
    wrong = gunzip != NULL ? pti_gunzip_write(gunzip, bytes.data, bytes.size) : "no memory to undo it";
    if (wrong == NULL) {
        wrong = pti_gunzip_end(gunzip);
    }
    if (!found) {
        wrong = "that is missing";
    } else if (wrong == NULL && !pti_bytes_equal(plain, pti_buf_bytes(&undone))) {
        wrong = "found something else";
    }
    if (wrong != NULL) {
        status = pti_fail(checking->error, PINTLE_ERR_INPUT,
                          "%s: expected the file beside it, compressed: %s; delete it, or restore it from a copy", path,
                          wrong);
    }
    pti_gunzip_free(gunzip);
    pti_buf_clear(&undone);
    pti_bytes_free(&plain);
    return status;
}

static bool is_compressed(const char *name)
{
    size_t size = strlen(name), tail = strlen(PTI_GZIP_SUFFIX);

    return size > tail && strcmp(name + size - tail, PTI_GZIP_SUFFIX) == 0;
}

static enum pintle_status check_body(struct checking *checking, const char *path, const char *name,
                                     struct pintle_bytes bytes)
{
    if (is_compressed(name)) {
        return check_compressed(checking, path, name, bytes);
    }
    struct pti_container container = {NULL, 0};
    struct pintle_bytes snapshot = {NULL, 0};
    enum pintle_status status = pti_container_parse(bytes, &container, checking->error);

    checking->agreement->bodies++;
    if (status != PINTLE_OK) {
        (void)pti_error_prefix(checking->error, "%s", path);
    } else if (!pti_container_find(&container, "snapshot.json", &snapshot)) {
        status = pti_fail(checking->error, PINTLE_ERR_INPUT, "%s: expected snapshot.json in it, found none", path);
    } else {
        status = check_hash(checking, path, name, snapshot);
    }
    pti_container_clear(&container);
    return status;
}

/* The file at relative must hold exactly what expected does. */
static enum pintle_status check_equal(struct checking *checking, const char *relative, struct pti_buf *expected)
{
    struct pintle_bytes bytes = {NULL, 0};
    bool found = false;
    enum pintle_status status = pti_buf_check(expected, checking->error, relative);

    if (status == PINTLE_OK) {
        status = read_source(checking, relative, PTI_BODY_SIZE_MAX, &bytes, &found, checking->error);
    }
    if (status == PINTLE_OK && !found) {
        status = pti_fail(checking->error, PINTLE_ERR_INPUT, "expected %s, found none; `pintle publish` writes it",
                          relative);
    } else if (status == PINTLE_OK && !pti_bytes_equal(bytes, pti_buf_bytes(expected))) {
        status = pti_fail(checking->error, PINTLE_ERR_INPUT,
                          "%s: expected what the plain files make, found something else; `pintle publish` writes it "
                          "anew",
                          relative);
    }
    pti_bytes_free(&bytes);
    return status;
}

static enum pintle_status check_newest_body(struct checking *checking, const struct pti_published *published)
{
    uint8_t digest[PINTLE_SHA256_SIZE];
    char hex[HASH_SIZE + 1], relative[HASH_SIZE + 8];
    struct pti_buf body;
    enum pintle_status status = PINTLE_OK;

    pti_buf_init(&body, 0);
    status = pti_bundle_body(published, &body, checking->error);
    if (status == PINTLE_OK && pti_sha256(checking->crypto, published->snapshot, digest) != PINTLE_OK) {
        status = pti_fail(checking->error, PINTLE_ERR_MEMORY, "no memory for a digest");
    }
    if (status == PINTLE_OK) {
        pti_hex_encode(digest, sizeof digest, hex);
        snprintf(relative, sizeof relative, "body/%s", hex);
        status = check_equal(checking, relative, &body);
    }
    pti_buf_clear(&body);
    return status;
}

static enum pintle_status check_heads(struct checking *checking, const struct pti_published *published)
{
    enum pintle_status status = PINTLE_OK;

    for (size_t version = pti_bundle_first_head(published); version <= published->root_count && status == PINTLE_OK;
         version++) {
        struct pti_buf head;
        char relative[32];

        pti_buf_init(&head, 0);
        status = pti_bundle_head(published, version, &head, checking->error);
        if (status == PINTLE_OK) {
            snprintf(relative, sizeof relative, "head/%zu", version);
            status = check_equal(checking, relative, &head);
            checking->agreement->heads++;
        }
        pti_buf_clear(&head);
    }
    return status;
}

enum pintle_status pti_agreement_check(const char *directory, struct pintle_crypto *crypto,
                                       struct pti_agreement *agreement, struct pti_error *error)
{
    static const struct {
        const char *folder, *suffix;
        file_check check;
    } folders[] = {
        {"metadata", ".json", check_metadata},
        {"targets", ".json", check_target},
        {"targets/zones", ".json", check_target},
        {"metadata", PTI_GZIP_SUFFIX, check_compressed},
        {"targets", PTI_GZIP_SUFFIX, check_compressed},
        {"targets/zones", PTI_GZIP_SUFFIX, check_compressed},
        {"body", "", check_body},
    };
    struct checking checking = {directory, crypto, agreement, error};
    struct pti_file_source source = {read_source, &checking};
    struct pti_published published;
    enum pintle_status status = PINTLE_OK;

    memset(agreement, 0, sizeof *agreement);
    status = pti_published_load(&source, crypto, &published, error);
    if (status != PINTLE_OK) {
        return status;
    }
    for (size_t i = 0; i < sizeof folders / sizeof folders[0] && status == PINTLE_OK; i++) {
        status = each_file(&checking, folders[i].folder, folders[i].suffix, folders[i].check);
    }
    if (status == PINTLE_OK) {
        status = check_newest_body(&checking, &published);
    }
    if (status == PINTLE_OK) {
        status = check_heads(&checking, &published);
    }
    pti_published_clear(&published);
    return status;
}
