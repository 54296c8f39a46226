/* SPDX-License-Identifier: Apache-2.0 */
/* The contract is in publish/output.h. */
#include "publish/output.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

enum pintle_status pti_output_add(struct pti_output *output, struct pintle_bytes bytes, struct pti_error *error,
                                  const char *format, ...)
{
    struct pti_output_file *grown = realloc(output->files, (output->count + 1) * sizeof(*grown));
    struct pti_output_file *file;
    va_list arguments;
    int size;

    if (grown == NULL)
        return pti_fail(error, PINTLE_ERR_MEMORY, "out of memory for %zu files", output->count + 1);
    output->files = grown;
    file = &grown[output->count];
    va_start(arguments, format);
    size = vsnprintf(file->path, sizeof(file->path), format, arguments);
    va_end(arguments);
    if (size < 0 || (size_t)size >= sizeof(file->path))
        return pti_fail(error, PINTLE_ERR_INPUT, "the path %.200s... is too long", file->path);
    if (pti_bytes_copy(bytes, &file->bytes) != PINTLE_OK)
        return pti_fail(error, PINTLE_ERR_MEMORY, "out of memory for %s", file->path);
    output->count++;
    return PINTLE_OK;
}

const struct pti_output_file *pti_output_find(const struct pti_output *output, const char *path)
{
    for (size_t i = output->count; i-- > 0;)
        if (strcmp(output->files[i].path, path) == 0)
            return &output->files[i];
    return NULL;
}

void pti_output_clear(struct pti_output *output)
{
    for (size_t i = 0; i < output->count; i++)
        pti_bytes_free(&output->files[i].bytes);
    free(output->files);
    *output = (struct pti_output){NULL, 0};
}
