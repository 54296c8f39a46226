/* SPDX-License-Identifier: Apache-2.0 */
/* pintled journal: its lines, and what is wrong with them. */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

#include "base/encode.h"
#include "base/json_write.h"
#include "server/commands.h"
#include "server/data.h"
#include "server/journal_check.h"
#include "server/journal_head.h"
#include "server/limits.h"

struct print_values {
    int64_t after;
};

struct verify_values {
    const char *expect;
};

/* ---- journal ---- */

static bool print_line(void *ctx, const struct pti_journal_line *line)
{
    FILE *out = ctx;
    const char *text;
    struct pti_buf bytes;

    pti_buf_init(&bytes, PTI_JOURNAL_LINE_MAX);
    pti_journal_line_put(line, &bytes);
    text = pti_buf_cstr(&bytes);
    if (text)
        fprintf(out, "%s\n", text);
    pti_buf_clear(&bytes);
    return text != NULL;
}

static enum pintle_status print(struct pti_command_call *call)
{
    const struct print_values *values = call->values;
    const struct pti_journal_query query = {values->after, INT64_MAX, print_line, call->out};
    struct pti_database *database = NULL;
    enum pintle_status status = pti_data_open(call->server->data, false, &database, call->error);

    if (status == PINTLE_OK)
        status = pti_journal_read(database, &query, call->error);
    pti_database_close(database);
    return status;
}

/* ---- journal verify ---- */

struct verification {
    FILE *out;
    struct pti_journal_check check;
    struct pti_error *error;
    enum pintle_status status;
    struct pti_journal_head noted[2];
    size_t noted_count;
};

/* "line 3 is", "lines 3 to 5 are" */
static void tell_lines(FILE *out, int64_t first, int64_t last)
{
    if (first == last)
        fprintf(out, "line %" PRId64 " is", first);
    else
        fprintf(out, "lines %" PRId64 " to %" PRId64 " are", first, last);
}

static void tell(void *ctx, enum pti_journal_finding finding, int64_t first, int64_t last)
{
    FILE *out = ctx;

    switch (finding) {
    case PTI_JOURNAL_CHANGED:
        fprintf(out,
                "line %" PRId64 " does not match its hash: it, or the one before it, was changed or stands where "
                "another one stood\n",
                first);
        break;
    case PTI_JOURNAL_MISSING:
        tell_lines(out, first, last);
        fprintf(out, " missing; line %" PRId64 " cannot be checked without\n", last + 1);
        break;
    case PTI_JOURNAL_CUT:
        tell_lines(out, first, last);
        fprintf(out, " missing at the end\n");
        break;
    case PTI_JOURNAL_REWRITTEN:
        fprintf(out, "line %" PRId64 " has another hash than was noted: it, or lines before it, were written anew\n",
                first);
        break;
    }
}

static bool check_line(void *ctx, const struct pti_journal_line *line)
{
    struct verification *verification = ctx;

    verification->status = pti_journal_check_line(&verification->check, line, verification->error);
    return verification->status == PINTLE_OK;
}

static enum pintle_status note_heads(struct verification *verification, const struct pti_command_call *call,
                                     const char *expect)
{
    bool found = false;
    enum pintle_status status = PINTLE_OK;

    if (expect && !pti_journal_head_parse(pti_bytes_text(expect), &verification->noted[verification->noted_count++]))
        return pti_fail(call->error, PINTLE_ERR_MISUSE,
                        "--expect needs a head as pintled prints it, NUMBER:HASH, found \"%.40s\"", expect);
    status = pti_journal_head_load(call->server->data, &verification->noted[verification->noted_count], &found,
                                   call->error);
    verification->noted_count += found;
    if (status == PINTLE_OK && !found)
        fprintf(call->out, "journal.head is not there: lines missing at the end are found with --expect alone\n");
    return status;
}

static enum pintle_status verify_all(struct verification *verification, struct pintle_crypto *crypto,
                                     struct pti_database *database)
{
    struct pti_journal_query query = {INT64_MIN, INT64_MAX, check_line, verification};
    enum pintle_status status;

    pti_journal_check_init(&verification->check, crypto, verification->noted, verification->noted_count, tell,
                           verification->out);
    status = pti_journal_read(database, &query, verification->error);
    if (status == PINTLE_OK)
        pti_journal_check_end(&verification->check);
    return status;
}

static enum pintle_status conclude(const struct verification *verification)
{
    char head[PTI_JOURNAL_HEAD_SIZE];

    if (verification->check.findings > 0)
        return pti_fail(verification->error, PINTLE_ERR_TRUST,
                        "expected a journal that nobody was at, found %" PRId64 " of the above in %" PRId64 " lines",
                        verification->check.findings, verification->check.lines);
    pti_journal_head_format(&verification->check.last, head);
    fprintf(verification->out, "ok: %" PRId64 " lines, head %s\n", verification->check.lines, head);
    return PINTLE_OK;
}

static enum pintle_status verify(struct pti_command_call *call)
{
    const struct verify_values *values = call->values;
    struct verification verification = {.out = call->out, .error = call->error};
    struct pti_database *database = NULL;
    struct pintle_crypto *crypto = NULL;
    enum pintle_status status = pintle_crypto_openssl_new(&crypto);

    if (status != PINTLE_OK)
        return pti_fail(call->error, status, "OpenSSL cannot be used: %s", pintle_status_name(status));
    status = pti_data_open(call->server->data, false, &database, call->error);
    if (status == PINTLE_OK)
        status = note_heads(&verification, call, values->expect);
    if (status == PINTLE_OK)
        status = verify_all(&verification, crypto, database);
    if (status == PINTLE_OK)
        status = conclude(&verification);
    pti_database_close(database);
    pintle_crypto_free(crypto);
    return status;
}

/* ---- the commands ---- */

static const struct pti_setting print_settings[] = {
    {.name = "after",
     .value = "N",
     .help = "only the lines after number N",
     .take = pti_setting_number,
     .at = offsetof(struct print_values, after),
     .max = INT64_MAX / 16},
    {.name = NULL},
};

static const struct pti_setting verify_settings[] = {
    {.name = "expect",
     .value = "HEAD",
     .help = "a head that was noted before, from a start of pintled or from this\n"
             "command: NUMBER:HASH; that line must be there and have that hash",
     .take = pti_setting_text,
     .at = offsetof(struct verify_values, expect)},
    {.name = NULL},
};

const struct pti_server_command pti_server_command_journal = {
    .name = "journal",
    .operands = "",
    .summary = "Print the journal of all changes, one JSON object a line",
    .example = "  pintled journal --data pintled-data",
    .settings = print_settings,
    .values_size = sizeof(struct print_values),
    .wants = PTI_WANTS_DATA,
    .run = print,
};

const struct pti_server_command pti_server_command_journal_verify = {
    .name = "journal verify",
    .operands = "",
    .summary = "Find lines of the journal that were changed, dropped or moved",
    .details = "Exits with 0 and prints the head if it finds none.  Lines missing at the end, and a journal that\n"
               "was written anew, show against a head that was kept apart: journal.head in the data directory,\n"
               "and --expect.",
    .example = "  pintled journal verify --data pintled-data",
    .settings = verify_settings,
    .values_size = sizeof(struct verify_values),
    .wants = PTI_WANTS_DATA,
    .run = verify,
};
