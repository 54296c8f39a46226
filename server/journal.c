/* SPDX-License-Identifier: Apache-2.0 */
#include "server/journal.h"

#include <string.h>
#include <time.h>

#include "base/array.h"
#include "base/datetime.h"
#include "base/encode.h"
#include "base/json_write.h"
#include "server/limits.h"

static void put_line(const struct pti_journal_line *line, const char *hash, struct pti_buf *out)
{
    struct pti_json_writer json;
    char time[PTI_DATETIME_SIZE + 1];

    pti_datetime_format(line->time, time);
    pti_json_writer_init(&json, out, false);
    pti_json_begin_object(&json, NULL);
    pti_json_put_integer(&json, "seq", line->seq);
    pti_json_put_text(&json, "time", time);
    pti_json_put_string(&json, "actor", line->actor);
    pti_json_put_string(&json, "event", line->event);
    pti_json_put_string(&json, "detail", line->detail);
    if (hash)
        pti_json_put_text(&json, "hash", hash);
    pti_json_end_object(&json);
}

void pti_journal_line_write(const struct pti_journal_line *line, struct pti_buf *out)
{
    put_line(line, NULL, out);
}

void pti_journal_line_put(const struct pti_journal_line *line, struct pti_buf *out)
{
    char hash[PTI_HEX_SIZE(PINTLE_SHA256_SIZE) + 1];

    pti_hex_encode(line->hash, sizeof line->hash, hash);
    put_line(line, hash, out);
}

enum pintle_status pti_journal_hash(struct pintle_crypto *crypto, const uint8_t previous[PINTLE_SHA256_SIZE],
                                    const struct pti_journal_line *line, uint8_t hash[PINTLE_SHA256_SIZE],
                                    struct pti_error *error)
{
    enum pintle_status status;
    struct pti_buf bytes;

    pti_buf_init(&bytes, PTI_JOURNAL_LINE_MAX);
    pti_buf_append(&bytes, previous, PINTLE_SHA256_SIZE);
    pti_journal_line_write(line, &bytes);
    status = pti_buf_check(&bytes, error, "a line of the journal");
    if (status == PINTLE_OK && pti_sha256(crypto, pti_buf_bytes(&bytes), hash) != PINTLE_OK)
        status = pti_fail(error, PINTLE_ERR_MEMORY, "a line of the journal cannot be hashed: out of memory");
    pti_buf_clear(&bytes);
    return status;
}

/* ---- reading ---- */

static const struct pti_db_statement read_head = {"read the head of the journal",
                                                  "SELECT seq, hash FROM journal ORDER BY seq DESC LIMIT 1"};

static const struct pti_db_statement read_lines = {
    "read the journal",
    "SELECT seq, time, actor, event, detail, hash FROM journal WHERE seq > $1 ORDER BY seq LIMIT $2"};

static void take_hash(const struct pti_db_value *column, uint8_t hash[PINTLE_SHA256_SIZE])
{
    memset(hash, 0, PINTLE_SHA256_SIZE);
    if (column->bytes.size == PINTLE_SHA256_SIZE)
        memcpy(hash, column->bytes.data, PINTLE_SHA256_SIZE);
}

static bool take_head(void *ctx, const struct pti_db_value *columns, size_t count)
{
    struct pti_journal_head *head = ctx;

    (void)count; /* 2 */
    head->seq = columns[0].integer;
    take_hash(&columns[1], head->hash);
    return true;
}

static bool take_line(void *ctx, const struct pti_db_value *columns, size_t count)
{
    const struct pti_journal_query *query = ctx;
    struct pti_journal_line line = {columns[0].integer, columns[1].integer, columns[2].bytes,
                                    columns[3].bytes,   columns[4].bytes,   {0}};

    (void)count; /* 6 */
    take_hash(&columns[5], line.hash);
    return query->row(query->ctx, &line);
}

