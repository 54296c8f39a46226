// SPDX-License-Identifier: Apache-2.0
package io.pintle;

import java.security.KeyManagementException;
import java.security.Provider;
import java.security.SecureRandom;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLContextSpi;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLServerSocketFactory;
import javax.net.ssl.SSLSessionContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;
import org.jetbrains.annotations.NotNull;
import org.jetbrains.annotations.Nullable;

/**
 * An {@link SSLContext} whose client sockets and engines are pinned, for every library that takes one.
 *
 * <p>It promises what {@link PintleTrustManager} promises, and besides: a resumed session passes today's pins before a
 * byte of the application is sent; so does each write on a connection that is kept open, which is closed when it fails;
 * sessions from before a change of pins are not offered again.  A refused write throws an
 * {@link javax.net.ssl.SSLPeerUnverifiedException} in which {@link PintleVerdict#of} finds the verdict; a refused
 * handshake a {@link javax.net.ssl.SSLHandshakeException}.
 *
 * <p>The application says which host a connection is for when it makes the socket or engine; without that, or with
 * another name in SNI, the handshake is refused.  Server ends are left alone.  Any thread.  Outlives its client.
 */
public final class PintleSSLContext extends SSLContext {
    private PintleSSLContext(Contexts contexts, Provider provider) {
        super(new Spi(contexts), provider, "TLS");
    }

    /** Over the platform's default provider and trust store. */
    public static @NotNull PintleSSLContext of(@NotNull PintleClient client) {
        return of(client, null, null, null);
    }

    /**
     * @param platform the trust manager to wrap; null: the platform's default
     * @param keys for client certificates; null: none
     * @param provider of TLS, such as Conscrypt's; null: the platform's default
     * @throws IllegalArgumentException as {@link PintleTrustManager#of(PintleClient, X509TrustManager)}
     * @throws IllegalStateException the provider has no TLS
     */
    public static @NotNull PintleSSLContext of(@NotNull PintleClient client, @Nullable X509TrustManager platform,
            @Nullable KeyManager[] keys, @Nullable Provider provider) {
        Contexts contexts = contexts(client, platform, keys, provider);

        return new PintleSSLContext(contexts, contexts.current().getProvider());
    }

    /**
     * The verdict on the connection of a socket that this made: the refusal, or what today's pins say of it; reason
     * {@link PintleReason#UNDECIDED} before a handshake has ended.
     *
     * @throws IllegalArgumentException it is no such socket
     */
    public static @NotNull PintleVerdict verdict(@NotNull SSLSocket socket) {
        if (!(socket instanceof GuardedSocket))
            throw new IllegalArgumentException("expected a socket of a PintleSSLContext, found "
                    + socket.getClass().getName());
        return ((GuardedSocket) socket).verdict();
    }

    /** As {@link #verdict(SSLSocket)}, of an engine. */
    public static @NotNull PintleVerdict verdict(@NotNull SSLEngine engine) {
        if (!(engine instanceof GuardedEngine))
            throw new IllegalArgumentException("expected an engine of a PintleSSLContext, found "
                    + engine.getClass().getName());
        return ((GuardedEngine) engine).verdict();
    }

    static Contexts contexts(PintleClient client, X509TrustManager platform, KeyManager[] keys, Provider provider) {
        Guard guard = new Guard(client);

        return new Contexts(guard, new PintleTrustManager(guard, platform), keys, provider);
    }

    private static final class Spi extends SSLContextSpi {
        private final Contexts contexts;
        private final SSLSocketFactory sockets;

        Spi(Contexts contexts) {
            this.contexts = contexts;
            this.sockets = PintleSocketFactory.guarded(contexts);
        }

        @Override
        protected void engineInit(KeyManager[] keys, TrustManager[] trust, SecureRandom random)
                throws KeyManagementException {
            throw new KeyManagementException("a PintleSSLContext is ready as it is, with its trust manager");
        }

        @Override
        protected SSLSocketFactory engineGetSocketFactory() {
            return sockets;
        }

        @Override
        protected SSLServerSocketFactory engineGetServerSocketFactory() {
            return contexts.current().getServerSocketFactory();
        }

        @Override
        protected SSLEngine engineCreateSSLEngine() {
            return new GuardedEngine(contexts.current().createSSLEngine(), contexts);
        }

        @Override
        protected SSLEngine engineCreateSSLEngine(String host, int port) {
            return new GuardedEngine(contexts.current().createSSLEngine(Peer.relative(host), port), contexts);
        }

        @Override
        protected SSLSessionContext engineGetServerSessionContext() {
            return contexts.current().getServerSessionContext();
        }

        @Override
        protected SSLSessionContext engineGetClientSessionContext() {
            return contexts.current().getClientSessionContext();
        }

        @Override
        protected SSLParameters engineGetDefaultSSLParameters() {
            return contexts.current().getDefaultSSLParameters();
        }

        @Override
        protected SSLParameters engineGetSupportedSSLParameters() {
            return contexts.current().getSupportedSSLParameters();
        }
    }
}
