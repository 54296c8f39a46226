/* SPDX-License-Identifier: Apache-2.0 */
#include "server/tls.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "base/buf.h"
#include "publish/file.h"
#include "server/frame.h"
#include "server/limits.h"

#define CHAIN_MAX 8

/*
 * RFC 9325, section 3.1.1.  Among what is left the client chooses: with a preference of our own, for P-256, most would
 * be asked to start over with another key share than the one they sent.
 */
const char pti_tls_priorities[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";

struct pair {
    gnutls_pcert_st chain[CHAIN_MAX];
    unsigned chain_size;
    gnutls_privkey_t key;
    struct pair *before; /* the one that it replaced, which handshakes under way may be using */
};

struct pti_tls {
    pid_t pid;                  /* of the process that reads the files */
    int socket;                 /* to it */
    struct pti_buf certificate; /* as read last: an unchanged one needs no new pair */
};

/* GnuTLS passes no context to who chooses the pair of a handshake, so there is one for the whole process. */
static _Atomic(struct pair *) current;

/* ---- the process that reads the files ---- */

static enum pintle_status send_file(int socket, const char *path)
{
    struct pintle_bytes data = {NULL, 0};
    struct pti_error error;
    struct pti_buf message;
    enum pintle_status status = pti_file_read(path, PTI_TLS_FILE_MAX, &data, &error);

    pti_buf_init(&message, PTI_TLS_FILE_MAX + 1);
    pti_buf_append(&message, status == PINTLE_OK ? "+" : "-", 1);
    if (status == PINTLE_OK)
        pti_buf_append(&message, data.data, data.size);
    else
        pti_buf_text(&message, error.detail);
    status = pti_buf_check(&message, &error, "a file");
    if (status == PINTLE_OK)
        status = pti_frame_write(socket, pti_buf_bytes(&message), &error);
    pti_buf_clear(&message);
    pti_bytes_free(&data);
    return status;
}

static int read_files(int socket, const char *certificate, const char *key)
{
    char byte;

    signal(SIGINT, SIG_IGN); /* it ends when the server does */
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    while (recv(socket, &byte, 1, 0) == 1)
        if (send_file(socket, certificate) != PINTLE_OK || send_file(socket, key) != PINTLE_OK)
            return EXIT_FAILURE;
    return EXIT_SUCCESS;
}

static enum pintle_status start_reader(struct pti_tls *tls, const char *certificate, const char *key,
                                       struct pti_error *error)
{
    const struct timeval timeout = {.tv_sec = PTI_TLS_READ_S};
    int sockets[2];

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) != 0)
        return pti_fail(error, PINTLE_ERR_STORAGE, "no socket pair for the files of TLS: %s", strerror(errno));
    tls->pid = fork();
    if (tls->pid == 0) {
        close(sockets[0]);
        _exit(read_files(sockets[1], certificate, key));
    }
    close(sockets[1]);
    tls->socket = sockets[0];
    if (tls->pid < 0 || setsockopt(tls->socket, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) != 0)
        return pti_fail(error, PINTLE_ERR_STORAGE, "no process that reads the files of TLS: %s", strerror(errno));
    return PINTLE_OK;
}

static enum pintle_status receive_file(struct pti_tls *tls, struct pti_buf *file, struct pti_error *error)
{
    enum pintle_status status = pti_frame_read(tls->socket, file, error);

    if (status != PINTLE_OK) { /* an answer that came later would be taken for that to another question */
        close(tls->socket);
        tls->socket = -1;
        return pti_error_prefix(error, "the process that reads the files of TLS");
    }
    if (file->size > 0 && file->data[0] == '+') {
        memmove(file->data, file->data + 1, --file->size);
        return PINTLE_OK;
    }
    return pti_fail(error, PINTLE_ERR_STORAGE, "%.*s", file->size > 0 ? (int)file->size - 1 : 0,
                    file->size > 0 ? (const char *)file->data + 1 : "");
}

/* Both answers are read in any case, so that the next question gets its own. */
static enum pintle_status receive_files(struct pti_tls *tls, struct pti_buf *certificate, struct pti_buf *key,
                                        struct pti_error *error)
{
    struct pti_error ignored;
    enum pintle_status status;

