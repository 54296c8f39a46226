// SPDX-License-Identifier: Apache-2.0
package io.pintle;

import java.net.Socket;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.List;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSession;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;
import javax.net.ssl.X509TrustManager;
import org.jetbrains.annotations.NotNull;
import org.jetbrains.annotations.Nullable;

/**
 * Ordinary validation by the platform's trust manager, with the host name, and after that the pins.
 *
 * <p>It promises: the platform's trust manager is asked first, and its refusal stands; the name of the host is verified
 * in the handshake even where the HTTP library would do it later; only the path that the platform verified, with its
 * anchor, is matched, never what the peer merely sent; a trust manager that accepts what the platform does not verify
 * ({@code "trust all"}) is found out, and the connection refused; without a host there is no handshake.
 *
 * <p>It does not promise anything about resumed sessions and connections used again, for which Java calls no trust
 * manager: {@link PintleSSLContext} and the classes for OkHttp, HttpsURLConnection and HttpClient see to those.  So
 * prefer them to an {@code SSLContext} of your own with this inside.
 *
 * <p>Any thread.  Outlives its client.  Server ends ({@code checkClientTrusted}) are the platform's alone.
 */
public final class PintleTrustManager extends X509ExtendedTrustManager {
    private final X509ExtendedTrustManager platform;
    private final VerifiedPath verifiedPath;
    private final Guard guard;

    PintleTrustManager(Guard guard, X509TrustManager platform) {
        if (platform != null && !(platform instanceof X509ExtendedTrustManager))
            throw new IllegalArgumentException("expected an X509ExtendedTrustManager, which verifies host names, found "
                    + platform.getClass().getName());
        this.guard = guard;
        this.platform = platform != null ? (X509ExtendedTrustManager) platform : platformDefault();
        this.verifiedPath = Platform.verifiedPath(this.platform);
    }

    /** Wraps the platform's trust manager over its default trust store. */
    public static @NotNull PintleTrustManager of(@NotNull PintleClient client) {
        return of(client, null);
    }

    /**
     * Wraps platform, or the platform's default if that is null.
     *
     * @throws IllegalArgumentException it is no {@link X509ExtendedTrustManager}, or, on Android, has no verified chain
     *         to show
     */
    public static @NotNull PintleTrustManager of(@NotNull PintleClient client, @Nullable X509TrustManager platform) {
        return new PintleTrustManager(new Guard(client), platform);
    }

    /** Refuses: nobody can say which host this is about. */
    @Override
    public void checkServerTrusted(@NotNull X509Certificate[] chain, @NotNull String authType)
            throws CertificateException {
        throw new PintlePinException(Checker.reject(PintleReason.HOST_MISSING, ""));
    }

    /** @throws CertificateException the platform's refusal, or a {@link PintlePinException} */
    @Override
    public void checkServerTrusted(@NotNull X509Certificate[] chain, @NotNull String authType, @Nullable Socket socket)
            throws CertificateException {
        SSLSocket tls = socket instanceof SSLSocket ? (SSLSocket) socket : null;
        SSLSession session = tls != null ? tls.getHandshakeSession() : null;

        if (session == null)
            checkServerTrusted(chain, authType);
        else
            verify(chain, authType, tls, session, tls.getSSLParameters(),
                    (manager, asked) -> manager.checkServerTrusted(asked, Platform.authType(authType),
                            new Named.Socket(tls)));
    }

    /** @throws CertificateException the platform's refusal, or a {@link PintlePinException} */
    @Override
    public void checkServerTrusted(@NotNull X509Certificate[] chain, @NotNull String authType,
            @Nullable SSLEngine engine)
            throws CertificateException {
        SSLSession session = engine != null ? engine.getHandshakeSession() : null;

        if (session == null)
            checkServerTrusted(chain, authType);
        else
            verify(chain, authType, engine, session, engine.getSSLParameters(),
                    (manager, asked) -> manager.checkServerTrusted(asked, Platform.authType(authType),
                            new Named.Engine(engine)));
    }

    private void verify(X509Certificate[] chain, String authType, Object connection, SSLSession session,
            SSLParameters parameters, VerifiedPath.Handshake handshake) throws CertificateException {
        String host = Peer.host(session, parameters);

        try {
            handshake.ask(platform, chain);
        } catch (CertificateException refused) {
            refused.addSuppressed(new PintlePinException(Checker.reject(PintleReason.VALIDATION_FAILED, host)));
            throw refused;
        }

        byte[] recent = guard.recent(host, chain);
        byte[] evidence =
                recent != null ? recent : guard.checker().evidence(encode(path(chain, authType, host, handshake)));
        PintleVerdict verdict = guard.checker().check(host, evidence);

        if (verdict.status() != PintleStatus.OK)
            throw new PintlePinException(verdict);
        guard.keep(connection, host, chain, evidence);
    }

    private List<X509Certificate> path(X509Certificate[] chain, String authType, String host,
            VerifiedPath.Handshake handshake) throws CertificateException {
        try {
            return verifiedPath.find(chain, authType, host, handshake);
        } catch (CertificateException unverified) {
            PintlePinException off = new PintlePinException(Checker.reject(PintleReason.VALIDATION_OFF, host));

            off.initCause(unverified);
            throw off;
        }
    }

    private static byte[][] encode(List<X509Certificate> path) throws CertificateException {
        byte[][] encoded = new byte[path.size()][];

        for (int i = 0; i < encoded.length; i++)
            encoded[i] = path.get(i).getEncoded();
        return encoded;
    }

    @Override
    public void checkClientTrusted(@NotNull X509Certificate[] chain, @NotNull String authType)
            throws CertificateException {
        platform.checkClientTrusted(chain, authType);
    }

    @Override
    public void checkClientTrusted(@NotNull X509Certificate[] chain, @NotNull String authType, @Nullable Socket socket)
            throws CertificateException {
        platform.checkClientTrusted(chain, authType, socket);
    }

    @Override
    public void checkClientTrusted(@NotNull X509Certificate[] chain, @NotNull String authType,
            @Nullable SSLEngine engine)
            throws CertificateException {
        platform.checkClientTrusted(chain, authType, engine);
    }

    @Override
    public @NotNull X509Certificate[] getAcceptedIssuers() {
        return platform.getAcceptedIssuers();
    }

    private static X509ExtendedTrustManager platformDefault() {
        try {
            return over(null);
        } catch (GeneralSecurityException impossible) {
            throw new IllegalStateException("the platform has no trust manager", impossible);
        }
    }

    /** The platform's own trust manager over store; null: over its default. */
    static X509ExtendedTrustManager over(KeyStore store) throws GeneralSecurityException {
        TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());

        factory.init(store);
        for (TrustManager manager : factory.getTrustManagers()) {
            if (manager instanceof X509ExtendedTrustManager)
                return (X509ExtendedTrustManager) manager;
        }
        throw new GeneralSecurityException("the platform has no X509ExtendedTrustManager");
    }
}
