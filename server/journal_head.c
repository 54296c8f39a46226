/* SPDX-License-Identifier: Apache-2.0 */
#include "server/journal_head.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "publish/file.h"
#include "server/log.h"

#define FILE_NAME "journal.head"
#define LOCK_NAME "journal.lock"
#define LOCK_WAIT_MS 2000

void pti_journal_head_format(const struct pti_journal_head *head, char out[PTI_JOURNAL_HEAD_SIZE])
{
    char hex[PTI_HEX_SIZE(PINTLE_SHA256_SIZE) + 1];

    pti_hex_encode(head->hash, sizeof head->hash, hex);
    snprintf(out, PTI_JOURNAL_HEAD_SIZE, "%" PRId64 ":%s", head->seq, hex);
}

bool pti_journal_head_parse(struct pintle_bytes text, struct pti_journal_head *head)
{
    size_t digits = 0;

    memset(head, 0, sizeof *head);
    while (digits < text.size && digits < 18 && text.data[digits] >= '0' && text.data[digits] <= '9')
        head->seq = head->seq * 10 + (text.data[digits++] - '0');
    if (digits == 0 || digits == text.size || text.data[digits] != ':')
        return false;
    text.data += digits + 1;
    text.size -= digits + 1;
    return pti_hex_decode_exact(text, head->hash, sizeof head->hash);
}

enum pintle_status pti_journal_head_load(const char *directory, struct pti_journal_head *head, bool *found,
                                         struct pti_error *error)
{
    struct pintle_bytes text = {NULL, 0};
    char path[PTI_PATH_MAX];
    enum pintle_status status = pti_file_path(path, directory, FILE_NAME, error);

    memset(head, 0, sizeof *head);
    *found = false;
    if (status == PINTLE_OK)
        status = pti_file_read_optional(path, PTI_JOURNAL_HEAD_SIZE, &text, found, error);
    if (status == PINTLE_OK && *found) {
        struct pintle_bytes line = text;

        if (line.size > 0 && line.data[line.size - 1] == '\n')
            line.size--;
        if (!pti_journal_head_parse(line, head))
            status = pti_fail(error, PINTLE_ERR_INPUT, "%s: expected NUMBER:HASH, found something else", path);
    }
    pti_bytes_free(&text);
    return status;
}

/* A server and commands write it, and one that is slow must not put an older head in the place of a newer one. */
static enum pintle_status lock(const char *directory, int *descriptor, struct pti_error *error)
{
    char path[PTI_PATH_MAX];
    enum pintle_status status = pti_file_path(path, directory, LOCK_NAME, error);

    *descriptor = -1;
    return status == PINTLE_OK ? pti_file_lock(path, LOCK_WAIT_MS, descriptor, error) : status;
}

static enum pintle_status save(const char *directory, const struct pti_journal_head *head, struct pti_error *error)
{
    char path[PTI_PATH_MAX], text[PTI_JOURNAL_HEAD_SIZE + 1];
    enum pintle_status status = pti_file_path(path, directory, FILE_NAME, error);

    pti_journal_head_format(head, text);
    pti_copy_text(text + strlen(text), 2, "\n");
    return status == PINTLE_OK ? pti_file_replace(path, pti_bytes_text(text), 0600, error) : status;
}

struct search {
    const struct pti_journal_head *head;
    bool has;
};

static bool compare_line(void *ctx, const struct pti_journal_line *line)
{
    struct search *search = ctx;

    search->has = line->seq == search->head->seq && memcmp(line->hash, search->head->hash, sizeof line->hash) == 0;
    return true;
}

enum pintle_status pti_journal_has(struct pti_database *database, const struct pti_journal_head *head, bool *has,
                                   struct pti_error *error)
{
    struct search search = {head, head->seq == 0};
    const struct pti_journal_query query = {head->seq - 1, 1, compare_line, &search};
    enum pintle_status status = head->seq > 0 ? pti_journal_read(database, &query, error) : PINTLE_OK;

    *has = status == PINTLE_OK && search.has;
    return status;
}

