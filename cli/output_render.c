/* SPDX-License-Identifier: Apache-2.0 */
/* A printout as text for people, and as JSON for programs. */
#include <inttypes.h>
#include <string.h>

#include "base/json_write.h"
#include "cli/output.h"

#define LINE_WIDTH 100 /* columns */
#define LINE_INDENT 2

/* ---- JSON ---- */

static void put_cell(const struct pti_column *column, const char *name, const struct pti_cell *cell,
                     struct pti_json_writer *writer)
{
    if (column->shown == PTI_SHOWN_TEXT) {
        return;
    }
    switch (cell->kind) {
    case PTI_CELL_NONE:
        pti_json_put_null(writer, name);
        break;
    case PTI_CELL_TEXT:
        pti_json_put_text(writer, name, cell->text);
        break;
    case PTI_CELL_INTEGER:
        pti_json_put_integer(writer, name, cell->integer);
        break;
    case PTI_CELL_BOOL:
        pti_json_put_bool(writer, name, cell->integer != 0);
        break;
    }
}

static void put_row(const struct pti_section *section, size_t row, struct pti_json_writer *writer)
{
    const struct pti_cell *cells = &section->cells[row * section->column_count];

    if (section->layout == PTI_LAYOUT_LINES) {
        put_cell(&section->columns[0], NULL, &cells[0], writer);
        return;
    }
    if (section->layout != PTI_LAYOUT_RECORD) {
        pti_json_begin_object(writer, NULL);
    }
    for (size_t i = 0; i < section->column_count; i++) {
        put_cell(&section->columns[i], section->columns[i].key, &cells[i], writer);
    }
    if (section->layout != PTI_LAYOUT_RECORD) {
        pti_json_end_object(writer);
    }
}

static void render_json(const struct pti_printout *printout, struct pti_buf *out)
{
    struct pti_json_writer writer;

    pti_json_writer_init(&writer, out, true);
    pti_json_begin_object(&writer, NULL);
    for (size_t i = 0; i < printout->section_count; i++) {
        const struct pti_section *section = &printout->sections[i];

        if (section->layout != PTI_LAYOUT_RECORD) {
            pti_json_begin_array(&writer, section->name);
        }
        for (size_t row = 0; row < section->row_count; row++) {
            put_row(section, row, &writer);
        }
        if (section->layout != PTI_LAYOUT_RECORD) {
            pti_json_end_array(&writer);
        }
    }
    pti_json_end_object(&writer);
    pti_buf_text(out, "\n");
}

/* ---- text ---- */

