/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/drafts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/datetime.h"

static const struct pti_column draft_columns[] = {
    {"text", "draft", PTI_SHOWN_BOTH},
    {"role", NULL, PTI_SHOWN_JSON},
    {"version", NULL, PTI_SHOWN_JSON},
    {"expires", NULL, PTI_SHOWN_JSON},
    {"threshold", NULL, PTI_SHOWN_JSON},
    {"signatures", NULL, PTI_SHOWN_JSON},
    {"old_threshold", NULL, PTI_SHOWN_JSON},
    {"old_signatures", NULL, PTI_SHOWN_JSON},
    {"signatures_missing", NULL, PTI_SHOWN_JSON},
};

static const struct pti_column waiting_columns[] = {
    {"role", NULL, PTI_SHOWN_JSON}, {"of", NULL, PTI_SHOWN_JSON},     {"keyid", NULL, PTI_SHOWN_JSON},
    {"name", NULL, PTI_SHOWN_JSON}, {"scheme", NULL, PTI_SHOWN_JSON},
};

static const struct pti_column next_columns[] = {{"next", "next", PTI_SHOWN_BOTH}};

/* ---- who ---- */

static void append(char *out, size_t size, const char *text)
{
    size_t length = strlen(out);

    if (length + strlen(text) + 4 < size) {
        memcpy(out + length, text, strlen(text) + 1);
    } else if (length < 3 || strcmp(out + length - 3, "...") != 0) {
        memcpy(out + length, "...", 4);
    }
}

/* "one of: alice (...), bob (...)", "2 of the old keys: ...", or "alice (...)" where there is no choice. */
static void append_group(const struct pti_role_keys *keys, const bool *has_signed, int64_t missing, const char *which,
                         const struct pti_key_names *names, char *out, size_t size)
{
    char text[PTI_KEY_DESCRIPTION_SIZE];
    const char *separator = "";
    int64_t open = 0;

    for (size_t i = 0; i < keys->key_count; i++) {
        open += !has_signed[i];
    }
    if (open > missing) {
        snprintf(text, sizeof text, "%" PRId64, missing);
        append(out, size, missing == 1 ? "one" : text);
        append(out, size, " of");
        append(out, size, which);
        append(out, size, ": ");
    } else if (*which) {
        append(out, size, "all");
        append(out, size, which);
        append(out, size, " that have not: ");
    }
    for (size_t i = 0; i < keys->key_count; i++) {
        if (!has_signed[i]) {
            append(out, size, separator);
            pti_key_names_describe(names, &keys->keys[i], text);
            append(out, size, text);
            separator = open > missing ? ", " : " and ";
        }
    }
}

void pti_drafts_waiting(const struct pti_role_state *role, const struct pti_key_names *names, char *out, size_t size)
{
    const int64_t missing = role->threshold - role->signatures;
    const int64_t old_missing = role->old_keys.threshold - role->old_signatures;

    *out = '\0';
    if (pti_role_state_missing(role) == 0) {
        return;
    }
    append(out, size, "waiting for ");
    if (old_missing > 0) {
        append_group(&role->old_keys, role->old_has_signed, old_missing, " the old keys", names, out, size);
    }
    if (old_missing > 0 && missing > 0) {
        append(out, size, "; and for ");
    }
    if (missing > 0) {
        append_group(&role->keys, role->has_signed, missing, role->old_keys.key_count > 0 ? " the new keys" : "", names,
                     out, size);
    }
}

static void put_group(struct pti_printout *printout, const char *role, const char *of, const struct pti_role_keys *keys,
                      const bool *has_signed, const struct pti_key_names *names)
{
    char scheme[48];

    for (size_t i = 0; i < keys->key_count; i++) {
        if (!has_signed[i]) {
            pti_key_scheme(&keys->keys[i], scheme, sizeof scheme);
            pti_printout_row(printout);
            pti_printout_text(printout, "role", role);
            pti_printout_text(printout, "of", of);
            pti_printout_text(printout, "keyid", keys->keys[i].id);
            pti_printout_text(printout, "name", pti_key_names_find(names, keys->keys[i].id));
            pti_printout_text(printout, "scheme", scheme);
        }
    }
}

