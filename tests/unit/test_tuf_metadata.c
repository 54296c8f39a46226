/* SPDX-License-Identifier: Apache-2.0 */
/* The content of metadata files: what is read, what is refused, and with which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "tuf_fixture.h"

/* ... an unsigned envelope around text. */
static enum pintle_status read_text(struct tuf_fixture *fixture, enum pti_tuf_type type, const char *text,
                                    struct pti_tuf_metadata **metadata)
{
    struct pintle_bytes envelope = tuf_envelope_with(fixture, text, "[]");
    enum pintle_status status = tuf_read(fixture, type, envelope, metadata);

    pti_bytes_free(&envelope);
    return status;
}

struct edit {
    enum pti_tuf_type type;
    const char *name, *from, *to;
    const char *want; /* NULL: it is read all the same */
};

static void run_edits(const struct edit *edits, size_t count)
{
    struct tuf_fixture fixture;

    tuf_init(&fixture);
    for (size_t i = 0; i < count; i++) {
        char *text = tuf_edit(tuf_signed(edits[i].type), edits[i].from, edits[i].to);
        struct pti_tuf_metadata *metadata;

        tuf_expect(&fixture, edits[i].name, read_text(&fixture, edits[i].type, text, &metadata), edits[i].want);
        pti_tuf_metadata_free(metadata);
        free(text);
    }
    tuf_clear(&fixture);
}

static void test_good_ones(void **state)
{
    struct pti_tuf_metadata *metadata;
    struct tuf_fixture fixture;

    (void)state;
    tuf_init(&fixture);
    metadata = tuf_parse(&fixture, PTI_TUF_ROOT, tuf_root, "0");
    assert_int_equal(metadata->version, 1);
    assert_int_equal(metadata->expires, INT64_C(1893456000));
    assert_int_equal(metadata->keys.count, 4);
    assert_int_equal(metadata->roles[PTI_TUF_SNAPSHOT].count, 1);
    assert_true(pti_bytes_equal_text(metadata->repository, "test"));
    assert_true(metadata->consistent_snapshot);
    assert_int_equal(metadata->signature_count, 1);
    pti_tuf_metadata_free(metadata);
    metadata = tuf_parse(&fixture, PTI_TUF_TIMESTAMP, tuf_timestamp, "3");
    assert_int_equal(metadata->issued, INT64_C(1800000000));
    assert_int_equal(metadata->files.count, 1);
    assert_int_equal(metadata->files.items[0].length, 10);
    assert_true(metadata->files.items[0].has_sha256);
    pti_tuf_metadata_free(metadata);
    metadata = tuf_parse(&fixture, PTI_TUF_SNAPSHOT, tuf_snapshot, "2");
    assert_int_equal(metadata->files.count, 2);
    assert_int_equal(pti_tuf_file_find(&metadata->files, pti_bytes_text("main.json"))->length, 7);
    assert_int_equal(pti_tuf_file_find(&metadata->files, pti_bytes_text("targets.json"))->length, -1);
    assert_null(pti_tuf_file_find(&metadata->files, pti_bytes_text("m")));
    assert_null(pti_tuf_file_find(&metadata->files, pti_bytes_text("zzz")));
    pti_tuf_metadata_free(metadata);
    metadata = tuf_parse(&fixture, PTI_TUF_TARGETS, tuf_targets, "1");
    assert_int_equal(metadata->delegation_count, 1);
    assert_non_null(pti_tuf_delegation_find(metadata, pti_bytes_text("main")));
    assert_null(pti_tuf_delegation_find(metadata, pti_bytes_text("other")));
    pti_tuf_metadata_free(metadata);
    pti_tuf_metadata_free(NULL);
    tuf_clear(&fixture);
}

