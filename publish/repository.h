/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A repository directory: where everything lies, one writer at a time, and how it is read and written.  The only file
 * of this room, beside publish/file.c and the key loaders, that touches a disk.
 *
 *   repository.json  keys/  stage/{charter.json,zones/,metadata/}  public/{metadata,targets,head,body}  app/  lock
 */
#ifndef PTI_PUBLISH_REPOSITORY_H
#define PTI_PUBLISH_REPOSITORY_H

#include "publish/file.h"
#include "publish/key_access.h"
#include "publish/stage.h"

#define PTI_REPOSITORY_NAME_MAX 63

struct pti_repository_settings {
    char name[PTI_REPOSITORY_NAME_MAX + 1];
    struct pti_expiry_days days;
};

/* {365, 365, 90, 7, 3}: root, targets, zone, snapshot, timestamp. */
void pti_repository_settings_init(struct pti_repository_settings *settings, const char *name);

enum pti_repository_access {
    PTI_REPOSITORY_READ,     /* no lock; what is loaded was consistent at some moment */
    PTI_REPOSITORY_WRITE,    /* the lock is held until close; an interrupted publication is completed first */
    PTI_REPOSITORY_PUBLISHED /* as WRITE, but the stage is not read: a half-edited one must not stop a renewal */
};

struct pti_repository {
    char directory[PTI_PATH_MAX];
    struct pti_repository_settings settings;
    struct pti_published published;
    struct pti_stage stage;            /* over published; empty under PTI_REPOSITORY_PUBLISHED */
    struct pintle_crypto *crypto;      /* own reference */
    int lock;                          /* descriptor or -1 */
    struct pti_key_access *key_access; /* set by the caller, borrowed: how to reach what signer files name; or NULL */
    bool clock_is_right; /* set by the caller: publish though the last publication is dated far ahead of the clock */
    const char *const *only; /* set by the caller, borrowed: publish the drafts of these roles alone */
    size_t only_count;       /* 0: of all */
};

/*
 * Loads settings, published state and stage; now (Unix seconds) dates drafts that have to be remade because an edit was
 * interrupted.  On success *repository is owned by the caller.  PINTLE_ERR_STORAGE: no repository there (the message
 * says to run `pintle init`), unreadable, or locked for too long.  PINTLE_ERR_INPUT: settings or stage malformed.
 */
enum pintle_status pti_repository_open(const char *directory, enum pti_repository_access access, int64_t now,
                                       struct pintle_crypto *crypto, struct pti_repository **repository,
                                       struct pti_error *error);
void pti_repository_close(struct pti_repository *repository); /* NULL is legal */

/*
 * Writes the stage, after edits and pti_stage_update(), or after signing; after a crash at any instruction it is the old
 * one or the new one, whole.  Needs PTI_REPOSITORY_WRITE.
 */
enum pintle_status pti_repository_save_stage(struct pti_repository *repository, struct pti_error *error);
/* Throws the draft away: stage is then what is published. */
enum pintle_status pti_repository_drop_stage(struct pti_repository *repository, struct pti_error *error);

/* For pti_repository_open() and pti_repository_reload(): loads it; writes out what a crash left in the journal alone. */
enum pintle_status pti_repository_load_stage(struct pti_repository *repository, int64_t now, struct pti_error *error);
enum pintle_status pti_repository_repair_stage(const struct pti_repository *repository, struct pti_error *error);

/*
 * Writes the settings, as the last step of making a repository: what holds no settings is no repository yet.  And the
 * files of a publication, in their order, each that never changes under its name with a compressed form after it, if
 * that is clearly smaller (publish/gzip.h).  A compressed form that is of another content goes before its file is written.
 */
struct pti_output;
enum pintle_status pti_repository_write_settings(const char *directory, const struct pti_repository_settings *settings,
                                                 struct pti_error *error);
enum pintle_status pti_repository_write_file(const char *directory, const char *relative, struct pintle_bytes bytes,
                                             struct pti_error *error); /* readable for all, as its parents */
enum pintle_status pti_repository_write_output(const char *directory, const struct pti_output *output,
                                               struct pti_error *error);
/* Loads published and stage again, after a publication; or published alone, the stage is then empty. */
enum pintle_status pti_repository_reload(struct pti_repository *repository, int64_t now, struct pti_error *error);
enum pintle_status pti_repository_reload_published(struct pti_repository *repository, struct pti_error *error);

/* directory "/" relative into out (PTI_PATH_MAX bytes). */
enum pintle_status pti_repository_path(const struct pti_repository *repository, const char *relative, char *out,
                                       struct pti_error *error);
/* Reads below public/; borrowed ctx. */
struct pti_file_source pti_repository_source(struct pti_repository *repository);

/*
 * Loads every private key in directory (NULL: DIR/keys) that is not encrypted; with a passphrase, encrypted ones too,
 * skipping those that it does not open.  *skipped, if not NULL, counts the encrypted ones left out.  With key_access also
 * the keys that signer files (*.signer) stand for; a signer file that cannot be used is an error.
 */
enum pintle_status pti_repository_load_keys(const struct pti_repository *repository, const char *directory,
                                            const char *passphrase, struct pti_keyring *ring, size_t *skipped,
                                            struct pti_error *error);

/*
 * Writes a private key to DIR/keys/<name>.pem, or <name>-2.pem and so on if that name was ever taken there; path
 * (PTI_PATH_MAX bytes) becomes the file.
 */
enum pintle_status pti_repository_save_key(const struct pti_repository *repository, const struct pti_signing_key *key,
                                           const char *name, char *path, struct pti_error *error);

/*
 * Moves aside, to DIR/keys/retired, the key files and signer files in DIR/keys that root or targets once named and now do not.
 * Encrypted ones, which it cannot tell, and keys that were never named stay.  *names (pti_file_names_free) are those
 * moved.
 */
enum pintle_status pti_repository_retire_keys(struct pti_repository *repository, char ***names, size_t *count,
                                              struct pti_error *error);

#endif
