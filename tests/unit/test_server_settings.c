/* SPDX-License-Identifier: Apache-2.0 */
/* Settings read from a file and from a command line, and the commands of pintled that take them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/command.h"

struct values {
    const char *path;
    int64_t number;
    bool flag;
    char names[64]; /* each with a comma */
    bool version;
};

static enum pintle_status take_name(const struct pti_setting *setting, const char *value, void *into,
                                    struct pti_error *error)
{
    struct values *values = into;
    size_t length = strlen(values->names);

    (void)setting;
    if (strcmp(value, "bad") == 0)
        return pti_fail(error, PINTLE_ERR_INPUT, "expected a good name, found \"%s\"", value);
    snprintf(values->names + length, sizeof values->names - length, "%s,", value);
    return PINTLE_OK;
}

static const struct pti_setting table[] = {
    {.name = "path", .value = "DIR", .help = "where", .take = pti_setting_text, .at = offsetof(struct values, path)},
    {.name = "keep-reports",
     .value = "N",
     .help = "how many\nof them",
     .take = pti_setting_number,
     .at = offsetof(struct values, number),
     .min = 1,
     .max = 100},
    {.name = "flag", .help = "whether", .take = pti_setting_flag, .at = offsetof(struct values, flag)},
    {.name = "name", .value = "NAME", .help = "who", .take = take_name, .repeatable = true},
    {.name = "version",
     .help = "this",
     .take = pti_setting_flag,
     .at = offsetof(struct values, version),
     .line_only = true},
    {.name = NULL},
};

static enum pintle_status read_file(const char *text, struct pti_setting_group *group, struct values *values,
                                    struct pti_error *error)
{
    static char copy[512];
    struct values unused;

    memset(&unused, 0, sizeof unused);
    snprintf(copy, sizeof copy, "%s", text);
    group->settings = table;
    group->into = values;
    return pti_settings_read_file(group, &unused, "f.conf", copy, error);
}

static void mistakes_in_a_file_are_named_with_their_line(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"path", "f.conf:1: expected \"key = value\" or a # comment, found \"path\""},
        {"[server]\n", "f.conf:1: expected \"key = value\" or a # comment, found \"[server]\""},
        {"\n\n  keep_reports = 5\n", "f.conf:3: there is no setting \"keep_reports\"; did you mean keep-reports?"},
        {"keep-report = 5", "f.conf:1: there is no setting \"keep-report\"; did you mean keep-reports?"},
        {"keep = 5", "f.conf:1: there is no setting \"keep\"; did you mean keep-reports?"},
        {"colour = red", "f.conf:1: there is no setting \"colour\"; `pintled --help` lists them"},
        {"= 5", "f.conf:1: there is no setting \"\""},
        {"path =", "f.conf:1: path: expected DIR, found nothing"},
        {"path = \t \r\n", "f.conf:1: path: expected DIR, found nothing"},
        {"flag =", "f.conf:1: flag: expected yes or no, found nothing"},
        {"flag = true", "f.conf:1: flag: expected yes or no, found \"true\""},
        {"path = a\n# b\npath = c", "f.conf:3: path stands in line 1 already; give it once"},
        {"keep-reports = 0", "f.conf:1: keep-reports: expected a whole number from 1 to 100, found \"0\""},
        {"keep-reports = 101", "found \"101\""},
        {"keep-reports = 99999999999999999999999999", "from 1 to 100"},
        {"keep-reports = -1", "from 1 to 100"},
        {"keep-reports = 5 # five", "found \"5 # five\""},
        {"name = a\nname = bad", "f.conf:2: name: expected a good name, found \"bad\""},
        {"version = yes", "f.conf:1: version stands on the command line only"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pti_setting_group group = {0};
        struct values values = {0};
        struct pti_error error;

        if (read_file(cases[i].text, &group, &values, &error) != PINTLE_ERR_INPUT)
            fail_msg("%s: taken", cases[i].text);
        if (!strstr(error.detail, cases[i].want))
            fail_msg("%s: \"%s\" lacks \"%s\"", cases[i].text, error.detail, cases[i].want);
    }
}

static void a_file_is_read(void **state)
{
    struct pti_setting_group group = {0};
    struct values values = {0};
    struct pti_error error;

    (void)state;
    assert_int_equal(read_file("# head\r\n\r\n \tpath=/a b#c=d \r\nname = x\nflag = yes\nname=y\nkeep-reports\t=\t7",
                               &group, &values, &error),
                     PINTLE_OK);
    assert_string_equal(values.path, "/a b#c=d");
    assert_string_equal(values.names, "x,y,");
    assert_int_equal(values.number, 7);
    assert_true(values.flag);
    assert_int_equal(read_file("", &group, &values, &error), PINTLE_OK);
}

