/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The certificate and key that the listeners speak TLS with, and their renewal while it runs.
 *
 * The files are read by a small process of their own, started first and confined by nothing: the server itself opens no
 * file outside its repositories and data, and renewal tools put new files, directories and links in the old one's
 * place.  It answers one question, "what is in these two files", and holds nothing.  server/tls.c is the one file of
 * the server that knows GnuTLS.
 */
#ifndef PTI_SERVER_TLS_H
#define PTI_SERVER_TLS_H

#include <stdbool.h>

#include "base/error.h"

struct pti_tls;

/*
 * Forks, so call it while the process has one thread, and before signers are started.  certificate and key name PEM
 * files: the leaf and what issued it, and its private key, not encrypted.  PINTLE_ERR_STORAGE: one cannot be read;
 * PINTLE_ERR_INPUT: they are not that, or do not belong together; PINTLE_ERR_MEMORY.
 */
enum pintle_status pti_tls_open(const char *certificate, const char *key, struct pti_tls **tls,
                                struct pti_error *error);
/*
 * Reads both again: handshakes from now on use the new pair, connections stay as they are.  On failure the old pair
 * stays in use.  One thread at a time.
 */
enum pintle_status pti_tls_reload(struct pti_tls *tls, bool *changed, struct pti_error *error);
/* After the last listener has ended; NULL is legal. */
void pti_tls_close(struct pti_tls *tls);

/*
 * Reads and checks the certificates of authorities, in PEM, for --admin-client-ca; *pem is freed by the caller.
 * PINTLE_ERR_STORAGE, PINTLE_ERR_INPUT, PINTLE_ERR_MEMORY.
 */
enum pintle_status pti_tls_load_authorities(const char *path, char **pem, struct pti_error *error);
/* Whether the client of a gnutls_session_t has shown a certificate for clients that its authorities vouch for, now. */
bool pti_tls_client_is_verified(void *session);

/* For the listener: what GnuTLS asks for the pair of a handshake (a gnutls_certificate_retrieve_function2), and how. */
typedef void (*pti_tls_function)(void);
pti_tls_function pti_tls_retriever(void);
extern const char pti_tls_priorities[];

#endif
