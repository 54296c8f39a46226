/* SPDX-License-Identifier: Apache-2.0 */
#include "client/header.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/adoption.h"
#include "client/enforce.h"
#include "pin/host.h"
#include "report/holding.h"

#define FLAGS_MAX 8 /* ";d=1;w=1" */
#define VERSIONS_MAX (PTI_HEADER_MAX - FLAGS_MAX - 4 * PTI_APP_TEXT_MAX - 16)

/* "charter=3,payments=41"; *zone is the zone that was named, "" if none was. */
static void write_versions(struct pintle_client *client, const char *host, char *text, size_t size,
                           char zone[PINTLE_ZONE_NAME_MAX + 1])
{
    struct pintle_pinset *pinset = pti_live_pinset(client->live);
    const struct pti_policy *policy = NULL;
    struct pti_host normal;

    text[0] = zone[0] = '\0';
    if (pti_host_parse(host, &normal, NULL) == PINTLE_OK)
        policy = pti_pinset_effective(pinset, &normal);
    if (policy != NULL && policy->zone_version > 0) {
        (void)pti_copy_text(zone, PINTLE_ZONE_NAME_MAX + 1, policy->zone);
        (void)snprintf(text, size, "charter=%" PRId64 ",%s=%" PRId64, pinset->charter_version, policy->zone,
                       policy->zone_version);
    } else if (pinset->charter_version > 0) {
        (void)snprintf(text, size, "charter=%" PRId64, pinset->charter_version);
    }
    pintle_pinset_free(pinset);
}

void pti_header_versions(struct pintle_client *client, const char *host, char *out, size_t size)
{
    char zone[PINTLE_ZONE_NAME_MAX + 1];

    write_versions(client, host, out, size, zone);
}

void pti_header_add_flags(char *text, size_t size, unsigned flags)
{
    size_t length = strlen(text);

    if (size - length <= FLAGS_MAX)
        return;
    (void)snprintf(text + length, size - length, "%s%s", (flags & PTI_ADOPTION_DAY) != 0 ? ";d=1" : "",
                   (flags & PTI_ADOPTION_WEEK) != 0 ? ";w=1" : "");
}

size_t pintle_client_header(struct pintle_client *client, const char *host, char *out, size_t size)
{
    char text[PINTLE_ZONE_NAME_MAX + 80] = "", zone[PINTLE_ZONE_NAME_MAX + 1];
    size_t length;
    int64_t mark;

    if (client == NULL || host == NULL)
        return pti_copy_text(out, size, "");
    write_versions(client, host, text, sizeof text, zone);
    length = strlen(text);
    /* Who only asks for the length, or gives too little room, sends nothing: that must not count. */
    if (length > 0 && size <= length + FLAGS_MAX)
        return pti_copy_text(out, size, text) + FLAGS_MAX;
    if (length > 0)
        pti_header_add_flags(text, sizeof text, pti_adoption_take(client, zone, &mark));
    return pti_copy_text(out, size, text);
}

static void put_words(struct pti_buf *out, const char *name, const char *what, const char *version)
{
    char word[PTI_HOLDING_WORD_MAX + 1];

    if (what[0] == '\0')
        return;
    pti_holding_word(what, word);
    pti_buf_printf(out, ";%s=%s", name, word);
    if (version[0] == '\0')
        return;
    pti_holding_word(version, word);
    pti_buf_printf(out, "/%s", word);
}

/* With the turn: what is in force does not change. */
void pti_header_of_poll(struct pintle_client *client, char out[PTI_HEADER_MAX])
{
    const struct pti_generation *accepted = client->accepted;
    const struct pintle_config *config = client->config;
    char item[PINTLE_ZONE_NAME_MAX + 32];
    struct pti_buf text;
    const char *whole;

    pti_buf_init(&text, PTI_HEADER_MAX - FLAGS_MAX - 1);
    pti_buf_printf(&text, "charter=%" PRId64,
                   accepted != NULL ? pti_enforce_ruling(client, accepted)->charter.version : 0);
    for (size_t i = 0; accepted != NULL && i < accepted->zone_count; i++) {
        int size = snprintf(item, sizeof item, ",%s=%" PRId64, accepted->zones[i].name,
                            accepted->zones[i].zone.version);

        if (size < 0 || text.size + (size_t)size > VERSIONS_MAX)
            break;
        pti_buf_text(&text, item);
    }
    put_words(&text, "app", config->app_id, config->app_version);
    put_words(&text, "os", config->os, config->os_version);
    whole = pti_buf_cstr(&text);
    (void)pti_copy_text(out, PTI_HEADER_MAX, whole != NULL ? whole : "");
    pti_buf_clear(&text);
}
