/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing JSON: a parsed value in canonical form (what TUF signatures cover), and new text, piece by piece.
 * Errors stick to the buffer; ask it once at the end.
 */
#ifndef PTI_BASE_JSON_WRITE_H
#define PTI_BASE_JSON_WRITE_H

#include "base/buf.h"
#include "base/json.h"

/*
 * OLPC canonical JSON: keys sorted by byte, no white space, only '"' and '\' escaped, control characters raw.  It is
 * input for digests and signatures and not always valid JSON.
 */
void pti_json_write_canonical(const struct pti_json_value *value, struct pti_buf *out);

/* Compact, valid JSON (control characters escaped), keys sorted by byte: what goes into files and onto the wire. */
void pti_json_write_compact(const struct pti_json_value *value, struct pti_buf *out);

/*
 * A writer of new text.  It places commas and, when indent is set, new lines; the caller pairs begin and end.  name is
 * NULL inside an array and at the top.  Strings that are not UTF-8 are written with U+FFFD in place of each bad byte.
 */
struct pti_json_writer {
    struct pti_buf *out;
    bool indent; /* two spaces a level, for people */
    unsigned depth;
    bool comma;
};

void pti_json_writer_init(struct pti_json_writer *writer, struct pti_buf *out, bool indent);
void pti_json_begin_object(struct pti_json_writer *writer, const char *name);
void pti_json_end_object(struct pti_json_writer *writer);
void pti_json_begin_array(struct pti_json_writer *writer, const char *name);
void pti_json_end_array(struct pti_json_writer *writer);
void pti_json_put_text(struct pti_json_writer *writer, const char *name, const char *text); /* NULL text: null */
void pti_json_put_string(struct pti_json_writer *writer, const char *name, struct pintle_bytes string);
void pti_json_put_integer(struct pti_json_writer *writer, const char *name, int64_t integer);
void pti_json_put_bool(struct pti_json_writer *writer, const char *name, bool boolean);
void pti_json_put_null(struct pti_json_writer *writer, const char *name);
/* Text that is JSON already. */
void pti_json_put_raw(struct pti_json_writer *writer, const char *name, struct pintle_bytes json);

#endif
