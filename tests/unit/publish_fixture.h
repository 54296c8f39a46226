/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of the publishing room: a scratch directory, files in it, and steps that must succeed. */
#ifndef PTI_TESTS_PUBLISH_FIXTURE_H
#define PTI_TESTS_PUBLISH_FIXTURE_H

#include "publish/init.h"
#include "publish/publish.h"

#define FIXTURE_NOW INT64_C(1800000000)
#define FIXTURE_DAY INT64_C(86400)

struct fixture {
    struct pintle_crypto *crypto;
    char directory[64]; /* scratch, removed by fixture_free() */
    struct pti_error error;
};

struct fixture *fixture_new(void);
void fixture_free(struct fixture *fixture);

/* PINTLE_OK or the test fails with the detail. */
void fixture_ok(const struct fixture *fixture, enum pintle_status status);
/* This status, and the detail contains text. */
void fixture_refused(const struct fixture *fixture, enum pintle_status status, enum pintle_status want,
                     const char *text);

/* directory/relative; static, overwritten by the eighth next call. */
const char *fixture_path(const struct fixture *fixture, const char *relative);
/* The content; the caller frees with pti_bytes_free(). Fails the test if it is not there. */
struct pintle_bytes fixture_read(struct fixture *fixture, const char *path);
void fixture_write(struct fixture *fixture, const char *path, const char *text);
unsigned fixture_mode(const char *path); /* permission bits */
void fixture_copy_tree(struct fixture *fixture, const char *from, const char *to);

/* A repository in directory/relative, n offline keys, m of them needed; opened for writing. */
void fixture_init(struct fixture *fixture, const char *relative, int offline_keys, int threshold);
struct pti_repository *fixture_open(struct fixture *fixture, const char *relative, enum pti_repository_access access);
/* The pin whose hash is 32 bytes of seed. */
struct pti_pin_edit fixture_pin(uint8_t seed);
/* Adds host to the zone "main" with one pin of seed, updates and saves the stage. */
void fixture_add_host(struct fixture *fixture, struct pti_repository *repository, const char *host, uint8_t seed);
/* Publishes with every key in keys/. */
struct pti_publish_result fixture_publish(struct fixture *fixture, struct pti_repository *repository, int64_t now);

/* What a fresh client gets from what is published; the caller frees it. */
struct pti_generation *fixture_client_view(struct fixture *fixture, const struct pti_repository *repository,
                                           int64_t now);
/* The pins of host in the first zone. */
size_t fixture_pins_of(const struct pti_generation *generation, const char *host);
/* head/1 of a repository with one zone, and the body it leads to, are there and whole. */
void fixture_assert_served_whole(struct fixture *fixture, const char *relative);

#endif
