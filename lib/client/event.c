/* SPDX-License-Identifier: Apache-2.0 */
#include <pintle/event.h>

const char *pintle_event_name(enum pintle_event_kind kind)
{
    switch (kind) {
    case PINTLE_EVENT_STARTED:
        return "started";
    case PINTLE_EVENT_APPLIED:
        return "applied";
    case PINTLE_EVENT_UP_TO_DATE:
        return "up_to_date";
    case PINTLE_EVENT_FETCH_FAILED:
        return "fetch_failed";
    case PINTLE_EVENT_REJECTED:
        return "rejected";
    case PINTLE_EVENT_STALE:
        return "stale";
    case PINTLE_EVENT_STORAGE:
        return "storage";
    case PINTLE_EVENT_NOTICE:
        return "notice";
    case PINTLE_EVENT_REFUSED:
        return "refused";
    case PINTLE_EVENT_REPORT_ONLY:
        return "report_only";
    case PINTLE_EVENT_REPORTS_SENT:
        return "reports_sent";
    case PINTLE_EVENT_REPORTS_DROPPED:
        return "reports_dropped";
    case PINTLE_EVENT_REPORT:
        return "report";
    }
    return "unknown";
}