enum pintle_status pti_journal_read(struct pti_database *database, const struct pti_journal_query *query,
                                    struct pti_error *error)
{
    const struct pti_db_value values[] = {pti_db_integer(query->after), pti_db_integer(query->limit)};
    struct pti_journal_query copy = *query;
    const struct pti_db_query lines = {&read_lines, values, PTI_COUNT(values), take_line, &copy};

    return pti_database_read(database, &lines, error);
}

enum pintle_status pti_journal_read_head(struct pti_database *database, struct pti_journal_head *head,
                                         struct pti_error *error)
{
    const struct pti_db_query query = {&read_head, NULL, 0, take_head, head};

    memset(head, 0, sizeof *head);
    return pti_database_read(database, &query, error);
}

/* ---- adding ---- */

struct addition {
    const char *actor, *event, *detail;
};

static const struct pti_db_statement insert_line = {
    "write the journal", "INSERT INTO journal (seq, time, actor, event, detail, hash) VALUES ($1, $2, $3, $4, $5, $6)"};

static struct pintle_bytes printable(const char *text, char *out, size_t size)
{
    pti_copy_text(out, size, text);
    for (char *byte = out; *byte; byte++)
        if (*byte < ' ' || *byte > '~')
            *byte = '?';
    return pti_bytes_text(out);
}

/* Lines are few, so each makes a provider of its own rather than that everybody who changes something carries one. */
static enum pti_db_result hash_line(const uint8_t previous[PINTLE_SHA256_SIZE], struct pti_journal_line *line,
                                    struct pti_error *error)
{
    struct pintle_crypto *crypto = NULL;
    enum pintle_status status = pintle_crypto_openssl_new(&crypto);

    if (status == PINTLE_OK)
        status = pti_journal_hash(crypto, previous, line, line->hash, error);
    else
        (void)pti_fail(error, status, "the journal needs SHA-256: %s", pintle_status_name(status));
    pintle_crypto_free(crypto);
    return status == PINTLE_OK ? PTI_DB_OK : PTI_DB_MEMORY;
}

enum pti_db_result pti_journal_add(struct pti_database *database, const char *actor, const char *event,
                                   const char *detail, struct pti_error *error)
{
    char texts[3][PTI_JOURNAL_TEXT_MAX + 1];
    struct pti_journal_head head = {0};
    const struct pti_db_query last = {&read_head, NULL, 0, take_head, &head};
    struct pti_journal_line line = {
        .time = (int64_t)time(NULL),
        .actor = printable(actor, texts[0], sizeof texts[0]),
        .event = printable(event, texts[1], sizeof texts[1]),
        .detail = printable(detail, texts[2], sizeof texts[2]),
    };
    enum pti_db_result result = pti_database_run(database, &last, NULL, error);

    line.seq = head.seq + 1;
    if (result == PTI_DB_OK)
        result = hash_line(head.hash, &line, error);
    if (result != PTI_DB_OK)
        return result;
    const struct pti_db_value values[] = {
        pti_db_integer(line.seq),       pti_db_integer(line.time),
        pti_db_text_bytes(line.actor),  pti_db_text_bytes(line.event),
        pti_db_text_bytes(line.detail), pti_db_bytes((struct pintle_bytes){line.hash, sizeof line.hash}),
    };
    const struct pti_db_query insert = {&insert_line, values, PTI_COUNT(values), NULL, NULL};

    return pti_database_run(database, &insert, NULL, error);
}

static enum pti_db_result add(struct pti_database *database, void *ctx, struct pti_error *error)
{
    const struct addition *addition = ctx;

    return pti_journal_add(database, addition->actor, addition->event, addition->detail, error);
}

enum pintle_status pti_journal_append(struct pti_database *database, const char *actor, const char *event,
                                      const char *detail, struct pti_error *error)
{
    struct addition addition = {actor, event, detail};

    return pti_database_transaction(database, PTI_JOURNAL_LOCK, add, &addition, error);
}
