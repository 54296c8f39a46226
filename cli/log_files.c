/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/log_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "publish/file.h"

static enum pintle_status hash_head(int fd, int64_t size, struct pintle_crypto *crypto,
                                    uint8_t head[PINTLE_SHA256_SIZE], struct pti_error *error)
{
    uint8_t bytes[PTI_LOG_HEAD_MAX];
    ssize_t got;

    do
        got = pread(fd, bytes, (size_t)size, 0);
    while (got < 0 && errno == EINTR);
    if (got != size)
        return pti_fail(error, PINTLE_ERR_STORAGE, "the first bytes of the log cannot be read: %s",
                        got < 0 ? strerror(errno) : "it has become shorter");
    if (pti_sha256(crypto, (struct pintle_bytes){bytes, (size_t)size}, head) != PINTLE_OK)
        return pti_fail(error, PINTLE_ERR_MEMORY, "out of memory");
    return PINTLE_OK;
}

enum pintle_status pti_log_file_mark(struct pti_log_file *file, struct pintle_crypto *crypto, struct pti_error *error)
{
    int64_t size = file->position.offset < PTI_LOG_HEAD_MAX ? file->position.offset : PTI_LOG_HEAD_MAX;
    enum pintle_status status = PINTLE_OK;

    if (size == file->position.head_size) /* what a log begins with does not change */
        return PINTLE_OK;
    status = hash_head(file->fd, size, crypto, file->position.head, error);
    if (status == PINTLE_OK)
        file->position.head_size = size;
    return status;
}

/* Whether fd holds all that was read of known, and begins as that did. */
static bool continues(int fd, const struct stat *info, const struct pti_log_position *known,
                      struct pintle_crypto *crypto)
{
    uint8_t head[PINTLE_SHA256_SIZE];

    return info->st_size >= known->offset &&
           (known->head_size == 0 || (hash_head(fd, known->head_size, crypto, head, NULL) == PINTLE_OK &&
                                      memcmp(head, known->head, sizeof head) == 0));
}

static bool is_same(const struct stat *info, const struct pti_log_position *known)
{
    return (uint64_t)info->st_dev == known->device && (uint64_t)info->st_ino == known->inode;
}

/* A FIFO, or what is no file, is left alone. */
static int open_log(const char *path, struct stat *info)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd >= 0 && (fstat(fd, info) != 0 || !S_ISREG(info->st_mode))) {
        (void)close(fd);
        errno = EINVAL;
        fd = -1;
    }
    return fd;
}

/* ---- rotated logs ---- */

struct search {
    const struct pti_log_position *known;
    struct pintle_crypto *crypto;
    uint64_t except_device, except_inode; /* the log itself */
    struct pti_log_file found;
    bool same; /* found is the very file, not a copy */
};

static void offer(struct search *search, const char *path)
{
    struct stat info;
    int fd = open_log(path, &info);
    bool same;

    if (fd < 0)
        return;
    same = is_same(&info, search->known);
    if (((uint64_t)info.st_dev == search->except_device && (uint64_t)info.st_ino == search->except_inode) ||
        (search->found.fd >= 0 && !same) || (!same && search->known->head_size == 0) ||
        !continues(fd, &info, search->known, search->crypto)) {
        (void)close(fd);
        return;
    }
    if (search->found.fd >= 0)
        (void)close(search->found.fd);
    search->same = same;
    search->found.fd = fd;
    search->found.position = *search->known;
    search->found.position.device = (uint64_t)info.st_dev;
    search->found.position.inode = (uint64_t)info.st_ino;
}

/* Beside path, among names that begin with its name; the very file goes before a copy of it. */
static void search_rotated(const char *path, struct search *search)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    char directory[PTI_PATH_MAX], candidate[PTI_PATH_MAX];
    struct dirent *entry;
    DIR *stream;

    search->found.fd = -1;
    (void)pti_copy_text(directory, sizeof directory, slash ? path : ".");
    if (slash)
        directory[slash == path ? 1 : slash - path] = '\0';
    stream = opendir(directory);
    while (stream && !search->same && (entry = readdir(stream)) != NULL)
        if (strncmp(entry->d_name, name, strlen(name)) == 0 &&
            pti_file_path(candidate, directory, entry->d_name, NULL) == PINTLE_OK)
            offer(search, candidate);
    if (stream)
        (void)closedir(stream);
}

static void find_rotated(const char *path, const struct pti_log_position *known, const struct pti_log_position *log,
                         struct pintle_crypto *crypto, struct pti_log_file *found)
{
    struct search search = {
        .known = known, .crypto = crypto, .except_device = log->device, .except_inode = log->inode, .found.fd = -1};

    if (known->inode != 0)
        search_rotated(path, &search);
    *found = search.found;
}

enum pintle_status pti_log_files_open(const char *path, const struct pti_log_state *state, struct pintle_crypto *crypto,
                                      struct pti_log_file files[PTI_LOG_FILES], bool *lost, struct pti_error *error)
{
    const struct pti_log_position *known = &state->files[1];
    struct pti_log_file *before = &files[0], *log = &files[1];
    struct stat info;

    *lost = false;
    before->fd = -1;
    log->fd = open_log(path, &info);
    if (log->fd < 0)
        return pti_fail(error, PINTLE_ERR_STORAGE,
                        "expected a log at %.300s, found none that can be read: %s; check "
                        "the path",
                        path, strerror(errno));
    log->position = (struct pti_log_position){.device = (uint64_t)info.st_dev, .inode = (uint64_t)info.st_ino};
    if (known->inode == 0)
        return PINTLE_OK;
    if (is_same(&info, known) && continues(log->fd, &info, known, crypto)) {
        log->position = *known;
        find_rotated(path, &state->files[0], &log->position, crypto, before);
        return PINTLE_OK;
    }
    find_rotated(path, known, &log->position, crypto, before);
    *lost = before->fd < 0;
    return PINTLE_OK;
}

void pti_log_files_close(struct pti_log_file files[PTI_LOG_FILES])
{
    for (size_t i = 0; i < PTI_LOG_FILES; i++)
        if (files[i].fd >= 0)
            (void)close(files[i].fd);
}
