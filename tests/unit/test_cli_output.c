/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/array.h"
#include "base/json.h"
#include "cli/output.h"

static const struct pti_column record_columns[] = {
    {"host", "host", PTI_SHOWN_BOTH},
    {"port", NULL, PTI_SHOWN_JSON},
    {"where", "reached at", PTI_SHOWN_TEXT},
    {"zone", "zone", PTI_SHOWN_BOTH},
};

static const struct pti_column pin_columns[] = {
    {"sha256", "pin", PTI_SHOWN_BOTH},
    {"position", NULL, PTI_SHOWN_JSON},
    {"published", "published", PTI_SHOWN_BOTH},
    {"expires", "expires", PTI_SHOWN_BOTH},
};

static const struct pti_column line_columns[] = {{"line", "line", PTI_SHOWN_BOTH}};

static void fill(struct pti_printout *printout, enum pti_layout layout)
{
    pti_printout_record(printout, NULL, record_columns, PTI_COUNT(record_columns));
    pti_printout_text(printout, "host", "api.example.com");
    pti_printout_integer(printout, "port", 443);
    pti_printout_format(printout, "where", "%s:%d", "127.0.0.1", 8443);
    pti_printout_text(printout, "zone", NULL);
    pti_printout_list(printout, layout, "pins", "pins:", "no pins", pin_columns, PTI_COUNT(pin_columns));
    pti_printout_row(printout);
    pti_printout_text(printout, "sha256", "short");
    pti_printout_bool(printout, "published", true);
    pti_printout_row(printout);
    pti_printout_text(printout, "sha256", "a longer one");
    pti_printout_integer(printout, "position", 1);
    pti_printout_bool(printout, "published", false);
    pti_printout_time(printout, "expires", 1795291200);
}

static void assert_rendered(const struct pti_printout *printout, bool json, const char *want)
{
    struct pti_buf out;

    pti_buf_init(&out, 100000);
    assert_int_equal(pti_printout_render(printout, json, &out), PINTLE_OK);
    assert_string_equal(pti_buf_cstr(&out), want);
    pti_buf_clear(&out);
}

static void columns(void **state)
{
    struct pti_printout printout;

    (void)state;
    pti_printout_init(&printout);
    fill(&printout, PTI_LAYOUT_COLUMNS);
    assert_rendered(&printout, false,
                    "host        api.example.com\n"
                    "reached at  127.0.0.1:8443\n"
                    "\n"
                    "pins:\n"
                    "  pin           published  expires\n"
                    "  short         yes        -\n"
                    "  a longer one  no         2026-11-21T20:00:00Z\n");
    pti_printout_clear(&printout);
}

static void blocks(void **state)
{
    struct pti_printout printout;

    (void)state;
    pti_printout_init(&printout);
    fill(&printout, PTI_LAYOUT_BLOCKS);
    assert_rendered(&printout, false,
                    "host        api.example.com\n"
                    "reached at  127.0.0.1:8443\n"
                    "\n"
                    "pins:\n"
                    "  short\n"
                    "    published  yes\n"
                    "  a longer one\n"
                    "    published  no\n"
                    "    expires    2026-11-21T20:00:00Z\n");
    pti_printout_clear(&printout);
}

/* The keys are there whatever the layout, and whether or not there is a value. */
static void json(void **state)
{
    static const enum pti_layout layouts[] = {PTI_LAYOUT_COLUMNS, PTI_LAYOUT_BLOCKS};

    (void)state;
    for (size_t i = 0; i < PTI_COUNT(layouts); i++) {
        struct pti_printout printout;

        pti_printout_init(&printout);
        fill(&printout, layouts[i]);
        assert_rendered(&printout, true,
                        "{\n"
                        "  \"host\": \"api.example.com\",\n"
                        "  \"port\": 443,\n"
                        "  \"zone\": null,\n"
                        "  \"pins\": [\n"
                        "    {\n"
                        "      \"sha256\": \"short\",\n"
                        "      \"position\": null,\n"
                        "      \"published\": true,\n"
                        "      \"expires\": null\n"
                        "    },\n"
                        "    {\n"
                        "      \"sha256\": \"a longer one\",\n"
                        "      \"position\": 1,\n"
                        "      \"published\": false,\n"
                        "      \"expires\": \"2026-11-21T20:00:00Z\"\n"
                        "    }\n"
                        "  ]\n"
                        "}\n");
        pti_printout_clear(&printout);
    }
}

static void lines_and_nothing(void **state)
{
    struct pti_printout printout;

    (void)state;
    pti_printout_init(&printout);
    pti_printout_list(&printout, PTI_LAYOUT_COLUMNS, "pins", NULL, "no pins", pin_columns, PTI_COUNT(pin_columns));
    pti_printout_list(&printout, PTI_LAYOUT_LINES, "notices", "to do:", NULL, line_columns, PTI_COUNT(line_columns));
    assert_rendered(&printout, false, "no pins\n");
    pti_printout_row(&printout);
    pti_printout_text(&printout, "line", "renew it");
    pti_printout_record(&printout, "", line_columns, PTI_COUNT(line_columns));
    pti_printout_text(&printout, "line", "apart");
    assert_rendered(&printout, false, "no pins\n\nto do:\n  renew it\n\nline  apart\n");
    assert_rendered(&printout, true,
                    "{\n  \"pins\": [],\n  \"notices\": [\n    \"renew it\"\n  ],\n  \"line\": \"apart\"\n}\n");
    pti_printout_clear(&printout);
}

/* What a peer or a file says cannot drive a terminal, nor break JSON. */
static void hostile_text(void **state)
{
    static const char hostile[] = "CN=\x1b[2J\x1b]0;owned\a\n\"quoted\"\x7f\xff";
    struct pti_printout printout;
    struct pti_buf out;
    struct pti_json *parsed = NULL;

    (void)state;
    pti_printout_init(&printout);
    pti_printout_record(&printout, NULL, line_columns, PTI_COUNT(line_columns));
    pti_printout_text(&printout, "line", hostile);
    pti_buf_init(&out, 100000);
    assert_int_equal(pti_printout_render(&printout, false, &out), PINTLE_OK);
    for (size_t i = 0; i + 1 < out.size; i++) {
        assert_true(out.data[i] >= 0x20 && out.data[i] != 0x7f);
    }
    pti_buf_clear(&out);
    assert_int_equal(pti_printout_render(&printout, true, &out), PINTLE_OK);
    assert_int_equal(pti_json_parse(pti_buf_bytes(&out), &parsed, NULL), PINTLE_OK);
    pti_json_free(parsed);
    pti_buf_clear(&out);
    pti_printout_clear(&printout);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns),           cmocka_unit_test(blocks),       cmocka_unit_test(json),
        cmocka_unit_test(lines_and_nothing), cmocka_unit_test(hostile_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
