// SPDX-License-Identifier: Apache-2.0
package io.pintle;

import java.security.cert.CertificateException;
import org.jetbrains.annotations.NotNull;

/**
 * A connection was refused, and {@link #verdict()} says why.  TLS libraries hand it on as the cause of their
 * {@code SSLHandshakeException}; {@link PintleVerdict#of} finds it there.  Where ordinary validation failed, the
 * platform's own exception is thrown, with this one among its suppressed exceptions.
 */
public final class PintlePinException extends CertificateException {
    private static final long serialVersionUID = 1;

    private final transient PintleVerdict verdict;

    PintlePinException(PintleVerdict verdict) {
        super(verdict.toString());
        this.verdict = verdict;
    }

    public @NotNull PintleVerdict verdict() {
        return verdict;
    }
}
