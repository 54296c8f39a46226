/* SPDX-License-Identifier: Apache-2.0 */
/* Every bound of pintled, beside those of the library in lib/base/limits.h. */
#ifndef PTI_SERVER_LIMITS_H
#define PTI_SERVER_LIMITS_H

#include "base/limits.h"

/* Configuration file */
#define PTI_CONFIG_SIZE_MAX (64u << 10)

/* HTTP */
#define PTI_HTTP_CONNECTIONS_DEFAULT 12000 /* open at once, of clients */
#define PTI_HTTP_PER_SOURCE_DEFAULT 3000
#define PTI_HTTP_CONNECTIONS_MAX 200000 /* that can be asked for */
#define PTI_HTTP_ADMIN_CONNECTIONS 256  /* of administrators */
#define PTI_HTTP_BACKLOG 1024
#define PTI_HTTP_REQUEST_S 30       /* from a connection's start, or its last answer, to its next whole request */
#define PTI_HTTP_ANSWER_S 600       /* until an answer has been taken */
#define PTI_HTTP_IDLE_TIMEOUT_S 15u /* without a byte in either direction */
#define PTI_HTTP_CONNECTION_MEMORY (16u << 10) /* headers in and out, bytes a connection */
#define PTI_HTTP_THREADS 2u
#define PTI_HTTP_EXCESS_MAX 65536 /* bytes of a too large body that are read before the connection is cut */
#define PTI_HTTP_DRAIN_S 10       /* at shutdown, for requests under way */
#define PTI_HTTP_RETRY_AFTER_S 30

/* TLS */
#define PTI_TLS_FILE_MAX (64 << 10) /* bytes of a PEM file */
#define PTI_TLS_READ_S 5            /* both files, at start and reload */

/* Repositories served at once, each with a signer process of its own, and their names in URLs */
#define PTI_SERVED_MAX 64
#define PTI_SERVED_NAME_MAX 63

/* Repository files: "targets/zones/<hash>.<zone>.json" is the deepest */
#define PTI_FILES_DEPTH_MAX 3
#define PTI_FILES_NAME_MAX 255
#define PTI_FILES_PATH_MAX 512
#define PTI_FILE_CACHE_PLACES 512
#define PTI_FILE_CACHE_SIZE_MAX 16384 /* of a file that is kept in memory */

/* Reports */
#define PTI_STORED_REPORT_MAX (2 * PTI_REPORT_SIZE_MAX + 64) /* escaped, with the time of its arrival */
#define PTI_INTAKE_QUEUE_MAX 1024              /* requests waiting for the disk; each holds a connection */
#define PTI_INTAKE_QUEUE_BYTES_MAX (32u << 20) /* and what they bring */
#define PTI_INTAKE_REPORTS_MAX 4096            /* in one transaction */
#define PTI_INTAKE_SUCCESSES_MAX 1000000000    /* that one report may tell of, so that no sum overflows */
#define PTI_INTAKE_FORGET_MAX 256              /* entries of the log of ids that one transaction removes */
#define PTI_SEEN_MAX 6000000                   /* ids in one generation: 64 MB */
#define PTI_LIMITER_PLACES 4096
#define PTI_LIMITER_BURST_S 10
#define PTI_REPORTS_PER_SOURCE_DEFAULT 500 /* a second */
#define PTI_REPORTS_PER_SOURCE_MAX 1000000
#define PTI_CELLS_KEEP_MINUTES_S (48 * 3600)
#define PTI_CELLS_KEEP_HOURS_S (90 * 86400)
#define PTI_CELLS_KEEP_DAYS_S (730 * 86400)
#define PTI_CELLS_AGE_MAX 64   /* cells that one transaction moves */
#define PTI_CELLS_AGE_TIMES 16 /* transactions in a second */
#define PTI_SERIES_MAX 50000
#define PTI_SERIES_IDLE_S 3600
#define PTI_SAMPLE_DEFAULT 20 /* reports kept whole of one series in an hour */
#define PTI_SAMPLE_MAX 1000000
#define PTI_LIST_DEFAULT 100
#define PTI_LIST_MAX 1000
#define PTI_KEEP_REPORTS_DEFAULT 200000
#define PTI_KEEP_REPORTS_MAX 100000000

/* Storage */
#define PTI_STORAGE_BUSY_MS 2000 /* signals wait as long */
#define PTI_STORAGE_WAITS 15     /* as long again, of a command: a server under load lets go of it for moments only */
#define PTI_DB_TRIES 3           /* of a transaction that the database asks to run again */
#define PTI_DB_STATEMENTS_MAX 64 /* that one connection keeps prepared */

