// SPDX-License-Identifier: Apache-2.0
package io.pintle;

import android.net.http.X509TrustManagerExtensions;
import javax.net.ssl.X509ExtendedTrustManager;

/** Android, whose trust managers show the chain that they verified, anchor included. */
final class Platform {
    private Platform() {}

    /** One platform, one vocabulary. */
    static String authType(String given) {
        return given;
    }

    static VerifiedPath verifiedPath(X509ExtendedTrustManager manager) {
        X509TrustManagerExtensions extensions = new X509TrustManagerExtensions(manager);

        return (sent, authType, host, handshake) -> extensions.checkServerTrusted(sent, authType, host);
    }
}