void pti_drafts_put_waiting(struct pti_printout *printout, const struct pti_role_state *roles, size_t count,
                            const struct pti_key_names *names)
{
    pti_printout_list(printout, PTI_LAYOUT_COLUMNS, "waiting", NULL, NULL, waiting_columns, PTI_COUNT(waiting_columns));
    for (size_t i = 0; i < count; i++) {
        const struct pti_role_state *role = &roles[i];
        const bool two = role->old_keys.key_count > 0;

        if (role->draft_version > 0 && two && role->old_signatures < role->old_keys.threshold) {
            put_group(printout, role->name, "old keys", &role->old_keys, role->old_has_signed, names);
        }
        if (role->draft_version > 0 && role->signatures < role->threshold) {
            put_group(printout, role->name, two ? "new keys" : "keys", &role->keys, role->has_signed, names);
        }
    }
}

/* ---- the drafts ---- */

static void put_draft(struct pti_printout *printout, const struct pti_role_state *role,
                      const struct pti_key_names *names, bool dates)
{
    char signatures[128], waiting[PTI_WAITING_MAX], when[96] = "", expires[PTI_DATETIME_SIZE + 1];

    pti_role_state_describe(role, signatures, sizeof signatures);
    pti_drafts_waiting(role, names, waiting, sizeof waiting);
    pti_datetime_format(role->draft_expires, expires);
    if (dates) {
        snprintf(when, sizeof when, " version %" PRId64 ", expires %s", role->draft_version, expires);
    }
    pti_printout_row(printout);
    pti_printout_format(printout, "text", "%s%s: %s%s%s", role->name, when, signatures, *waiting ? ", " : "", waiting);
    pti_printout_text(printout, "role", role->name);
    pti_printout_integer(printout, "version", role->draft_version);
    pti_printout_text(printout, "expires", expires);
    pti_printout_integer(printout, "threshold", role->threshold);
    pti_printout_integer(printout, "signatures", role->signatures);
    if (role->old_keys.key_count > 0) {
        pti_printout_integer(printout, "old_threshold", role->old_keys.threshold);
        pti_printout_integer(printout, "old_signatures", role->old_signatures);
    }
    pti_printout_integer(printout, "signatures_missing", pti_role_state_missing(role));
}

enum pintle_status pti_drafts_put(struct pti_printout *printout, struct pti_cli *cli, const struct pti_session *session,
                                  const char *title, bool dates, size_t *missing)
{
    const bool json = pti_cli_flag(cli, "json");
    struct pti_role_state *roles = NULL;
    size_t count = 0, lacking = 0;
    enum pintle_status status = pti_stage_roles(&session->repository->stage, &roles, &count, &cli->error);

    if (status != PINTLE_OK) {
        return status;
    }
    pti_printout_list(printout, json ? PTI_LAYOUT_COLUMNS : PTI_LAYOUT_LINES, "drafts", title, NULL, draft_columns,
                      PTI_COUNT(draft_columns));
    for (size_t i = 0; i < count; i++) {
        if (roles[i].draft_version > 0) {
            put_draft(printout, &roles[i], &session->names, dates);
            lacking += pti_role_state_missing(&roles[i]) > 0;
        }
    }
    if (json) {
        pti_drafts_put_waiting(printout, roles, count, &session->names);
    }
    if (missing) {
        *missing = lacking;
    }
    pti_role_states_free(roles, count);
    return PINTLE_OK;
}

enum pintle_status pti_drafts_print(struct pti_session *session, struct pti_cli *cli, struct pti_printout *printout)
{
    size_t missing = 0;
    enum pintle_status status = pti_drafts_put(printout, cli, session, NULL, false, &missing);

    if (status != PINTLE_OK) {
        return status;
    }
    pti_printout_list(printout, PTI_LAYOUT_LINES, "next", NULL, NULL, next_columns, PTI_COUNT(next_columns));
    pti_printout_row(printout);
    if (session->stage_file) {
        pti_printout_format(printout, "next", "next: `pintle stage import %s` where the stage is kept",
                            session->stage_file);
    } else {
        pti_printout_text(printout, "next",
                          missing > 0
                              ? "next: `pintle sign --key FILE` with another key, or `pintle stage export FILE` "
                                "for who is elsewhere; `pintle publish` adds those in keys/"
                              : "next: `pintle publish`");
    }
    return pti_printout_print(printout, pti_cli_flag(cli, "json"), cli->out, &cli->error);
}
