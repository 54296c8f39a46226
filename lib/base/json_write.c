/* SPDX-License-Identifier: Apache-2.0 */
/* Writing JSON: parsed values in two forms, and new text. */
#include "base/json_write.h"

#include <inttypes.h>
#include <string.h>

#include "base/utf8.h"

/* Appends string between quotes, escaping what escaped says; runs without an escape go out in one piece. */
static void write_string(struct pti_buf *out, struct pintle_bytes string, bool (*needs_escape)(uint8_t),
                         void (*escape)(struct pti_buf *, uint8_t))
{
    size_t start = 0;
    pti_buf_text(out, "\"");
    for (size_t i = 0; i < string.size; i++) {
        if (needs_escape(string.data[i])) {
            pti_buf_append(out, string.data + start, i - start);
            escape(out, string.data[i]);
            start = i + 1;
        }
    }
    if (start < string.size) {
        pti_buf_append(out, string.data + start, string.size - start);
    }
    pti_buf_text(out, "\"");
}

static bool is_quote_or_backslash(uint8_t c)
{
    return c == '"' || c == '\\';
}

static bool is_special(uint8_t c)
{
    return c < 0x20 || is_quote_or_backslash(c);
}

static void escape_with_backslash(struct pti_buf *out, uint8_t c)
{
    const uint8_t escaped[] = {'\\', c};
    pti_buf_append(out, escaped, sizeof escaped);
}

static void escape_special(struct pti_buf *out, uint8_t c)
{
    static const char from[] = "\b\f\n\r\t";
    static const char to[] = "bfnrt";
    const char *found = c == '\0' ? NULL : strchr(from, c);
    if (is_quote_or_backslash(c)) {
        escape_with_backslash(out, c);
    } else if (found != NULL) {
        escape_with_backslash(out, (uint8_t)to[found - from]);
    } else {
        pti_buf_printf(out, "\\u%04x", (unsigned)c);
    }
}

static void write_canonical_string(struct pti_buf *out, struct pintle_bytes string)
{
    write_string(out, string, is_quote_or_backslash, escape_with_backslash);
}

static void write_valid_string(struct pti_buf *out, struct pintle_bytes string)
{
    write_string(out, string, is_special, escape_special);
}

/* Both forms differ only in how they write strings.  Recursion is bounded by the parser's depth. */
static void write_value(const struct pti_json_value *value, struct pti_buf *out,
                        void (*write)(struct pti_buf *, struct pintle_bytes))
{
    enum pti_json_type type = pti_json_type(value);
    struct pintle_bytes string = {NULL, 0};
    int64_t integer = 0;
    bool boolean = false;
    if (pti_json_as_string(value, &string)) {
        write(out, string);
        return;
    }
    if (pti_json_as_integer(value, &integer)) {
        pti_buf_printf(out, "%" PRId64, integer);
        return;
    }
    if (type != PTI_JSON_ARRAY && type != PTI_JSON_OBJECT) {
        pti_buf_text(out, !pti_json_as_bool(value, &boolean) ? "null" : boolean ? "true" : "false");
        return;
    }
    bool object = type == PTI_JSON_OBJECT;
    const char *before = object ? "{" : "[";
    for (const struct pti_json_value *child = pti_json_first(value); child != NULL; child = pti_json_next(child)) {
        pti_buf_text(out, before);
        before = ",";
        if (object) {
            write(out, pti_json_name(child));
            pti_buf_text(out, ":");
        }
        write_value(child, out, write);
    }
    pti_buf_text(out, pti_json_count(value) > 0 ? "" : before);
    pti_buf_text(out, object ? "}" : "]");
}

void pti_json_write_canonical(const struct pti_json_value *value, struct pti_buf *out)
{
    write_value(value, out, write_canonical_string);
}

void pti_json_write_compact(const struct pti_json_value *value, struct pti_buf *out)
{
    write_value(value, out, write_valid_string);
}

/* What the caller hands to the writer may come from anywhere, so it is made UTF-8 here. */
static void write_any_string(struct pti_buf *out, struct pintle_bytes string)
{
    size_t start = 0;
    pti_buf_text(out, "\"");
    for (size_t i = 0; i < string.size;) {
        size_t length = pti_utf8_length(string.data + i, string.size - i);
        if (length == 0 || is_special(string.data[i])) {
            pti_buf_append(out, string.data + start, i - start);
            if (length == 0) {
                pti_buf_text(out, "\xef\xbf\xbd");
            } else {
                escape_special(out, string.data[i]);
            }
            start = ++i;
        } else {
            i += length;
        }
    }
    if (start < string.size) {
        pti_buf_append(out, string.data + start, string.size - start);
    }
    pti_buf_text(out, "\"");
}

static void new_line(struct pti_json_writer *writer)
{
    if (writer->indent) {
        pti_buf_text(writer->out, "\n");
        for (unsigned i = 0; i < writer->depth; i++) {
            pti_buf_text(writer->out, "  ");
        }
    }
}

/* Everything that stands before a value: comma, line, name. */
static void begin_value(struct pti_json_writer *writer, const char *name)
{
    if (writer->depth > 0) {
        pti_buf_text(writer->out, writer->comma ? "," : "");
        new_line(writer);
    }
    writer->comma = true;
    if (name != NULL) {
        write_any_string(writer->out, pti_bytes_text(name));
        pti_buf_text(writer->out, writer->indent ? ": " : ":");
    }
}

static void begin_container(struct pti_json_writer *writer, const char *name, const char *bracket)
{
    begin_value(writer, name);
    pti_buf_text(writer->out, bracket);
    writer->depth++;
    writer->comma = false;
}

static void end_container(struct pti_json_writer *writer, const char *bracket)
{
    writer->depth--;
    if (writer->comma) {
        new_line(writer);
    }
    pti_buf_text(writer->out, bracket);
    writer->comma = true;
}

void pti_json_writer_init(struct pti_json_writer *writer, struct pti_buf *out, bool indent)
{
    *writer = (struct pti_json_writer){.out = out, .indent = indent};
}

void pti_json_begin_object(struct pti_json_writer *writer, const char *name)
{
    begin_container(writer, name, "{");
}

void pti_json_end_object(struct pti_json_writer *writer)
{
    end_container(writer, "}");
}

void pti_json_begin_array(struct pti_json_writer *writer, const char *name)
{
    begin_container(writer, name, "[");
}

void pti_json_end_array(struct pti_json_writer *writer)
{
    end_container(writer, "]");
}

void pti_json_put_text(struct pti_json_writer *writer, const char *name, const char *text)
{
    if (text == NULL) {
        pti_json_put_null(writer, name);
        return;
    }
    pti_json_put_string(writer, name, pti_bytes_text(text));
}

void pti_json_put_string(struct pti_json_writer *writer, const char *name, struct pintle_bytes string)
{
    begin_value(writer, name);
    write_any_string(writer->out, string);
}

void pti_json_put_integer(struct pti_json_writer *writer, const char *name, int64_t integer)
{
    begin_value(writer, name);
    pti_buf_printf(writer->out, "%" PRId64, integer);
}

void pti_json_put_bool(struct pti_json_writer *writer, const char *name, bool boolean)
{
    begin_value(writer, name);
    pti_buf_text(writer->out, boolean ? "true" : "false");
}

void pti_json_put_null(struct pti_json_writer *writer, const char *name)
{
    begin_value(writer, name);
    pti_buf_text(writer->out, "null");
}

void pti_json_put_raw(struct pti_json_writer *writer, const char *name, struct pintle_bytes json)
{
    begin_value(writer, name);
    pti_buf_append(writer->out, json.data, json.size);
}
