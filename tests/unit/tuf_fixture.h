/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TUF metadata by hand: texts with placeholders for keys, envelopes over any text, and tables of edits to a good one.
 *
 *     @K3   "<keyid of key 3>":{its key object}          for "keys"
 *     @I3   "<keyid of key 3>"                            for "keyids"
 *     @O3   {the key object of key 3}
 *     '     a quotation mark, so that JSON can be read inside C
 *
 * Keys 0 to 5 are Ed25519, 6 and 7 are P-256.  Whatever goes wrong inside fails the running test.
 */
#ifndef PTI_TESTS_TUF_FIXTURE_H
#define PTI_TESTS_TUF_FIXTURE_H

#include "publish/signing_key.h"
#include "tuf/metadata.h"

#define TUF_KEYS 8

struct tuf_fixture {
    struct pintle_crypto *crypto;
    struct pti_signing_key *keys[TUF_KEYS];
    struct pti_error error;
};

void tuf_init(struct tuf_fixture *fixture);
void tuf_clear(struct tuf_fixture *fixture);

/* Good "signed" texts: key 0 is root's, 1 targets', 2 snapshot's, 3 timestamp's, 4 and 5 the zones'. */
extern const char tuf_root[], tuf_timestamp[], tuf_snapshot[], tuf_targets[];
const char *tuf_signed(enum pti_tuf_type type);

/* text with its placeholders replaced; the caller frees. */
char *tuf_expand(const struct tuf_fixture *fixture, const char *text);
/* text with the first from replaced by to; the test fails if there is none.  The caller frees. */
char *tuf_edit(const char *text, const char *from, const char *to);

/* {"signatures":[...],"signed":text} of the expanded text, by the keys named in signers ("03": 0 and 3); owned. */
struct pintle_bytes tuf_envelope(const struct tuf_fixture *fixture, const char *text, const char *signers);
/* The same with the array of signatures given as text ("[]"). */
struct pintle_bytes tuf_envelope_with(const struct tuf_fixture *fixture, const char *text, const char *signatures);
/* {"keyid":"...","sig":"..."} of one key over the expanded text; the caller frees. */
char *tuf_signature(const struct tuf_fixture *fixture, const char *text, size_t key);
/* {'version':v,'length':n,'hashes':{'sha256':'...'}} of a file, to be put into a text; the caller frees. */
char *tuf_listed(const struct tuf_fixture *fixture, struct pintle_bytes file, int64_t version);

/* Parses an envelope of the type, signed by the keys in signers; the test fails if that fails. */
struct pti_tuf_metadata *tuf_parse(struct tuf_fixture *fixture, enum pti_tuf_type type, const char *text,
                                   const char *signers);

/* Parses bytes as type into *metadata; error is fresh, and the detail of a failure begins with the type. */
enum pintle_status tuf_read(struct tuf_fixture *fixture, enum pti_tuf_type type, struct pintle_bytes bytes,
                            struct pti_tuf_metadata **metadata);
/* Fails the test unless status is PINTLE_OK (want is NULL), or PINTLE_ERR_INPUT and the detail contains want. */
void tuf_expect(const struct tuf_fixture *fixture, const char *name, enum pintle_status status, const char *want);

#endif
