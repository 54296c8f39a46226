// SPDX-License-Identifier: Apache-2.0
package io.pintle;

import java.net.HttpURLConnection;
import java.net.URLConnection;
import javax.net.ssl.HttpsURLConnection;
import org.jetbrains.annotations.NotNull;

/**
 * Pins an {@link HttpsURLConnection}.
 *
 * <p>It promises what {@link PintleSSLContext} promises, for redirects and for connections kept open as well: before
 * each request on one of those today's pins are asked.  Where they refuse, the JDK connects anew, and the new handshake
 * decides.
 *
 * <p>It does not heal by itself: after an exception in which {@link PintleVerdict#of} finds {@link PintleStatus#RETRY},
 * call {@link PintleClient#heal} and make the request once more.  A redirect to {@code http} is not followed by
 * {@link HttpURLConnection}.
 */
public final class PintleHttpsURLConnection {
    private PintleHttpsURLConnection() {}

    /**
     * Pins connection, which must not have been connected yet, over the platform's defaults.  For other defaults give
     * {@code PintleSSLContext.of(...).getSocketFactory()} to {@link HttpsURLConnection#setSSLSocketFactory} once, and
     * keep it.
     *
     * @return connection
     * @throws IllegalArgumentException it is no {@link HttpsURLConnection}
     * @throws IllegalStateException the client is closed, or the connection was connected already
     */
    public static @NotNull HttpsURLConnection pin(@NotNull URLConnection connection, @NotNull PintleClient client) {
        if (!(connection instanceof HttpsURLConnection))
            throw new IllegalArgumentException("expected an https connection, found "
                    + connection.getURL().getProtocol());

        HttpsURLConnection https = (HttpsURLConnection) connection;

        https.setDoInput(https.getDoInput()); // throws if it is connected, which the next line would not
        https.setSSLSocketFactory(client.sharedContext().getSocketFactory());
        return https;
    }
}
