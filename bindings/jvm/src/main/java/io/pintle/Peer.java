// SPDX-License-Identifier: Apache-2.0
package io.pintle;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import javax.net.ssl.ExtendedSSLSession;
import javax.net.ssl.SNIServerName;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSession;
import javax.net.ssl.StandardConstants;

/** Which host a handshake is for. */
final class Peer {
    private Peer() {}

    private static void addNames(List<String> names, List<SNIServerName> requested) {
        if (requested == null)
            return;
        for (SNIServerName name : requested) {
            if (name.getType() == StandardConstants.SNI_HOST_NAME)
                names.add(new String(name.getEncoded(), StandardCharsets.UTF_8));
        }
    }

    private static List<SNIServerName> requested(SSLSession session) {
        if (!(session instanceof ExtendedSSLSession))
            return null;
        try {
            return ((ExtendedSSLSession) session).getRequestedServerNames();
        } catch (UnsupportedOperationException older) {
            return null;
        }
    }

    /** Without the dot that marks a name as absolute: SNI and ordinary validation do not know it. */
    static String relative(String host) {
        return host != null && host.length() > 1 && host.endsWith(".") ? host.substring(0, host.length() - 1) : host;
    }

    /** The one name asked for in SNI; null if there is none, or several. */
    static String requestedName(SSLSession session) {
        List<String> names = new ArrayList<>();

        addNames(names, requested(session));
        return names.size() == 1 ? names.get(0) : null;
    }

    /**
     * The one host that the connection is for.  Ordinary validation is content with a certificate for the name in SNI
     * or for the name of the peer: if they differ, whose pins count?
     *
     * @throws PintlePinException there is no name, or there are several
     */
    static String host(SSLSession session, SSLParameters parameters) throws PintlePinException {
        List<String> names = new ArrayList<>();
        String host = session.getPeerHost();

        addNames(names, requested(session));
        addNames(names, parameters != null ? parameters.getServerNames() : null);
        if (host == null || host.isEmpty()) {
            if (names.isEmpty())
                throw new PintlePinException(Checker.reject(PintleReason.HOST_MISSING, ""));
            host = names.get(0);
        }
        for (String name : names) {
            if (!Checker.sameHost(host, name))
                throw new PintlePinException(Checker.reject(PintleReason.HOST_INVALID, host));
        }
        return host;
    }
}
