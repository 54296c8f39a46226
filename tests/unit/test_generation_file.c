/* SPDX-License-Identifier: Apache-2.0 */
/* The generation file: what is written is read, and nothing else is. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "generation_fixture.h"
#include "manifest/apply.h"
#include "tuf/container.h"

#define HOST "api.example.com"
#define MAX PTI_STORE_BLOB_MAX

struct scene {
    struct sim *sim;
    struct pti_roots roots;
    struct pti_error error;
    struct pti_buf file; /* a generation file of what is published, with one past zone */
};

static void begin(struct scene *scene)
{
    struct pti_generation *before, *generation;

    memset(scene, 0, sizeof *scene);
    scene->sim = sim_new();
    sim_add_zone(scene->sim, "extra");
    sim_add_zone(scene->sim, "gone");
    sim_add_host(scene->sim, HOST, "main");
    sim_add_pin(scene->sim, HOST, 1);
    sim_publish(scene->sim);
    generation_roots(scene->sim, 0, &scene->roots);
    before = generation_of(scene->sim, &scene->roots);
    sim_remove_zone(scene->sim, "gone");
    sim_publish(scene->sim);
    generation = generation_of(scene->sim, &scene->roots);
    assert_int_equal(pti_apply_inherit(before, generation, pti_roots_newest(&scene->roots), NULL), PINTLE_OK);
    generation->accepted_at = 12345;
    generation->shipped = true;
    generation->issued += 7;
    pti_buf_init(&scene->file, MAX);
    pti_generation_write(generation, &scene->file);
    assert_int_equal(scene->file.status, PINTLE_OK);
    pti_generation_free(before);
    pti_generation_free(generation);
}

static void end(struct scene *scene)
{
    pti_buf_clear(&scene->file);
    pti_roots_clear(&scene->roots);
    sim_free(scene->sim);
}

static enum pintle_status read_file(struct scene *scene, struct pintle_bytes file, struct pti_generation **generation)
{
    scene->error = (struct pti_error){PINTLE_OK, ""};
    return pti_generation_read(file, &scene->roots, sim_now(scene->sim), generation, &scene->error);
}

static void test_round_trip(void **state)
{
    struct pti_generation *generation;
    struct scene scene;
    struct pti_buf again;
    int64_t root;

    (void)state;
    begin(&scene);
    assert_int_equal(read_file(&scene, pti_buf_bytes(&scene.file), &generation), PINTLE_OK);
    assert_int_equal(generation->root_version, 1);
    assert_true(generation->shipped);
    assert_int_equal(generation->accepted_at, 12345);
    assert_int_equal(generation->issued, SIM_START + 7);
    assert_int_equal(generation->zone_count, 2);
    assert_int_equal(generation->charter.host_count, 1);
    assert_int_equal(generation->past_zone_count, 1);
    assert_string_equal(generation->past_zones[0].name, "gone");
    assert_int_equal(generation->past_zones[0].version, 1);
    assert_int_equal(generation->past_zones[0].identity_count, 1);
    pti_buf_init(&again, MAX);
    pti_generation_write(generation, &again);
    assert_true(pti_bytes_equal(pti_buf_bytes(&again), pti_buf_bytes(&scene.file)));
    assert_int_equal(pti_generation_file_root(pti_buf_bytes(&again), &root, NULL), PINTLE_OK);
    assert_int_equal(root, 1);
    pti_buf_clear(&again);
    pti_generation_free(generation);
    end(&scene);
}

/* What was accepted stays readable for ever: nothing in it expires. */
static void test_read_after_years(void **state)
{
    struct pti_generation *generation;
    struct scene scene;

    (void)state;
    begin(&scene);
    sim_advance(scene.sim, 4000 * SIM_DAY);
    assert_int_equal(read_file(&scene, pti_buf_bytes(&scene.file), &generation), PINTLE_OK);
    assert_int_equal(generation->issued, SIM_START + 7);
    pti_generation_free(generation);
    sim_set_wall_clock(scene.sim, 0);
    assert_int_equal(read_file(&scene, pti_buf_bytes(&scene.file), &generation), PINTLE_OK);
    assert_int_equal(generation->issued, SIM_START + 7); /* taken once, it is taken */
    pti_generation_free(generation);
    end(&scene);
}

