/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One TUF metadata file, parsed and checked for form: envelope, common fields, and the content of its type.  Nothing here
 * is trusted; lib/tuf/verify and lib/tuf/trusted decide that.  Unknown fields are kept (they are signed) and ignored.
 */
#ifndef PTI_TUF_METADATA_H
#define PTI_TUF_METADATA_H

#include "base/buf.h"
#include "tuf/key.h"

enum pti_tuf_type { PTI_TUF_ROOT, PTI_TUF_TIMESTAMP, PTI_TUF_SNAPSHOT, PTI_TUF_TARGETS };
#define PTI_TUF_TYPES 4

const char *pti_tuf_type_name(enum pti_tuf_type type); /* "root", "timestamp", ... */
size_t pti_tuf_size_max(enum pti_tuf_type type);       /* bytes of the file */

struct pti_tuf_signature {
    struct pintle_bytes keyid; /* as text; any length */
    struct pintle_bytes hex;   /* as text; may be empty or no hex at all, then it is no signature */
};

/* What another file must be: an entry of "meta" or of "targets". */
struct pti_tuf_file {
    struct pintle_bytes name; /* "targets.json", "zones/payments.json" */
    int64_t version;          /* 0 in targets */
    int64_t length;           /* -1 if not given */
    bool has_sha256;
    bool has_other_hash; /* and no sha256: nothing that is known here checks the file */
    uint8_t sha256[PINTLE_SHA256_SIZE];
};

struct pti_tuf_files {
    struct pti_tuf_file *items; /* sorted by name */
    size_t count;
};

struct pti_tuf_delegation {
    struct pintle_bytes name;
    struct pti_tuf_signers signers;
    bool terminating;
    const struct pti_json_value *paths; /* array of patterns; NULL if the role has path_hash_prefixes instead */
    const struct pti_json_value *path_hash_prefixes; /* array of hex; NULL if it has paths */
};

struct pti_tuf_metadata {
    enum pti_tuf_type type;
    enum pti_tuf_keyids keyids; /* how it was read */
    int64_t version;
    int64_t expires;           /* Unix seconds */
    struct pintle_bytes bytes; /* owned copy, exactly as received */
    struct pti_buf canonical;  /* canonical form of "signed": what signatures cover */
    struct pti_json *json;     /* owns what the views below point to */
    struct pti_tuf_signature *signatures;
    size_t signature_count;

    /* root; keys also in targets, for its delegations */
    struct pti_tuf_keys keys;
    struct pti_tuf_signers roles[PTI_TUF_TYPES];
    struct pintle_bytes repository; /* "x-pintle-repo"; empty if absent */
    bool consistent_snapshot;

    /* timestamp: one entry, snapshot.json; snapshot: "meta"; targets: "targets" */
    struct pti_tuf_files files;
    int64_t issued; /* timestamp: "x-pintle-issued" in Unix seconds; -1 if absent */

    /* targets */
    struct pti_tuf_delegation *delegations; /* in the order of the file */
    size_t delegation_count;
};

/*
 * Parses a file of the given type.  On failure *metadata is NULL: PINTLE_ERR_INPUT ("timestamp: byte 12: ..."), also for a
 * file of another type or of a specification other than 1.x; PINTLE_ERR_MEMORY.
 */
enum pintle_status pti_tuf_metadata_parse(struct pintle_bytes bytes, enum pti_tuf_type type,
                                          struct pintle_crypto *crypto, struct pti_tuf_metadata **metadata,
                                          struct pti_error *error);
/* The same for a repository that names its keys by another rule. */
enum pintle_status pti_tuf_metadata_parse_with(struct pintle_bytes bytes, enum pti_tuf_type type,
                                               enum pti_tuf_keyids keyids, struct pintle_crypto *crypto,
                                               struct pti_tuf_metadata **metadata, struct pti_error *error);
void pti_tuf_metadata_free(struct pti_tuf_metadata *metadata);

const struct pti_tuf_file *pti_tuf_file_find(const struct pti_tuf_files *files, struct pintle_bytes name);
const struct pti_tuf_delegation *pti_tuf_delegation_find(const struct pti_tuf_metadata *targets,
                                                         struct pintle_bytes name);

#endif
