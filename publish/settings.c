/* SPDX-License-Identifier: Apache-2.0 */
/* The contract is in publish/settings.h. */
#include "publish/settings.h"

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

static enum pintle_status read_days(const struct pti_json_value *object, const char *name, int64_t *days,
                                    struct pti_error *error)
{
    return pti_json_member(object, name) == NULL ? PINTLE_OK
                                                 : pti_json_get_integer(object, name, 1, DAYS_MAX, days, error);
}

static enum pintle_status read_all_days(const struct pti_json_value *object, struct pti_expiry_days *days,
                                        struct pti_error *error)
{
    enum pintle_status status = read_days(object, "root", &days->root, error);

    if (status == PINTLE_OK)
        status = read_days(object, "targets", &days->targets, error);
    if (status == PINTLE_OK)
        status = read_days(object, "zone", &days->zone, error);
    if (status == PINTLE_OK)
        status = read_days(object, "snapshot", &days->snapshot, error);
    if (status == PINTLE_OK)
        status = read_days(object, "timestamp", &days->timestamp, error);
    return status;
}

enum pintle_status pti_repository_settings_parse(struct pintle_bytes text, struct pti_repository_settings *settings,
                                                 struct pti_error *error)
{
    struct pti_json *json = NULL;
    const struct pti_json_value *root;
    struct pintle_bytes name;
    int64_t spec;
    enum pintle_status status = pti_json_parse(text, &json, error);

    pti_repository_settings_init(settings, "");
    root = pti_json_root(json);
    if (status == PINTLE_OK)
        status = pti_json_get_integer(root, "spec", SPEC, SPEC, &spec, error);
    if (status == PINTLE_OK)
        status = pti_json_get_string(root, "name", &name, error);
    if (status == PINTLE_OK && !pti_repository_name_valid(name))
        status = pti_fail(error, PINTLE_ERR_INPUT,
                          "\"name\" has 1 to %d characters of A-Z, a-z, 0-9, '.', '_' and '-', found \"%.*s\"",
                          PTI_REPOSITORY_NAME_MAX, name.size < 64 ? (int)name.size : 64, (const char *)name.data);
    if (status == PINTLE_OK) {
        memcpy(settings->name, name.data, name.size);
        settings->name[name.size] = '\0';
        status = read_all_days(pti_json_member(root, "expires_days"), &settings->days, error);
    }
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