static void test_common_fields(void **state)
{
    static const struct edit edits[] = {
        {PTI_TUF_TIMESTAMP, "another type", "'timestamp'", "'snapshot'", "type timestamp, found snapshot"},
        {PTI_TUF_ROOT, "type in capitals", "'root'", "'Root'", "type root, found Root"},
        {PTI_TUF_ROOT, "type with a NUL", "'root'", "'root\\u0000'", "expected metadata of type root"},
        {PTI_TUF_ROOT, "no type", "'_type':'root',", "", "\"_type\" is missing"},
        {PTI_TUF_ROOT, "type a number", "'_type':'root'", "'_type':1", "\"_type\" must be a string"},
        {PTI_TUF_SNAPSHOT, "spec 2.0", "1.0.31", "2.0.0", "expected spec_version 1.x, found 2.0.0"},
        {PTI_TUF_SNAPSHOT, "spec 10.0", "1.0.31", "10.0", "found 10.0"},
        {PTI_TUF_SNAPSHOT, "spec 1", "1.0.31", "1", "expected spec_version 1.x"},
        {PTI_TUF_SNAPSHOT, "spec 1.9", "1.0.31", "1.9", NULL},
        {PTI_TUF_SNAPSHOT, "no spec", "'spec_version':'1.0.31',", "", "\"spec_version\" is missing"},
        {PTI_TUF_TARGETS, "version 0", "'version':1", "'version':0", "\"version\" must be from 1"},
        {PTI_TUF_TARGETS, "version -1", "'version':1", "'version':-1", "\"version\" must be from 1"},
        {PTI_TUF_TARGETS, "version 2^53-1", "'version':1", "'version':9007199254740991", NULL},
        {PTI_TUF_TARGETS, "version 2^53", "'version':1", "'version':9007199254740992", "at most 2^53-1"},
        {PTI_TUF_TARGETS, "version 2^64+1", "'version':1", "'version':18446744073709551617", "at most 2^53-1"},
        {PTI_TUF_TARGETS, "version 1.0", "'version':1", "'version':1.0", "without fraction"},
        {PTI_TUF_TARGETS, "version a string", "'version':1", "'version':'1'", "\"version\" must be an integer"},
        {PTI_TUF_TARGETS, "no version", "'version':1,", "", "\"version\" is missing"},
        {PTI_TUF_TARGETS, "version twice", "'version':1", "'version':1,'version':2", "duplicate key"},
        {PTI_TUF_ROOT, "no expiry", "'expires':'2030-01-01T00:00:00Z',", "", "\"expires\" is missing"},
        {PTI_TUF_ROOT, "expiry with a fraction", "00:00:00Z", "00:00:00.1Z", "\"expires\" must look like"},
        {PTI_TUF_ROOT, "expiry in another zone", "00:00:00Z", "00:00:00+01:00", "\"expires\" must look like"},
        {PTI_TUF_ROOT, "expiry on 30 February", "2030-01-01", "2030-02-30", "\"expires\" must look like"},
        {PTI_TUF_ROOT, "expiry in seconds", "'2030-01-01T00:00:00Z'", "1893456000", "\"expires\" must be a string"},
        {PTI_TUF_ROOT, "unknown fields", "'version'", "'x-new':{'a':[1,null]},'version'", NULL},
    };

    (void)state;
    run_edits(edits, sizeof edits / sizeof edits[0]);
}

static void test_root_content(void **state)
{
    static const struct edit edits[] = {
        {PTI_TUF_ROOT, "no keys", "'keys':{@K0,@K1,@K2,@K3},", "", "\"keys\" is missing"},
        {PTI_TUF_ROOT, "keys an array", "'keys':{@K0,@K1,@K2,@K3}", "'keys':[]", "\"keys\" must be an object"},
        {PTI_TUF_ROOT, "empty keys", "@K0,@K1,@K2,@K3", "", NULL}, /* nothing will verify under it */
        {PTI_TUF_ROOT, "a key twice", "@K1", "@K0,@K1", "duplicate key"},
        {PTI_TUF_ROOT, "keyid of another key", "@K1", "@I1:@O4", "does not belong to its key"},
        {PTI_TUF_ROOT, "roles an array", "'roles':{", "'roles':[],'old':{", "\"roles\" must be an object"},
        {PTI_TUF_ROOT, "role missing", "'targets':{", "'x':{", "role targets: \"targets\" is missing"},
        {PTI_TUF_ROOT, "role null", "'targets':{'keyids':[@I1],'threshold':1}", "'targets':null",
         "role targets: \"targets\" must be an object"},
        {PTI_TUF_ROOT, "threshold 0", "[@I0],'threshold':1", "[@I0],'threshold':0", "role root: \"threshold\""},
        {PTI_TUF_ROOT, "keyid twice", "[@I3]", "[@I3,@I3]", "role timestamp: a keyid stands twice"},
        {PTI_TUF_ROOT, "an unknown role", "'roles':{", "'roles':{'mirrors':{'keyids':[],'threshold':1},", NULL},
        {PTI_TUF_ROOT, "repository a number", "'test'", "5",
         NULL}, /* then it names none, which no successor may change */
    };

    (void)state;
    run_edits(edits, sizeof edits / sizeof edits[0]);
}

