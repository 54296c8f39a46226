// SPDX-License-Identifier: Apache-2.0
package io.pintle;

import java.net.http.HttpClient;
import org.jetbrains.annotations.NotNull;

/**
 * Pins a {@link HttpClient}.
 *
 * <p>It promises what {@link PintleSSLContext} promises, for HTTP/1.1 and HTTP/2, redirects and WebSockets: before each
 * record on a connection kept open today's pins are asked.  Where they refuse, that request fails and the connection is
 * closed; the next one connects anew.
 *
 * <p>It does not heal by itself: after an exception in which {@link PintleVerdict#of} finds {@link PintleStatus#RETRY},
 * call {@link PintleClient#heal} and send the request once more.
 */
public final class PintleHttpClient {
    private PintleHttpClient() {}

    /**
     * Pins every client that builder makes, over the platform's defaults.  For other defaults give a
     * {@link PintleSSLContext} to {@link HttpClient.Builder#sslContext}.  What is given to that afterwards takes its
     * place, unpinned.
     *
     * @return builder
     * @throws IllegalStateException the client is closed
     */
    public static @NotNull HttpClient.Builder pin(@NotNull HttpClient.Builder builder, @NotNull PintleClient client) {
        return builder.sslContext(client.sharedContext());
    }
}
