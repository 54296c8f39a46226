/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a report may hold: an allow-list of fields, each with a type and bounds, in one table in report_form.c, which
 * is all there is to know about the form.
 */
#ifndef PTI_REPORT_REPORT_FORM_H
#define PTI_REPORT_REPORT_FORM_H

#include "base/error.h"
#include "base/json.h"

/* PINTLE_ERR_INPUT: no JSON object, an unknown field (the message names it), a missing one, a value out of bounds. */
enum pintle_status pti_report_check(const struct pti_json_value *value, struct pti_error *error);

#endif
