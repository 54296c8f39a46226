/* SPDX-License-Identifier: Apache-2.0 */
/* The contract is in publish/settings.h. */
#include "publish/settings.h"

#include <inttypes.h>
#include <string.h>

#include "base/json_write.h"

#define SPEC 1
#define DAYS_MAX 3650

static const struct pti_expiry_days default_days = {
    .root = 365, .targets = 365, .zone = 90, .snapshot = 7, .timestamp = 3};

void pti_repository_settings_init(struct pti_repository_settings *settings, const char *name)
{
    settings->days = default_days;
    (void)pti_copy_text(settings->name, sizeof(settings->name), name);
}

bool pti_repository_name_valid(struct pintle_bytes name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

    for (size_t i = 0; i < name.size; i++)
        if (memchr(allowed, name.data[i], sizeof(allowed) - 1) == NULL)
            return false;
    return name.size > 0 && name.size <= PTI_REPOSITORY_NAME_MAX;
}

/* A setting whose name is misspelt would silently have its default. */
static enum pintle_status check_names(const struct pti_json_value *object, const char *const *known,
                                      const char *expected, struct pti_error *error)
{
    for (const struct pti_json_value *member = pti_json_first(object); member != NULL; member = pti_json_next(member)) {
        struct pintle_bytes name = pti_json_name(member);
        size_t i = 0;

        while (known[i] != NULL && !pti_bytes_equal_text(name, known[i]))
            i++;
        if (known[i] == NULL)
            return pti_fail(error, PINTLE_ERR_INPUT, "expected %s, found an unknown setting \"%.*s\" (byte %zu)",
                            expected, name.size < 64 ? (int)name.size : 64, (const char *)name.data,
                            pti_json_offset(member));
    }
    return PINTLE_OK;
}

static enum pintle_status read_days(const struct pti_json_value *root, struct pti_expiry_days *days,
                                    struct pti_error *error)
{
    static const char *const names[] = {"root", "targets", "zone", "snapshot", "timestamp", NULL};
    int64_t *const values[] = {&days->root, &days->targets, &days->zone, &days->snapshot, &days->timestamp};
    const struct pti_json_value *object = NULL;
    enum pintle_status status = PINTLE_OK;

    if (pti_json_member(root, "expires_days") == NULL)
        return PINTLE_OK;
    status = pti_json_get(root, "expires_days", PTI_JSON_OBJECT, &object, error);
    if (status == PINTLE_OK)
        status = check_names(object, names, "root, targets, zone, snapshot and timestamp in \"expires_days\"", error);
    for (size_t i = 0; names[i] != NULL && status == PINTLE_OK; i++)
        if (pti_json_member(object, names[i]) != NULL)
            status = pti_json_get_integer(object, names[i], 1, DAYS_MAX, values[i], error);
    return status;
}

static enum pintle_status read_spec(const struct pti_json_value *root, struct pti_error *error)
{
    int64_t spec;
    enum pintle_status status = pti_json_get_integer(root, "spec", 0, PTI_JSON_INTEGER_MAX, &spec, error);

    if (status == PINTLE_OK && spec != SPEC)
        status = pti_fail(error, PINTLE_ERR_INPUT,
                          "expected \"spec\" %d, found %" PRId64 "; use the version of pintle that wrote it", SPEC,
                          spec);
    return status;
}

static enum pintle_status read_name(const struct pti_json_value *root, struct pti_repository_settings *settings,
                                    struct pti_error *error)
{
    struct pintle_bytes name;
    enum pintle_status status = pti_json_get_string(root, "name", &name, error);

    if (status == PINTLE_OK && !pti_repository_name_valid(name))
        status = pti_fail(error, PINTLE_ERR_INPUT,
                          "\"name\" has 1 to %d characters of A-Z, a-z, 0-9, '.', '_' and '-', found \"%.*s\"",
                          PTI_REPOSITORY_NAME_MAX, name.size < 64 ? (int)name.size : 64, (const char *)name.data);
    if (status != PINTLE_OK)
        return status;
    memcpy(settings->name, name.data, name.size);
    settings->name[name.size] = '\0';
    return PINTLE_OK;
}

enum pintle_status pti_repository_settings_parse(struct pintle_bytes text, struct pti_repository_settings *settings,
                                                 struct pti_error *error)
{
    static const char *const names[] = {"name", "spec", "expires_days", NULL};
    struct pti_json *json = NULL;
    const struct pti_json_value *root;
    enum pintle_status status = text.size == 0 ? pti_fail(error, PINTLE_ERR_INPUT,
                                                          "expected settings, found an empty file; put "
                                                          "back a copy, or see pintle-repository(5)")
                                               : pti_json_parse(text, &json, error);

    pti_repository_settings_init(settings, "");
    root = pti_json_root(json);
    if (status == PINTLE_OK)
        status = read_spec(root, error); /* first: another one has other settings */
    if (status == PINTLE_OK)
        status = check_names(root, names, "name, spec and expires_days", error);
    if (status == PINTLE_OK)
        status = read_name(root, settings, error);
    if (status == PINTLE_OK)
        status = read_days(root, &settings->days, error);
    pti_json_free(json);
    return status;
}

void pti_repository_settings_write(const struct pti_repository_settings *settings, struct pti_buf *out)
{
    struct pti_json_writer writer;

    pti_json_writer_init(&writer, out, true);
    pti_json_begin_object(&writer, NULL);
    pti_json_put_text(&writer, "name", settings->name);
    pti_json_put_integer(&writer, "spec", SPEC);
    pti_json_begin_object(&writer, "expires_days");
    pti_json_put_integer(&writer, "root", settings->days.root);
    pti_json_put_integer(&writer, "targets", settings->days.targets);
    pti_json_put_integer(&writer, "zone", settings->days.zone);
    pti_json_put_integer(&writer, "snapshot", settings->days.snapshot);
    pti_json_put_integer(&writer, "timestamp", settings->days.timestamp);
    pti_json_end_object(&writer);
    pti_json_end_object(&writer);
}
