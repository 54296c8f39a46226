/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of the publishing room: a scratch directory, files in it, and steps that must succeed. */
#ifndef PTI_TESTS_SCRATCH_H
#define PTI_TESTS_SCRATCH_H

#include "publish/init.h"
#include "publish/publish.h"

#define SCRATCH_NOW INT64_C(1800000000)
#define SCRATCH_DAY INT64_C(86400)

struct scratch {
    struct pintle_crypto *crypto;
    char directory[64]; /* scratch, removed by scratch_free() */
    struct pti_error error;
};

struct scratch *scratch_new(void);
void scratch_free(struct scratch *scratch);

/* An entry of a table of tests: each has a scratch of its own as *state.  Needs cmocka.h. */
#define SCRATCH_TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
int scratch_setup(void **state);
int scratch_teardown(void **state);

/* PINTLE_OK or the test fails with the detail. */
void scratch_ok(const struct scratch *scratch, enum pintle_status status);
/* This status, and the detail contains text. */
void scratch_refused(const struct scratch *scratch, enum pintle_status status, enum pintle_status want,
                     const char *text);

/* directory/relative; static, overwritten by the eighth next call. */
const char *scratch_path(const struct scratch *scratch, const char *relative);
/* The content; the caller frees with pti_bytes_free(). Fails the test if it is not there. */
struct pintle_bytes scratch_read(struct scratch *scratch, const char *path);
void scratch_write(struct scratch *scratch, const char *path, const char *text);
unsigned scratch_mode(const char *path);    /* permission bits */
void scratch_remove_tree(const char *path); /* it need not be there */
void scratch_copy_tree(struct scratch *scratch, const char *from, const char *to);

/* A repository in directory/relative, n offline keys, m of them needed; opened for writing. */
void scratch_init(struct scratch *scratch, const char *relative, int offline_keys, int threshold);
struct pti_repository *scratch_open(struct scratch *scratch, const char *relative, enum pti_repository_access access);
/* The pin whose hash is 32 bytes of seed. */
struct pti_pin_edit scratch_pin(uint8_t seed);
/* Adds host to the zone "main" with one pin of seed, updates and saves the stage. */
void scratch_add_host(struct scratch *scratch, struct pti_repository *repository, const char *host, uint8_t seed);
/* Publishes with every key in keys/. */
struct pti_publish_result scratch_publish(struct scratch *scratch, struct pti_repository *repository, int64_t now);

/* What a fresh client gets from what is published; the caller frees it. */
struct pti_generation *scratch_client_view(struct scratch *scratch, const struct pti_repository *repository,
                                           int64_t now);
/* The pins of host in the first zone. */
size_t scratch_pins_of(const struct pti_generation *generation, const char *host);
/* head/1 of a repository with one zone, and the body it leads to, are there and whole. */
void scratch_assert_served_whole(struct scratch *scratch, const char *relative);

#endif
