/* SPDX-License-Identifier: Apache-2.0 */
/* The one place where the version stands: SONAME, pkg-config and CMake package are derived from it. */
#ifndef PINTLE_VERSION_H
#define PINTLE_VERSION_H

#define PINTLE_VERSION_MAJOR 0
#define PINTLE_VERSION_MINOR 1
#define PINTLE_VERSION_PATCH 0

#endif
