/* SPDX-License-Identifier: Apache-2.0 */
#include "server/file_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/limits.h"

#define SUFFIX ".gz"

struct place {
    int directory;
    char name[PTI_FILES_PATH_MAX + sizeof SUFFIX]; /* "" while it is empty */
    struct stat seen;
    struct pti_http_prepared *answer;
};

struct pti_file_cache {
    pthread_mutex_t mutex;
    struct place places[PTI_FILE_CACHE_PLACES];
};

struct pti_file_cache *pti_file_cache_new(void)
{
    struct pti_file_cache *cache = calloc(1, sizeof *cache);

    if (cache)
        pthread_mutex_init(&cache->mutex, NULL);
    return cache;
}

void pti_file_cache_free(struct pti_file_cache *cache)
{
    if (!cache)
        return;
    for (size_t i = 0; i < PTI_FILE_CACHE_PLACES; i++)
        pti_http_prepared_free(cache->places[i].answer);
    pthread_mutex_destroy(&cache->mutex);
    free(cache);
}

/* FNV-1a.  Only names of files that exist get a place, so nobody outside chooses them. */
static struct place *place_of(struct pti_file_cache *cache, int directory, const char *name)
{
    uint32_t hash = UINT32_C(2166136261) ^ (uint32_t)directory;

    for (; *name; name++)
        hash = (hash ^ (uint8_t)*name) * UINT32_C(16777619);
    return &cache->places[(hash ^ hash >> 16) % PTI_FILE_CACHE_PLACES];
}

static bool is_unchanged(const struct place *place)
{
    const struct stat *seen = &place->seen;
    struct stat now;

    return fstatat(place->directory, place->name + 1, &now, AT_SYMLINK_NOFOLLOW) == 0 && now.st_ino == seen->st_ino &&
           now.st_dev == seen->st_dev && now.st_size == seen->st_size && now.st_mtim.tv_sec == seen->st_mtim.tv_sec &&
           now.st_mtim.tv_nsec == seen->st_mtim.tv_nsec && now.st_ctim.tv_sec == seen->st_ctim.tv_sec &&
           now.st_ctim.tv_nsec == seen->st_ctim.tv_nsec;
}

static bool read_whole(int fd, uint8_t *data, size_t size)
{
    while (size > 0) {
        ssize_t got = read(fd, data, size);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        data += got;
        size -= (size_t)got;
    }
    return true;
}

/* The answer with the content of fd; path is what was asked for, whatever form of it this is. */
static struct pti_http_prepared *prepare(int fd, size_t size, const char *path, bool compressed)
{
    const enum pti_file_kind kind = pti_file_kind(path);
    struct pti_http_response response = PTI_HTTP_RESPONSE(200);
    uint8_t *data = malloc(size > 0 ? size : 1);

    if (!data || !read_whole(fd, data, size)) {
        free(data);
        return NULL;
    }
    response.body = (struct pintle_bytes){data, size};
    pti_file_describe(&response, kind, path, compressed);
    return pti_http_prepare(&response);
}

static bool fill(struct place *place, int directory, const char *name, const char *path, bool compressed)
{
    struct place new = {.directory = directory};
    uint64_t size = 0;
    int fd = -1;

    if (pti_file_open(directory, name, &fd, &size, NULL) != PINTLE_OK)
        return false;
    if (fstat(fd, &new.seen) == 0 && new.seen.st_size <= PTI_FILE_CACHE_SIZE_MAX)
        new.answer = prepare(fd, (size_t) new.seen.st_size, path, compressed);
    close(fd);
    if (!new.answer)
        return false;
    pti_copy_text(new.name, sizeof new.name, name);
    pti_http_prepared_free(place->answer);
    *place = new;
    return true;
}

bool pti_file_cache_answer(struct pti_file_cache *cache, int directory, const char *path, bool compressed,
                           struct pti_http_exchange *exchange)
{
    char name[sizeof cache->places[0].name];
    size_t length = strlen(path);
    struct place *place = NULL;
    bool answered = false;

    if (!cache || length > PTI_FILES_PATH_MAX)
        return false;
    memcpy(name, path, length + 1);
    if (compressed)
        memcpy(name + length, SUFFIX, sizeof SUFFIX);
    pthread_mutex_lock(&cache->mutex);
    place = place_of(cache, directory, name);
    if ((place->directory == directory && strcmp(place->name, name) == 0 && is_unchanged(place)) ||
        fill(place, directory, name, path, compressed))
        answered = pti_http_answer_prepared(exchange, place->answer);
    pthread_mutex_unlock(&cache->mutex);
    return answered;
}
