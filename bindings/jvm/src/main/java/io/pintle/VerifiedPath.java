// SPDX-License-Identifier: Apache-2.0
package io.pintle;

import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.List;
import javax.net.ssl.X509ExtendedTrustManager;

/**
 * Where the platform's verified path comes from, leaf first, with its anchor: JSSE itself only shows what the peer
 * sent.
 */
interface VerifiedPath {
    /** One handshake, as a trust manager is asked about it, with the name of the host to be verified. */
    interface Handshake {
        void ask(X509ExtendedTrustManager manager, X509Certificate[] chain) throws CertificateException;
    }

    /** @throws CertificateException the platform does not verify what the application's trust manager accepted */
    List<X509Certificate> find(X509Certificate[] sent, String authType, String host, Handshake handshake)
            throws CertificateException;
}
