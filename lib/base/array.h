/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PTI_BASE_ARRAY_H
#define PTI_BASE_ARRAY_H

/* How many elements an array has: an array itself, not a pointer into one. */
#define PTI_COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
