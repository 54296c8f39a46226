// SPDX-License-Identifier: Apache-2.0
package android.net.http;

import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.List;
import javax.net.ssl.X509TrustManager;

/** Compiled against, never shipped: the signatures of Android's class (API level 17). */
public class X509TrustManagerExtensions {
    public X509TrustManagerExtensions(X509TrustManager manager) throws IllegalArgumentException {
        throw new UnsupportedOperationException();
    }

    public List<X509Certificate> checkServerTrusted(X509Certificate[] chain, String authType, String host)
            throws CertificateException {
        throw new UnsupportedOperationException();
    }
}
