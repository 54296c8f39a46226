/* SPDX-License-Identifier: Apache-2.0 */
/* Files to be written, in the order in which they must appear; bytes in memory until then. */
#ifndef PTI_PUBLISH_OUTPUT_H
#define PTI_PUBLISH_OUTPUT_H

#include <pintle/bytes.h>

#include "base/error.h"

struct pti_output_file {
    char path[512];            /* relative to the repository directory: "public/metadata/3.targets.json" */
    struct pintle_bytes bytes; /* owned */
};

struct pti_output {
    struct pti_output_file *files;
    size_t count;
};

/* Copies bytes.  PINTLE_ERR_MEMORY; PINTLE_ERR_INPUT for a path that does not fit. */
enum pintle_status pti_output_add(struct pti_output *output, struct pintle_bytes bytes, struct pti_error *error,
                                  const char *format, ...) PTI_PRINTF(4, 5);
const struct pti_output_file *pti_output_find(const struct pti_output *output, const char *path); /* or NULL */
void pti_output_clear(struct pti_output *output);

#endif
