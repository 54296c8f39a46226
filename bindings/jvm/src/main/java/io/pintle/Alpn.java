// SPDX-License-Identifier: Apache-2.0
package io.pintle;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLSocket;

/**
 * The protocol that was agreed on (RFC 7301), by public methods that Java has since 9 (and 8u251), Android since API
 * level 29.
 */
final class Alpn {
    private static final Method SOCKET = find(SSLSocket.class, "getApplicationProtocol");
    private static final Method SOCKET_HANDSHAKE = find(SSLSocket.class, "getHandshakeApplicationProtocol");
    private static final Method ENGINE = find(SSLEngine.class, "getApplicationProtocol");
    private static final Method ENGINE_HANDSHAKE = find(SSLEngine.class, "getHandshakeApplicationProtocol");

    private Alpn() {}

    private static Method find(Class<?> type, String name) {
        try {
            return type.getMethod(name);
        } catch (NoSuchMethodException older) {
            return null;
        }
    }

    private static String call(Method method, Object on) {
        if (method == null)
            throw new UnsupportedOperationException("this Java knows no ALPN");
        try {
            return (String) method.invoke(on);
        } catch (InvocationTargetException | IllegalAccessException failed) {
            throw new UnsupportedOperationException(failed);
        }
    }

    static String of(SSLSocket socket) {
        return call(SOCKET, socket);
    }

    static String ofHandshake(SSLSocket socket) {
        return call(SOCKET_HANDSHAKE, socket);
    }

    static String of(SSLEngine engine) {
        return call(ENGINE, engine);
    }

    static String ofHandshake(SSLEngine engine) {
        return call(ENGINE_HANDSHAKE, engine);
    }
}
