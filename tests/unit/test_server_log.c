/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of the log: one line, and one JSON object, whatever a message holds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/json.h"
#include "server/log.h"

#define NOW 1795291200 /* 2026-11-21T20:00:00Z */

static void lines_are_these(void **state)
{
    static const struct {
        struct pti_log_style style;
        enum pti_log_level level;
        const char *message, *want;
    } cases[] = {
        {{PTI_LOG_INFO, false, false}, PTI_LOG_ERROR, "signer: gone", "2026-11-21T20:00:00Z error signer: gone\n"},
        {{PTI_LOG_INFO, false, true}, PTI_LOG_ERROR, "x", "<3>2026-11-21T20:00:00Z error x\n"},
        {{PTI_LOG_INFO, false, true}, PTI_LOG_WARNING, "x", "<4>2026-11-21T20:00:00Z warning x\n"},
        {{PTI_LOG_INFO, true, true},
         PTI_LOG_INFO,
         "x",
         "<6>{\"time\":\"2026-11-21T20:00:00Z\",\"level\":\"info\",\"message\":\"x\"}\n"},
        {{PTI_LOG_INFO, false, false},
         PTI_LOG_INFO,
         "a\n2026-11-21T20:00:00Z error b\r\t\x1b[31m\xc3\xa9\x7f",
         "2026-11-21T20:00:00Z info a?2026-11-21T20:00:00Z error b???[31m???\n"},
        {{PTI_LOG_INFO, true, false},
         PTI_LOG_INFO,
         "\",\"level\":\"error\"}\n{\\",
         "{\"time\":\"2026-11-21T20:00:00Z\",\"level\":\"info\",\"message\":\"\\\",\\\"level\\\":\\\"error\\\"}?{\\\\\"}\n"},
        {{PTI_LOG_INFO, true, false},
         PTI_LOG_INFO,
         "",
         "{\"time\":\"2026-11-21T20:00:00Z\",\"level\":\"info\",\"message\":\"\"}\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char line[PTI_LOG_LINE_SIZE + 1];

        line[pti_log_line(&cases[i].style, cases[i].level, NOW, cases[i].message, line)] = '\0';
        assert_string_equal(line, cases[i].want);
    }
}

static void every_byte_leaves_one_json_object_in_one_line(void **state)
{
    static const struct pti_log_style json = {PTI_LOG_INFO, true, false};

    (void)state;
    for (int byte = 1; byte < 256; byte++) {
        char message[PTI_LOG_MESSAGE_SIZE + 500], line[PTI_LOG_LINE_SIZE];
        size_t length;
        struct pti_json *document = NULL;

        memset(message, byte, sizeof message - 1);
        message[sizeof message - 1] = '\0';
        length = pti_log_line(&json, PTI_LOG_WARNING, NOW, message, line);
        assert_true(length <= sizeof line);
        assert_ptr_equal(memchr(line, '\n', length), line + length - 1);
        assert_int_equal(pti_json_parse((struct pintle_bytes){(uint8_t *)line, length - 1}, &document, NULL),
                         PINTLE_OK);
        pti_json_free(document);
    }
}

static void levels_have_names(void **state)
{
    enum pti_log_level level = PTI_LOG_INFO;

    (void)state;
    assert_true(pti_log_level_parse("error", &level));
    assert_int_equal(level, PTI_LOG_ERROR);
    assert_true(pti_log_level_parse("info", &level));
    assert_int_equal(level, PTI_LOG_INFO);
    assert_false(pti_log_level_parse("Error", &level));
    assert_false(pti_log_level_parse("", &level));
}

static void the_journal_is_known_by_its_stream(void **state)
{
    struct stat status;
    char own[64];

    (void)state;
    assert_int_equal(fstat(STDERR_FILENO, &status), 0);
    snprintf(own, sizeof own, "%ju:%ju", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino);
    assert_true(pti_log_is_journal(own));
    assert_false(pti_log_is_journal("1:2"));
    assert_false(pti_log_is_journal(""));
    assert_false(pti_log_is_journal(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_these),
        cmocka_unit_test(every_byte_leaves_one_json_object_in_one_line),
        cmocka_unit_test(levels_have_names),
        cmocka_unit_test(the_journal_is_known_by_its_stream),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
