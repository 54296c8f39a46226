/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a command prints.  A command describes its data once, in tables of columns, and fills rows; the same tables then
 * become aligned text for people or one JSON object with stable keys for programs.
 *
 * A record is one row: labelled lines in text, members of the top-level object in JSON.  A list is many rows: lines of
 * aligned columns, or one block of labelled lines per row, in text; an array of objects under its name in JSON.
 * Failures (memory) stick and come out of pti_printout_print().
 */
#ifndef PTI_CLI_OUTPUT_H
#define PTI_CLI_OUTPUT_H

#include <stdio.h>

#include "base/buf.h"
#include "base/error.h"

#define PTI_PRINTOUT_SECTIONS_MAX 12
#define PTI_PRINTOUT_COLUMNS_MAX 24
#define PTI_PRINTOUT_SIZE_MAX 32000000 /* bytes */

/* Where a column shows. */
enum pti_shown { PTI_SHOWN_BOTH = 0, PTI_SHOWN_JSON, PTI_SHOWN_TEXT };

struct pti_column {
    const char *key;   /* in JSON; and the name by which a command fills it */
    const char *label; /* in text */
    enum pti_shown shown;
};

enum pti_layout {
    PTI_LAYOUT_RECORD,
    PTI_LAYOUT_COLUMNS, /* a heading, then one line per row */
    PTI_LAYOUT_BLOCKS,  /* per row: the first column as a heading, the others as labelled lines */
    PTI_LAYOUT_LINES    /* the first column alone, one line per row; in JSON an array of strings */
};

enum pti_cell_kind { PTI_CELL_NONE = 0, PTI_CELL_TEXT, PTI_CELL_INTEGER, PTI_CELL_BOOL };

struct pti_cell {
    enum pti_cell_kind kind;
    char *text; /* owned */
    int64_t integer;
};

struct pti_section {
    enum pti_layout layout;
    const char *name;  /* the array's key in JSON; NULL for a record */
    const char *title; /* the line above it in text; "" for an empty line only, NULL for none */
    const char *empty; /* the line instead of an empty list; NULL for none */
    const struct pti_column *columns;
    size_t column_count;
    struct pti_cell *cells; /* row by row */
    size_t row_count, row_capacity;
};

struct pti_printout {
    struct pti_section sections[PTI_PRINTOUT_SECTIONS_MAX];
    size_t section_count;
    enum pintle_status status;
};

void pti_printout_init(struct pti_printout *printout);
void pti_printout_clear(struct pti_printout *printout);

/* Opens a section; columns and texts are borrowed until the printout is cleared.  A record has its one row at once. */
void pti_printout_record(struct pti_printout *printout, const char *title, const struct pti_column *columns,
                         size_t count);
void pti_printout_list(struct pti_printout *printout, enum pti_layout layout, const char *name, const char *title,
                       const char *empty, const struct pti_column *columns, size_t count);
/* Opens the next row of the last section. */
void pti_printout_row(struct pti_printout *printout);

/* Fills a cell of the last row; a cell never filled is null in JSON and "-" in text.  key must be in the table. */
void pti_printout_text(struct pti_printout *printout, const char *key, const char *text); /* NULL text: null */
void pti_printout_format(struct pti_printout *printout, const char *key, const char *format, ...) PTI_PRINTF(3, 4);
void pti_printout_integer(struct pti_printout *printout, const char *key, int64_t integer);
void pti_printout_bool(struct pti_printout *printout, const char *key, bool boolean);
/* Seconds since 1970 as "2026-11-21T20:00:00Z". */
void pti_printout_time(struct pti_printout *printout, const char *key, int64_t seconds);
/* The base64 of a SHA-256. */
void pti_printout_sha256(struct pti_printout *printout, const char *key, const uint8_t sha256[PINTLE_SHA256_SIZE]);

/* Prints everything.  PINTLE_ERR_MEMORY, PINTLE_ERR_STORAGE (stream). */
enum pintle_status pti_printout_print(const struct pti_printout *printout, bool json, FILE *stream,
                                      struct pti_error *error);
/* The same into a buffer, for tests and embedding. */
enum pintle_status pti_printout_render(const struct pti_printout *printout, bool json, struct pti_buf *out);

#endif
