/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Included before every source that tools/analyze looks at.  gcc -fanalyzer sees one source at a time and cannot know
 * that pti_fail() returns the status it is given, so that it follows paths on which a failure went unnoticed.
 */
#include "base/error.h"

#define pti_fail(error, status, ...) ((void)(pti_fail)(error, status, __VA_ARGS__), (status))
