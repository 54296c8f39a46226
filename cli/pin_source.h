/* SPDX-License-Identifier: Apache-2.0 */
/* Where the hash of a pin comes from: --cert, --key, --csr, --sha256 or --probe of `pintle pin add`. */
#ifndef PTI_CLI_PIN_SOURCE_H
#define PTI_CLI_PIN_SOURCE_H

#include <pintle/evidence.h>

#include "cli/cli.h"
#include "pin/pins.h"

/*
 * Reads the one source that was given into pin->sha256, as pin->of says; host (normalised) is the name that a probe
 * asks for.  What a probe saw is printed, with the warning that it proves nothing; and a warning if a certificate cannot
 * stand where pin->at says.
 */
enum pintle_status pti_pin_source_read(struct pti_cli *cli, const char *host, struct pti_pin *pin);

/* PINTLE_ERR_MISUSE if such a source was given beside --option. */
enum pintle_status pti_pin_source_none(struct pti_cli *cli, const char *option);

/* 44 characters of base64, with or without the "sha256/" that some tools prefix.  PINTLE_ERR_INPUT. */
enum pintle_status pti_pin_source_parse(struct pti_cli *cli, const char *text, uint8_t sha256[PINTLE_SHA256_SIZE]);

#endif
