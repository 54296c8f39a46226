// SPDX-License-Identifier: Apache-2.0
package io.pintle;

import java.security.GeneralSecurityException;
import java.security.Provider;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;

/**
 * The platform's SSLContext of the moment.  Sessions live in a context, and which one will be offered cannot be seen
 * before it is: so whenever pins may have changed, or a session was found unfit, there is a new context, without
 * sessions.
 */
final class Contexts {
    private final Guard guard;
    private final TrustManager[] trust;
    private final KeyManager[] keys;
    private final Provider provider;
    private SSLContext context;
    private long made;

    Contexts(Guard guard, PintleTrustManager trust, KeyManager[] keys, Provider provider) {
        this.guard = guard;
        this.trust = new TrustManager[] {trust};
        this.keys = keys;
        this.provider = provider;
        renew();
    }

    private static SSLContext make(Provider provider) throws GeneralSecurityException {
        return provider != null ? SSLContext.getInstance("TLS", provider) : SSLContext.getInstance("TLS");
    }

    /** Sessions so far are never offered again. */
    synchronized void renew() {
        try {
            long now = guard.generation().now();
            SSLContext fresh = make(provider);

            fresh.init(keys, trust, null);
            context = fresh;
            made = now;
        } catch (GeneralSecurityException impossible) {
            // It is what worked when this object was made.
            throw new IllegalStateException("no SSLContext is to be had any more", impossible);
        }
    }

    synchronized SSLContext current() {
        if (made != guard.generation().now())
            renew();
        return context;
    }

    Guard guard() {
        return guard;
    }
}
