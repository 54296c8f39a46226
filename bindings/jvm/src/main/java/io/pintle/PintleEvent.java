// SPDX-License-Identifier: Apache-2.0
package io.pintle;

import org.jetbrains.annotations.NotNull;
import org.jetbrains.annotations.Nullable;

/** One thing that a client tells its application.  Immutable; any thread. */
public final class PintleEvent {
    /** The same, in the same order, as in {@code pintle/event.h}. */
    public enum Kind {
        /** What the client enforces from now on, and where that came from. */
        STARTED,
        /** A new manifest is in force. */
        APPLIED,
        /** A poll found nothing new; freshness renewed. */
        UP_TO_DATE,
        /** The last good pins stay in force. */
        FETCH_FAILED,
        /** A manifest was refused; the last good pins stay in force. */
        REJECTED,
        /** A refresh failed and the pins in force have expired: still enforced. */
        STALE,
        /** The store could not be read, verified or written. */
        STORAGE,
        /** Something in the manifest has no effect, and why. */
        NOTICE,
        /** A connection was refused; {@link PintleEvent#verdict()} is set. */
        REFUSED,
        /** A connection would have been refused in enforce mode; {@link PintleEvent#verdict()} is set. */
        REPORT_ONLY,
        /** Reports reached a collector. */
        REPORTS_SENT,
        /** Reports were dropped: the queue is full or the collector refused them. */
        REPORTS_DROPPED,
        /** A report was queued; the message is its JSON, for an application that sends its own. */
        REPORT;

        private static final Kind[] ALL = values();

        /** The name of {@code pintle_event_name()}: "applied". */
        @Override
        public @NotNull String toString() {
            return Names.lower(this);
        }

        /** Null for a kind that is newer than this class. */
        static Kind of(int number) {
            return number >= 1 && number <= ALL.length ? ALL[number - 1] : null;
        }
    }

    private final Kind kind;
    private final PintleStatus status;
    private final String message;
    private final PintleVerdict verdict;

    PintleEvent(Kind kind, PintleStatus status, String message, PintleVerdict verdict) {
        this.kind = kind;
        this.status = status;
        this.message = message;
        this.verdict = verdict;
    }

    public @NotNull Kind kind() {
        return kind;
    }

    public @NotNull PintleStatus status() {
        return status;
    }

    /** One line; of {@link Kind#REPORT}, JSON. */
    public @NotNull String message() {
        return message;
    }

    /** Null unless the kind says otherwise. */
    public @Nullable PintleVerdict verdict() {
        return verdict;
    }

    @Override
    public @NotNull String toString() {
        return kind + ": " + message;
    }
}
