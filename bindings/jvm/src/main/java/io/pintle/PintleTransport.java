// SPDX-License-Identifier: Apache-2.0
package io.pintle;

import java.io.IOException;
import org.jetbrains.annotations.NotNull;
import org.jetbrains.annotations.Nullable;

/**
 * How a client reaches the network.  A transport sends no cookies and no credentials, follows no redirect, is not
 * pinned by what it delivers (the manifest authenticates itself), and asks for no content encoding that it does not
 * undo.  Called by one thread at a time, which may be a native one; serves one client.
 */
public interface PintleTransport {
    /** What to fetch or send. */
    final class Request {
        private final String method;
        private final String url;
        private final String contentType;
        private final byte[] body;
        private final long maxResponse;
        private final long timeoutMs;
        private final int minBytesPerSecond;

        Request(String method, String url, String contentType, byte[] body, long maxResponse, long timeoutMs,
                int minBytesPerSecond) {
            this.method = method;
            this.url = url;
            this.contentType = contentType;
            this.body = body;
            this.maxResponse = maxResponse;
            this.timeoutMs = timeoutMs;
            this.minBytesPerSecond = minBytesPerSecond;
        }

        /** "GET" or "POST". */
        public @NotNull String method() {
            return method;
        }

        /** Absolute. */
        public @NotNull String url() {
            return url;
        }

        /** Null without a body. */
        public @Nullable String contentType() {
            return contentType;
        }

        /** Null for a GET; the transport's own. */
        public @Nullable byte[] body() {
            return body;
        }

        /** A longer body will not be taken; a transport may stop early when more is announced. */
        public long maxResponse() {
            return maxResponse;
        }

        /** For the whole transfer, in milliseconds; more than 0. */
        public long timeoutMs() {
            return timeoutMs;
        }

        /** Give up when slower than this for ten seconds; 0: no floor. */
        public int minBytesPerSecond() {
            return minBytesPerSecond;
        }
    }

    /** What came back, apart from the body. */
    final class Response {
        private final int status;
        private final long retryAfterSeconds;

        /**
         * @param status HTTP status
         * @param retryAfterSeconds seconds from Retry-After (RFC 9110, section 10.2.3); -1 if absent or unreadable
         */
        public Response(int status, long retryAfterSeconds) {
            this.status = status;
            this.retryAfterSeconds = retryAfterSeconds;
        }

        public int status() {
            return status;
        }

        public long retryAfterSeconds() {
            return retryAfterSeconds;
        }
    }

    /** Where the body of a 2xx response goes, as it arrives.  Of use while {@link #perform} runs, in its thread. */
    interface Sink {
        /** @throws IOException the bound is reached or memory ran out: the transport stops and throws, too */
        void write(@NotNull byte[] data, int offset, int length) throws IOException;
    }

    /**
     * Performs one request and pours the body of a 2xx response into sink; the body of any other may be dropped.
     * Returns when a complete response with any status has arrived.
     *
     * @throws IOException anything else; its message is what the application is told
     */
    @NotNull
    Response perform(@NotNull Request request, @NotNull Sink sink) throws IOException;

    /** Makes a {@link #perform} that is under way in another thread fail soon; a later one is not affected. */
    default void cancel() {}
}