static void test_file_lists(void **state)
{
    static const struct edit edits[] = {
        {PTI_TUF_TIMESTAMP, "no meta", "'meta'", "'other'", "\"meta\" is missing"},
        {PTI_TUF_TIMESTAMP, "meta empty", "'snapshot.json':{'version':1,'length':10,'hashes':{'sha256':'",
         "'x':{'y':{'z':'", "\"version\" is missing"},
        {PTI_TUF_TIMESTAMP, "another file", "'snapshot.json'", "'targets.json'", "must list snapshot.json and nothing"},
        {PTI_TUF_TIMESTAMP, "a second file", "'snapshot.json'", "'a.json':{'version':1},'snapshot.json'",
         "must list snapshot.json and nothing"},
        {PTI_TUF_TIMESTAMP, "entry a string", "'meta':{", "'meta':{'a':'b',", "expected an object, found a string"},
        {PTI_TUF_TIMESTAMP, "version 0 of a file", "{'version':1,'length'", "{'version':0,'length'", "from 1 to"},
        {PTI_TUF_TIMESTAMP, "length -1", "'length':10", "'length':-1", "\"length\" must be from 0"},
        {PTI_TUF_TIMESTAMP, "length a string", "'length':10", "'length':'10'", "\"length\" must be an integer"},
        {PTI_TUF_TIMESTAMP, "no length", "'length':10,", "", NULL},
        {PTI_TUF_TIMESTAMP, "short hash", "'sha256':'00", "'sha256':'", "\"sha256\" must be 64 lower-case hex"},
        {PTI_TUF_TIMESTAMP, "capital hash", "'sha256':'00", "'sha256':'AA", "\"sha256\" must be 64 lower-case hex"},
        {PTI_TUF_TIMESTAMP, "hash an integer", "'hashes':{", "'hashes':{'sha512':1,", NULL}, /* another algorithm's */
        {PTI_TUF_TIMESTAMP, "hashes a list", "'hashes':{", "'hashes':[],'other':{",
         "must be an object, found an array"},
        {PTI_TUF_TIMESTAMP, "hashes empty", "'hashes':{", "'hashes':{},'other':{", NULL},
        {PTI_TUF_TIMESTAMP, "issued without zone", "08:00:00Z'", "08:00:00'", "\"x-pintle-issued\" must look like"},
        {PTI_TUF_TIMESTAMP, "issued a number", "'2027-01-15T08:00:00Z'", "1", "\"x-pintle-issued\" must be a string"},
        {PTI_TUF_TIMESTAMP, "not issued", ",'x-pintle-issued':'2027-01-15T08:00:00Z'", "", NULL},
        {PTI_TUF_SNAPSHOT, "without targets", "'targets.json'", "'target.json'", "does not list targets.json"},
        {PTI_TUF_SNAPSHOT, "a file twice", "'main.json'", "'targets.json'", "duplicate key"},
        {PTI_TUF_SNAPSHOT, "a path for a name", "'main.json'", "'../../main.json'", NULL}, /* nobody asks for it */
        {PTI_TUF_TARGETS, "no targets", "'targets':{", "'target':{", "\"targets\" is missing"},
        {PTI_TUF_TARGETS, "target without length", "'length':5,", "", "target charter.json lacks its length or sha256"},
        {PTI_TUF_TARGETS, "target without hash", "'sha256'", "'sha512'", "target charter.json lacks its length"},
        {PTI_TUF_TARGETS, "target null", "'targets':{", "'targets':{'a':null,", "expected an object, found null"},
        {PTI_TUF_TARGETS, "a path for a target", "'charter.json'", "'../../../etc/passwd'", NULL},
    };

    (void)state;
    run_edits(edits, sizeof edits / sizeof edits[0]);
}

