// SPDX-License-Identifier: Apache-2.0
package drive;

import java.net.Socket;
import java.security.Provider;
import java.security.cert.X509Certificate;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedTrustManager;

/** TLS providers, and a trust manager as it should not be. */
final class Trust {
    private Trust() {}

    /** What an order names; null: the platform's. */
    static Provider provider(Words words) throws ReflectiveOperationException {
        // By name, because not every run has it on its class path.
        return words.get("provider", "").equals("conscrypt")
                ? (Provider) Class.forName("org.conscrypt.Conscrypt").getMethod("newProvider").invoke(null)
                : null;
    }

    /** What is found in too many answers on the Web. */
    static final class Everything extends X509ExtendedTrustManager {
        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type) {}

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket) {}

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

        @Override
        public X509Certificate[] getAcceptedIssuers() {
            return new X509Certificate[0];
        }
    }
}
