/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/output.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/datetime.h"
#include "base/encode.h"

#define CELL_TEXT_MAX 4096

void pti_printout_init(struct pti_printout *printout)
{
    memset(printout, 0, sizeof *printout);
}

void pti_printout_clear(struct pti_printout *printout)
{
    for (size_t i = 0; i < printout->section_count; i++) {
        struct pti_section *section = &printout->sections[i];

        for (size_t cell = 0; cell < section->row_count * section->column_count; cell++) {
            free(section->cells[cell].text);
        }
        free(section->cells);
    }
    pti_printout_init(printout);
}

static struct pti_section *last_section(struct pti_printout *printout)
{
    assert(printout->section_count > 0);
    return &printout->sections[printout->section_count - 1];
}

void pti_printout_list(struct pti_printout *printout, enum pti_layout layout, const char *name, const char *title,
                       const char *empty, const struct pti_column *columns, size_t count)
{
    assert(printout->section_count < PTI_PRINTOUT_SECTIONS_MAX && count <= PTI_PRINTOUT_COLUMNS_MAX);
    printout->section_count++;
    *last_section(printout) = (struct pti_section){
        .layout = layout, .name = name, .title = title, .empty = empty, .columns = columns, .column_count = count};
}

void pti_printout_record(struct pti_printout *printout, const char *title, const struct pti_column *columns,
                         size_t count)
{
    pti_printout_list(printout, PTI_LAYOUT_RECORD, NULL, title, NULL, columns, count);
    pti_printout_row(printout);
}

void pti_printout_row(struct pti_printout *printout)
{
    struct pti_section *section = last_section(printout);

    if (printout->status != PINTLE_OK) {
        return;
    }
    if (section->row_count == section->row_capacity) {
        size_t capacity = section->row_capacity ? section->row_capacity * 2 : 8;
        struct pti_cell *cells = realloc(section->cells, capacity * section->column_count * sizeof *cells);

        if (!cells) {
            printout->status = PINTLE_ERR_MEMORY;
            return;
        }
        section->cells = cells;
        section->row_capacity = capacity;
    }
    memset(&section->cells[section->row_count * section->column_count], 0,
           section->column_count * sizeof *section->cells);
    section->row_count++;
}

/* The cell to fill, or NULL after a failure. */
static struct pti_cell *cell_of(struct pti_printout *printout, const char *key)
{
    struct pti_section *section = last_section(printout);
    size_t column = 0;

    if (printout->status != PINTLE_OK) {
        return NULL;
    }
    assert(section->row_count > 0);
    while (column < section->column_count && strcmp(section->columns[column].key, key) != 0) {
        column++;
    }
    assert(column < section->column_count);
    return &section->cells[(section->row_count - 1) * section->column_count + column];
}

void pti_printout_text(struct pti_printout *printout, const char *key, const char *text)
{
    struct pti_cell *cell = cell_of(printout, key);

    if (!cell || !text) {
        return;
    }
    free(cell->text);
    cell->kind = PTI_CELL_TEXT;
    cell->text = pti_bytes_strdup(pti_bytes_text(text));
    if (!cell->text) {
        printout->status = PINTLE_ERR_MEMORY;
        cell->kind = PTI_CELL_NONE;
    }
}

void pti_printout_format(struct pti_printout *printout, const char *key, const char *format, ...)
{
    char text[CELL_TEXT_MAX];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    pti_printout_text(printout, key, text);
}

void pti_printout_integer(struct pti_printout *printout, const char *key, int64_t integer)
{
    struct pti_cell *cell = cell_of(printout, key);

    if (cell) {
        cell->kind = PTI_CELL_INTEGER;
        cell->integer = integer;
    }
}

void pti_printout_bool(struct pti_printout *printout, const char *key, bool boolean)
{
    struct pti_cell *cell = cell_of(printout, key);

    if (cell) {
        cell->kind = PTI_CELL_BOOL;
        cell->integer = boolean;
    }
}

void pti_printout_time(struct pti_printout *printout, const char *key, int64_t seconds)
{
    char text[PTI_DATETIME_SIZE + 1];

    pti_datetime_format(seconds, text);
    pti_printout_text(printout, key, text);
}

void pti_printout_sha256(struct pti_printout *printout, const char *key, const uint8_t sha256[PINTLE_SHA256_SIZE])
{
    char text[PTI_BASE64_SIZE(PINTLE_SHA256_SIZE) + 1];

    pti_base64_encode(sha256, PINTLE_SHA256_SIZE, text);
    pti_printout_text(printout, key, text);
}
