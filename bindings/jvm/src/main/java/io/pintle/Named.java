// SPDX-License-Identifier: Apache-2.0
package io.pintle;

import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;

/**
 * What a trust manager is shown: the connection, but one that asks for the name of the host to be verified (RFC 9110,
 * section 4.3.4), whatever the application set or left out.
 */
final class Named {
    private static final String ALGORITHM = "HTTPS";

    private Named() {}

    private static SSLParameters named(SSLParameters parameters) {
        parameters.setEndpointIdentificationAlgorithm(ALGORITHM);
        return parameters;
    }

    static final class Socket extends DelegatingSocket {
        Socket(SSLSocket socket) {
            super(socket);
        }

        @Override
        public SSLParameters getSSLParameters() {
            return named(super.getSSLParameters());
        }

        /**
         * It is in a handshake.  The JDK verifies no name for a socket that says otherwise, such as one over a tunnel.
         */
        @Override
        public boolean isConnected() {
            return true;
        }
    }

    static final class Engine extends DelegatingEngine {
        Engine(SSLEngine engine) {
            super(engine);
        }

        @Override
        public SSLParameters getSSLParameters() {
            return named(super.getSSLParameters());
        }
    }
}
