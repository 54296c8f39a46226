/* SPDX-License-Identifier: Apache-2.0 */
/* Every bound of the library: buffers, counts, depths, downloads, times.  Nothing grows past a name in this file. */
#ifndef PTI_BASE_LIMITS_H
#define PTI_BASE_LIMITS_H

#define PTI_ERROR_DETAIL_MAX 512 /* bytes with terminator */

/* JSON (lib/base/json) */
#define PTI_JSON_DEPTH_MAX 32
#define PTI_JSON_NODES_MAX (1u << 19)
#define PTI_JSON_INTEGER_MAX INT64_C(9007199254740991) /* 2^53-1, RFC 8259 section 6 */

/* TUF metadata, bytes; the limits on which python-tuf, go-tuf and tuf-js agree */
#define PTI_ROOT_SIZE_MAX 512000
#define PTI_TIMESTAMP_SIZE_MAX 16384
#define PTI_SNAPSHOT_SIZE_MAX 2000000
#define PTI_TARGETS_SIZE_MAX 5000000
#define PTI_ROOT_ROTATIONS_MAX 256 /* in one update */
#define PTI_ROOTS_MAX 1024         /* in one store */
#define PTI_SIGNATURES_MAX 64      /* in one envelope */
#define PTI_KEYS_MAX 256           /* in one root or delegations object */
#define PTI_ZONES_MAX 64
#define PTI_PAST_ZONES_MAX 256

/* Charter and zone files */
#define PTI_CHARTER_SIZE_MAX 8000000
#define PTI_ZONE_SIZE_MAX 8000000
#define PTI_HOSTS_MAX 20000
#define PTI_PINS_PER_HOST_MAX 64
#define PTI_REPORT_URLS_MAX 4
#define PTI_URL_MAX 2048

/* Container: head and body (bytes, entries) */
#define PTI_HEAD_SIZE_MAX (PTI_ROOT_ROTATIONS_MAX * 8192 + PTI_TIMESTAMP_SIZE_MAX)
#define PTI_BODY_SIZE_MAX 32000000
#define PTI_CONTAINER_ENTRIES_MAX (PTI_ROOTS_MAX + 2 * PTI_ZONES_MAX + 8)
#define PTI_CONTAINER_PATH_MAX 255
#define PTI_STORE_BLOB_MAX 64000000

/* Client */
#define PTI_URLS_MAX 8
#define PTI_REQUIRED_HOSTS_MAX 256
#define PTI_MIN_BYTES_PER_SECOND 100
#define PTI_REFRESH_RESTARTS_MAX 3 /* another process moved the store while we fetched */
#define PTI_REPORTS_MAX 64         /* queued */
#define PTI_REPORT_SIZE_MAX 8192
#define PTI_REPORT_DEDUP_MAX 256
#define PTI_REPORT_BATCH_MAX 64          /* reports in one request that a collector takes */
#define PTI_REPORT_BATCH_SENT_MAX 16     /* and that a client sends */
#define PTI_REPORT_BATCH_SIZE_MAX 131072 /* bytes of one request that a collector takes */
#define PTI_REPORT_BATCH_SENT_SIZE_MAX 65536
#define PTI_REPORTS_FILE_MAX 800000       /* the queue in the store */
#define PTI_CHAIN_SIZE_MAX 49152          /* of a whole chain in base64 */
#define PTI_SUCCESS_HOSTS_MAX 64          /* whose successful checks are counted */
#define PTI_CLOCK_AHEAD_MAX_S (24 * 3600) /* an issue time further ahead of the local clock is not taken */

#endif
