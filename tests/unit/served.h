/* SPDX-License-Identifier: Apache-2.0 */
/* A repository directory as others see it: what clients take from its public/, and which bytes lie where. */
#ifndef PTI_TESTS_SERVED_H
#define PTI_TESTS_SERVED_H

#include "scratch.h"

enum served_way {
    SERVED_BUNDLES, /* head and body */
    SERVED_PLAIN    /* the plain TUF files */
};

/*
 * A client of root 1 without a store follows directory/public at SCRATCH_NOW.  Its Pintle-Manifest header for host goes to
 * manifest: "charter=2,main=2"; if it could not follow, false and what it says.
 */
#define SERVED_MANIFEST_MAX 512
bool served_follow(struct scratch *scratch, const char *directory, enum served_way way, const char *host,
                   char manifest[SERVED_MANIFEST_MAX]);

/* Every file below a directory, in memory. */
struct tree {
    struct tree_file {
        char path[160]; /* relative */
        unsigned mode;
        struct pintle_bytes bytes;
    } * files;
    size_t count;
};

void tree_read(struct scratch *scratch, const char *directory, struct tree *tree);
void tree_clear(struct tree *tree);
/* Makes the directory, whatever was there, what was read; without any care for power cuts. */
void tree_write(const struct tree *tree, const char *directory);
bool tree_same(const struct tree *a, const struct tree *b);
/* Beside each compressed form lies the file that it is of. */
void tree_check_compressed(const struct tree *tree);
const struct tree_file *tree_find(const struct tree *tree, const char *path);

#endif