    if (send(tls->socket, "?", 1, MSG_NOSIGNAL) != 1)
        return pti_fail(error, PINTLE_ERR_STORAGE, "the process that reads the files of TLS is gone; restart pintled");
    status = receive_file(tls, certificate, error);
    return receive_file(tls, key, status == PINTLE_OK ? error : &ignored) != PINTLE_OK && status == PINTLE_OK
               ? error->status
               : status;
}

/* ---- the pair ---- */

static gnutls_datum_t datum(const struct pti_buf *file)
{
    return (gnutls_datum_t){.data = file->data, .size = (unsigned)file->size};
}

static void pair_free(struct pair *pair)
{
    for (unsigned i = 0; i < pair->chain_size; i++)
        gnutls_pcert_deinit(&pair->chain[i]);
    gnutls_privkey_deinit(pair->key);
    free(pair);
}

/* Certificate by certificate they are well formed; together they are if GnuTLS would take them as credentials. */
static int check_together(const gnutls_datum_t *certificate, const gnutls_datum_t *key)
{
    gnutls_certificate_credentials_t credentials = NULL;
    int code = gnutls_certificate_allocate_credentials(&credentials);

    if (code < 0)
        return code;
    code = gnutls_certificate_set_x509_key_mem2(credentials, certificate, key, GNUTLS_X509_FMT_PEM, NULL, 0);
    gnutls_certificate_free_credentials(credentials);
    return code;
}

static enum pintle_status refuse(int code, const char *what, struct pti_error *error)
{
    if (code == GNUTLS_E_MEMORY_ERROR)
        return pti_fail(error, PINTLE_ERR_MEMORY, "no memory for the certificate and key of TLS");
    return pti_fail(error, PINTLE_ERR_INPUT, "%s, found: %s", what, gnutls_strerror(code));
}

static enum pintle_status pair_new(const struct pti_buf *certificate_file, const struct pti_buf *key_file,
                                   struct pair **made, struct pti_error *error)
{
    const gnutls_datum_t certificate = datum(certificate_file), key = datum(key_file);
    struct pair *pair = calloc(1, sizeof *pair);
    unsigned size = CHAIN_MAX;
    int code = GNUTLS_E_MEMORY_ERROR;

    *made = NULL;
    if (!pair || gnutls_privkey_init(&pair->key) < 0) {
        free(pair);
        return refuse(code, "", error);
    }
    code = gnutls_pcert_list_import_x509_raw(pair->chain, &size, &certificate, GNUTLS_X509_FMT_PEM,
                                             GNUTLS_X509_CRT_LIST_FAIL_IF_UNSORTED);
    if (code < 0) {
        pair_free(pair);
        return refuse(code,
                      "--tls-cert: expected PEM certificates, the server's first and then what issued it, at most 8",
                      error);
    }
    pair->chain_size = size;
    code = gnutls_privkey_import_x509_raw(pair->key, &key, GNUTLS_X509_FMT_PEM, NULL, 0);
    if (code < 0) {
        pair_free(pair);
        return refuse(code, "--tls-key: expected a private key in PEM that is not encrypted", error);
    }
    code = check_together(&certificate, &key);
    if (code < 0) {
        pair_free(pair);
        return refuse(code, "expected --tls-key to be the key of the first certificate in --tls-cert", error);
    }
    *made = pair;
    return PINTLE_OK;
}

static int retrieve(gnutls_session_t session, const gnutls_datum_t *authorities, int authority_count,
                    const gnutls_pk_algorithm_t *algorithms, int algorithm_count, gnutls_pcert_st **chain,
                    unsigned *chain_size, gnutls_privkey_t *key)
{
    struct pair *pair = atomic_load(&current);

    (void)session;
    (void)authorities;
    (void)authority_count;
    (void)algorithms;
    (void)algorithm_count;
    *chain = pair->chain;
    *chain_size = pair->chain_size;
    *key = pair->key;
    return 0;
}