/* Administration */
#define PTI_TOKENS_MAX 256
#define PTI_TOKEN_DAYS_MAX 3650
#define PTI_TOKEN_USE_EVERY_S 60         /* how often the last use of a token is written */
#define PTI_JOURNAL_TEXT_MAX 1000        /* actor, event, detail */
#define PTI_JOURNAL_LINE_MAX (64u << 20) /* also of one that somebody blew up */
#define PTI_CURSOR_MAX 400               /* where a list goes on */
#define PTI_GUESS_SOURCES 256            /* of wrong tokens, remembered at once */
#define PTI_GUESSES_MAX 20               /* a source, within ... */
#define PTI_GUESS_WINDOW_S 60
#define PTI_ADMIN_BODY_MAX 4096 /* of a request that changes something */

/* Adoption */
#define PTI_ADOPTION_FLUSH_S 60 /* how often counts are written, at most */
#define PTI_ADOPTION_DAYS_KEPT 90
#define PTI_ADOPTION_ROWS_MAX 10000   /* of a repository, source and day */
#define PTI_ADOPTION_SPARE_ROWS 1000  /* beyond them, without app and platform */
#define PTI_ADOPTION_PENDING_MAX 4096 /* rows of a repository and source, between two writes */
#define PTI_ADOPTION_BATCH_ROWS_MAX 2000
#define PTI_ADOPTION_BODY_MAX (1u << 20)             /* of that many rows in JSON */
#define PTI_ADOPTION_HITS_MAX INT64_C(1000000000000) /* in one row */
#define PTI_ADOPTION_BATCHES_MAX 4                   /* waiting for the disk */
#define PTI_ADOPTION_REPORT_MAX 1000000              /* checks that one report may count for */
#define PTI_RELEASES_MAX 1000
#define PTI_CENSUS_REPOSITORIES_MAX 64

/* Signer: a request carries every root and the whole publication */
#define PTI_SIGNER_REQUEST_MAX PTI_STORE_BLOB_MAX
#define PTI_SIGNER_REPLY_MAX (PTI_SNAPSHOT_SIZE_MAX + 4096)
#define PTI_SIGNER_TIMEOUT_S 20
#define PTI_SIGNER_ASK_EVERY_S 3600         /* when nothing has to be signed */
#define PTI_SIGNER_VERSION_STEP_MAX 1000000 /* a request: who steers them needs months to use the numbers up */

/* Probing */
#define PTI_PROBE_EVERY_DEFAULT_S 300
#define PTI_PROBE_EVERY_MAX_S 86400
#define PTI_PROBE_TIMEOUT_MS 10000 /* of one handshake */
#define PTI_PROBE_WORKERS 4        /* handshakes and look-ups under way at once */
#define PTI_TARGETS_MAX 2048
#define PTI_OPTION_EDGES_MAX 256 /* of them on the command line */
#define PTI_EDGES_MAX 8192
#define PTI_EDGE_LIST_MAX (32u << 20) /* bytes of the results on one page */
#define PTI_EDGE_LEAVES_MAX 32        /* keys that are remembered of one edge */
#define PTI_EDGE_DOCUMENT_MAX 131072  /* bytes that one result may take */

/* Re-signing */
#define PTI_RESIGN_EVERY_DEFAULT_S 60
#define PTI_RESIGN_EVERY_MAX_S 3600
#define PTI_EXPIRY_WARNING_S (14 * 86400) /* before an offline role expires, once a day */

/* Alerts */
#define PTI_ALERTS_MAX 256          /* pending, firing, or over and remembered */
#define PTI_ALERTS_LISTED_MAX 128   /* of those at once that reports can raise about hosts of the charters, */
#define PTI_ALERTS_FORGEABLE_MAX 32 /* and about any others */
#define PTI_ALERT_HOSTS_MAX 1024    /* with most mismatches, which are compared with what they had before */
#define PTI_CHECK_HOSTS_MAX 256     /* that metrics tell apart */
#define PTI_WEBHOOKS_MAX 4
#define PTI_WEBHOOK_URL_MAX 1024
#define PTI_WEBHOOK_TIMEOUT_S 10
#define PTI_WEBHOOK_BODY_MAX (1u << 19)
#define PTI_WEBHOOK_BATCH_MAX                                                                                          \
    64 /* alerts in one request to an Alertmanager, and requests in a row to another receiver */
#define PTI_ALERT_EVERY_DEFAULT_S 15
#define PTI_ALERT_REPEAT_DEFAULT_S (4 * 3600)
#define PTI_ALERT_EXPIRY_DEFAULT_DAYS 14
#define PTI_ALERT_DISK_DEFAULT_PERCENT 10
#define PTI_ALERT_MISMATCHES_DEFAULT 20
#define PTI_ALERTMANAGER_REPEAT_S 60 /* it takes an alert that is not repeated for one that is over */

#endif
