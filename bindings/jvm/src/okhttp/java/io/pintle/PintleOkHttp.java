// SPDX-License-Identifier: Apache-2.0
package io.pintle;

import java.security.Provider;
import javax.net.ssl.X509TrustManager;
import okhttp3.OkHttpClient;
import okhttp3.Response;
import org.jetbrains.annotations.NotNull;
import org.jetbrains.annotations.Nullable;

/**
 * Pins an {@link OkHttpClient}: OkHttp 3.13 and later, 4 and 5.
 *
 * <p>It promises, besides what {@link PintleTrustManager} promises: a resumed session passes today's pins before a byte
 * of a request is sent; so does each request on a connection of the pool, WebSockets included, and the connection is
 * closed when it fails, and the request made once more on a new one; connections are not shared between hosts (HTTP/2
 * coalescing), for each host has its own handshake and verdict; redirects to another host are pinned for that host;
 * after a refusal with {@link PintleStatus#RETRY} there is one {@link PintleClient#heal} and one further try, unless a
 * part of the call that may not be repeated was sent already; and requests over TLS to hosts that have a policy carry
 * the header {@code Pintle-Manifest}, after a redirect that of the new host.
 *
 * <p>It does not promise anything about {@code http} URLs, nor about a builder whose {@code sslSocketFactory} or
 * {@code hostnameVerifier} is replaced, or whose interceptors are taken out, afterwards.
 *
 * <p>What is refused fails with an {@link java.io.IOException} in which {@link PintleVerdict#of} finds the verdict.
 */
public final class PintleOkHttp {
    private PintleOkHttp() {}

    /**
     * Pins every client that builder makes, over the platform's defaults.  Call it last, once per builder; a client
     * derived from a pinned one by {@code newBuilder()} is pinned already.
     *
     * @return builder
     */
    public static @NotNull OkHttpClient.Builder pin(@NotNull OkHttpClient.Builder builder,
            @NotNull PintleClient client) {
        return pin(builder, client, null, null);
    }

    /**
     * @param platform the trust manager to wrap; null: the platform's default
     * @param provider of TLS, such as Conscrypt's; null: the platform's default
     * @return builder
     * @throws IllegalArgumentException as {@link PintleTrustManager#of(PintleClient, X509TrustManager)}
     */
    public static @NotNull OkHttpClient.Builder pin(@NotNull OkHttpClient.Builder builder, @NotNull PintleClient client,
            @Nullable X509TrustManager platform, @Nullable Provider provider) {
        Guard guard = new Guard(client);
        PintleTrustManager manager = new PintleTrustManager(guard, platform);
        Contexts contexts = new Contexts(guard, manager, null, provider);

        return builder.sslSocketFactory(PintleSocketFactory.watched(contexts), manager)
                .hostnameVerifier(new OkHttpVerifier(builder.build().hostnameVerifier(), contexts))
                .addInterceptor(new OkHttpCalls(client, guard))
                .addNetworkInterceptor(new OkHttpRequests(client, contexts));
    }

    /**
     * The verdict on the connection over which response came: what today's pins say of it; reason
     * {@link PintleReason#UNDECIDED} if it came over none of a pinned client's.
     */
    public static @NotNull PintleVerdict verdict(@NotNull Response response) {
        OkHttpState state = response.request().tag(OkHttpState.class);

        return state != null ? state.verdict() : Checker.reject(PintleReason.UNDECIDED,
                response.request().url().host());
    }
}
