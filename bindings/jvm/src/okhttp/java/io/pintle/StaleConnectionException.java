// SPDX-License-Identifier: Apache-2.0
package io.pintle;

import javax.net.ssl.SSLPeerUnverifiedException;

/**
 * Today's pins refuse a connection that had been in use, or resumed a session: a new handshake may well be accepted.
 */
final class StaleConnectionException extends SSLPeerUnverifiedException {
    private static final long serialVersionUID = 1;

    StaleConnectionException(PintleVerdict verdict) {
        super(verdict.toString());
        initCause(new PintlePinException(verdict));
    }
}
