// SPDX-License-Identifier: Apache-2.0
package io.pintle;

import java.io.IOException;
import java.net.Socket;
import javax.net.ssl.SSLSession;
import javax.net.ssl.SSLSocket;
import okhttp3.Connection;
import okhttp3.Interceptor;
import okhttp3.Request;
import okhttp3.Response;

/** Around each request of a call, when it has its connection and before it is sent: today's pins, then the header. */
final class OkHttpRequests implements Interceptor {
    private final PintleClient client;
    private final Contexts contexts;

    OkHttpRequests(PintleClient client, Contexts contexts) {
        this.client = client;
        this.contexts = contexts;
    }

    @Override
    public Response intercept(Chain chain) throws IOException {
        Request request = chain.request();
        OkHttpState state = request.tag(OkHttpState.class);

        if (request.isHttps()) {
            judge(chain.connection(), request.url().host(), state);
            request = withHeader(request);
        }
        if (state != null && !request.method().equals("GET") && !request.method().equals("HEAD"))
            state.sent = true;
        return chain.proceed(request);
    }

    private void judge(Connection connection, String host, OkHttpState state) throws IOException {
        Socket socket = connection != null ? connection.socket() : null;
        SSLSession session = socket instanceof SSLSocket ? ((SSLSocket) socket).getSession() : null;
        Guard.Kept known;
        PintleVerdict refusal;

        if (session == null)
            throw Refusals.asIo(Checker.reject(PintleReason.VALIDATION_OFF, host));
        known = contexts.guard().find(session);
        refusal = contexts.guard().judge(known, host);
        if (refusal == null) {
            if (state != null)
                state.accepted(contexts.guard(), known, host);
            return;
        }
        session.invalidate();
        contexts.renew();
        socket.close();
        throw new StaleConnectionException(refusal);
    }

    private Request withHeader(Request request) {
        String value = client.headerIfListed(request.url().host());

        return value.isEmpty() ? request : request.newBuilder().header(OkHttpCalls.HEADER, value).build();
    }
}