/* Certificates and manifests come from elsewhere: nothing in them may drive the terminal. */
static void put_safe(struct pti_buf *out, const char *text, size_t length)
{
    for (; length > 0; text++, length--) {
        char c = (unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text;

        pti_buf_append(out, &c, 1);
    }
}

static const char *cell_text(const struct pti_cell *cell, char *number, size_t size)
{
    switch (cell->kind) {
    case PTI_CELL_NONE:
        break;
    case PTI_CELL_TEXT:
        return cell->text;
    case PTI_CELL_INTEGER:
        snprintf(number, size, "%" PRId64, cell->integer);
        return number;
    case PTI_CELL_BOOL:
        return cell->integer ? "yes" : "no";
    }
    return "-";
}

static void put_cell_text(struct pti_buf *out, const struct pti_cell *cell)
{
    char number[32];
    const char *text = cell_text(cell, number, sizeof number);

    put_safe(out, text, strlen(text));
}

static void pad(struct pti_buf *out, size_t from, size_t to)
{
    for (; from < to; from++) {
        pti_buf_text(out, " ");
    }
}

/* An empty title sets a section apart without a heading. */
static bool is_headed(const struct pti_section *section)
{
    return section->title && *section->title;
}

static void render_labelled(const struct pti_section *section, size_t row, size_t first, size_t indent,
                            struct pti_buf *out)
{
    size_t width = 0;

    for (size_t i = first; i < section->column_count; i++) {
        size_t length = section->columns[i].shown == PTI_SHOWN_JSON ? 0 : strlen(section->columns[i].label);

        width = length > width ? length : width;
    }
    for (size_t i = first; i < section->column_count; i++) {
        const struct pti_column *column = &section->columns[i];
        const struct pti_cell *cell = &section->cells[row * section->column_count + i];

        /* Nothing to say: a person misses nothing, unlike a program that looks for the key. */
        if (column->shown == PTI_SHOWN_JSON || cell->kind == PTI_CELL_NONE) {
            continue;
        }
        pad(out, 0, indent);
        pti_buf_text(out, column->label);
        pad(out, strlen(column->label), width + 2);
        put_cell_text(out, cell);
        pti_buf_text(out, "\n");
    }
}

static void render_columns(const struct pti_section *section, struct pti_buf *out)
{
    size_t widths[PTI_PRINTOUT_COLUMNS_MAX] = {0};
    size_t last = 0;
    char number[32];

    for (size_t i = 0; i < section->column_count; i++) {
        if (section->columns[i].shown == PTI_SHOWN_JSON) {
            continue;
        }
        last = i;
        widths[i] = strlen(section->columns[i].label);
        for (size_t row = 0; row < section->row_count; row++) {
            size_t length = strlen(cell_text(&section->cells[row * section->column_count + i], number, sizeof number));

            widths[i] = length > widths[i] ? length : widths[i];
        }
    }
    for (size_t line = 0; line <= section->row_count; line++) { /* line 0 is the heading */
        pad(out, 0, is_headed(section) ? 2 : 0);
        for (size_t i = 0; i <= last; i++) {
            const struct pti_cell *cell = line ? &section->cells[(line - 1) * section->column_count + i] : NULL;
            const char *text = cell ? cell_text(cell, number, sizeof number) : section->columns[i].label;

            if (section->columns[i].shown == PTI_SHOWN_JSON) {
                continue;
            }
            put_safe(out, text, strlen(text));
            pad(out, strlen(text), i < last ? widths[i] + 2 : 0);
        }
        pti_buf_text(out, "\n");
    }
}

static void render_blocks(const struct pti_section *section, struct pti_buf *out)
{
    for (size_t row = 0; row < section->row_count; row++) {
        pti_buf_text(out, "  ");
        put_cell_text(out, &section->cells[row * section->column_count]);
        pti_buf_text(out, "\n");
        render_labelled(section, row, 1, 4, out);
    }
}

/* Breaks text at spaces, so that lines have at most LINE_WIDTH columns where words allow it. */
static void put_wrapped(struct pti_buf *out, const char *text, size_t indent)
{
    const size_t hanging = indent + LINE_INDENT;

    while (strlen(text) > LINE_WIDTH - indent) {
        size_t length = LINE_WIDTH - indent;

        while (length > 0 && text[length] != ' ') {
            length--;
        }
        if (length == 0) {
            length = strcspn(text, " ");
        }
        if (text[length] == '\0') {
            break;
        }
        put_safe(out, text, length);
        pti_buf_text(out, "\n");
        indent = hanging;
        pad(out, 0, indent);
        text += length + 1;
    }
    put_safe(out, text, strlen(text));
    pti_buf_text(out, "\n");
}

static void render_lines(const struct pti_section *section, struct pti_buf *out)
{
    size_t indent = is_headed(section) ? LINE_INDENT : 0;
    char number[32];

    for (size_t row = 0; row < section->row_count; row++) {
        pad(out, 0, indent);
        put_wrapped(out, cell_text(&section->cells[row * section->column_count], number, sizeof number), indent);
    }
}

static void render_section(const struct pti_section *section, struct pti_buf *out)
{
    if (section->row_count == 0) {
        if (section->empty) {
            pti_buf_printf(out, "%s\n", section->empty);
        }
        return;
    }
    if (section->title && out->size > 0) {
        pti_buf_text(out, "\n");
    }
    if (is_headed(section)) {
        pti_buf_printf(out, "%s\n", section->title);
    }
    switch (section->layout) {
    case PTI_LAYOUT_RECORD:
        render_labelled(section, 0, 0, is_headed(section) ? 2 : 0, out);
        break;
    case PTI_LAYOUT_COLUMNS:
        render_columns(section, out);
        break;
    case PTI_LAYOUT_BLOCKS:
        render_blocks(section, out);
        break;
    case PTI_LAYOUT_LINES:
        render_lines(section, out);
        break;
    }
}

enum pintle_status pti_printout_render(const struct pti_printout *printout, bool json, struct pti_buf *out)
{
    if (printout->status != PINTLE_OK) {
        return printout->status;
    }
    if (json) {
        render_json(printout, out);
    } else {
        for (size_t i = 0; i < printout->section_count; i++) {
            render_section(&printout->sections[i], out);
        }
    }
    return out->status;
}

enum pintle_status pti_printout_print(const struct pti_printout *printout, bool json, FILE *stream,
                                      struct pti_error *error)
{
    struct pti_buf out;
    enum pintle_status status = PINTLE_OK;

    pti_buf_init(&out, PTI_PRINTOUT_SIZE_MAX);
    status = pti_printout_render(printout, json, &out);
    if (status != PINTLE_OK) {
        pti_fail(error, status, "the output is larger than %d bytes or memory ran out; ask for less",
                 PTI_PRINTOUT_SIZE_MAX);
    } else if (fwrite(out.data, 1, out.size, stream) != out.size) {
        status = pti_fail(error, PINTLE_ERR_STORAGE, "the output could not be written; see where it is redirected to");
    }
    pti_buf_clear(&out);
    return status;
}