/* The file without one entry, or with one byte in the middle of it flipped. */
static void test_each_entry_counts(void **state)
{
    static const struct {
        const char *path;
        enum pintle_status altered;
        const char *altered_text, *missing_text;
    } cases[] = {
        {"generation.json", PINTLE_ERR_INPUT, "generation.json: damaged", "without generation.json"},
        {"generation.sum", PINTLE_ERR_INPUT, "generation.json: damaged", "without generation.json"},
        {"timestamp.json", PINTLE_ERR_INPUT, "timestamp: ", "lacks timestamp.json"},
        {"snapshot.json", PINTLE_ERR_TRUST, "snapshot.json: the bytes do not have the signed hash",
         "lacks snapshot.json"},
        {"targets.json", PINTLE_ERR_TRUST, "targets.json: the bytes do not have the signed hash", "lacks targets.json"},
        {"charter.json", PINTLE_ERR_TRUST, "charter.json: the bytes do not have the signed hash", "lacks charter.json"},
        {"roles/main.json", PINTLE_ERR_TRUST, "main.json: the bytes do not have the signed hash",
         "lacks roles/main.json"},
        {"zones/extra.json", PINTLE_ERR_TRUST, "zones/extra.json: the bytes do not have the signed hash",
         "lacks zones/extra.json"},
    };
    struct pti_container container;
    struct scene scene;

    (void)state;
    begin(&scene);
    assert_int_equal(pti_container_parse(pti_buf_bytes(&scene.file), &container, NULL), PINTLE_OK);
    assert_int_equal(container.count, 10);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int altered = 0; altered < 2; altered++) {
            struct pti_generation *generation;
            enum pintle_status status;
            struct pti_buf file;

            pti_buf_init(&file, MAX);
            pti_container_write_begin(&file, (uint32_t)container.count - (altered ? 0 : 1));
            for (size_t n = 0; n < container.count; n++) {
                char *path = pti_bytes_strdup(container.entries[n].path);
                bool here = strcmp(path, cases[i].path) == 0;

                if (altered || !here)
                    pti_container_write_entry(&file, path, container.entries[n].data);
                if (altered && here)
                    file.data[file.size - container.entries[n].data.size / 2] ^= 1;
                free(path);
            }
            status = read_file(&scene, pti_buf_bytes(&file), &generation);
            assert_null(generation);
            if (status != (altered ? cases[i].altered : PINTLE_ERR_INPUT) ||
                strstr(scene.error.detail, altered ? cases[i].altered_text : cases[i].missing_text) == NULL)
                fail_msg("%s %s: %s: %s", cases[i].path, altered ? "altered" : "missing", pintle_status_name(status),
                         scene.error.detail);
            pti_buf_clear(&file);
        }
    }
    pti_container_clear(&container);
    end(&scene);
}

static void test_cut_anywhere(void **state)
{
    struct scene scene;

    (void)state;
    begin(&scene);
    for (size_t size = 0; size < scene.file.size; size++) {
        struct pti_generation *generation;

        if (read_file(&scene, (struct pintle_bytes){scene.file.data, size}, &generation) != PINTLE_ERR_INPUT ||
            generation != NULL || scene.error.detail[0] == '\0')
            fail_msg("%zu bytes: %s", size, scene.error.detail);
    }
    end(&scene);
}

/* FNV-1a, as lib/manifest/generation_file.c has it: here so that a hostile record gets past its checksum. */
static void checksum(const char *text, char out[17])
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (; *text != '\0'; text++)
        hash = (hash ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
    (void)snprintf(out, 17, "%016" PRIx64, hash);
}

