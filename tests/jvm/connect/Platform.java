// SPDX-License-Identifier: Apache-2.0
package connect;

import java.io.InputStream;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;

/** The platform's trust manager over a file, which says whether it was asked; or one that an application made to accept all. */
final class Platform extends X509ExtendedTrustManager {
    private final X509ExtendedTrustManager real;
    private final boolean off;
    private volatile boolean asked;

    private Platform(X509ExtendedTrustManager real, boolean off) {
        this.real = real;
        this.off = off;
    }

    static Platform of(String ca, boolean off) throws Exception {
        KeyStore store = KeyStore.getInstance("PKCS12");
        TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX", "SunJSSE");
        int count = 0;

        store.load(null, null);
        try (InputStream in = Files.newInputStream(Path.of(ca))) {
            for (Certificate certificate : CertificateFactory.getInstance("X.509").generateCertificates(in))
                store.setCertificateEntry("ca-" + count++, certificate);
        }
        factory.init(store);
        return new Platform((X509ExtendedTrustManager) factory.getTrustManagers()[0], off);
    }

    void forget() {
        asked = false;
    }

    /** There is no full handshake without it. */
    boolean wasAsked() {
        return asked;
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket) throws CertificateException {
        asked = true;
        if (!off)
            real.checkServerTrusted(chain, type, socket);
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine) throws CertificateException {
        asked = true;
        if (!off)
            real.checkServerTrusted(chain, type, engine);
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type) throws CertificateException {
        asked = true;
        if (!off)
            real.checkServerTrusted(chain, type);
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type) throws CertificateException {
        real.checkClientTrusted(chain, type);
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket) throws CertificateException {
        real.checkClientTrusted(chain, type, socket);
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine) throws CertificateException {
        real.checkClientTrusted(chain, type, engine);
    }

    @Override
    public X509Certificate[] getAcceptedIssuers() {
        return off ? new X509Certificate[0] : real.getAcceptedIssuers();
    }
}
