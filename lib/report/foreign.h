/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reports of others: TrustKit for iOS and for Android, and HPKP (RFC 7469, section 3), whose form all three share.
 * What can be said in our form is, and then checked by report.h like any other; of the certificates their hashes
 * stay.  Who made a report (TrustKit's app-vendor-id, or the network) goes into the hash that is its id, and nowhere
 * else.
 */
#ifndef PTI_REPORT_FOREIGN_H
#define PTI_REPORT_FOREIGN_H

#include "base/buf.h"
#include "base/crypto.h"
#include "base/json.h"

/* Whether it looks like one of them: an object with a hostname and known-pins, and none of our "v". */
bool pti_report_is_foreign(const struct pti_json_value *value);
/*
 * Appends the report in our form.  What may be left out and does not fit is left out; network is as report/network.h
 * has it.  PINTLE_ERR_INPUT: no host, no time, or more certificates than a chain has; PINTLE_ERR_MEMORY.
 */
enum pintle_status pti_report_translate(const struct pti_json_value *value, struct pintle_crypto *crypto,
                                        uint64_t network, struct pti_buf *out, struct pti_error *error);

#endif
