/* SPDX-License-Identifier: Apache-2.0 */
/* Everything is hidden unless it carries PINTLE_API; lib/exports.map lists the same names. */
#ifndef PINTLE_EXPORT_H
#define PINTLE_EXPORT_H

#if defined(__GNUC__)
#define PINTLE_API __attribute__((visibility("default")))
#else
#define PINTLE_API
#endif

#ifdef __cplusplus
#define PINTLE_BEGIN_DECLS extern "C" {
#define PINTLE_END_DECLS }
#else
#define PINTLE_BEGIN_DECLS
#define PINTLE_END_DECLS
#endif

#endif
