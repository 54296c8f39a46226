// SPDX-License-Identifier: Apache-2.0
package io.pintle;

import javax.net.ssl.HostnameVerifier;
import javax.net.ssl.SSLSession;

/**
 * What OkHttp calls after every handshake, also one that resumed a session, and before anything is sent, also for
 * WebSockets. That it is not OkHttp's own keeps OkHttp from using one connection for several hosts.
 */
final class OkHttpVerifier implements HostnameVerifier {
    private final HostnameVerifier names;
    private final Contexts contexts;

    OkHttpVerifier(HostnameVerifier names, Contexts contexts) {
        this.names = names;
        this.contexts = contexts;
    }

    @Override
    public boolean verify(String host, SSLSession session) {
        PintleVerdict refusal;

        if (!names.verify(host, session))
            return false;
        refusal = contexts.guard().judge(session);
        if (refusal != null) {
            session.invalidate();
            contexts.renew();
            this.<RuntimeException>fail(new StaleConnectionException(refusal));
        }
        return true;
    }

    /**
     * OkHttp calls from where exceptions of I/O are expected, but this interface does not declare any; "false" would
     * lose the verdict.
     */
    @SuppressWarnings("unchecked")
    private <T extends Throwable> void fail(Throwable refusal) throws T {
        throw (T) refusal;
    }
}
