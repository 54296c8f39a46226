/* SPDX-License-Identifier: Apache-2.0 */
#include "client/chain.h"

#include <stdlib.h>
#include <string.h>

#include "base/datetime.h"
#include "base/encode.h"
#include "base/json_write.h"
#include "base/limits.h"

/* The host of the report in body whose chain begins with this leaf; false if there is none. */
static bool find_host(const struct pti_json_value *report, struct pintle_bytes leaf, struct pintle_bytes *host)
{
    struct pintle_bytes first;

    return pti_json_as_string(pti_json_first(pti_json_member(report, "chain-spki")), &first) &&
           pti_bytes_equal(first, leaf) && pti_json_as_string(pti_json_member(report, "host"), host) &&
           host->size <= PINTLE_HOST_MAX;
}

static void want(struct pti_chains *chains, struct pintle_bytes leaf, struct pintle_bytes host)
{
    struct pti_chains_one *one = &chains->all[chains->count];

    if (chains->count == PTI_CHAINS_MAX)
        return;
    memset(one, 0, sizeof *one);
    if (!pti_base64_decode_exact(leaf, one->leaf, sizeof one->leaf))
        return;
    for (size_t i = 0; i < chains->count; i++)
        if (memcmp(chains->all[i].leaf, one->leaf, sizeof one->leaf) == 0)
            return;
    memcpy(one->host, host.data, host.size);
    chains->count++;
}

static void ask_for(struct pti_chains *chains, const struct pti_json_value *root, const struct pti_json_value *body)
{
    const struct pti_json_value *wish = pti_json_first(pti_json_member(root, "want-chain"));
    bool several = pti_json_type(body) == PTI_JSON_ARRAY;
    struct pintle_bytes leaf, host;

    for (; wish != NULL; wish = pti_json_next(wish)) {
        if (!pti_json_as_string(wish, &leaf))
            continue;
        for (const struct pti_json_value *report = several ? pti_json_first(body) : body; report != NULL;
             report = several ? pti_json_next(report) : NULL)
            if (find_host(report, leaf, &host)) {
                want(chains, leaf, host);
                break;
            }
    }
}

void pti_chains_ask(struct pti_chains *chains, struct pintle_bytes answer, struct pintle_bytes body)
{
    struct pti_json *said = NULL, *sent = NULL;

    if (pti_json_parse(answer, &said, NULL) == PINTLE_OK && pti_json_parse(body, &sent, NULL) == PINTLE_OK)
        ask_for(chains, pti_json_root(said), pti_json_root(sent));
    pti_json_free(said);
    pti_json_free(sent);
}

unsigned pti_chains_missing(const struct pti_chains *chains)
{
    unsigned missing = 0;

    for (size_t i = 0; i < chains->count; i++)
        missing += chains->all[i].json.size == 0;
    return missing;
}

static void write_chain(struct pti_buf *out, const struct pintle_bytes *chain, size_t count)
{
    struct pti_json_writer writer;

    pti_json_writer_init(&writer, out, false);
    pti_json_begin_array(&writer, NULL);
    for (size_t i = 0; i < count && out->status == PINTLE_OK; i++) {
        char *text = chain[i].size <= PTI_CHAIN_SIZE_MAX ? malloc(PTI_BASE64_SIZE(chain[i].size) + 1) : NULL;

        if (text == NULL) {
            out->status = PINTLE_ERR_MEMORY;
            return;
        }
        pti_base64_encode(chain[i].data, chain[i].size, text);
        pti_json_put_text(&writer, NULL, text);
        free(text);
    }
    pti_json_end_array(&writer);
}

void pti_chains_meet(struct pti_chains *chains, const struct pintle_bytes *chain, size_t count,
                     const struct pintle_evidence *evidence)
{
    struct pti_buf text;

    for (size_t i = 0; i < chains->count && evidence->count > 0; i++) {
        struct pti_chains_one *one = &chains->all[i];

        if (one->json.size > 0 || memcmp(one->leaf, evidence->spki[0], sizeof one->leaf) != 0)
            continue;
        pti_buf_init(&text, PTI_CHAIN_SIZE_MAX);
        write_chain(&text, chain, count);
        if (text.status == PINTLE_OK)
            (void)pti_bytes_copy(pti_buf_bytes(&text), &one->json);
        pti_buf_clear(&text);
        return;
    }
}

static struct pti_chains_one *first_met(const struct pti_chains *chains)
{
    for (size_t i = 0; i < chains->count; i++)
        if (chains->all[i].json.size > 0)
            return (struct pti_chains_one *)(uintptr_t)&chains->all[i];
    return NULL;
}

bool pti_chains_compose(const struct pti_chains *chains, const struct pti_report_settings *settings,
                        const struct pti_report_moment *moment, struct pti_buf *out)
{
    const struct pti_chains_one *one = first_met(chains);
    char date[PTI_DATETIME_SIZE + 1], id[PTI_REPORT_ID_SIZE + 1];
    struct pti_json_writer writer;

    if (one == NULL)
        return false;
    pti_datetime_format(moment->now, date);
    pti_report_name(moment, id);
    pti_json_writer_init(&writer, out, false);
    pti_json_begin_object(&writer, NULL);
    pti_json_put_integer(&writer, "v", 1);
    pti_json_put_text(&writer, "type", "pintle.chain");
    pti_json_put_text(&writer, "id", id);
    pti_json_put_text(&writer, "host", one->host);
    pti_json_put_text(&writer, "reason", "want-chain");
    pti_json_put_text(&writer, "date-time", date);
    pti_json_put_raw(&writer, "chain", one->json);
    pti_json_begin_object(&writer, "app");
    pti_json_put_text(&writer, "id", settings->app_id);
    pti_json_put_text(&writer, "ver", settings->app_version);
    pti_json_end_object(&writer);
    pti_json_end_object(&writer);
    return true;
}

void pti_chains_drop(struct pti_chains *chains)
{
    struct pti_chains_one *one = first_met(chains);

    if (one == NULL)
        return;
    pti_bytes_free(&one->json);
    chains->count--;
    memmove(one, one + 1, (size_t)(&chains->all[chains->count] - one) * sizeof *one);
}

void pti_chains_clear(struct pti_chains *chains)
{
    for (size_t i = 0; i < chains->count; i++)
        pti_bytes_free(&chains->all[i].json);
    chains->count = 0;
}
