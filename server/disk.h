/* SPDX-License-Identifier: Apache-2.0 */
/* How full the disk is on which the server keeps its data. */
#ifndef PTI_SERVER_DISK_H
#define PTI_SERVER_DISK_H

#include <stdbool.h>
#include <stdint.h>

struct pti_disk_use {
    int64_t size, available; /* bytes; available to this user, as `df` counts */
    int64_t database;        /* bytes of the database and its log */
};

/* Of the file system of directory; false if it does not say. */
bool pti_disk_look(const char *directory, struct pti_disk_use *use);

#endif
