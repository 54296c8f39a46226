/* SPDX-License-Identifier: Apache-2.0 */
/* A stranger's program over libcurl: its handle can be pinned, or it is told that it cannot. */
#include <stdio.h>
#include <stdlib.h>

#include <pintle/curl_client.h>
#include <pintle/pintle.h>

int main(void)
{
    const struct pintle_static_pin pin = {
        "api.example.com", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", PINTLE_OF_SPKI, PINTLE_AT_LEAF, false};
    struct pintle_pinset *pinset = NULL;
    struct pintle_crypto *crypto = NULL;
    struct pintle_checker *checker = NULL;
    CURL *easy = curl_easy_init();
    enum pintle_status status = PINTLE_ERR_MEMORY;
    bool again = true;

    if (easy != NULL && pintle_crypto_openssl_new(&crypto) == PINTLE_OK &&
        pintle_pinset_new_static(&pin, 1, PINTLE_UNLISTED_REFUSE, &pinset, NULL, 0) == PINTLE_OK &&
        pintle_checker_new_static(pinset, crypto, &checker) == PINTLE_OK) {
        status = pintle_curl_attach(easy, checker);
        again = pintle_curl_again(easy, CURLE_COULDNT_CONNECT, NULL, 1);
    }
    printf("%s: %s\n", curl_version(), pintle_status_name(status));
    pintle_curl_release(easy);
    curl_easy_cleanup(easy);
    pintle_checker_free(checker);
    pintle_pinset_free(pinset);
    pintle_crypto_free(crypto);
    return status == PINTLE_OK && !again ? EXIT_SUCCESS : EXIT_FAILURE;
}