static void test_delegations(void **state)
{
    static const struct edit edits[] = {
        {PTI_TUF_TARGETS, "an array", "'delegations':{", "'delegations':[],'x':{", "\"delegations\" must be an object"},
        {PTI_TUF_TARGETS, "without roles", "'roles':[", "'x':[", "\"roles\" is missing"},
        {PTI_TUF_TARGETS, "roles an object", "'roles':[", "'roles':{},'x':[", "\"roles\" must be an array"},
        {PTI_TUF_TARGETS, "without keys", "'keys':{@K4,@K5}", "'x':0", "\"keys\" is missing"},
        {PTI_TUF_TARGETS, "role a string", "'roles':[", "'roles':['main',", "must stand in an object, found a string"},
        {PTI_TUF_TARGETS, "no name", "'name':'main',", "", "\"name\" is missing"},
        {PTI_TUF_TARGETS, "empty name", "'name':'main'", "'name':''", "a delegated role is called \"\""},
        {PTI_TUF_TARGETS, "called root", "'name':'main'", "'name':'root'", "a delegated role is called \"root\""},
        {PTI_TUF_TARGETS, "called targets", "'name':'main'", "'name':'targets'", "is called \"targets\""},
        {PTI_TUF_TARGETS, "one role twice", "'roles':[",
         "'roles':[{'name':'main','keyids':[],'threshold':1,'terminating':true,'paths':[]},", "have one name"},
        {PTI_TUF_TARGETS, "threshold 0", "'threshold':1", "'threshold':0", "\"threshold\" must be from 1"},
        {PTI_TUF_TARGETS, "not terminating", "'terminating':true", "'terminating':false", NULL},
        {PTI_TUF_TARGETS, "terminating a number", "'terminating':true", "'terminating':1", "must be a boolean"},
        {PTI_TUF_TARGETS, "terminating absent", "'terminating':true,", "", "\"terminating\" is missing"},
        {PTI_TUF_TARGETS, "neither paths nor prefixes", "'paths'", "'path'", "exactly one of \"paths\""},
        {PTI_TUF_TARGETS, "paths and prefixes", "'paths'", "'path_hash_prefixes':[],'paths'", "exactly one of"},
        {PTI_TUF_TARGETS, "prefixes alone", "'paths'", "'path_hash_prefixes'", NULL},
        {PTI_TUF_TARGETS, "paths a string", "['zones/main.json']", "'zones/main.json'", "\"paths\" must be an array"},
        {PTI_TUF_TARGETS, "paths of numbers", "['zones/main.json']", "[1,null]", NULL},    /* match nothing */
        {PTI_TUF_TARGETS, "a path for a name", "'name':'main'", "'name':'../main'", NULL}, /* is no zone */
        {PTI_TUF_TARGETS, "no delegations", "'delegations'", "'x'", NULL},
    };

    (void)state;
    run_edits(edits, sizeof edits / sizeof edits[0]);
}

/* The search order of the specification is that of the array (CVE-2024-47534). */
static void test_order_of_delegations_is_kept(void **state)
{
#define ROLE(name) "{'name':'" name "','keyids':[@I4],'threshold':1,'terminating':true,'paths':[]},"
    static const char *const want[] = {"z", "a", "m", "main"};
    struct pti_tuf_metadata *metadata;
    struct tuf_fixture fixture;
    char *text;

    (void)state;
    tuf_init(&fixture);
    text = tuf_edit(tuf_targets, "'roles':[", "'roles':[" ROLE("z") ROLE("a") ROLE("m"));
    metadata = tuf_parse(&fixture, PTI_TUF_TARGETS, text, "1");
    assert_int_equal(metadata->delegation_count, 4);
    for (size_t i = 0; i < 4; i++)
        assert_true(pti_bytes_equal_text(metadata->delegations[i].name, want[i]));
    pti_tuf_metadata_free(metadata);
    free(text);
    tuf_clear(&fixture);
}

static void test_too_many_delegations(void **state)
{
    struct tuf_fixture fixture;
    struct pti_buf roles;

    (void)state;
    tuf_init(&fixture);
    for (size_t count = PTI_KEYS_MAX; count <= PTI_KEYS_MAX + 1; count++) {
        struct pti_tuf_metadata *metadata = NULL;
        char *text;

        pti_buf_init(&roles, 200000);
        pti_buf_text(&roles, "'roles':[");
        for (size_t i = 1; i < count; i++) /* and the one that is there */
            pti_buf_printf(&roles, "{'name':'z%zu','keyids':[],'threshold':1,'terminating':true,'paths':[]},", i);
        text = tuf_edit(tuf_targets, "'roles':[", pti_buf_cstr(&roles));
        if (count <= PTI_KEYS_MAX) {
            assert_int_equal(read_text(&fixture, PTI_TUF_TARGETS, text, &metadata), PINTLE_OK);
        } else {
            assert_int_equal(read_text(&fixture, PTI_TUF_TARGETS, text, &metadata), PINTLE_ERR_INPUT);
            assert_non_null(strstr(fixture.error.detail, "257 delegated roles, at most 256"));
        }
        pti_tuf_metadata_free(metadata);
        free(text);
        pti_buf_clear(&roles);
    }
    tuf_clear(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_ones),
        cmocka_unit_test(test_common_fields),
        cmocka_unit_test(test_root_content),
        cmocka_unit_test(test_file_lists),
        cmocka_unit_test(test_delegations),
        cmocka_unit_test(test_order_of_delegations_is_kept),
        cmocka_unit_test(test_too_many_delegations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
