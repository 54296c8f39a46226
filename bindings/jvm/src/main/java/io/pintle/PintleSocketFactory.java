// SPDX-License-Identifier: Apache-2.0
package io.pintle;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;

/** Sockets of the context of the moment. */
abstract class PintleSocketFactory extends SSLSocketFactory {
    final Contexts contexts;

    PintleSocketFactory(Contexts contexts) {
        this.contexts = contexts;
    }

    /** Each asks before it sends. */
    static PintleSocketFactory guarded(Contexts contexts) {
        return new PintleSocketFactory(contexts) {
            @Override
            Socket made(Socket socket) {
                return new GuardedSocket((SSLSocket) socket, contexts);
            }
        };
    }

    /** The platform's own, for libraries that need to see those; they are watched for {@link Guard#sweep()}. */
    static PintleSocketFactory watched(Contexts contexts) {
        return new PintleSocketFactory(contexts) {
            @Override
            Socket made(Socket socket) {
                contexts.guard().watch((SSLSocket) socket);
                return socket;
            }
        };
    }

    abstract Socket made(Socket socket);

    private SSLSocketFactory current() {
        return contexts.current().getSocketFactory();
    }

    @Override
    public String[] getDefaultCipherSuites() {
        return current().getDefaultCipherSuites();
    }

    @Override
    public String[] getSupportedCipherSuites() {
        return current().getSupportedCipherSuites();
    }

    @Override
    public Socket createSocket() throws IOException {
        return made(current().createSocket());
    }

    @Override
    public Socket createSocket(Socket socket, String host, int port, boolean autoClose) throws IOException {
        return made(current().createSocket(socket, Peer.relative(host), port, autoClose));
    }

    @Override
    public Socket createSocket(String host, int port) throws IOException {
        return made(current().createSocket(host, port));
    }

    @Override
    public Socket createSocket(String host, int port, InetAddress localAddress, int localPort) throws IOException {
        return made(current().createSocket(host, port, localAddress, localPort));
    }

    @Override
    public Socket createSocket(InetAddress address, int port) throws IOException {
        return made(current().createSocket(address, port));
    }

    @Override
    public Socket createSocket(InetAddress address, int port, InetAddress localAddress, int localPort)
            throws IOException {
        return made(current().createSocket(address, port, localAddress, localPort));
    }
}
