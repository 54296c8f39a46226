/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/ca_file.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/buf.h"
#include "publish/file.h"

#define CA_FILE_SIZE_MAX 16000000 /* bytes; a whole trust store has 200000 */

enum pintle_status pti_cli_ca_file(struct pti_cli *cli, const char **path)
{
    const char *given = pti_cli_text(cli, "ca");
    struct pintle_bytes pem = {NULL, 0};
    enum pintle_status status = given ? pti_file_read(given, CA_FILE_SIZE_MAX, &pem, &cli->error) : PINTLE_OK;

    *path = given;
    if (status == PINTLE_OK && given) {
        BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.size);
        X509 *first = bio ? PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL) : NULL;

        if (!first) {
            status = pti_fail(&cli->error, PINTLE_ERR_INPUT,
                              "expected PEM certificates in the --ca file %.300s, found none that can be read; is it "
                              "the right file?",
                              given);
        }
        X509_free(first);
        BIO_free(bio);
        ERR_clear_error();
    }
    pti_bytes_free(&pem);
    return status;
}