static void the_command_line_goes_before_the_file_which_is_checked_all_the_same(void **state)
{
    char name[] = "--name", one[] = "one", number[] = "--keep-reports=3";
    char *words[] = {name, one, number};
    struct pti_operands none = {NULL, 0, 0};
    struct values values = {0};
    struct pti_setting_group group = {.settings = table, .into = &values};
    struct pti_error error;

    (void)state;
    assert_int_equal(pti_settings_read_line(&group, 1, 3, words, &none, &error), PINTLE_OK);
    assert_int_equal(read_file("name = two\nname = three\nkeep-reports = 9\npath = p", &group, &values, &error),
                     PINTLE_OK);
    assert_string_equal(values.names, "one,");
    assert_int_equal(values.number, 3);
    assert_string_equal(values.path, "p");
    assert_int_equal(read_file("keep-reports = many", &group, &values, &error), PINTLE_ERR_INPUT);
    assert_int_equal(values.number, 3);
}

/* ---- commands ---- */

static char ran[160]; /* what the last command was given */

static enum pintle_status run(struct pti_command_call *call)
{
    const struct values *values = call->values;

    snprintf(ran, sizeof ran, "%s %s %s %s %d", call->command->name, call->server->data ? call->server->data : "(null)",
             call->operand_count > 0 ? call->operands[0] : "-", values->path ? values->path : "-", (int)values->number);
    if (call->operand_count > 0 && strcmp(call->operands[0], "broken") == 0)
        return pti_fail(call->error, PINTLE_ERR_STORAGE, "it is broken");
    return PINTLE_OK;
}

static const struct pti_server_command thing_add = {.name = "thing add",
                                                    .operands = "THING",
                                                    .summary = "Add it",
                                                    .example = "  x",
                                                    .settings = table,
                                                    .values_size = sizeof(struct values),
                                                    .wants = PTI_WANTS_DATA,
                                                    .operands_min = 1,
                                                    .operands_max = 1,
                                                    .run = run};
static const struct pti_server_command thing_list = {.name = "thing list",
                                                     .operands = "",
                                                     .summary = "List them",
                                                     .example = "  x",
                                                     .wants = PTI_WANTS_DATA,
                                                     .run = run};
static const struct pti_server_command alone = {
    .name = "alone", .operands = "", .summary = "Do it", .example = "  x", .wants = PTI_WANTS_REPOSITORY, .run = run};
static const struct pti_server_command *const commands[] = {&thing_add, &thing_list, &alone, NULL};

static void commands_are_found_and_given_what_was_typed(void **state)
{
    static const struct {
        const char *line;
        int code;
        const char *ran; /* NULL: nothing was */
    } cases[] = {
        {"thing add t --data d", 0, "thing add d t - 0"},
        {"thing add --data d --path=p t --keep-reports 4", 0, "thing add d t p 4"},
        {"thing list --data d", 0, "thing list d - - 0"},
        {"alone --repo r", 0, "alone (null) - - 0"},
        {"thing add broken --data d", 1, "thing add d broken - 0"},
        {"thing add --data d", PTI_EXIT_USAGE, NULL},
        {"thing add a b --data d", PTI_EXIT_USAGE, NULL},
        {"thing add a", PTI_EXIT_USAGE, NULL},                          /* no --data */
        {"thing list --data d --repo r", PTI_EXIT_USAGE, NULL},         /* not wanted */
        {"thing list --data d --keep-reports 4", PTI_EXIT_USAGE, NULL}, /* another command's, and the daemon's */
        {"alone --repo r --data d", PTI_EXIT_USAGE, NULL},
        {"thing", PTI_EXIT_USAGE, NULL},
        {"thing ad t", PTI_EXIT_USAGE, NULL},
        {"thing add t --config /nowhere/f --data d", PTI_EXIT_CONFIG, NULL},
        {"thing add --help", 0, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char copy[128], program[] = "pintled", *words[12] = {program}, *rest = copy;
        int count = 1, code;

        snprintf(copy, sizeof copy, "%s", cases[i].line);
        for (char *word; count < 12 && (word = strtok_r(rest, " ", &rest)) != NULL;)
            words[count++] = word;
        ran[0] = '\0';
        code = pti_command_main(commands, count, words);
        if (code != cases[i].code || strcmp(ran, cases[i].ran ? cases[i].ran : "") != 0)
            fail_msg("%s: exit %d, ran \"%s\"", cases[i].line, code, ran);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mistakes_in_a_file_are_named_with_their_line),
        cmocka_unit_test(a_file_is_read),
        cmocka_unit_test(the_command_line_goes_before_the_file_which_is_checked_all_the_same),
        cmocka_unit_test(commands_are_found_and_given_what_was_typed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
