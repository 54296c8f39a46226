/* SPDX-License-Identifier: Apache-2.0 */
/* The contract is in served.h. */
#include "served.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <pintle/pintle.h>

#include "base/buf.h"
#include "cli/directory_transport.h"
#include "cli/memory_store.h"
#include "client/header.h"
#include "publish/gzip.h"

#define DEADLINE_MS 10000

/* ---- clients ---- */

static int64_t now(void *ctx)
{
    (void)ctx;
    return SCRATCH_NOW + 60;
}

static int64_t monotonic_ms(void *ctx)
{
    (void)ctx;
    return 0;
}

static uint64_t not_random(void *ctx)
{
    (void)ctx;
    return 0;
}

static void make_transport(struct scratch *scratch, const char *directory, enum served_way way,
                           struct pintle_transport *transport)
{
    char public[PTI_PATH_MAX];
    struct pintle_transport inner;

    scratch_ok(scratch, pti_file_path(public, directory, "public", &scratch->error));
    assert_int_equal(pti_directory_transport_init(transport, public, NULL), PINTLE_OK);
    if (way == SERVED_BUNDLES)
        return;
    inner = *transport;
    assert_int_equal(pti_plain_transport_init(transport, &inner), PINTLE_OK);
}

static void configure(struct scratch *scratch, const char *directory, struct pintle_config *config)
{
    static const struct pintle_clock clock = {sizeof(clock), NULL, now, monotonic_ms, not_random};
    char root[PTI_PATH_MAX];
    struct pintle_bytes anchor;

    scratch_ok(scratch, pti_file_path(root, directory, "public/metadata/1.root.json", &scratch->error));
    anchor = scratch_read(scratch, root);
    assert_int_equal(pintle_config_set_roots_mem(config, anchor), PINTLE_OK);
    pti_bytes_free(&anchor);
    assert_int_equal(pintle_config_add_url(config, PTI_DIRECTORY_URL), PINTLE_OK);
    assert_int_equal(pintle_config_set_clock(config, &clock), PINTLE_OK);
    assert_int_equal(pintle_config_set_crypto(config, scratch->crypto), PINTLE_OK);
}

bool served_follow(struct scratch *scratch, const char *directory, enum served_way way, const char *host,
                   char manifest[SERVED_MANIFEST_MAX])
{
    struct pintle_config *config = NULL;
    struct pintle_client *client = NULL;
    struct pintle_transport transport;
    struct pintle_store store;
    bool followed;

    make_transport(scratch, directory, way, &transport);
    assert_int_equal(pti_memory_store_init(&store), PINTLE_OK);
    assert_int_equal(pintle_config_new(&config), PINTLE_OK);
    configure(scratch, directory, config);
    assert_int_equal(pintle_config_set_transport(config, &transport), PINTLE_OK);
    assert_int_equal(pintle_config_set_store(config, &store), PINTLE_OK);
    if (pintle_client_new(config, &client) != PINTLE_OK)
        fail_msg("%s", pintle_config_error(config));
    followed = pintle_client_refresh(client, DEADLINE_MS) == PINTLE_OK;
    if (followed)
        pti_header_versions(client, host, manifest, SERVED_MANIFEST_MAX);
    else
        (void)pintle_client_error(client, manifest, SERVED_MANIFEST_MAX);
    pintle_client_free(client);
    pintle_config_free(config);
    store.free(store.ctx);
    transport.free(transport.ctx);
    return followed;
}

/* ---- bytes ---- */

static bool is_dot(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static void add_file(struct scratch *scratch, const char *directory, const char *relative, struct tree *tree)
{
    char path[PTI_PATH_MAX];
    struct tree_file *file;

    tree->files = realloc(tree->files, (tree->count + 1) * sizeof(*tree->files));
    assert_non_null(tree->files);
    file = &tree->files[tree->count++];
    assert_true(pti_copy_text(file->path, sizeof(file->path), relative) < sizeof(file->path));
    scratch_ok(scratch, pti_file_path(path, directory, relative, &scratch->error));
    file->mode = scratch_mode(path);
    file->bytes = scratch_read(scratch, path);
}

static void add_folder(struct scratch *scratch, const char *directory, const char *folder, struct tree *tree)
{
    char path[PTI_PATH_MAX];
    const struct dirent *entry;
    DIR *stream;

    scratch_ok(scratch, pti_file_path(path, directory, folder, &scratch->error));
    stream = opendir(path);
    if (stream == NULL) {
        add_file(scratch, directory, folder, tree);
        return;
    }
    while ((entry = readdir(stream)) != NULL) {
        char child[PTI_PATH_MAX];
        if (is_dot(entry->d_name))
            continue;
        (void)snprintf(child, sizeof(child), "%.1024s%s%s", folder, folder[0] == '\0' ? "" : "/", entry->d_name);
        add_folder(scratch, directory, child, tree);
    }
    (void)closedir(stream);
}

void tree_read(struct scratch *scratch, const char *directory, struct tree *tree)
{
    *tree = (struct tree){NULL, 0};
    add_folder(scratch, directory, "", tree);
}

void tree_clear(struct tree *tree)
{
    for (size_t i = 0; i < tree->count; i++)
        pti_bytes_free(&tree->files[i].bytes);
    free(tree->files);
    *tree = (struct tree){NULL, 0};
}

static void write_one(const struct tree_file *file, const char *directory)
{
    char path[PTI_PATH_MAX];
    int fd;

    (void)snprintf(path, sizeof(path), "%s/%s", directory, file->path);
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(path, 0700);
        *slash = '/';
    }
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL, (mode_t)file->mode);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, file->bytes.data, file->bytes.size), file->bytes.size);
    assert_int_equal(close(fd), 0);
}

void tree_write(const struct tree *tree, const char *directory)
{
    scratch_remove_tree(directory);
    for (size_t i = 0; i < tree->count; i++)
        write_one(&tree->files[i], directory);
}

const struct tree_file *tree_find(const struct tree *tree, const char *path)
{
    for (size_t i = 0; i < tree->count; i++)
        if (strcmp(tree->files[i].path, path) == 0)
            return &tree->files[i];
    return NULL;
}

bool tree_same(const struct tree *a, const struct tree *b)
{
    for (size_t i = 0; i < a->count; i++) {
        const struct tree_file *other = tree_find(b, a->files[i].path);
        if (other == NULL || !pti_bytes_equal(other->bytes, a->files[i].bytes))
            return false;
    }
    return a->count == b->count;
}

void tree_check_compressed(const struct tree *tree)
{
    for (size_t i = 0; i < tree->count; i++) {
        const char *path = tree->files[i].path, *suffix = strstr(path, PTI_GZIP_SUFFIX);
        char plain[sizeof(tree->files[i].path)];
        const struct tree_file *file;
        struct pti_buf compressed;
        if (suffix == NULL)
            continue;
        (void)snprintf(plain, sizeof(plain), "%.*s", (int)(suffix - path), path);
        file = tree_find(tree, plain);
        if (file == NULL)
            fail_msg("%s is there, the file is not", path);
        assert_int_equal(pti_gzip(file->bytes, &compressed, NULL), PINTLE_OK);
        if (!pti_bytes_equal(pti_buf_bytes(&compressed), tree->files[i].bytes))
            fail_msg("%s is of another file", path);
        pti_buf_clear(&compressed);
    }
}
