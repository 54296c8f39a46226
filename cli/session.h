/* SPDX-License-Identifier: Apache-2.0 */
/* A repository that is open for the length of one command. */
#ifndef PTI_CLI_SESSION_H
#define PTI_CLI_SESSION_H

#include "base/buf.h"
#include "cli/cli.h"
#include "cli/keys.h"
#include "cli/output.h"
#include "publish/key_names.h"
#include "publish/repository.h"

struct pti_session {
    struct pintle_crypto *crypto;
    struct pti_repository *repository;
    int64_t now;                /* Unix seconds; one moment for the whole command */
    struct pti_buf said;        /* what pti_session_save() prints once it is true */
    const char *stage_file;     /* of --stage: the repository is in memory, and is saved there; NULL: a directory */
    struct pti_key_names names; /* what people call the keys; see pti_session_load_names() */
};

/* The time of day, in Unix seconds. */
int64_t pti_session_time(void);

/*
 * Opens the repository that cli names, or, of a command with PTI_OPTION_STAGE, the file of --stage.  On failure nothing
 * is open.
 */
enum pintle_status pti_session_open(struct pti_session *session, struct pti_cli *cli,
                                    enum pti_repository_access access);
void pti_session_close(struct pti_session *session);

#define PTI_OPTION_STAGE                                                                                               \
    {                                                                                                                  \
        "stage", "FILE", "work on what `pintle stage export` made, instead of a repository", false                     \
    }

/* Reads a file that `pintle stage export` made. PINTLE_ERR_STORAGE, PINTLE_ERR_INPUT. */
enum pintle_status pti_session_read_stage(struct pti_session *session, struct pti_cli *cli, const char *path,
                                          struct pti_repository **repository, struct pti_key_names *names);
/* For commands that speak of keys: session->names. */
enum pintle_status pti_session_load_names(struct pti_session *session, struct pti_cli *cli);
/* Keeps signatures that were added: in the repository, or in the stage file. */
enum pintle_status pti_session_save_signed(struct pti_session *session, struct pti_cli *cli);

/*
 * Opens the repository for reading and prints what fill says of it, as text or as JSON.  What judge (NULL: nothing) says
 * after that becomes the result.
 */
typedef enum pintle_status pti_session_fill_fn(struct pti_cli *cli, const struct pti_session *session,
                                               struct pti_printout *printout);
typedef enum pintle_status pti_session_judge_fn(struct pti_cli *cli, const struct pti_session *session);
enum pintle_status pti_session_report(struct pti_cli *cli, pti_session_fill_fn *fill, pti_session_judge_fn *judge);

#define PTI_OPTION_ROOTS                                                                                               \
    {                                                                                                                  \
        "roots", "FILE", "your own copy of app/roots: what does not continue exactly that is refused", false           \
    }

/*
 * For those who sign: what is published verifies, and continues the trust anchor of --roots if that is given.
 * PINTLE_ERR_TRUST, PINTLE_ERR_INPUT, PINTLE_ERR_STORAGE.
 */
enum pintle_status pti_session_check_base(struct pti_session *session, struct pti_cli *cli);
/* One line on cli->err: by what this repository can be known. */
enum pintle_status pti_session_say_anchor(struct pti_session *session, struct pti_cli *cli);

/*
 * What an edit or a signature did, for cli->out: printed when the stage is on the disk, and never if that fails.
 */
void pti_session_say(struct pti_session *session, const char *format, ...) PTI_PRINTF(2, 3);

#define PTI_OPTION_TO                                                                                                  \
    {                                                                                                                  \
        "to", "DIR", "then write the public files to DIR as well, for a web server or CDN", false                      \
    }

/* What is published, to --to, if that is given; says on cli->out what was written, but not among JSON. */
enum pintle_status pti_session_mirror(struct pti_session *session, struct pti_cli *cli);

#define PTI_OPTION_ONLY(verb)                                                                                          \
    {                                                                                                                  \
        "only", "DRAFT",                                                                                               \
            verb " the draft of this role alone, root, targets or a zone, as if nothing else were staged;\n"           \
                 "repeat it for several",                                                                              \
            true                                                                                                       \
    }

/* The roles of --only, for pti_stage_part(); how many. */
size_t pti_session_only(const struct pti_cli *cli, const char *only[PTI_CLI_GIVEN_MAX]);
/*
 * After a refusal to sign or to publish (PINTLE_ERR_INPUT, PINTLE_ERR_TRUST): says what --only has to do with it, if it may.
 */
void pti_session_mention_only(const struct pti_session *session, struct pti_cli *cli);

/*
 * After edits: brings the drafts in line, writes the stage, then prints what was said, and in one line what is left to
 * do.
 */
enum pintle_status pti_session_save(struct pti_session *session, struct pti_cli *cli);

/*
 * A new version of role ("targets" or a zone) with the same content and a new expiry, staged: `charter renew` and
 * `zone renew`.
 */
enum pintle_status pti_session_renew(struct pti_cli *cli, const char *role);

/* Every --key, then what DIR/keys holds; *encrypted counts the keys there that stay closed. */
enum pintle_status pti_session_load_ring(struct pti_session *session, struct pti_cli *cli, struct pti_keyring *ring,
                                         size_t *encrypted);

#endif
