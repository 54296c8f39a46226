/* SPDX-License-Identifier: Apache-2.0 */
#include "server/settings.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "publish/suggest.h"

#define BLANKS " \t\r"

/* ---- takers ---- */

static void *member(const struct pti_setting *setting, void *into)
{
    return (char *)into + setting->at;
}

enum pintle_status pti_setting_text(const struct pti_setting *setting, const char *value, void *into,
                                    struct pti_error *error)
{
    (void)error;
    *(const char **)member(setting, into) = value;
    return PINTLE_OK;
}

enum pintle_status pti_setting_number(const struct pti_setting *setting, const char *value, void *into,
                                      struct pti_error *error)
{
    int64_t number = 0;
    const char *digit = value;

    for (; *digit >= '0' && *digit <= '9' && number <= setting->max; digit++)
        number = number * 10 + (*digit - '0');
    if (*digit || number < setting->min || number > setting->max)
        return pti_fail(error, PINTLE_ERR_INPUT,
                        "expected a whole number from %" PRId64 " to %" PRId64 ", found \"%.40s\"", setting->min,
                        setting->max, value);
    *(int64_t *)member(setting, into) = number;
    return PINTLE_OK;
}

enum pintle_status pti_setting_flag(const struct pti_setting *setting, const char *value, void *into,
                                    struct pti_error *error)
{
    bool yes = strcmp(value, "yes") == 0;

    if (!yes && strcmp(value, "no") != 0)
        return pti_fail(error, PINTLE_ERR_INPUT, "expected yes or no, found \"%.40s\"", value);
    *(bool *)member(setting, into) = yes;
    return PINTLE_OK;
}

/* ---- finding one by its name ---- */

static bool is_offered(const struct pti_setting_group *group, const struct pti_setting *setting)
{
    return group->wants == 0 || (group->wants & setting->wanted) != 0;
}

static const struct pti_setting *find_in(const struct pti_setting_group *group, const char *name)
{
    for (const struct pti_setting *setting = group->settings; setting->name; setting++)
        if (is_offered(group, setting) && strcmp(setting->name, name) == 0)
            return setting;
    return NULL;
}

/* Of an abbreviation the whole name was meant, however much longer it is. */
static void offer_all(struct pti_suggestion *suggestion, const struct pti_setting_group *group)
{
    for (const struct pti_setting *setting = group->settings; setting->name; setting++) {
        if (!is_offered(group, setting))
            continue;
        pti_suggestion_offer(suggestion, setting->name);
        if (!suggestion->nearest && strncmp(setting->name, suggestion->typed, strlen(suggestion->typed)) == 0)
            suggestion->nearest = setting->name;
    }
}

/* Notes that it is given; false: for the second time. */
static bool give(struct pti_setting_group *group, const struct pti_setting *setting)
{
    size_t index = (size_t)(setting - group->settings);
    bool again = group->given[index];

    assert(index < PTI_SETTINGS_MAX);
    group->given[index] = true;
    return !again || setting->repeatable;
}

/* ---- the command line ---- */

static enum pintle_status unknown_option(const struct pti_setting_group *groups, size_t group_count, const char *name,
                                         struct pti_error *error)
{
    struct pti_suggestion suggestion;

    pti_suggestion_init(&suggestion, name);
    for (size_t i = 0; i < group_count; i++)
        offer_all(&suggestion, &groups[i]);
    if (suggestion.nearest)
        return pti_fail(error, PINTLE_ERR_MISUSE, "there is no option --%s; did you mean --%s?", name,
                        suggestion.nearest);
    return pti_fail(error, PINTLE_ERR_MISUSE, "there is no option --%s; --help lists them", name);
}

static enum pintle_status take_option(struct pti_setting_group *group, const struct pti_setting *setting,
                                      const char *value, struct pti_error *error)
{
    if (!give(group, setting))
        return pti_fail(error, PINTLE_ERR_MISUSE, "--%s was given twice; give it once", setting->name);
    if (setting->take(setting, value, group->into, error) == PINTLE_OK)
        return PINTLE_OK;
    error->status = PINTLE_ERR_MISUSE;
    return pti_error_prefix(error, "--%s", setting->name);
}

/* The option at argv[*at], with its value, which may be the word after it. */
static enum pintle_status read_option(struct pti_setting_group *groups, size_t group_count, int argc, char **argv,
                                      int *at, struct pti_error *error)
{
    const char *typed = argv[*at] + 2, *value = strchr(typed, '=');
    const struct pti_setting *setting = NULL;
    size_t group = 0;
    char name[48];

    snprintf(name, sizeof name, "%.*s", (int)strcspn(typed, "="), typed);
    for (; group < group_count && !setting; group++)
        setting = find_in(&groups[group], name);
    if (!setting)
        return unknown_option(groups, group_count, name, error);
    if (!setting->value) {
        if (value)
            return pti_fail(error, PINTLE_ERR_MISUSE, "--%s takes no value, found \"%.40s\"", name, value + 1);
        return take_option(&groups[group - 1], setting, "yes", error);
    }
    if (value)
        value++;
    else if (*at + 1 < argc)
        value = argv[++*at];
    if (!value || !*value)
        return pti_fail(error, PINTLE_ERR_MISUSE, "--%s needs %s after it", name, setting->value);
    return take_option(&groups[group - 1], setting, value, error);
}