/* detail is empty if the journal holds what the file says. */
static enum pintle_status compare(struct pti_database *database, const char *directory, char *detail, size_t size,
                                  struct pti_error *error)
{
    char kept_text[PTI_JOURNAL_HEAD_SIZE], found_text[PTI_JOURNAL_HEAD_SIZE];
    struct pti_journal_head kept, found;
    struct pti_error damage;
    bool there = false, has = false;
    enum pintle_status loaded = pti_journal_head_load(directory, &kept, &there, &damage);
    enum pintle_status status = pti_journal_read_head(database, &found, error);

    detail[0] = '\0';
    if (status == PINTLE_OK && loaded == PINTLE_OK && there)
        status = pti_journal_has(database, &kept, &has, error);
    if (status != PINTLE_OK || has || (loaded == PINTLE_OK && !there && found.seq == 0))
        return status;
    pti_journal_head_format(&kept, kept_text);
    pti_journal_head_format(&found, found_text);
    if (loaded != PINTLE_OK)
        snprintf(detail, size, "%s; the journal ends at %s", damage.detail, found_text);
    else if (!there)
        snprintf(detail, size, FILE_NAME " is missing; the journal ends at %s", found_text);
    else
        snprintf(detail, size, FILE_NAME " says %s, which is not in the journal; it ends at %s", kept_text, found_text);
    return PINTLE_OK;
}

enum pintle_status pti_journal_head_start(struct pti_database *database, const char *directory,
                                          struct pti_journal_head *head, struct pti_error *error)
{
    char detail[1024], text[PTI_JOURNAL_HEAD_SIZE];
    enum pintle_status status = compare(database, directory, detail, sizeof detail, error);

    memset(head, 0, sizeof *head);
    if (status == PINTLE_OK && detail[0]) {
        pti_log(PTI_LOG_ERROR, "journal: lines are missing, were changed, or come from a backup: %s", detail);
        status = pti_journal_append(database, "pintled", "journal.mismatch", detail, error);
    }
    if (status == PINTLE_OK)
        status = pti_journal_head_follow(database, directory, head, error);
    if (status != PINTLE_OK)
        return status;
    pti_journal_head_format(head, text);
    pti_log(PTI_LOG_INFO, "journal: head %s", text);
    return PINTLE_OK;
}

enum pintle_status pti_journal_head_follow(struct pti_database *database, const char *directory,
                                           struct pti_journal_head *head, struct pti_error *error)
{
    char text[PTI_JOURNAL_HEAD_SIZE];
    struct pti_journal_head newest;
    bool has = false;
    int locked = -1;
    enum pintle_status status = pti_journal_read_head(database, &newest, error);

    if (status != PINTLE_OK || (newest.seq == head->seq && memcmp(newest.hash, head->hash, sizeof newest.hash) == 0))
        return status;
    status = pti_journal_has(database, head, &has, error);
    if (status == PINTLE_OK && !has) {
        pti_journal_head_format(head, text);
        return pti_fail(error, PINTLE_ERR_TRUST,
                        "journal: lines are missing or were changed: " FILE_NAME
                        " says %s and stays so until pintled is started anew; see pintled journal verify",
                        text);
    }
    if (status == PINTLE_OK)
        status = lock(directory, &locked, error);
    if (status == PINTLE_OK)
        status = pti_journal_read_head(database, &newest, error);
    if (status == PINTLE_OK)
        status = save(directory, &newest, error);
    if (status == PINTLE_OK)
        *head = newest;
    pti_file_unlock(locked);
    return status;
}

enum pintle_status pti_journal_head_update(struct pti_database *database, const char *directory,
                                           struct pti_error *error)
{
    struct pti_journal_head kept;
    bool there = false, has = true;
    enum pintle_status status = pti_journal_head_load(directory, &kept, &there, error);

    if (status == PINTLE_OK && there)
        status = pti_journal_has(database, &kept, &has, error);
    if (status != PINTLE_OK || !has)
        return status == PINTLE_ERR_INPUT ? PINTLE_OK : status;
    return pti_journal_head_follow(database, directory, &kept, error);
}