static enum pintle_status check_authorities(struct pintle_bytes pem, struct pti_error *error)
{
    const gnutls_datum_t data = {.data = (unsigned char *)(uintptr_t)pem.data, .size = (unsigned)pem.size};
    gnutls_x509_crt_t *list = NULL;
    unsigned count = 0;
    int code = gnutls_x509_crt_list_import2(&list, &count, &data, GNUTLS_X509_FMT_PEM, 0);

    if (code < 0)
        return refuse(code, "expected certificates of authorities in PEM", error);
    for (unsigned i = 0; i < count; i++)
        gnutls_x509_crt_deinit(list[i]);
    gnutls_free(list);
    return PINTLE_OK;
}

enum pintle_status pti_tls_load_authorities(const char *path, char **pem, struct pti_error *error)
{
    struct pintle_bytes data = {NULL, 0};
    enum pintle_status status = pti_file_read(path, PTI_TLS_FILE_MAX, &data, error);

    *pem = NULL;
    if (status == PINTLE_OK && check_authorities(data, error) != PINTLE_OK)
        status = pti_error_prefix(error, "--admin-client-ca %s", path);
    if (status == PINTLE_OK) {
        *pem = pti_bytes_strdup(data);
        if (!*pem)
            status = pti_fail(error, PINTLE_ERR_INPUT, "--admin-client-ca %s: expected PEM, found a NUL byte", path);
    }
    pti_bytes_free(&data);
    return status;
}

bool pti_tls_client_is_verified(void *session)
{
    static unsigned char purpose[] = GNUTLS_KP_TLS_WWW_CLIENT;
    gnutls_typed_vdata_st wanted = {.type = GNUTLS_DT_KEY_PURPOSE_OID, .data = purpose, .size = 0};
    unsigned problems = ~0u;

    return gnutls_certificate_verify_peers(session, &wanted, 1, &problems) == GNUTLS_E_SUCCESS && problems == 0;
}

pti_tls_function pti_tls_retriever(void)
{
    return (pti_tls_function)retrieve;
}

enum pintle_status pti_tls_reload(struct pti_tls *tls, bool *changed, struct pti_error *error)
{
    struct pti_buf certificate, key;
    struct pair *pair = NULL;
    enum pintle_status status;

    *changed = false;
    pti_buf_init(&certificate, PTI_TLS_FILE_MAX + 1);
    pti_buf_init(&key, PTI_TLS_FILE_MAX + 1);
    status = receive_files(tls, &certificate, &key, error);
    if (status == PINTLE_OK)
        status = pair_new(&certificate, &key, &pair, error);
    pti_buf_clear(&key);
    *changed = status == PINTLE_OK && !pti_bytes_equal(pti_buf_bytes(&certificate), pti_buf_bytes(&tls->certificate));
    if (*changed) {
        pair->before = atomic_load(&current);
        atomic_store(&current, pair);
        pti_buf_clear(&tls->certificate);
        tls->certificate = certificate;
        return status;
    }
    if (pair)
        pair_free(pair);
    pti_buf_clear(&certificate);
    return status;
}

enum pintle_status pti_tls_open(const char *certificate, const char *key, struct pti_tls **tls, struct pti_error *error)
{
    struct pti_tls *made = calloc(1, sizeof *made);
    bool changed = false;
    enum pintle_status status;

    *tls = NULL;
    if (!made)
        return pti_fail(error, PINTLE_ERR_MEMORY, "no memory for the certificate and key of TLS");
    made->pid = -1;
    made->socket = -1;
    pti_buf_init(&made->certificate, PTI_TLS_FILE_MAX + 1);
    status = start_reader(made, certificate, key, error);
    if (status == PINTLE_OK)
        status = pti_tls_reload(made, &changed, error);
    if (status != PINTLE_OK) {
        pti_tls_close(made);
        return status;
    }
    *tls = made;
    return PINTLE_OK;
}

void pti_tls_close(struct pti_tls *tls)
{
    struct pair *pair;

    if (!tls)
        return;
    pair = atomic_exchange(&current, NULL);
    while (pair) {
        struct pair *before = pair->before;

        pair_free(pair);
        pair = before;
    }
    if (tls->socket >= 0)
        close(tls->socket);
    while (tls->pid > 0 && waitpid(tls->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    pti_buf_clear(&tls->certificate);
    free(tls);
}