/* The same generation under another record. */
static enum pintle_status read_with_record(struct scene *scene, const char *record)
{
    struct pti_container container;
    struct pti_generation *generation;
    enum pintle_status status;
    struct pti_buf file;
    char sum[17];

    checksum(record, sum);
    assert_int_equal(pti_container_parse(pti_buf_bytes(&scene->file), &container, NULL), PINTLE_OK);
    pti_buf_init(&file, MAX);
    pti_container_write_begin(&file, (uint32_t)container.count);
    pti_container_write_entry(&file, "generation.json", pti_bytes_text(record));
    pti_container_write_entry(&file, "generation.sum", pti_bytes_text(sum));
    for (size_t n = 2; n < container.count; n++) {
        char *path = pti_bytes_strdup(container.entries[n].path);

        pti_container_write_entry(&file, path, container.entries[n].data);
        free(path);
    }
    status = read_file(scene, pti_buf_bytes(&file), &generation);
    assert_true((status == PINTLE_OK) == (generation != NULL));
    pti_generation_free(generation);
    pti_buf_clear(&file);
    pti_container_clear(&container);
    return status;
}

static void test_hostile_records(void **state)
{
    static const char good[] = "{'accepted_at':1,'format':1,'issued':-1,'past_zones':[],'root':1,'shipped':false}";
#define PAST "{'zone':'old','version':3,'keys':[]}"
#define KEY "'0000000000000000000000000000000000000000000000000000000000000000'"
    static const struct {
        const char *name, *from, *to, *want;
        enum pintle_status status;
    } cases[] = {
        {"as it is", "{", "{", NULL, PINTLE_OK},
        {"unknown field", "{", "{'x':1,", NULL, PINTLE_OK},
        {"past zone", "[]", "[" PAST "]", NULL, PINTLE_OK},
        {"past zone of version 0", "[]", "[{'zone':'old','version':0,'keys':[" KEY "]}]", NULL, PINTLE_OK},
        {"no JSON", "{", "x", "generation.json: byte 0", PINTLE_ERR_INPUT},
        {"an array", "{", "[{", "generation.json: byte", PINTLE_ERR_INPUT},
        {"format 2", "'format':1", "'format':2", "\"format\" must be from 1 to 1", PINTLE_ERR_INPUT},
        {"no format", "'format':1,", "", "\"format\" is missing", PINTLE_ERR_INPUT},
        {"root 0", "'root':1", "'root':0", "\"root\" must be from 1", PINTLE_ERR_INPUT},
        {"root -1", "'root':1", "'root':-1", "\"root\" must be from 1", PINTLE_ERR_INPUT},
        {"root 1025", "'root':1", "'root':1025", "\"root\" must be from 1 to 1024", PINTLE_ERR_INPUT},
        {"root a string", "'root':1", "'root':'1'", "\"root\" must be an integer", PINTLE_ERR_INPUT},
        {"root not known", "'root':1", "'root':2", "roots are known only up to 1", PINTLE_ERR_TRUST},
        {"accepted before 1970", "'accepted_at':1", "'accepted_at':-1", "\"accepted_at\"", PINTLE_ERR_INPUT},
        {"accepted at 2^53", "'accepted_at':1", "'accepted_at':9007199254740992", "2^53-1", PINTLE_ERR_INPUT},
        {"issued -2", "'issued':-1", "'issued':-2", "\"issued\" must be from -1", PINTLE_ERR_INPUT},
        {"shipped 0", "false", "0", "\"shipped\" must be a boolean", PINTLE_ERR_INPUT},
        {"no past zones", "'past_zones':[],", "", "\"past_zones\" is missing", PINTLE_ERR_INPUT},
        {"past zones an object", "[]", "{}", "\"past_zones\" must be an array", PINTLE_ERR_INPUT},
        {"past zone a string", "[]", "['old']", "must stand in an object", PINTLE_ERR_INPUT},
        {"past zone without name", "[]", "[{'version':3,'keys':[]}]", "\"zone\" is missing", PINTLE_ERR_INPUT},
        {"past zone called ..", "[]", "[{'zone':'..','version':3,'keys':[]}]", "is malformed", PINTLE_ERR_INPUT},
        {"past zone with a long name", "[]",
         "[{'zone':'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','version':3,'keys':[]}]",
         "is malformed", PINTLE_ERR_INPUT},
        {"past zone of version -1", "[]", "[{'zone':'old','version':-1,'keys':[]}]", "\"version\"", PINTLE_ERR_INPUT},
        {"past zone without keys", "[]", "[{'zone':'old','version':1}]", "\"keys\" is missing", PINTLE_ERR_INPUT},
        {"past key too short", "[]", "[{'zone':'old','version':1,'keys':['00']}]", "is malformed", PINTLE_ERR_INPUT},
        {"past key a number", "[]", "[{'zone':'old','version':1,'keys':[" KEY ",1]}]", "malformed", PINTLE_ERR_INPUT},
        {"good and bad", "[]", "[" PAST "," PAST ",1]", "must stand in an object", PINTLE_ERR_INPUT},
    };
    struct scene scene;

    (void)state;
    begin(&scene);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *at = strstr(good, cases[i].from);
        enum pintle_status status;
        char record[512];

        assert_non_null(at);
        (void)snprintf(record, sizeof record, "%.*s%s%s", (int)(at - good), good, cases[i].to,
                       at + strlen(cases[i].from));
        for (char *quote = record; *quote != '\0'; quote++)
            *quote = *quote == '\'' ? '"' : *quote;
        status = read_with_record(&scene, record);
        if (status != cases[i].status || (cases[i].want != NULL && strstr(scene.error.detail, cases[i].want) == NULL))
            fail_msg("%s: found %s: %s", cases[i].name, pintle_status_name(status), scene.error.detail);
    }
    end(&scene);
}