enum pintle_status pti_settings_read_line(struct pti_setting_group *groups, size_t group_count, int argc, char **argv,
                                          struct pti_operands *operands, struct pti_error *error)
{
    enum pintle_status status = PINTLE_OK;

    for (int i = 0; i < argc && status == PINTLE_OK; i++) {
        if (strncmp(argv[i], "--", 2) == 0)
            status = read_option(groups, group_count, argc, argv, &i, error);
        else if (argv[i][0] == '-' && argv[i][1])
            status = pti_fail(error, PINTLE_ERR_MISUSE,
                              "there is no option \"%.40s\"; options have long names, see --help", argv[i]);
        else if (operands->count == operands->max)
            status = pti_fail(error, PINTLE_ERR_MISUSE, "expected only options%s, found \"%.60s\"; see --help",
                              operands->max > 0 ? " from here on" : "", argv[i]);
        else
            operands->words[operands->count++] = argv[i];
    }
    return status;
}

/* ---- the file ---- */

static char *trim(char *text)
{
    size_t length = strlen(text);

    while (length > 0 && strchr(BLANKS, text[length - 1]))
        text[--length] = '\0';
    return text + strspn(text, BLANKS);
}

static enum pintle_status unknown_key(const struct pti_setting_group *group, const char *name, struct pti_error *error)
{
    struct pti_suggestion suggestion;

    pti_suggestion_init(&suggestion, name);
    offer_all(&suggestion, group);
    if (suggestion.nearest)
        return pti_fail(error, PINTLE_ERR_INPUT, "there is no setting \"%.40s\"; did you mean %s?", name,
                        suggestion.nearest);
    return pti_fail(error, PINTLE_ERR_INPUT, "there is no setting \"%.40s\"; `pintled --help` lists them", name);
}

/* lines: where each setting was given in this file, 0: nowhere yet. */
static enum pintle_status take_line(struct pti_setting_group *group, void *unused, char *line, size_t number,
                                    size_t *lines, struct pti_error *error)
{
    const struct pti_setting *setting = NULL;
    char *name = trim(line), *value = strchr(name, '=');
    size_t index = 0;

    if (!*name || *name == '#')
        return PINTLE_OK;
    if (!value)
        return pti_fail(error, PINTLE_ERR_INPUT, "expected \"key = value\" or a # comment, found \"%.60s\"", name);
    *value++ = '\0';
    name = trim(name);
    value = trim(value);
    setting = find_in(group, name);
    if (!setting)
        return unknown_key(group, name, error);
    if (setting->line_only)
        return pti_fail(error, PINTLE_ERR_INPUT, "%s stands on the command line only, as --%s; remove it here", name,
                        name);
    if (!*value)
        return pti_fail(error, PINTLE_ERR_INPUT, "%s: expected %s, found nothing", name,
                        setting->value ? setting->value : "yes or no");
    index = (size_t)(setting - group->settings);
    assert(index < PTI_SETTINGS_MAX);
    if (lines[index] > 0 && !setting->repeatable)
        return pti_fail(error, PINTLE_ERR_INPUT, "%s stands in line %zu already; give it once", name, lines[index]);
    lines[index] = number;
    if (setting->take(setting, value, group->given[index] ? unused : group->into, error) == PINTLE_OK)
        return PINTLE_OK;
    return pti_error_prefix(error, "%s", name);
}

enum pintle_status pti_settings_read_file(struct pti_setting_group *group, void *unused, const char *path, char *text,
                                          struct pti_error *error)
{
    size_t lines[PTI_SETTINGS_MAX] = {0}, number = 0;
    enum pintle_status status = PINTLE_OK;

    while (text && status == PINTLE_OK) {
        char *line = text, *end = strchr(text, '\n');

        if (end)
            *end = '\0';
        text = end ? end + 1 : NULL;
        status = take_line(group, unused, line, ++number, lines, error);
    }
    if (status == PINTLE_OK)
        return PINTLE_OK;
    error->status = status == PINTLE_ERR_MEMORY ? status : PINTLE_ERR_INPUT;
    return pti_error_prefix(error, "%s:%zu", path, number);
}

/* ---- --help ---- */

static void print_setting(const struct pti_setting *setting, FILE *stream)
{
    const char *line = setting->help;
    char left[48];

    snprintf(left, sizeof left, "--%s%s%s", setting->name, setting->value ? " " : "",
             setting->value ? setting->value : "");
    while (line) {
        size_t length = strcspn(line, "\n");

        fprintf(stream, "  %-22s  %.*s\n", left, (int)length, line);
        left[0] = '\0';
        line = line[length] ? line + length + 1 : NULL;
    }
}

void pti_settings_help(const struct pti_setting_group *groups, size_t group_count, FILE *stream)
{
    fputs("\noptions:\n", stream);
    for (size_t i = 0; i < group_count; i++)
        for (const struct pti_setting *setting = groups[i].settings; setting->name; setting++)
            if (is_offered(&groups[i], setting))
                print_setting(setting, stream);
}