/* As many past zones with as many keys as there may be are written, and read again. */
static void test_largest_record(void **state)
{
    struct pti_generation *generation, *again;
    struct scene scene;
    struct pti_buf file;

    (void)state;
    begin(&scene);
    generation = generation_of(scene.sim, &scene.roots);
    generation->past_zones = calloc(PTI_PAST_ZONES_MAX, sizeof *generation->past_zones);
    assert_non_null(generation->past_zones);
    for (size_t i = 0; i < PTI_PAST_ZONES_MAX; i++) {
        struct pti_past_zone *past = &generation->past_zones[generation->past_zone_count++];

        memset(past->name, 'a', PINTLE_ZONE_NAME_MAX);
        past->version = PTI_JSON_INTEGER_MAX;
        past->identity_count = PTI_KEYS_MAX;
        past->identities = calloc(PTI_KEYS_MAX, sizeof *past->identities);
        assert_non_null(past->identities);
    }
    pti_buf_init(&file, MAX);
    pti_generation_write(generation, &file);
    assert_int_equal(file.status, PINTLE_OK);
    assert_int_equal(read_file(&scene, pti_buf_bytes(&file), &again), PINTLE_OK);
    assert_int_equal(again->past_zone_count, PTI_PAST_ZONES_MAX);
    assert_int_equal(again->past_zones[PTI_PAST_ZONES_MAX - 1].identity_count, PTI_KEYS_MAX);
    pti_buf_clear(&file);
    pti_generation_free(again);
    pti_generation_free(generation);
    end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),        cmocka_unit_test(test_read_after_years),
        cmocka_unit_test(test_each_entry_counts), cmocka_unit_test(test_cut_anywhere),
        cmocka_unit_test(test_hostile_records),   cmocka_unit_test(test_largest_record),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
